"""Opt-in keys: what a platform's machines show to read the list and to report."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from matching.models import ListReader
from partners.models.partner import Partner, PartnerState


class Environment(models.TextChoices):
    """Which list a key opens: production, or the partner's own sandbox."""

    LIVE = "live", _("production")
    TEST = "test", _("sandbox")


class Scope(models.TextChoices):
    """What a key may do."""

    LIST_READ = "list:read", _("read the list")
    FEEDBACK_WRITE = "feedback:write", _("report matches and give feedback")
    HOOK_MANAGE = "hook:manage", _("see and test webhooks")


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def live(self, now: datetime | None = None) -> Self:
        """Keys that open something now: neither revoked nor expired."""
        return self.filter(revoked_at=None, expires_at__gt=now or timezone.now())

    def with_list(self, environment: str) -> Self:
        """With partner, the reader that keys of this kind open, and its list, in one query: a request needs them."""
        reader = "reader" if environment == Environment.LIVE else "sandbox_reader"
        return self.filter(environment=environment).select_related(f"partner__{reader}__hash_list")


class ApiKey(models.Model):
    """One opt-in key. Only its id and the SHA-256 of its text are kept: nobody can read a key out of the database.

    `last_used_on` is a day, so that the table says nothing about when a platform looked.
    """

    partner = models.ForeignKey(Partner, on_delete=models.CASCADE, related_name="keys")
    key_id = models.CharField(_("key id"), max_length=12, unique=True)
    digest = models.BinaryField(max_length=32, editable=False)
    name = models.CharField(_("name"), max_length=60)
    environment = models.CharField(_("opens"), max_length=4, choices=Environment.choices)
    scopes = models.JSONField(_("may"), default=list)
    created_on = models.DateField(_("issued on"), auto_now_add=True)
    expires_at = models.DateTimeField(_("expires at"))
    revoked_at = models.DateTimeField(_("revoked at"), null=True, blank=True)
    last_used_on = models.DateField(_("last used on"), null=True, blank=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = _("opt-in key")
        verbose_name_plural = _("opt-in keys")
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.prefix

    @property
    def prefix(self) -> str:
        """The part that may be shown: enough to tell keys apart, useless by itself."""
        return f"tid_{self.environment}_{self.key_id}"

    @property
    def reader(self) -> ListReader | None:
        """How the list this key opens knows the partner; None where the partner has no such list yet."""
        return self.partner.reader if self.environment == Environment.LIVE else self.partner.sandbox_reader

    def is_live(self, now: datetime) -> bool:
        return self.revoked_at is None and self.expires_at > now

    def opens(self) -> bool:
        """Whether the partner's state lets this kind of key in."""
        allowed = {PartnerState.PRODUCTION}
        if self.environment == Environment.TEST:
            allowed.add(PartnerState.SANDBOX)
        return self.partner.state in allowed

    def allows(self, scope: str) -> bool:
        return scope in self.scopes
