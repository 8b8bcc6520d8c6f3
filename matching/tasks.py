"""What Celery watches and makes for the list. It signs nothing and numbers nothing."""

from __future__ import annotations

import logging
from datetime import timedelta

from celery import shared_task
from django.utils import timezone

from matching import floods, snapshots
from matching.models import HashList, ListHead

log = logging.getLogger("takeitdown.list")
HEAD_IS_OLD_AFTER = timedelta(minutes=70)  # signed again at 55 minutes: by now the sequencer is down


@shared_task(name="matching.watch_heads")  # type: ignore[untyped-decorator]
def watch_heads() -> int:
    """Alarm when a head was not signed again: platforms would see it expire. Returns how many are old."""
    old = 0
    for hash_list in HashList.objects.filter(heads__isnull=False).distinct():
        if timezone.now() - ListHead.objects.newest(hash_list).issued_at > HEAD_IS_OLD_AFTER:
            log.error("The head of list %s was not signed again: is the sequencer running?", hash_list.name)
            old += 1
    return old


@shared_task(name="matching.refresh_snapshots", soft_time_limit=540, time_limit=600)  # type: ignore[untyped-decorator]
def refresh_snapshots() -> int:
    """Make snapshots anew whose list moved far or lost a row. Returns how many were made."""
    made = 0
    for hash_list in HashList.objects.filter(heads__isnull=False).distinct():
        try:
            made += snapshots.refresh(hash_list)
        except snapshots.SnapshotBeingMade:
            continue
    return made


@shared_task(name="matching.watch_floods")  # type: ignore[untyped-decorator]
def watch_floods() -> bool:
    """Each minute: freeze additions where an hour had far more of them than a week explains. Whether it did."""
    return floods.watch()
