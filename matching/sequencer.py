"""The only writer of the public list: resolve, number, chain, erase, sign (LIST.md §6).

A number taken when a row is inserted is visible out of order: a reader at 102 would never see 101 that commits later.
So writers take no number; after their commit this one process numbers what it finds, and what it does not see yet gets
a later number. A crash is nothing happened. Two of them at once are harmless too: the list's row lock lets one through
and `one_change_per_number` stands behind it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from matching import commitments, failpoints, resolution, signing, snapshots
from matching.batch import MAX_CHANGES, Batch, Planned
from matching.ledger import Ledger
from matching.models import EntryDecision, HashList, HashListEntry, Hold, ListChange, ListHead
from matching.notes import HeadState, Signer, Statement, head_text
from matching.setsum import SetSum


class RestoredBehindOurBack(Exception):
    """The database lies behind what was signed: it was restored. `manage.py begin_epoch` goes on from there."""


class StampTooOld(Exception):
    """The batch took longer than its stamp is good for; it was rolled back."""


def signed_lists() -> QuerySet[HashList]:
    """Lists that have begun. One opened only just, perhaps with holds on it already, waits for its first head."""
    return HashList.objects.filter(Exists(ListHead.objects.filter(hash_list=OuterRef("pk"))))


def utc_now() -> datetime:
    return datetime.now(UTC)


class Sequencer:
    """Turns committed holds, releases and decisions into numbered, signed changes.

    `clock` gives the stamps; only differences of `timer` decide whether a stamp is still good.
    """

    def __init__(
        self,
        signers: Sequence[Signer],
        ledger: Ledger,
        *,
        clock: Callable[[], datetime] = utc_now,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self.signers = signers
        self.ledger = ledger
        self.clock = clock
        self.timer = timer
        self.origin = signers[0].name
        self._marks = ledger.marks()
        self._max_changes = MAX_CHANGES

    # --- what waits ---------------------------------------------------------------------------------------------

    def lists_with_work(self) -> list[HashList]:
        """Lists that have anything pending. Cheap: two partial indexes, no lock."""
        holds = Hold.objects.pending().values_list("hash_list", flat=True).distinct()
        decisions = EntryDecision.objects.values_list("entry__hash_list", flat=True).distinct()
        return list(signed_lists().filter(pk__in={*holds, *decisions}).order_by("pk"))

    def _is_ready(self, hash_list: HashList) -> bool:
        return (
            resolution.released_holds(hash_list).exists()
            or EntryDecision.objects.filter(entry__hash_list=hash_list).exists()
            or resolution.window_is_closed(hash_list, self.clock())
        )

    def run_until_idle(self) -> int:
        """Publish everything that is ready; returns the number of changes."""
        total = 0
        for hash_list in self.lists_with_work():
            while self._is_ready(hash_list):
                batch = self.tick(hash_list)
                total += len(batch.changes)
                if not batch.touched:
                    break  # what is left is locked by somebody else: next time
        return total

    # --- one batch ----------------------------------------------------------------------------------------------

    def tick(self, hash_list: HashList) -> Batch:
        """Publish one batch of at most 500 changes, with its head, in one transaction.

        Removals and trust first, then additions if their window is closed. Raises RestoredBehindOurBack. A batch whose
        stamp grew too old rolls back and comes again half as large.
        """
        try:
            with transaction.atomic():
                batch = self._publish_one(hash_list.pk)
        except StampTooOld:
            self._max_changes = max(1, self._max_changes // 2)
            return Batch(touched=True)
        self._max_changes = min(MAX_CHANGES, self._max_changes * 2)
        if batch.changes:
            self._remember_mark(hash_list.pk)
        return batch

    def _publish_one(self, list_id: int) -> Batch:
        started = self.timer()
        hash_list = HashList.objects.select_for_update().get(pk=list_id)
        self._refuse_to_fork(hash_list)
        now = self._stamp(hash_list)
        batch = Batch(max_changes=self._max_changes)
        released = resolution.resolve_releases(hash_list, batch)
        resolution.carry_out_decisions(hash_list, batch)
        resolution.resolve_wishes(hash_list, batch, now)
        if batch.changes:
            self._number(hash_list, batch, now)
        self.ledger.append(released)
        failpoints.reach("sequencer_before_commit")
        if self.timer() - started > settings.STAMP_GOOD_FOR_SECONDS:
            raise StampTooOld
        return batch

    def _stamp(self, hash_list: HashList) -> datetime:
        """Now, in whole seconds, and never before the stamp of the newest head: clocks step back."""
        newest = ListHead.objects.newest(hash_list)
        return max(self.clock().replace(microsecond=0), newest.issued_at)

    def _number(self, hash_list: HashList, batch: Batch, now: datetime) -> None:
        set_sum = SetSum(bytes(hash_list.set_sum))
        chain, seq = bytes(hash_list.chain), hash_list.seq
        rows = []
        for planned in batch.changes:
            seq += 1
            entry = planned.entry
            commitment = bytes(entry.commitment)
            chain = commitments.next_link(
                chain,
                seq=seq,
                op=planned.op,
                detail=planned.detail,
                entry_id=entry.pk.bytes,
                commitment=commitment,
            )
            hash_list.live += _apply(set_sum, planned, commitment)
            rows.append(
                ListChange(
                    hash_list=hash_list,
                    epoch=hash_list.epoch,
                    seq=seq,
                    entry=entry,
                    op=planned.op,
                    detail=planned.detail,
                    was=planned.was,
                    commitment=commitment,
                    chain=chain,
                )
            )
        ListChange.objects.bulk_create(rows)
        HashListEntry.objects.filter(pk__in=[planned.entry.pk for planned in batch.changes]).update(changed_at=now)
        failpoints.reach("sequencer_between_changes_and_head")
        hash_list.seq, hash_list.chain, hash_list.set_sum = seq, chain, bytes(set_sum)
        hash_list.save(update_fields=["seq", "chain", "set_sum", "live"])
        self.write_head(hash_list, now, batch_bytes=batch.size)

    # --- heads --------------------------------------------------------------------------------------------------

    def write_head(self, hash_list: HashList, now: datetime, *, batch_bytes: int = 0) -> ListHead:
        """Sign the list as it stands. The row is unique per position: a second, different state cannot be written."""
        set_hash = SetSum(bytes(hash_list.set_sum)).digest()
        return ListHead.objects.create(
            hash_list=hash_list,
            epoch=hash_list.epoch,
            seq=hash_list.seq,
            chain=hash_list.chain,
            set_hash=set_hash,
            live=hash_list.live,
            note=self.sign_head(hash_list, set_hash, now),
            issued_at=now,
            batch_bytes=batch_bytes,
        )

    def sign_head(self, hash_list: HashList, set_hash: bytes, now: datetime) -> str:
        """The note of a state, with a statement issued `now`."""
        state = HeadState(
            self.origin,
            hash_list.name,
            hash_list.epoch,
            hash_list.seq,
            bytes(hash_list.chain),
            set_hash,
            hash_list.live,
        )
        statement = Statement(floor=hash_list.floor, issued=now, expires=now + settings.HEAD_LIFETIME)
        return signing.sign(head_text(state, statement), self.signers)

    def sign_again(self, *, at_once: bool = False) -> int:
        """Sign the newest head of each list anew when it is 55 minutes old; returns how many. The state stays."""
        signed = 0
        for hash_list in signed_lists():
            with transaction.atomic():
                locked = HashList.objects.select_for_update().get(pk=hash_list.pk)
                self._refuse_to_fork(locked)
                head = ListHead.objects.newest(locked)
                now = self.clock().replace(microsecond=0)
                if at_once or now - head.issued_at >= settings.HEAD_SIGNED_AGAIN_AFTER:
                    head.note = self.sign_head(locked, bytes(head.set_hash), now)
                    head.issued_at = now
                    head.save(update_fields=["note", "issued_at"])
                    signed += 1
        return signed

    def move_floor(self, hash_list: HashList, floor: int) -> bool:
        """Serve changes at or below `floor`, a head's number, no longer; False where that may not be (yet).

        A snapshot at or above the new floor must exist first: whoever is sent away needs something to take.
        """
        with transaction.atomic():
            locked = HashList.objects.select_for_update().get(pk=hash_list.pk)
            self._refuse_to_fork(locked)
            newest = ListHead.objects.newest(locked)
            is_head = ListHead.objects.filter(hash_list=locked, epoch=locked.epoch, seq=floor).exists()
            if not is_head or floor <= locked.floor or not snapshots.reaches(locked, floor):
                return False
            locked.floor = floor
            locked.save(update_fields=["floor"])
            newest.note = self.sign_head(locked, bytes(newest.set_hash), self._stamp(locked))
            newest.issued_at = self._stamp(locked)
            newest.save(update_fields=["note", "issued_at"])
        return True

    def compact(self) -> int:
        """Move the floor of each list that keeps more changes than CHANGES_KEPT; returns how many moved."""
        moved = 0
        for hash_list in signed_lists():
            if hash_list.seq - hash_list.floor <= 2 * settings.CHANGES_KEPT:
                continue
            heads = ListHead.objects.filter(hash_list=hash_list, epoch=hash_list.epoch)
            head = heads.filter(seq__lte=hash_list.seq - settings.CHANGES_KEPT).order_by("-seq").first()
            moved += head is not None and self.move_floor(hash_list, head.seq)
        return moved

    # --- restores -----------------------------------------------------------------------------------------------

    def _refuse_to_fork(self, hash_list: HashList) -> None:
        if (hash_list.epoch, hash_list.seq) < self._marks.get(hash_list.name, (0, 0)):
            raise RestoredBehindOurBack(
                f"The list {hash_list.name} lies behind what was signed: the database was restored. "
                "Run manage.py begin_epoch before the sequencer."
            )

    def _remember_mark(self, list_id: int) -> None:
        hash_list = HashList.objects.get(pk=list_id)
        self._marks[hash_list.name] = (hash_list.epoch, hash_list.seq)
        self.ledger.set_marks(self._marks)


def _apply(set_sum: SetSum, planned: Planned, commitment: bytes) -> int:
    """Take the old row out of the set, put the new one in; returns by how much the number of rows grew."""
    entry_id = planned.entry.pk.bytes
    if planned.was is not None:
        set_sum.remove(entry_id, planned.was, commitment)
    if planned.becomes is not None:
        set_sum.add(entry_id, planned.becomes, commitment)
    return (planned.becomes is not None) - (planned.was is not None)
