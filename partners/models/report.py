"""What platforms give back: what became of a match, and what they think of an entry.

There is no field for an address, an account or a picture, and there never will be.
"""

from __future__ import annotations

from typing import Self

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from matching.models import EntryOutcome, HashListEntry
from partners.models.partner import Partner


class Reason(models.TextChoices):
    """Why a platform left something up, or disputes an entry. A closed list: free words would name people."""

    HARMLESS = "harmless", _("harmless")
    ADULT = "adult", _("an adult")
    NOT_SEXUAL = "not_sexual", _("not sexual")
    WIDELY_PUBLISHED = "widely_published", _("widely published")
    OTHER = "other", _("something else")


class MatchReportQuerySet(models.QuerySet["MatchReport"]):
    def open(self) -> Self:
        """Found and not acted on yet: their clock runs."""
        return self.filter(outcome=EntryOutcome.Kind.FOUND, acted_at=None)


class MatchReport(models.Model):
    """What became of one match at one platform. `client_id` is the platform's own name for it.

    A `found` stays open until a later report says what was done: from `received_at` to `acted_at` is the 48-hour clock,
    which is our measure and not the law's. Everything else is acted on when it arrives.
    """

    Outcome = EntryOutcome.Kind

    partner = models.ForeignKey(Partner, on_delete=models.CASCADE, related_name="match_reports")
    client_id = models.CharField(_("the platform's id"), max_length=64)
    entry = models.ForeignKey(HashListEntry, on_delete=models.PROTECT, related_name="match_reports")
    outcome = models.CharField(_("what became of it"), max_length=12, choices=EntryOutcome.Kind.choices)
    reason = models.CharField(_("why"), max_length=20, choices=Reason.choices, blank=True)
    received_at = models.DateTimeField(_("received at"), default=timezone.now)
    acted_at = models.DateTimeField(_("acted on at"), null=True, blank=True)

    objects = MatchReportQuerySet.as_manager()

    class Meta:
        verbose_name = _("match report")
        verbose_name_plural = _("match reports")
        constraints = [models.UniqueConstraint(fields=["partner", "client_id"], name="one_match_report_per_client_id")]
        indexes = [
            models.Index(
                fields=["partner", "entry", "received_at"],
                name="matches_not_acted_on",
                condition=models.Q(outcome="found", acted_at=None),
            )
        ]

    def __str__(self) -> str:
        return f"{self.outcome} #{self.pk}"


class Opinion(models.TextChoices):
    """What a person at a platform says after looking at a match."""

    AGREE = "agree", _("agrees")
    DISPUTE = "dispute", _("disputes")


class FeedbackQuerySet(models.QuerySet["Feedback"]):
    def current(self) -> Self:
        """What each platform says now."""
        return self.filter(superseded_at=None)


class Feedback(models.Model):
    """One opinion on one entry. A later one supersedes it; it stays, so that a late repeat changes nothing back."""

    partner = models.ForeignKey(Partner, on_delete=models.CASCADE, related_name="feedback")
    client_id = models.CharField(_("the platform's id"), max_length=64)
    entry = models.ForeignKey(HashListEntry, on_delete=models.PROTECT, related_name="feedback")
    opinion = models.CharField(_("opinion"), max_length=8, choices=Opinion.choices)
    reason = models.CharField(_("why"), max_length=20, choices=Reason.choices, blank=True)
    given_at = models.DateTimeField(_("given at"), default=timezone.now)
    # False past the partner's daily cap: staff see it, no entry moves by it.
    counts = models.BooleanField(_("counts"), default=True)
    superseded_at = models.DateTimeField(_("superseded at"), null=True, blank=True)

    objects = FeedbackQuerySet.as_manager()

    class Meta:
        verbose_name = _("feedback")
        verbose_name_plural = _("feedback")
        constraints = [
            models.UniqueConstraint(fields=["partner", "client_id"], name="one_feedback_per_client_id"),
            models.UniqueConstraint(
                fields=["partner", "entry"],
                condition=models.Q(superseded_at=None),
                name="one_opinion_per_partner_and_entry",
            ),
        ]
        indexes = [
            models.Index(
                fields=["partner", "given_at"],
                name="disputes_that_count",
                condition=models.Q(opinion="dispute", counts=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.opinion} #{self.pk}"
