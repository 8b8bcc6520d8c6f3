"""What the door remembers for a day: receipts of what was sent, and guesses at case numbers."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from matching.models.hold import random_id
from submissions.models.case import Case


class IntakeReceipt(models.Model):
    """That a report was taken, so that sending it again changes nothing. Forgotten after a day.

    Both digests cover 256 random bits of the sender's, so nobody who reads this table can try out fingerprints on it.
    """

    # Random and made before the INSERT, so whoever reads the row back knows whose it is.
    id = models.UUIDField(primary_key=True, default=random_id, editable=False)
    key_digest = models.BinaryField(max_length=32, unique=True, editable=False)
    body_digest = models.BinaryField(max_length=32, editable=False)
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="receipts")
    made_hour = models.DateTimeField(_("made in the hour of"))

    class Meta:
        verbose_name = _("receipt")
        verbose_name_plural = _("receipts")

    def __str__(self) -> str:
        return f"receipt {self.pk.hex[:8]}"


class GuessBudgetQuerySet(models.QuerySet["GuessBudget"]):
    def untouched_since(self, day: object) -> Self:
        """Budgets whose last guess is older than `day`."""
        return self.filter(last_on__lt=day)


class GuessBudget(models.Model):
    """Guesses at one case number within a day, whether or not there is such a case.

    Keyed by an HMAC of its own kind and without a foreign key: it cannot be joined to a case. `minutes` holds when
    the last ten evaluated guesses were, in minutes since 1970.
    """

    number_hash = models.BinaryField(max_length=32, unique=True, editable=False)
    minutes = models.JSONField(default=list, editable=False)
    last_on = models.DateField(_("last guess on"))

    objects = GuessBudgetQuerySet.as_manager()

    class Meta:
        verbose_name = _("guess budget")
        verbose_name_plural = _("guess budgets")

    def __str__(self) -> str:
        return f"guess budget #{self.pk}"
