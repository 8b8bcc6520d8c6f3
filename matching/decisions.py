"""Decisions about entries: votes and staff ask for them here, the sequencer carries them out (LIST.md §7).

Everybody who decides about an entry holds its row first, so that two votes at once are both seen. The sequencer writes
that row when it carries a decision out, hence what it has in hand cannot finish meanwhile.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from matching import trust
from matching.errors import DecisionNoLongerFits
from matching.models import (
    DecisionKind,
    EntryDecision,
    EntryReview,
    HashListEntry,
    ListReader,
    ReviewCause,
    State,
)
from takeitdown.audit.models import record

log = logging.getLogger("takeitdown.list")
VOTES = "platforms' votes"  # who decided, where no single person did
# A platform that disputes half the list is one matter for staff, not a hundred thousand.
OVER_CAP_REVIEWS_AT_MOST = 200
_FROM_VOTES = {DecisionKind.CONFIRM, DecisionKind.UNCONFIRM}


def lock(entry_id: UUID) -> HashListEntry:
    """The entry's row, held until the transaction ends; waits for whoever holds it now."""
    return HashListEntry.objects.select_for_update(no_key=True).get(pk=entry_id)


def lock_of(reader: ListReader, entry_id: str) -> HashListEntry | None:
    """As `lock`, by the id (32 hex) that a reader uses; None where its list has no such row."""
    rows = HashListEntry.objects.filter(hash_list_id=reader.hash_list_id, pk=entry_id)
    return rows.select_for_update(no_key=True).first()


def lock_free(entry_ids: Collection[UUID]) -> list[HashListEntry]:
    """Those of the rows that nobody holds now. Whoever holds many waits for nobody, or two of them might for ever."""
    rows = HashListEntry.objects.filter(pk__in=entry_ids).select_for_update(no_key=True, skip_locked=True)
    return list(rows)


# --- votes ------------------------------------------------------------------------------------------------------


def apply_votes(entry: HashListEntry, votes: trust.Votes, *, disputed_at: datetime | None = None) -> None:
    """Ask for what the votes on a locked entry ask for. Repeating changes nothing.

    A decision from votes that still waits is replaced, not followed by its opposite: however often platforms change
    their mind between two ticks, the list hears of it once. `disputed_at` is when the newest dispute was given: what
    staff have looked at since needs no second look.
    """
    waiting = list(EntryDecision.objects.filter(entry=entry).order_by("pk"))
    mine = _replaceable(waiting)
    staying = [decision for decision in waiting if decision.pk not in mine]
    ruling = trust.ruling(votes, _expected(entry, staying))
    kept = [pk for pk, kind in mine.items() if kind == ruling.decision][:1]
    if len(mine) > len(kept):
        EntryDecision.objects.filter(pk__in=set(mine) - set(kept)).delete()
    if ruling.decision and not kept:
        EntryDecision.objects.create(entry=entry, kind=ruling.decision)
    if ruling.decision == trust.QUARANTINE:
        record(actor=VOTES, action="quarantined an entry", target=_name(entry), disputes=votes.disputes)
    _keep_queue(entry, votes, ruling, disputed_at)


def _replaceable(waiting: list[EntryDecision]) -> dict[int, str]:
    """Decisions that votes asked for and that the sequencer has not in hand, now held by us."""
    candidates = [decision.pk for decision in waiting if decision.kind in _FROM_VOTES]
    if not candidates:
        return {}
    free = EntryDecision.objects.filter(pk__in=candidates).select_for_update(skip_locked=True)
    return dict(free.values_list("pk", "kind"))


def _expected(entry: HashListEntry, decisions: Iterable[EntryDecision]) -> trust.Standing:
    """Where the entry will be once these are carried out."""
    standing = trust.Standing(entry.state, entry.trust)
    for decision in decisions:
        standing = trust.after(decision.kind, standing) or standing
    return standing


def _keep_queue(entry: HashListEntry, votes: trust.Votes, ruling: trust.Ruling, disputed_at: datetime | None) -> None:
    """Open what people have to look at, and keep the counts of what they are looking at."""
    reviews = list(EntryReview.objects.filter(entry=entry))
    counts = {"agreements": votes.agreements, "disputes": votes.disputes}
    if any((r.agreements, r.disputes) != votes for r in reviews if r.closed_at is None):
        EntryReview.objects.open().filter(entry=entry).update(**counts)
    if ruling.decision == trust.QUARANTINE:
        _open(entry, ReviewCause.QUARANTINED, reviews, **counts)
    elif ruling.people_look:
        seen = [r.closed_at for r in reviews if r.cause == ReviewCause.DISPUTED and r.closed_at]
        if not seen or (disputed_at is not None and disputed_at > max(seen)):
            _open(entry, ReviewCause.DISPUTED, reviews, **counts)


def _open(entry: HashListEntry, cause: ReviewCause, reviews: list[EntryReview], **counts: int) -> None:
    if not any(review.cause == cause and review.closed_at is None for review in reviews):
        EntryReview.objects.create(entry=entry, cause=cause, **counts)


def review_over_cap(entry: HashListEntry) -> None:
    """Have staff look at an entry that a platform disputed past its daily cap; up to so many at a time."""
    waiting = EntryReview.objects.open().filter(cause=ReviewCause.OVER_CAP)
    if waiting.filter(entry=entry).exists():
        return
    if waiting.count() >= OVER_CAP_REVIEWS_AT_MOST:
        log.warning("Platforms dispute past their caps; %d entries wait for staff already.", OVER_CAP_REVIEWS_AT_MOST)
        return
    EntryReview.objects.create(entry=entry, cause=ReviewCause.OVER_CAP)


# --- staff ------------------------------------------------------------------------------------------------------


@transaction.atomic
def decide(entry: HashListEntry, kind: DecisionKind, *, by: str, because: str = "") -> None:
    """Have the sequencer do this to an entry; `by` and `because` go into the audit log.

    Closes what waits in the queue about it; a quarantine opens the question what becomes of it. Raises
    DecisionNoLongerFits where the entry is not (any more) where that could be done. Who may decide what, and that two
    people are needed for anything but a quarantine, is seen to by whoever calls.
    """
    row = lock(entry.pk)
    waiting = EntryDecision.objects.filter(entry=row).order_by("pk")
    if trust.after(kind, _expected(row, waiting)) is None:
        raise DecisionNoLongerFits
    EntryDecision.objects.create(entry=row, kind=kind)
    EntryReview.objects.open().filter(entry=row).update(closed_at=timezone.now())
    if kind == DecisionKind.QUARANTINE:
        EntryReview.objects.create(entry=row, cause=ReviewCause.QUARANTINED)
    record(actor=by, action=f"decided: {kind}", target=_name(row), because=because)


@transaction.atomic
def leave_as_it_is(review: EntryReview, *, by: str, because: str = "") -> None:
    """Close a review without touching the entry. Raises DecisionNoLongerFits for one that was closed already, and for
    what is held or in quarantine: that needs two people's decision.
    """
    row = lock(review.entry_id)
    stuck = {ReviewCause.HELD, ReviewCause.QUARANTINED} if row.state in {State.HELD, State.QUARANTINED} else set()
    open_ones = EntryReview.objects.open().filter(pk=review.pk).exclude(cause__in=stuck)
    if not open_ones.update(closed_at=timezone.now()):
        raise DecisionNoLongerFits
    record(actor=by, action="decided: leave as it is", target=_name(row), because=because)


def _name(entry: HashListEntry) -> str:
    return f"matching.hashlistentry:{entry.pk}"
