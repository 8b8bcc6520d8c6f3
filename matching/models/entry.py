"""Entries of a list, what is decided about them, and what became of them."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from matching.models.hash_list import HashList
from matching.models.hold import random_id
from matching.models.reader import ListReader


class Trust(models.IntegerChoices):
    """How much is known about an entry; the number is the byte of LIST.md §3."""

    UNVERIFIED = 1, _("unverified")
    CONFIRMED = 2, _("confirmed")


class State(models.TextChoices):
    """Where an entry is in its life (LIST.md §7). Waiting ones have no row yet: they are holds."""

    HELD = "held", _("held")
    LISTED = "listed", _("listed")
    QUARANTINED = "quarantined", _("quarantined")
    REFUSED = "refused", _("refused")
    GONE = "gone", _("gone")


class HashListEntryQuerySet(models.QuerySet["HashListEntry"]):
    def listed(self) -> Self:
        """The live rows of a list."""
        return self.filter(state=State.LISTED)


class HashListEntry(models.Model):
    """One (type, media, value) of a list, with a random id (LIST.md §2). Nothing here says who reported it.

    `value` is canonical text (frames joined by LF for vpdq). `value` and `nonce` are erased in the transaction that
    publishes the withdrawal; `commitment` stays, so the log remains provable. `value_digest` (SHA-256 of the value) is
    there because 600 frames do not fit an index; it is erased with the value.
    """

    id = models.UUIDField(primary_key=True, default=random_id, editable=False)
    hash_list = models.ForeignKey(HashList, on_delete=models.PROTECT, related_name="entries")
    type = models.CharField(_("signal type"), max_length=16)
    media = models.CharField(_("media"), max_length=8)
    value = models.TextField(_("value"), null=True, editable=False)  # noqa: DJ001  erased, not empty
    value_digest = models.BinaryField(max_length=32, null=True, editable=False)
    nonce = models.BinaryField(max_length=16, null=True, editable=False)
    commitment = models.BinaryField(max_length=32, editable=False)
    state = models.CharField(_("state"), max_length=12, choices=State.choices)
    trust = models.PositiveSmallIntegerField(_("trust"), choices=Trust.choices, default=Trust.UNVERIFIED)
    # Shown to this reader alone, withheld from all others (LIST.md §6).
    canary_for = models.ForeignKey(ListReader, on_delete=models.PROTECT, null=True, blank=True, related_name="canaries")
    # Staff put it back after a quarantine: what platforms said up to then is settled.
    restored_at = models.DateTimeField(_("restored at"), null=True, blank=True)
    # The stamp of the batch that last altered it, whole seconds: what the other protocols order by.
    changed_at = models.DateTimeField(_("changed at"))

    objects = HashListEntryQuerySet.as_manager()

    class Meta:
        verbose_name = _("hash list entry")
        verbose_name_plural = _("hash list entries")
        constraints = [
            models.UniqueConstraint(
                fields=["hash_list", "type", "media", "value_digest"],
                condition=models.Q(value_digest__isnull=False),
                name="one_entry_per_value",
            ),
            models.CheckConstraint(
                condition=~models.Q(state=State.GONE) | models.Q(value=None, nonce=None, value_digest=None),
                name="what_is_gone_is_erased",
            ),
        ]
        indexes = [models.Index(fields=["hash_list", "changed_at", "id"], name="entries_by_change")]

    def __str__(self) -> str:
        return f"entry {self.pk.hex[:8]}"

    @property
    def is_tombstone(self) -> bool:
        return self.state == State.GONE


class DecisionKind(models.TextChoices):
    """What trust rules and staff may have the sequencer do to an entry."""

    CONFIRM = "confirm", _("confirm")
    UNCONFIRM = "unconfirm", _("take a confirmation back")
    QUARANTINE = "quarantine", _("quarantine")
    RESTORE = "restore", _("restore")
    REFUSE = "refuse", _("refuse")


class EntryDecision(models.Model):
    """A decision about an entry on its way to the list. The sequencer carries it out and deletes it."""

    entry = models.ForeignKey(HashListEntry, on_delete=models.CASCADE, related_name="decisions")
    kind = models.CharField(_("what"), max_length=12, choices=DecisionKind.choices)
    asked_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        verbose_name = _("decision")
        verbose_name_plural = _("decisions")

    def __str__(self) -> str:
        return f"{self.kind} {self.entry_id.hex[:8]}"


class ReviewCause(models.TextChoices):
    """Why people have to look at an entry."""

    DISPUTED = "disputed", _("two platforms dispute it, another one agrees")
    QUARANTINED = "quarantined", _("quarantined: restore or refuse it")
    OVER_CAP = "over_cap", _("disputed by a platform past its daily cap")
    HELD = "held", _("held before it was listed")


class EntryReviewQuerySet(models.QuerySet["EntryReview"]):
    def open(self) -> Self:
        """What nobody has settled yet."""
        return self.filter(closed_at=None)


class EntryReview(models.Model):
    """A place in the staff's queue. Closed by a decision about the entry, or by its withdrawal."""

    entry = models.ForeignKey(HashListEntry, on_delete=models.CASCADE, related_name="reviews")
    cause = models.CharField(_("cause"), max_length=12, choices=ReviewCause.choices)
    opened_at = models.DateTimeField(_("opened at"), default=timezone.now)
    closed_at = models.DateTimeField(_("closed at"), null=True, blank=True)
    # Of independent platforms, when they were last counted; which ones they are is not said here.
    agreements = models.PositiveSmallIntegerField(_("agree"), default=0, db_default=0)
    disputes = models.PositiveSmallIntegerField(_("dispute"), default=0, db_default=0)

    objects = EntryReviewQuerySet.as_manager()

    class Meta:
        verbose_name = _("entry to look at")
        verbose_name_plural = _("entries to look at")
        ordering = ("opened_at", "id")
        constraints = [
            models.UniqueConstraint(
                fields=["entry", "cause"], condition=models.Q(closed_at=None), name="one_open_review_per_cause"
            )
        ]

    def __str__(self) -> str:
        return f"{self.cause} {self.entry_id.hex[:8]}"


