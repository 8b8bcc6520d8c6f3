"""Who reads a list, and how far."""

from __future__ import annotations

from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from matching.models.hash_list import HashList


class ListReaderQuerySet(models.QuerySet["ListReader"]):
    def public(self) -> Self:
        """Readers of production that may be named to everybody."""
        return self.filter(is_public=True, hash_list__name="production")


class ListReader(models.Model):
    """How the list knows a platform: a public name and the head it reached. It belongs to a partner next door."""

    hash_list = models.ForeignKey(HashList, on_delete=models.PROTECT, related_name="readers")
    name = models.CharField(_("public name"), max_length=80)
    is_public = models.BooleanField(_("named in public"), default=False)
    trust_floor = models.PositiveSmallIntegerField(_("shows entries from trust"), default=1)
    epoch = models.PositiveBigIntegerField(_("epoch reached"), default=0)
    seq = models.PositiveBigIntegerField(_("change reached"), default=0)
    reached_on = models.DateField(_("up to date on"), null=True, blank=True)
    # What it is shown changed for rows it has already: it takes a whole copy before it reads on.
    resync_since = models.DateTimeField(_("has to take a whole copy since"), null=True, blank=True)
    diverged_at = models.DateTimeField(_("reported another set hash at"), null=True, blank=True)

    objects = ListReaderQuerySet.as_manager()

    class Meta:
        verbose_name = _("reader of a list")
        verbose_name_plural = _("readers of a list")

    def __str__(self) -> str:
        return self.name
