"""Pages of changes, closed by signed heads (LIST.md §4): what a pull answers and a delta push carries."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from matching.errors import NoSuchEntry, ResyncNeeded
from matching.models import HashListEntry, ListChange, ListHead, ListReader, State
from matching.rows import change_row, listed_row, withheld_row

MAX_CHANGES = 2_000
MAX_BYTES = 4 * 1024 * 1024


def newest_head(reader: ListReader) -> dict[str, Any]:
    """`GET head/`."""
    return {"head": ListHead.objects.newest(reader.hash_list).note, "min_wait_seconds": settings.MIN_WAIT_SECONDS}


def after(reader: ListReader, *, epoch: int | None = None, after: int = 0) -> dict[str, Any]:
    """`GET changes/`: whole batches past position `after`, at least one unless the reader is up to date.

    Raises ResyncNeeded where this list cannot go on from there.
    """
    latest = ListHead.objects.newest(reader.hash_list)
    if reader.resync_since is not None:
        raise ResyncNeeded("trust_floor", latest.note)  # rows it has are shown otherwise now, and no change says so
    start = _position(reader, latest, epoch, after)
    closing = _closing_head(reader, start, latest)
    changes = ListChange.objects.filter(hash_list_id=reader.hash_list_id, epoch=start.epoch, seq__lte=closing.seq)
    return {
        "from_seq": start.seq,
        "changes": [change_row(change, reader) for change in changes.after(start.seq).select_related("entry")],
        "head": closing.note,
        "latest": latest.note,
        "min_wait_seconds": settings.MIN_WAIT_SECONDS,
    }


def _position(reader: ListReader, latest: ListHead, epoch: int | None, after: int) -> ListHead:
    """The head the reader stands on. Without an epoch: the present one, from seq 0."""
    if epoch is not None and epoch != latest.epoch:
        raise ResyncNeeded("other_epoch", latest.note)
    hash_list = reader.hash_list
    if after < hash_list.floor:
        raise ResyncNeeded("below_floor", latest.note)
    if after > latest.seq:
        raise ResyncNeeded("unknown_position", latest.note)
    head = ListHead.objects.filter(hash_list=hash_list, epoch=latest.epoch, seq=after).first()
    if head is None:
        raise ResyncNeeded("unknown_position", latest.note)
    return head


def _closing_head(reader: ListReader, start: ListHead, latest: ListHead) -> ListHead:
    """The last head whose batches fit one page; the first one always does."""
    heads = ListHead.objects.filter(hash_list_id=reader.hash_list_id, epoch=start.epoch, seq__gt=start.seq)
    closing, size = start, 0
    for head in heads.filter(seq__lte=min(latest.seq, start.seq + MAX_CHANGES)).order_by("seq"):
        size += head.batch_bytes
        if size > MAX_BYTES and closing is not start:
            break
        closing = head
    return closing


def entry_row(reader: ListReader, entry_id: str) -> tuple[HashListEntry, dict[str, Any]]:
    """`GET entries/{id}/`: an entry that is or was on the reader's list, as shown to it. Raises NoSuchEntry."""
    entry = HashListEntry.objects.filter(hash_list_id=reader.hash_list_id, pk=entry_id).first()
    if entry is None or not entry.changes.exists():
        raise NoSuchEntry  # one that was never published looks like none
    listed = entry.state == State.LISTED  # of a quarantined one we keep the value; nobody matches with it meanwhile
    row = listed_row(entry, reader, entry.trust) if listed else withheld_row(entry, entry.trust)
    return entry, {**row, "listed": listed}
