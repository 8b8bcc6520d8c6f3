"""What a platform took from the list: whole copies one by one, pages counted by the day."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _

from matching.models import ListReader


class SnapshotDownload(models.Model):
    """One whole copy of the list that a platform began to take. Going on with a cut one is not another."""

    reader = models.ForeignKey(ListReader, on_delete=models.CASCADE, related_name="snapshot_downloads")
    etag = models.CharField(_("which copy"), max_length=40)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("snapshot download")
        verbose_name_plural = _("snapshot downloads")
        indexes = [models.Index(fields=["reader", "at"], name="downloads_of_a_reader")]

    def __str__(self) -> str:
        return f"snapshot download #{self.pk}"


class PagesRead(models.Model):
    """How many pages with changes, and how many changes, a platform read on one day."""

    reader = models.ForeignKey(ListReader, on_delete=models.CASCADE, related_name="pages_read")
    day = models.DateField(_("day"))
    pages = models.PositiveIntegerField(_("pages"), default=0)
    changes = models.PositiveBigIntegerField(_("changes"), default=0)

    class Meta:
        verbose_name = _("pages read on a day")
        verbose_name_plural = _("pages read by day")
        constraints = [models.UniqueConstraint(fields=["reader", "day"], name="one_count_per_reader_and_day")]

    def __str__(self) -> str:
        return f"{self.pages} pages on {self.day}"
