"""Lists and their keys: production, and one sandbox for each partner."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

PRODUCTION = "production"


class HashList(models.Model):
    """One numbered, signed list with its own epoch and numbers (LIST.md §6). The sequencer alone writes this row.

    `name` stands in line 2 of every head. `seq`, `chain`, `set_sum`, `live` describe the newest head; `set_sum` is the
    LtHash state of LIST.md §3, 2,048 bytes.
    """

    name = models.CharField(_("name"), max_length=64, unique=True)
    epoch = models.PositiveBigIntegerField(_("epoch"), default=0)
    begun_at_seq = models.PositiveBigIntegerField(_("epoch began at"), default=0)
    seq = models.PositiveBigIntegerField(_("newest change"), default=0)
    chain = models.BinaryField(max_length=32, editable=False)
    set_sum = models.BinaryField(max_length=2048, editable=False)
    live = models.PositiveBigIntegerField(_("rows"), default=0)
    floor = models.PositiveBigIntegerField(_("floor"), default=0)
    additions_frozen_at = models.DateTimeField(_("additions frozen at"), null=True, blank=True)

    class Meta:
        verbose_name = _("hash list")
        verbose_name_plural = _("hash lists")

    def __str__(self) -> str:
        return self.name


class AdditionsInHour(models.Model):
    """How many new entries a list had in one hour, held ones too: what a flood is measured against. The sequencer
    counts. `accepted_at`: staff looked at this hour and found it in order.
    """

    hash_list = models.ForeignKey(HashList, on_delete=models.CASCADE, related_name="additions_by_hour")
    hour = models.DateTimeField(_("hour"))
    additions = models.PositiveIntegerField(_("additions"), default=0)
    accepted_at = models.DateTimeField(_("accepted by staff at"), null=True, blank=True)

    class Meta:
        verbose_name = _("additions in an hour")
        verbose_name_plural = _("additions by hour")
        constraints = [models.UniqueConstraint(fields=["hash_list", "hour"], name="one_count_per_list_and_hour")]

    def __str__(self) -> str:
        return f"additions #{self.pk}"


class SigningKey(models.Model):
    """A public verifier key of this portal and when it signs. The private half is a file the sequencer alone reads."""

    verifier = models.CharField(_("verifier key"), max_length=200, unique=True)
    valid_from = models.DateTimeField(_("from"))
    valid_until = models.DateTimeField(_("until"))

    class Meta:
        verbose_name = _("signing key")
        verbose_name_plural = _("signing keys")
        ordering = ("valid_from",)

    def __str__(self) -> str:
        return self.verifier.rpartition("+")[0]


class KeysNote(models.Model):
    """The signed `tid-keys/1` note of LIST.md §4. One row, rewritten by the sequencer when a key comes or goes."""

    text = models.TextField()
    signed_at = models.DateTimeField()

    class Meta:
        verbose_name = _("keys note")
        verbose_name_plural = _("keys notes")

    def __str__(self) -> str:
        return f"keys note #{self.pk}"
