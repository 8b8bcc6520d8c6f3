"""A platform that would like to take part, and the terms it accepts."""

from __future__ import annotations

from datetime import timedelta
from typing import Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from matching.models.hold import random_id
from partners.models.partner import Partner

UNVERIFIED_KEPT_FOR = timedelta(days=7)


class Stage(models.TextChoices):
    """Where an application stands, as its applicant reads it."""

    EMAIL = "email", _("waiting for you to confirm your e-mail address")
    REVIEW = "review", _("being read by our staff")
    APPROVED = "approved", _("approved")
    REFUSED = "refused", _("refused")


class ApplicationQuerySet(models.QuerySet["Application"]):
    def waiting(self) -> Self:
        """With a confirmed address, and not decided."""
        return self.filter(email_verified_at__isnull=False, partner=None, refused_at=None)

    def abandoned(self) -> Self:
        """Nobody confirmed the address within a week."""
        return self.filter(email_verified_at=None, applied_at__lt=timezone.now() - UNVERIFIED_KEPT_FOR)


class Application(models.Model):
    """What a platform writes to join. It becomes a Partner when two members of staff approve it.

    The e-mail's link carries a token; only its SHA-256 is kept. `reason` is what a refused applicant is told.
    """

    id = models.UUIDField(primary_key=True, default=random_id, editable=False)
    organisation = models.CharField(_("organisation"), max_length=80)
    service = models.CharField(_("service"), max_length=80)
    website = models.URLField(_("website"), max_length=200)
    contact_email = models.EmailField(_("your e-mail address"))
    security_email = models.EmailField(_("e-mail address for security matters"))
    on_a_match = models.TextField(_("what you will do with a match"), max_length=2000)
    token_digest = models.BinaryField(max_length=32, editable=False)
    applied_at = models.DateTimeField(_("applied at"), default=timezone.now)
    email_verified_at = models.DateTimeField(_("address confirmed at"), null=True, blank=True)
    terms_version = models.CharField(_("terms accepted"), max_length=10)
    refused_at = models.DateTimeField(_("refused at"), null=True, blank=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    partner = models.OneToOneField(
        Partner, on_delete=models.PROTECT, null=True, blank=True, related_name="application", verbose_name=_("partner")
    )

    objects = ApplicationQuerySet.as_manager()

    class Meta:
        verbose_name = _("application")
        verbose_name_plural = _("applications")
        ordering = ("-applied_at",)

    def __str__(self) -> str:
        return f"application {self.pk.hex[:8]}"

    @property
    def stage(self) -> Stage:
        if self.partner_id:
            return Stage.APPROVED
        if self.refused_at:
            return Stage.REFUSED
        return Stage.REVIEW if self.email_verified_at else Stage.EMAIL


class TermsAcceptance(models.Model):
    """A partner accepted one version of the terms; `by` is the account's address, as text."""

    partner = models.ForeignKey(Partner, on_delete=models.CASCADE, related_name="terms")
    version = models.CharField(_("version"), max_length=10)
    by = models.CharField(_("accepted by"), max_length=254)
    accepted_at = models.DateTimeField(_("accepted at"), default=timezone.now)

    class Meta:
        verbose_name = _("acceptance of terms")
        verbose_name_plural = _("acceptances of terms")
        constraints = [models.UniqueConstraint(fields=["partner", "version"], name="terms_are_accepted_once")]

    def __str__(self) -> str:
        return f"terms {self.version}"
