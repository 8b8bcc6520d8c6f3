"""What staff and partners' members did. Append-only."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class AuditEvent(models.Model):
    """One deed: who, what, on what. Written in the transaction it records; the sequencer numbers and chains it later.

    Actor and target are text without a foreign key, so that deleting a case or an account never rewrites history. It
    holds ids and facts, never a fingerprint, a case number or a reporter's words.
    """

    at = models.DateTimeField(_("at"), default=timezone.now)
    actor = models.CharField(_("who"), max_length=254)
    action = models.CharField(_("did what"), max_length=80)
    target = models.CharField(_("to what"), max_length=120, blank=True)
    detail = models.JSONField(_("detail"), default=dict, blank=True)
    # Whose house it happened in, `partner:<code>` or empty: what a partner's own members may read.
    within = models.CharField(_("within"), max_length=60, blank=True, db_index=True)
    # Set by the sequencer once and never again (LIST.md §3: the `audit` line of a head).
    seq = models.PositiveBigIntegerField(null=True, unique=True, editable=False)
    chain = models.BinaryField(max_length=32, null=True, editable=False)

    class Meta:
        verbose_name = _("audit event")
        verbose_name_plural = _("audit events")
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.action} {self.target}".strip()


def record(*, actor: str, action: str, target: str = "", within: str = "", **detail: Any) -> AuditEvent:
    """Insert one event into the transaction at hand; it is rolled back with what it records.

    `within` (`partner:<code>`) shows it to that partner's members as well; never put staff's reasons there.
    """
    return AuditEvent.objects.create(actor=actor, action=action, target=target, within=within, detail=detail)
