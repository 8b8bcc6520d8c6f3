"""Keeping the copy equal to the portal's list: LIST.md §5, rule by rule.

Each check is a method of its own, so that a test can take one away and see that something else fails.
Order matters twice: `latest` is looked at before anything else of an answer, and nothing is stored before it is proven.
"""

from dataclasses import dataclass, replace
from typing import Any

from . import listhash, rows
from .audit import audit
from .errors import (
    BadPage,
    ClientFailure,
    Diverged,
    KeyNotAccepted,
    LocalCopyDamaged,
    MalformedAnswer,
    NoteRefused,
    ResyncNeeded,
    StrayPage,
)
from .heads import HeadRules
from .notes import Head
from .resync import Resync
from .rows import ADD, REMOVE, Change, Page, Row
from .store import Copy

AUDIT_EVERY_SECONDS = 24 * 3600
SNAPSHOT_WORTH_CHANGES = 20_000  # a first copy longer than ten pages comes faster as a snapshot
# Alarms about a condition close when it has passed; rollback, fork, diverged, local_damage wait for a person.
_PASSING_ALARMS = ("bad_page", "resync_failed", "note_refused", "key_not_accepted")


class FarBehind(ClientFailure):
    """Nothing is wrong; a snapshot is just the shorter way."""


@dataclass(slots=True)
class Outcome:
    """What one sync did. `head` is the verified head the copy stands at."""

    head: Head | None = None
    pages: int = 0
    added: int = 0
    updated: int = 0
    removed: int = 0
    snapshots: int = 0
    acknowledged: bool = False
    min_wait_seconds: float = rows.DEFAULT_MIN_WAIT_SECONDS


@dataclass(slots=True)
class Proven:
    """A page that proved itself, worked out beside the copy and not stored yet."""

    head: Head
    sum: listhash.SetSum
    gone: list[bytes]
    put: list[Row]


