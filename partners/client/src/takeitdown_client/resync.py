"""A snapshot in place of the copy: fetched, proven, brought up to the newest head, then swapped in at once.

It never makes the copy older than what was verified before. The rules themselves are in `sync.py` and `heads.py`.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import listhash, rows, snapshot
from .errors import (
    BadPage,
    BadSnapshot,
    ClientFailure,
    LocalCopyDamaged,
    MalformedAnswer,
    NoteRefused,
    ResyncNeeded,
)
from .notes import Head
from .rows import Row
from .store import Copy

if TYPE_CHECKING:
    from .sync import Outcome, Synchroniser

_STAGE_ROWS = 10_000


class Resync:
    """One attempt; `rules` checks, remembers and alarms."""

    def __init__(self, rules: Synchroniser) -> None:
        self.rules = rules

    def run(self, outcome: Outcome) -> None:
        """Replace the copy by a snapshot, brought up to at least the newest head seen, so that it never goes back.

        Where that fails the copy stays as it is, and there is an alarm.
        """
        base = self._copy_if_readable()
        download = snapshot.Download(
            self.rules.store, self.rules.portal, now=int(self.rules.clock()), progress=self.rules.progress
        )
        try:
            path = download.fetch()
            self.rules.at("snapshot_fetched")
            staged = self._staged(path)
            self.rules.at("snapshot_staged")
            self._catch_up(staged, outcome)
            self.rules.store.replace_copy(base, staged, at=self.rules.at)
            self.rules.at("snapshot_stored")
        except ClientFailure as failure:
            self.rules.alarm("resync_failed", f"No good snapshot: {failure.detail}")
            self.rules.store.discard_staging()
            if isinstance(failure, BadSnapshot):
                download.discard()
            raise
        download.discard()
        outcome.snapshots += 1
        outcome.head = staged.head
        self.rules.store.set(audited_at=str(int(self.rules.clock())))

    def _copy_if_readable(self) -> Copy | None:
        try:
            return self.rules.store.copy()
        except LocalCopyDamaged:
            return None

    def _staged(self, path: Path) -> Copy:
        """Read a snapshot into the second table and prove it. Raises BadSnapshot or Fork."""
        lines = snapshot.lines(path)
        head = self._snapshot_head(next(lines, b""))
        self.rules.store.begin_staging()
        sum = listhash.SetSum()
        self.rules.progress.start("Checking rows", head.live)
        staged = 0
        reader = _SnapshotRows(lines, limit=head.live)
        for part in reader.parts():
            sum.add(row.seed() for row in part)
            try:
                self.rules.store.stage(part)
            except sqlite3.IntegrityError as error:
                raise BadSnapshot("A row occurs twice in the snapshot.") from error
            staged += len(part)
            self.rules.progress.advance(len(part))
        self.rules.progress.finish()
        try:
            self.rules.check_live(staged, head)
            self.rules.check_set(sum, head)
        except BadPage as failure:
            raise BadSnapshot(failure.detail) from failure
        self.rules.remember(head)
        return Copy("staged_rows", head, sum)

    def _snapshot_head(self, line: bytes) -> Head:
        try:
            head = self.rules.open_head(rows.text(rows.loads(line), "head"))
        except (MalformedAnswer, NoteRefused) as failure:
            raise BadSnapshot(f"The snapshot's head does not count: {failure.detail}") from failure
        self.rules.check_fork(head)
        highest = self.rules.store.highest()
        if highest is not None and head.epoch < highest.epoch:
            raise BadSnapshot("The snapshot is of an epoch that has ended.")
        return head

    def _catch_up(self, staged: Copy, outcome: Outcome) -> None:
        """Pages on top of the snapshot, until nothing verified is newer."""
        highest = self.rules.store.highest()
        assert staged.head is not None
        if highest is None or staged.head.position >= highest.position:
            return
        try:
            self.rules.pull(staged, outcome)
        except ResyncNeeded as needed:
            self.rules.look_at_latest(needed.latest)
            raise BadSnapshot(f"The snapshot is too old to go on from ({needed.reason}).") from needed


class _SnapshotRows:
    """The row lines of a snapshot in parts of bounded size, with its closing line checked. `limit`: rows at most."""

    def __init__(self, lines: Iterator[bytes], *, limit: int) -> None:
        self._lines = lines
        self._limit = limit

    def parts(self) -> Iterator[list[Row]]:
        """Raises BadSnapshot."""
        rows_left = self._rows()
        while part := list(itertools.islice(rows_left, _STAGE_ROWS)):
            yield part

    def _rows(self) -> Iterator[Row]:
        count = 0
        try:
            for line in self._lines:
                members = rows.loads(line)
                if "rows" in members and "id" not in members:
                    self._close(members, count)
                    return
                count += 1
                if count > self._limit:
                    raise BadSnapshot("The snapshot has more rows than its head says.")
                yield rows.parse_row(members)
        except MalformedAnswer as failure:
            raise BadSnapshot(f"A line of the snapshot is malformed: {failure.detail}") from failure
        raise BadSnapshot("The snapshot ends without its closing line.")

    def _close(self, members: dict[str, Any], count: int) -> None:
        if rows.whole_number(members, "rows") != count:
            raise BadSnapshot("The snapshot's closing line counts other rows.")
        if next(self._lines, None) is not None:
            raise BadSnapshot("The snapshot goes on after its closing line.")