class BenignHash(models.Model):
    """A fingerprint of something known to be harmless: what is equal or near is held, not published."""

    type = models.CharField(_("signal type"), max_length=16)
    value = models.TextField(_("value"))
    value_digest = models.BinaryField(max_length=32, editable=False)
    reason = models.CharField(_("what it is"), max_length=200, blank=True)
    added_on = models.DateField(_("added on"), auto_now_add=True)

    class Meta:
        verbose_name = _("harmless fingerprint")
        verbose_name_plural = _("harmless fingerprints")
        constraints = [models.UniqueConstraint(fields=["type", "value_digest"], name="one_harmless_row_per_value")]

    def __str__(self) -> str:
        return f"harmless #{self.pk}"


class EntryOutcome(models.Model):
    """The last thing a reader said became of an entry, to the hour."""

    class Kind(models.TextChoices):
        FOUND = "found", _("found")
        REMOVED = "removed", _("removed")
        DECLINED = "declined", _("declined")
        NOT_A_MATCH = "not_a_match", _("not a match")
        BLOCKED = "blocked", _("blocked at upload")

    entry = models.ForeignKey(HashListEntry, on_delete=models.CASCADE, related_name="outcomes")
    reader = models.ForeignKey(ListReader, on_delete=models.CASCADE, related_name="outcomes")
    kind = models.CharField(_("what"), max_length=12, choices=Kind.choices)
    hour = models.DateTimeField(_("in the hour of"))

    class Meta:
        verbose_name = _("outcome")
        verbose_name_plural = _("outcomes")
        constraints = [models.UniqueConstraint(fields=["entry", "reader"], name="one_outcome_per_reader")]

    def __str__(self) -> str:
        return f"{self.kind} {self.entry_id.hex[:8]}"