class Synchroniser(HeadRules):
    """Pulls, proves, stores and acknowledges. One `sync()` brings the copy to the newest head or leaves it alone."""

    # --- one sync ----------------------------------------------------------------------------------------------

    def sync(self) -> Outcome:
        """Bring the copy up to date and say so to the portal.

        Raises a ClientFailure when it could not; the copy is then what it was, or a later proven one, and matching
        goes on with it. Raises SyncRunning when another process is at it.
        """
        with self.store.sync_lock():
            outcome = Outcome()
            try:
                self.store.discard_staging()
                self.bring_up_to_date(outcome)
                self.learn_keys_if_due()
                self.acknowledge(outcome)
            except ClientFailure as failure:
                self._note_failure(failure)
                raise
            finally:
                self.watch_staleness()
            self._note_success(outcome)
            return outcome

    def take_delta(self, payload: dict[str, Any]) -> Outcome | None:
        """A webhook's `list.delta` (its signature already checked): apply its page, and say so to the portal.

        None when it does not follow this copy, came late, or does not prove itself: pull then. Raises Rollback, Fork,
        SyncRunning.
        """
        with self.store.sync_lock():
            outcome = Outcome()
            try:
                page, copy = rows.parse_page(payload), self.store.copy()
                if copy.head is None or not self._follows(page, copy.head):
                    return None
                latest = self.look_at_latest(page.latest)
                self.apply(page, copy, latest, outcome)
            except (BadPage, MalformedAnswer, NoteRefused, LocalCopyDamaged):
                return None
            outcome.head, outcome.min_wait_seconds = copy.head, page.min_wait_seconds
            self.acknowledge(outcome)
            return outcome

    def _follows(self, page: Page, mine: Head) -> bool:
        """Whether a delta goes on where this copy stands. One that was overtaken on its way is late, and no rollback:
        a webhook may arrive in any order, which an answer to a question may not.
        """
        latest, highest = self.open_head(page.latest), self.store.highest()
        overtaken = highest is not None and latest.position < highest.position
        return page.from_seq == mine.seq and latest.epoch == mine.epoch and not overtaken

    def bring_up_to_date(self, outcome: Outcome) -> None:
        """Pull; where that cannot work or proves nothing, take a snapshot (rule 3)."""
        copy: Copy | None = None
        try:
            copy = self.store.copy()
            self.audit_if_due(copy)
            self.pull(copy, outcome)
        except ResyncNeeded as needed:
            self.look_at_latest(needed.latest)
            self.resync(outcome)
        except FarBehind:
            self.resync(outcome)
        except BadPage as failure:
            self.alarm("bad_page", failure.detail)
            self.resync(outcome)
        except LocalCopyDamaged as failure:
            self.alarm("local_damage", failure.detail)
            self.resync(outcome)
        else:
            outcome.head = copy.head

    # --- rule 3: pages -----------------------------------------------------------------------------------------

    def pull(self, copy: Copy, outcome: Outcome) -> None:
        """Page after page until the closing head is the newest one. `copy` moves along."""
        strays = 0
        while True:
            page = self.portal.changes(copy.head.position if copy.head else None)
            outcome.min_wait_seconds = page.min_wait_seconds
            latest = self.look_at_latest(page.latest)
            if copy.head is None and latest.seq > SNAPSHOT_WORTH_CHANGES:
                raise FarBehind("The list is long; a snapshot is the shorter way.")
            try:
                self.apply(page, copy, latest, outcome)
            except StrayPage:
                strays += 1
                if strays > 1:
                    raise
                continue  # an answer to an older question, repeated on the way: ask once more
            if copy.head is None or copy.head.position >= latest.position:
                return
            if not page.changes:
                raise BadPage("The portal has a newer head and no changes that lead to it.")

    def apply(self, page: Page, copy: Copy, latest: Head, outcome: Outcome) -> None:
        """Prove one page and store it; `copy` stands at its closing head afterwards."""
        proven = self.prove(page, copy, latest)
        self.at("page_proven")
        self.store_page(copy, proven)
        self.at("page_stored")
        copy.head, copy.sum = proven.head, proven.sum
        outcome.pages += 1
        for change in page.changes:
            outcome.added += change.op == ADD
            outcome.updated += change.op == rows.UPDATE
            outcome.removed += change.op == REMOVE

    def prove(self, page: Page, copy: Copy, latest: Head) -> Proven:
        """Work a page out on paper. Raises BadPage (drop it) or Fork (keep the notes)."""
        head = self._closing_head(page)
        self.check_question(page, copy, head, latest)
        self.check_fork(head)
        self.check_numbers(page, head)
        chain = copy.head.chain if copy.head else self._chain_of_an_empty_list(head)
        ids = list({change.id for change in page.changes})
        before = self.store.rows_by_id(copy.table, ids)
        after = dict(before)
        for change in page.changes:
            self.check_presence(change, after.get(change.id))
            chain = listhash.next_chain(
                chain,
                seq=change.seq,
                op=change.op,
                detail=change.detail,
                id=change.id,
                commitment=change.commitment,
            )
            self._enter(change, after)
        new_sum = copy.sum.copy()
        new_sum.take_out(row.seed() for id, row in before.items() if after.get(id) != row)
        new_sum.add(row.seed() for id, row in after.items() if before.get(id) != row)
        live = (copy.head.live if copy.head else 0) + len(after) - len(before)
        self.check_chain(chain, head)
        self.check_set(new_sum, head)
        self.check_live(live, head)
        return Proven(
            head=head,
            sum=new_sum,
            gone=[id for id in before if id not in after],
            put=[row for id, row in after.items() if before.get(id) != row],
        )

    def _closing_head(self, page: Page) -> Head:
        try:
            return self.open_head(page.head)
        except NoteRefused as failure:
            raise BadPage(f"The page's closing head does not count: {failure.detail}") from failure

    def check_question(self, page: Page, copy: Copy, head: Head, latest: Head) -> None:
        """`from_seq` and epoch are mine, and the page does not end past the newest head."""
        epoch, seq = copy.head.position if copy.head else (latest.epoch, 0)
        if page.from_seq != seq or head.epoch != epoch:
            raise StrayPage("The page does not begin where this copy stands.")
        if head.position > latest.position:
            raise BadPage("The page ends past the newest head.")

    def check_numbers(self, page: Page, head: Head) -> None:
        """Numbers without a gap, up to the closing head's."""
        numbers = [change.seq for change in page.changes]
        if numbers != list(range(page.from_seq + 1, page.from_seq + 1 + len(numbers))):
            raise BadPage("The changes are not numbered without a gap.")
        if head.seq != page.from_seq + len(numbers):
            raise BadPage("The page's closing head is not at its last change.")

    def check_presence(self, change: Change, old: Row | None) -> None:
        """No `add` of a row you have; no `update` or `remove` of one you have not, or of another commitment."""
        if change.op == ADD and old is not None:
            raise BadPage(f"Change {change.seq} adds a row that is already here.")
        if change.op != ADD and old is None:
            raise BadPage(f"Change {change.seq} speaks of a row that is not here.")
        if change.op == REMOVE and old is not None and old.commitment != change.commitment:
            raise BadPage(f"Change {change.seq} removes another fingerprint than the one here.")

    def _enter(self, change: Change, scratch: dict[bytes, Row]) -> None:
        if change.row is None:
            scratch.pop(change.id, None)
        else:
            scratch[change.id] = self.keep_value(scratch.get(change.id), change.row)

    def keep_value(self, old: Row | None, new: Row) -> Row:
        """Rule 4: a withheld row keeps the value held here if the commitment is the same."""
        if new.shown or old is None or not old.shown or old.commitment != new.commitment:
            return new
        return replace(old, trust=new.trust)

    def check_chain(self, chain: bytes, head: Head) -> None:
        if chain != head.chain:
            raise BadPage("The changes are not the ones the portal signed (chain).")

    def check_set(self, sum: listhash.SetSum, head: Head) -> None:
        if sum.set_hash() != head.set_hash:
            raise BadPage("The rows are not the ones the portal signed (set hash).")

    def check_live(self, live: int, head: Head) -> None:
        if live != head.live:
            raise BadPage("The number of rows is not the one the portal signed.")

    def store_page(self, copy: Copy, proven: Proven) -> None:
        """Rows, position and head in one transaction."""
        self.store.store_page(copy, gone=proven.gone, put=proven.put, head=proven.head, sum=proven.sum, at=self.at)

    def _chain_of_an_empty_list(self, head: Head) -> bytes:
        """Where the chain of the first epoch begins."""
        return listhash.first_chain(
            origin=head.origin,
            list_name=head.list_name,
            epoch=head.epoch,
            seq=0,
            live=0,
            set_hash=listhash.SetSum().set_hash(),
        )

    # --- snapshots ---------------------------------------------------------------------------------------------

    def resync(self, outcome: Outcome) -> None:
        """Replace the copy by a snapshot that proves itself; where none does, leave it as it is and alarm."""
        Resync(self).run(outcome)

    # --- rule 8, and looking after oneself ------------------------------------------------------------------------

    def acknowledge(self, outcome: Outcome) -> None:
        """Rule 8: say what the copy adds up to. Told that it differs, take a snapshot and say it again, once.

        Not being heard is no failure of the sync: the next one says it again.
        """
        try:
            self.send_acknowledgement()
        except Diverged as failure:
            self.alarm("diverged", failure.detail)
            if outcome.snapshots:
                raise
            self.resync(outcome)
            self.send_acknowledgement()
        except ClientFailure as failure:
            self.store.set(last_acknowledgement_error=failure.detail)
            return
        outcome.acknowledged = True
        self.store.set(last_acknowledgement_error="")
        self.at("acknowledged")

    def send_acknowledgement(self) -> None:
        """The set hash of what is stored, not of what was signed: that is the point."""
        copy = self.store.copy()
        if copy.head is not None:
            self.portal.acknowledge(epoch=copy.head.epoch, seq=copy.head.seq, set_hash=copy.sum.set_hash())

    def audit_if_due(self, copy: Copy) -> None:
        """Once a day, recompute the copy from its rows (a new one is proven as it comes). Raises LocalCopyDamaged."""
        if not self.due("audited_at", AUDIT_EVERY_SECONDS):
            return
        if copy.head is not None and (problems := audit(self.store, progress=self.progress).problems):
            raise LocalCopyDamaged(" ".join(problems))
        self.store.set(audited_at=str(int(self.clock())))

    def _note_failure(self, failure: ClientFailure) -> None:
        if isinstance(failure, KeyNotAccepted):
            self.alarm("key_not_accepted", failure.detail)
        self.store.set(last_error=failure.detail, last_error_at=str(int(self.clock())))

    def _note_success(self, outcome: Outcome) -> None:
        now = int(self.clock())
        for kind in _PASSING_ALARMS:
            self.store.close_alarms(at=now, kind=kind)
        self.store.set(last_error="", last_sync_at=str(now), min_wait_seconds=str(outcome.min_wait_seconds))
