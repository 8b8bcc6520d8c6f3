"""Invitations: the only way to an account on a partner's side."""

from __future__ import annotations

from datetime import timedelta
from typing import Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from partners.models.partner import Partner, Role

VALID_FOR = timedelta(days=7)


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def open(self) -> Self:
        """Neither taken up, nor withdrawn, nor too old."""
        return self.filter(accepted_at=None, withdrawn_at=None, invited_at__gt=timezone.now() - VALID_FOR)


class Invitation(models.Model):
    """Somebody may become a member. The link's token is in the e-mail alone; its SHA-256 is kept here."""

    partner = models.ForeignKey(Partner, on_delete=models.CASCADE, related_name="invitations")
    email = models.EmailField(_("e-mail address"))
    role = models.CharField(_("role"), max_length=12, choices=Role.choices)
    token_digest = models.BinaryField(max_length=32, editable=False, unique=True)
    invited_by = models.CharField(_("invited by"), max_length=254)
    invited_at = models.DateTimeField(_("invited at"), default=timezone.now)
    accepted_at = models.DateTimeField(_("accepted at"), null=True, blank=True)
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True, blank=True)

    objects = InvitationQuerySet.as_manager()

    class Meta:
        verbose_name = _("invitation")
        verbose_name_plural = _("invitations")
        ordering = ("-invited_at",)

    def __str__(self) -> str:
        return f"invitation #{self.pk}"
