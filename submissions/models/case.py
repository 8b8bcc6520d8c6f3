"""Cases, the files in them, and the fingerprints of a file."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from matching.models import Hold
from matching.models.hold import random_id


class About(models.TextChoices):
    """Who is in the picture. Never a birth date."""

    ME_UNDER_18 = "me_under_18", _("me, I am under 18")
    ME_ADULT_NOW = "me_adult_now", _("me, I am 18 or over now and was under 18 then")
    CHILD_I_HELP = "child_i_help", _("a child I help")


class CaseQuerySet(models.QuerySet["Case"]):
    def withdrawn_before(self, day: object) -> Self:
        """Cases with nothing left on the list since before `day`."""
        return self.filter(withdrawn_on__lt=day)


class Case(models.Model):
    """What one anonymous person reported, openable by number and PIN alone.

    Number and PIN are not here: only their HMACs under a pepper that is not in the database. No address,
    no agent, no language, no time finer than an hour.
    """

    id = models.UUIDField(primary_key=True, default=random_id, editable=False)
    number_hash = models.BinaryField(max_length=32, unique=True, editable=False)
    pin_hash = models.BinaryField(max_length=32, editable=False)
    pepper_version = models.PositiveSmallIntegerField(editable=False)
    about = models.CharField(_("about"), max_length=16, choices=About.choices)
    opened_hour = models.DateTimeField(_("opened in the hour of"))
    withdrawn_on = models.DateField(_("withdrawn on"), null=True, blank=True)

    objects = CaseQuerySet.as_manager()

    class Meta:
        verbose_name = _("case")
        verbose_name_plural = _("cases")

    def __str__(self) -> str:
        return f"case {self.pk.hex[:8]}"


class SubmissionQuerySet(models.QuerySet["Submission"]):
    def active(self) -> Self:
        """Files that are not withdrawn."""
        return self.filter(withdrawn_on=None)

    def hold_ids(self) -> list[uuid.UUID]:
        """The holds behind all fingerprints of these files."""
        return list(Fingerprint.objects.filter(submission__in=self).values_list("hold_id", flat=True))


class Submission(models.Model):
    """One file of a case, known only as "Picture 1": its name never leaves the device."""

    id = models.UUIDField(primary_key=True, default=random_id, editable=False)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="submissions")
    ordinal = models.PositiveSmallIntegerField(_("number in the case"))
    media = models.CharField(_("media"), max_length=8)
    added_on = models.DateField(_("added on"))
    withdrawn_on = models.DateField(_("withdrawn on"), null=True, blank=True)

    objects = SubmissionQuerySet.as_manager()

    class Meta:
        verbose_name = _("file")
        verbose_name_plural = _("files")
        ordering = ("ordinal",)
        constraints = [models.UniqueConstraint(fields=["case", "ordinal"], name="one_file_per_ordinal")]

    def __str__(self) -> str:
        return f"file {self.pk.hex[:8]}"

    def hold_ids(self) -> list[uuid.UUID]:
        """The holds behind this file's fingerprints."""
        return list(self.fingerprints.values_list("hold_id", flat=True))


class FingerprintQuerySet(models.QuerySet["Fingerprint"]):
    def of(self, submissions: Iterable[Submission]) -> Self:
        """The fingerprints of some files, with their holds and what the list made of them."""
        return self.filter(submission__in=list(submissions)).select_related("hold__entry")


class Fingerprint(models.Model):
    """One hash of a file. It has no value of its own: the hold carries it to the list and forgets it."""

    submission = models.ForeignKey(Submission, on_delete=models.PROTECT, related_name="fingerprints")
    hold = models.OneToOneField(Hold, on_delete=models.PROTECT, related_name="+")
    quality = models.PositiveSmallIntegerField(_("quality"), null=True, blank=True)

    objects = FingerprintQuerySet.as_manager()

    class Meta:
        verbose_name = _("fingerprint")
        verbose_name_plural = _("fingerprints")

    def __str__(self) -> str:
        return f"fingerprint #{self.pk}"
