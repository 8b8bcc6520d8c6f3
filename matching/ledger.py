"""The withdrawal ledger and the high-water marks: what must outlive a restore of the database. Files, ids, no values.

The ledger names every hold that was taken back, so that a restored database does not list again what somebody
withdrew after the backup. Holds rather than entries: when two people stand behind one entry and one of them withdrew,
only that one may be replayed, or the entry would stay for ever after the other one left.

The marks are the newest position ever signed of each list. A database that lies behind them was restored, and going on
from there would sign two states for one number: a fork (LIST.md §3).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from uuid import UUID


class Ledger:
    """An append-only file of hold ids, 32 hex a line, and beside it `.marks`, a JSON object of list → [epoch, seq]."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._marks_path = path.with_suffix(".marks")

    def append(self, hold_ids: Iterable[UUID]) -> None:
        """Write ids down and force them to the disk. Call before the withdrawal commits; a repeated id is harmless."""
        text = "".join(f"{hold_id.hex}\n" for hold_id in hold_ids)
        if not text:
            return
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, text.encode())
            os.fsync(handle)
        finally:
            os.close(handle)

    def hold_ids(self) -> Iterator[UUID]:
        """Every id written so far; a line that a crash cut short is passed over."""
        if not self.path.exists():
            return
        with self.path.open(encoding="ascii") as lines:
            for line in lines:
                if len(line) == 33:
                    yield UUID(hex=line.strip())

    def marks(self) -> dict[str, tuple[int, int]]:
        """The newest (epoch, seq) signed of each list, by its name."""
        if not self._marks_path.exists():
            return {}
        return {name: (mark[0], mark[1]) for name, mark in json.loads(self._marks_path.read_text()).items()}

    def set_marks(self, marks: dict[str, tuple[int, int]]) -> None:
        """Replace the marks. Call after commit: a mark may lag behind the database, never lead it."""
        self._marks_path.parent.mkdir(parents=True, exist_ok=True)
        temporary = self._marks_path.with_suffix(".new")
        temporary.write_text(json.dumps(marks))
        temporary.replace(self._marks_path)
