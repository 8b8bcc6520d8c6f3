"""Four eyes: what one member of staff asks for and another one allows."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta
from typing import Any, Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

EXPIRES_AFTER = timedelta(hours=24)


def payload_hash(payload: dict[str, Any]) -> str:
    """64 hex of SHA-256 over the payload's canonical JSON: what was asked for is what is allowed."""
    return hashlib.sha256(json.dumps(payload, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


class ApprovalRequestQuerySet(models.QuerySet["ApprovalRequest"]):
    def open(self) -> Self:
        """Requests somebody may still decide."""
        return self.filter(decided_at=None, asked_at__gt=timezone.now() - EXPIRES_AFTER)


class ApprovalRequest(models.Model):
    """A dangerous deed waiting for a second person. The payload is frozen: its hash is checked again at approval."""

    kind = models.CharField(_("what"), max_length=80)
    payload = models.JSONField(_("payload"))
    payload_hash = models.CharField(max_length=64, editable=False)
    requester = models.CharField(_("asked by"), max_length=254)
    asked_at = models.DateTimeField(_("asked at"), default=timezone.now)
    decided_at = models.DateTimeField(_("decided at"), null=True, blank=True)
    decided_by = models.CharField(_("decided by"), max_length=254, blank=True)
    allowed = models.BooleanField(_("allowed"), null=True)

    objects = ApprovalRequestQuerySet.as_manager()

    class Meta:
        verbose_name = _("approval request")
        verbose_name_plural = _("approval requests")
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(requester=models.F("decided_by")), name="nobody_approves_their_own_request"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} #{self.pk}"

    @property
    def is_open(self) -> bool:
        return self.decided_at is None and self.asked_at > timezone.now() - EXPIRES_AFTER
