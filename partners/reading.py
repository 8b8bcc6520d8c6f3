"""What platforms take from the list: pages are counted by the day, whole copies one by one and within a quota."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import models, transaction
from django.db.models import F
from django.utils import timezone

from matching.models import ListReader
from partners.errors import SnapshotQuotaReached
from partners.models import ApiKey, PagesRead, Partner, SnapshotDownload
from takeitdown.audit.models import record

DAY = timedelta(days=1)


def count_page(reader: ListReader, *, changes: int) -> None:
    """Count one page of `changes`. A poll that finds nothing new is not counted and writes nothing."""
    if not changes:
        return
    today = PagesRead.objects.filter(reader=reader, day=timezone.localdate())
    if not _add(today, changes):
        PagesRead.objects.bulk_create([PagesRead(reader=reader, day=timezone.localdate())], ignore_conflicts=True)
        _add(today, changes)


def _add(counts: models.QuerySet[PagesRead], changes: int) -> int:
    return counts.update(pages=F("pages") + 1, changes=F("changes") + changes)


@transaction.atomic
def take_snapshot(key: ApiKey, reader: ListReader, *, etag: str, from_the_middle: bool) -> None:
    """Note that a whole copy begins to be taken, in the audit log too. Raises SnapshotQuotaReached.

    Going on from the middle of a copy that was begun within a day is free.
    """
    Partner.objects.select_for_update(no_key=True).get(pk=key.partner_id)  # two at once must not both be the last
    now = timezone.now()
    taken = SnapshotDownload.objects.filter(reader=reader, at__gt=now - DAY).order_by("-at")
    if from_the_middle and taken.filter(etag=etag).exists():
        return
    # Whoever is told to take a copy can't read on without one: its quota must not stand in the way.
    quota = settings.SNAPSHOTS_PER_DAY * (2 if reader.resync_since else 1)
    moments = list(taken.values_list("at", flat=True)[:quota])
    if len(moments) >= quota:
        raise SnapshotQuotaReached(int((moments[-1] + DAY - now).total_seconds()) + 1 if moments else 86_400)
    SnapshotDownload.objects.create(reader=reader, etag=etag, at=now)
    record(
        actor=key.prefix,
        action="took a snapshot",
        target=f"partners.partner:{key.partner_id}",
        within=f"partner:{key.partner.code}",
        hash_list=reader.hash_list.name,
        etag=etag,
    )
