"""Floods: more new entries in an hour than a week explains. Additions are then frozen, removals never (LIST.md §6, §7).

Frozen additions lose nothing: each report is kept and its entries are held until two members of staff let them through.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from matching.errors import NotFrozen
from matching.models import (
    PRODUCTION,
    AdditionsInHour,
    BenignHash,
    DecisionKind,
    EntryDecision,
    EntryReview,
    HashList,
    HashListEntry,
    ReviewCause,
    State,
)
from takeitdown.audit.models import record

log = logging.getLogger("takeitdown.list")
HOUR = timedelta(hours=1)
WEEK_HOURS = 7 * 24
NEVER_BELOW = 500  # additions in an hour: a quiet week must not make a classroom a flood
TIMES = 5
KEPT = timedelta(days=60)


def count(hash_list: HashList, additions: int, now: datetime) -> None:
    """Add new entries to their hour. The sequencer alone calls this, with the list's row locked."""
    if not additions:
        return
    hour = now.replace(minute=0, second=0, microsecond=0)
    counted = AdditionsInHour.objects.filter(hash_list=hash_list, hour=hour)
    if not counted.update(additions=F("additions") + additions):
        AdditionsInHour.objects.create(hash_list=hash_list, hour=hour, additions=additions)


def limit(week: Sequence[int]) -> int:
    """How many additions in an hour are still no flood: five times the 99th percentile of a week's hours, 500 at least.

    `week` has the hours in which there were any; the others count as none.
    """
    rank = math.ceil(WEEK_HOURS * 0.99)  # of 168 hours the 167th: one odd hour does not move it
    hours = sorted([0] * (WEEK_HOURS - len(week)) + list(week))
    return max(NEVER_BELOW, TIMES * hours[rank - 1])


def watch(now: datetime | None = None) -> bool:
    """Freeze additions to production if this hour or the last one is a flood; returns whether it did just now.

    Hours that staff accepted are passed by. Repeating is harmless.
    """
    now = now or timezone.now()
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    AdditionsInHour.objects.filter(hour__lt=now - KEPT).delete()
    hash_list = HashList.objects.filter(name=PRODUCTION, additions_frozen_at=None).first()
    if hash_list is None:
        return False
    hours = AdditionsInHour.objects.filter(hash_list=hash_list)
    recent = hours.filter(hour__gte=this_hour - HOUR, accepted_at=None).values_list("additions", flat=True)
    week = hours.filter(hour__lt=this_hour - HOUR, hour__gte=this_hour - HOUR * (WEEK_HOURS + 1))
    most, usual = max(recent, default=0), limit(list(week.values_list("additions", flat=True)))
    return most > usual and _freeze(hash_list, now, additions=most, limit=usual)


@transaction.atomic
def _freeze(hash_list: HashList, now: datetime, *, additions: int, limit: int) -> bool:
    frozen = HashList.objects.filter(pk=hash_list.pk, additions_frozen_at=None).update(additions_frozen_at=now)
    if frozen:
        record(actor="the portal", action="froze additions", target=_name(hash_list), additions=additions, limit=limit)
        log.error(
            "A flood: %d additions to the list in an hour, where %d are usual at most. Additions are held, "
            "withdrawals go on. Staff decide under 'hash lists'.",
            additions,
            limit,
        )
    return bool(frozen)


@transaction.atomic
def freeze(hash_list: HashList, *, by: str) -> None:
    """One member of staff may stop additions: it is safe, and undone by two. Repeating changes nothing."""
    if HashList.objects.filter(pk=hash_list.pk, additions_frozen_at=None).update(additions_frozen_at=timezone.now()):
        record(actor=by, action="froze additions", target=_name(hash_list))


@transaction.atomic
def unfreeze(hash_list: HashList, *, list_held: bool, by: str) -> int:
    """Let additions through again; the present hours are accepted, or the next look would freeze them anew.

    With `list_held`, what was held meanwhile is listed, except what equals something harmless. Returns how many
    entries that lists. Raises NotFrozen.
    """
    locked = HashList.objects.select_for_update(no_key=True).get(pk=hash_list.pk)
    since = locked.additions_frozen_at
    if since is None:
        raise NotFrozen
    HashList.objects.filter(pk=locked.pk).update(additions_frozen_at=None)
    now = timezone.now()
    AdditionsInHour.objects.filter(hash_list=locked, hour__gte=now - 2 * HOUR).update(accepted_at=now)
    listed = _list_what_was_held(locked, since) if list_held else 0
    record(actor=by, action="let additions through again", target=_name(locked), listed=listed)
    return listed


def _list_what_was_held(hash_list: HashList, since: datetime) -> int:
    """Decisions for the sequencer, so many at a time that ten thousand do not sit in memory."""
    stamp = since.replace(microsecond=0)  # entries bear whole seconds
    held = HashListEntry.objects.filter(hash_list=hash_list, state=State.HELD, changed_at__gte=stamp)
    harmless = BenignHash.objects.values("value_digest")
    ids = list(held.exclude(value_digest__in=harmless).exclude(decisions__isnull=False).values_list("pk", flat=True))
    for start in range(0, len(ids), 1_000):
        part = ids[start : start + 1_000]
        EntryDecision.objects.bulk_create(EntryDecision(entry_id=pk, kind=DecisionKind.RESTORE) for pk in part)
        waiting = EntryReview.objects.open().filter(entry__in=part, cause=ReviewCause.HELD)
        waiting.update(closed_at=timezone.now())
    return len(ids)


def _name(hash_list: HashList) -> str:
    return f"matching.hashlist:{hash_list.pk}"
