"""Where an epoch begins: a new list, or a list after a restore (LIST.md §3, §6)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from matching import commitments, hashlist
from matching.models import PRODUCTION, EntryReview, HashList, HashListEntry, Hold, ListHead, State
from matching.sequencer import Sequencer
from matching.setsum import SetSum


def ensure_list(sequencer: Sequencer, name: str = PRODUCTION) -> HashList:
    """The list of that name, made empty with its first signed head where it is missing."""
    with transaction.atomic():
        locked = HashList.objects.select_for_update().get(pk=hashlist.open_list(name).pk)
        if not ListHead.objects.filter(hash_list=locked).exists():
            _begin(sequencer, locked, sequencer.clock())
    return locked


def begin_new_lists(sequencer: Sequencer) -> int:
    """Sign the first head of each list that `hashlist.open_list` made; returns how many."""
    names = list(HashList.objects.filter(heads=None).values_list("name", flat=True))
    for name in names:
        ensure_list(sequencer, name)
    return len(names)


def _begin(sequencer: Sequencer, hash_list: HashList, now: datetime) -> None:
    """Start an epoch at the list's present number with its present rows, and sign that."""
    now = now.replace(microsecond=0)
    marked = sequencer.ledger.marks().get(hash_list.name, (0, 0))[0]
    # Later epochs are larger, whatever was restored and whatever the clock says.
    hash_list.epoch = max(int(now.timestamp()), hash_list.epoch + 1, marked + 1)
    hash_list.begun_at_seq = hash_list.floor = hash_list.seq
    hash_list.chain = commitments.first_link(
        origin=sequencer.origin,
        list_name=hash_list.name,
        epoch=hash_list.epoch,
        seq=hash_list.seq,
        live=hash_list.live,
        set_hash=SetSum(bytes(hash_list.set_sum)).digest(),
    )
    hash_list.save()
    sequencer.write_head(hash_list, now)


@transaction.atomic
def begin_after_restore(sequencer: Sequencer, hash_list: HashList) -> int:
    """Replay the withdrawal ledger over what the restored database lists, then begin a new epoch.

    Returns how many entries the replay took off. They go without numbers of the old epoch, which were given to other
    changes before the restore; the old epoch is never continued. The set is recomputed from the rows.
    """
    locked = HashList.objects.select_for_update().get(pk=hash_list.pk)
    gone = _replay(sequencer, locked)
    set_sum, live = SetSum(), 0
    rows = HashListEntry.objects.listed().filter(hash_list=locked).values_list("pk", "trust", "commitment")
    for entry_id, trust, commitment in rows.iterator(chunk_size=5000):
        set_sum.add(entry_id.bytes, trust, bytes(commitment))
        live += 1
    locked.set_sum, locked.live = bytes(set_sum), live
    # A number is never used twice, not even in another epoch: a log line that names it stays unambiguous.
    locked.seq = max(locked.seq, sequencer.ledger.marks().get(locked.name, (0, 0))[1])
    _begin(sequencer, locked, sequencer.clock())
    return gone


def _replay(sequencer: Sequencer, hash_list: HashList) -> int:
    """Mark the holds of the ledger released and erase the entries nobody stands behind, quarantined ones too."""
    ids = list(sequencer.ledger.hold_ids())
    for start in range(0, len(ids), 500):
        chunk = Hold.objects.filter(pk__in=ids[start : start + 500], hash_list=hash_list, released_on=None)
        chunk.update(released_on=timezone.localdate(), pending=False, value=None, asker=None, ready_at=None)
    abandoned = (
        HashListEntry.objects.filter(hash_list=hash_list, state__in=[State.LISTED, State.QUARANTINED, State.HELD])
        .filter(holds__isnull=False)
        .exclude(holds__released_on=None)
        .distinct()
    )
    gone = list(abandoned.values_list("pk", flat=True))
    for start in range(0, len(gone), 500):
        HashListEntry.objects.filter(pk__in=gone[start : start + 500]).update(
            state=State.GONE, value=None, value_digest=None, nonce=None, changed_at=timezone.now()
        )
        reviews = EntryReview.objects.open().filter(entry__in=gone[start : start + 500])
        reviews.update(closed_at=timezone.now())
    return len(gone)
