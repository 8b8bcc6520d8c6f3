"""Addresses that are told when a list moves, and what became of each attempt to tell them."""

from __future__ import annotations

from datetime import datetime
from typing import Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from matching.models import ListReader
from matching.models.hold import random_id
from partners.models.partner import Partner


class Mode(models.TextChoices):
    """What is sent: that the list moved, or small changes themselves."""

    PING = "ping", _("only that the list moved")
    DELTA = "delta", _("the changes themselves, while they are few")


class WebhookEndpointQuerySet(models.QuerySet["WebhookEndpoint"]):
    def active(self) -> Self:
        """Confirmed by its challenge, neither paused nor disabled nor removed."""
        return self.filter(confirmed_at__isnull=False, paused_at=None, disabled_at=None, removed_at=None)

    def due(self, now: datetime | None = None) -> Self:
        """Behind the head they should hear of, their wait over, and in nobody's hands."""
        now = now or timezone.now()
        behind = models.Q(desired_epoch__gt=models.F("acked_epoch")) | models.Q(
            desired_epoch=models.F("acked_epoch"), desired_seq__gt=models.F("acked_seq")
        )
        free = models.Q(leased_until=None) | models.Q(leased_until__lte=now)
        return self.active().filter(behind, free, next_attempt_at__lte=now)


class WebhookEndpoint(models.Model):
    """One address of one partner, following one list. What it should hear and what it heard is one row, so that many
    changes are one delivery and a restart forgets nothing.

    The secret is derived from WEBHOOK_MASTER, `id` and `secret_version`; nothing in the database signs. While
    `old_secret_until` lies ahead, the version before signs too. A lease lets one worker in at a time: every result is
    written only while `lease` is still the token that was drawn.
    """

    id = models.UUIDField(primary_key=True, default=random_id, editable=False)
    partner = models.ForeignKey(Partner, on_delete=models.CASCADE, related_name="webhooks")
    reader = models.ForeignKey(ListReader, on_delete=models.PROTECT, related_name="webhooks")
    url = models.CharField(_("address"), max_length=500)
    mode = models.CharField(_("sends"), max_length=5, choices=Mode.choices, default=Mode.PING)
    secret_version = models.PositiveIntegerField(default=1, editable=False)
    old_secret_until = models.DateTimeField(_("old secret signs until"), null=True, blank=True)
    created_on = models.DateField(_("since"), auto_now_add=True)
    confirmed_at = models.DateTimeField(_("answered its challenge at"), null=True, blank=True)
    paused_at = models.DateTimeField(_("paused at"), null=True, blank=True)
    disabled_at = models.DateTimeField(_("disabled at"), null=True, blank=True)
    disabled_because = models.CharField(_("disabled because"), max_length=20, blank=True)
    removed_at = models.DateTimeField(_("removed at"), null=True, blank=True)

    desired_epoch = models.PositiveBigIntegerField(default=0)
    desired_seq = models.PositiveBigIntegerField(default=0)
    acked_epoch = models.PositiveBigIntegerField(default=0)
    acked_seq = models.PositiveBigIntegerField(default=0)
    next_attempt_at = models.DateTimeField(_("next attempt at"), default=timezone.now)
    failures = models.PositiveIntegerField(_("failures in a row"), default=0)
    failing_since = models.DateTimeField(_("failing since"), null=True, blank=True)
    lease = models.CharField(max_length=32, blank=True, editable=False)
    leased_until = models.DateTimeField(null=True, blank=True, editable=False)

    objects = WebhookEndpointQuerySet.as_manager()

    class Meta:
        verbose_name = _("webhook")
        verbose_name_plural = _("webhooks")
        ordering = ("created_on", "id")
        indexes = [
            models.Index(
                fields=["next_attempt_at"],
                name="webhooks_to_attempt",
                condition=models.Q(confirmed_at__isnull=False, paused_at=None, disabled_at=None, removed_at=None),
            )
        ]

    def __str__(self) -> str:
        return f"webhook {self.pk.hex[:8]}"


class Delivery(models.Model):
    """One attempt to tell one address something, and what came back. Kept 30 days; bodies are not kept."""

    class Kind(models.TextChoices):
        PING = "ping", _("list moved")
        DELTA = "delta", _("changes")
        TEST = "test", _("test")
        CHALLENGE = "challenge", _("challenge")

    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries")
    message_id = models.CharField(_("webhook-id"), max_length=40)
    kind = models.CharField(_("what"), max_length=10, choices=Kind.choices)
    epoch = models.PositiveBigIntegerField(default=0)
    seq = models.PositiveBigIntegerField(default=0)
    attempted_at = models.DateTimeField(_("attempted at"), default=timezone.now)
    took_ms = models.PositiveIntegerField(_("milliseconds"), default=0)
    status = models.PositiveSmallIntegerField(_("HTTP status"), null=True, blank=True)
    failure = models.CharField(_("what went wrong"), max_length=40, blank=True)

    class Meta:
        verbose_name = _("delivery")
        verbose_name_plural = _("deliveries")
        ordering = ("-id",)
        indexes = [models.Index(fields=["endpoint", "-id"], name="deliveries_of_an_endpoint")]

    def __str__(self) -> str:
        return f"delivery #{self.pk}"

    @property
    def succeeded(self) -> bool:
        return not self.failure
