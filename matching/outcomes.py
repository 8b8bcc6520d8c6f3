"""What became of an entry at each platform: written by the partners' room, read by the case page for its holds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import F
from django.utils import timezone

from matching.models import EntryOutcome, HashListEntry, Hold, ListReader


def record(*, entry: HashListEntry, reader: ListReader, kind: str, at: datetime | None = None) -> None:
    """Keep the last thing `reader` said became of `entry`, to the hour. Repeating is harmless."""
    hour = (at or timezone.now()).replace(minute=0, second=0, microsecond=0)
    EntryOutcome.objects.update_or_create(entry=entry, reader=reader, defaults={"kind": kind, "hour": hour})


def for_holds(holds: Sequence[Hold]) -> dict[Hold, list[EntryOutcome]]:
    """For each hold what public platforms said since it stands, up to the end of yesterday.

    Only from the hold on, and once a day: so a fingerprint that was listed long before and one that was not look alike.
    """
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    rows = (
        EntryOutcome.objects.filter(entry__holds__in=holds, reader__in=ListReader.objects.public(), hour__lt=midnight)
        .filter(hour__gt=F("entry__holds__resolved_hour"))
        .annotate(hold_id=F("entry__holds__pk"))
        .select_related("reader")
        .order_by("reader__name")
    )
    found: dict[Hold, list[EntryOutcome]] = {hold: [] for hold in holds}
    by_id = {hold.pk: hold for hold in holds}
    for row in rows:
        if row.hold_id in by_id:
            found[by_id[row.hold_id]].append(row)
    return found
