"""Somebody stands behind a value."""

from __future__ import annotations

import os
import uuid
from typing import Self

from django.db import models
from django.utils.translation import gettext_lazy as _

from matching.models.hash_list import HashList


def random_id() -> uuid.UUID:
    """128 random bits; not a version-4 UUID, which fixes six of them."""
    return uuid.UUID(bytes=os.urandom(16))


class HoldQuerySet(models.QuerySet["Hold"]):
    def pending(self) -> Self:
        """Holds with something for the sequencer to do."""
        return self.filter(pending=True)

    def released(self) -> Self:
        return self.filter(released_on__isnull=False)

    def standing(self) -> Self:
        """Holds that keep their entry listed."""
        return self.filter(released_on=None)


class Hold(models.Model):
    """One wish that a value be listed, by somebody who is not named here.

    Intake writes the value and never reads the list; the sequencer finds or makes the entry, sets `entry` and clears
    `value`, `asker` and `ready_at`. An entry stays listed while any of its holds is not released.
    """

    id = models.UUIDField(primary_key=True, default=random_id, editable=False)
    hash_list = models.ForeignKey(HashList, on_delete=models.PROTECT, related_name="holds")
    type = models.CharField(_("signal type"), max_length=16)
    media = models.CharField(_("media"), max_length=8)
    value = models.TextField(_("value"), null=True, editable=False)  # noqa: DJ001  no value, not an empty one
    # The same 16 bytes for each wish of one case, so that a window can count cases; gone at publication.
    asker = models.BinaryField(max_length=16, null=True, editable=False)
    ready_at = models.DateTimeField(_("publish by"), null=True, editable=False)
    entry = models.ForeignKey(
        "matching.HashListEntry", on_delete=models.PROTECT, null=True, related_name="holds", editable=False
    )
    # To the hour: what platforms did before it is not this person's to see.
    resolved_hour = models.DateTimeField(_("on the list since"), null=True, editable=False)
    released_on = models.DateField(_("released on"), null=True, editable=False)
    pending = models.BooleanField(default=True, editable=False)
    # A canary on its way: the entry will be shown to this reader alone. Nobody looks for it, so it has no index.
    canary_for = models.ForeignKey(
        "matching.ListReader", on_delete=models.PROTECT, null=True, related_name="+", editable=False, db_index=False
    )

    objects = HoldQuerySet.as_manager()

    class Meta:
        verbose_name = _("hold")
        verbose_name_plural = _("holds")
        indexes = [
            models.Index(fields=["hash_list"], name="holds_to_work_on", condition=models.Q(pending=True)),
            models.Index(fields=["entry"], name="holds_that_stand", condition=models.Q(released_on=None)),
        ]

    def __str__(self) -> str:
        return f"hold {self.pk.hex[:8]}"
