"""One batch of changes in the making: what a tick has decided and not yet numbered."""

from __future__ import annotations

from dataclasses import dataclass, field

from matching.models import HashListEntry, Op, RemovalReason

MAX_CHANGES = 500  # LIST.md §4: a batch at most 500 changes or 1 MiB
MAX_BYTES = 1024 * 1024
# Member names, ids, nonce, punctuation of one change in JSON, at most; its value comes on top.
BYTES_BESIDE_VALUE = 300


def size_of_shown(value: str) -> int:
    """Bytes of a row that shows `value`, at most. A frame list is an array of strings: three more for each."""
    return BYTES_BESIDE_VALUE + len(value) + 3 * (value.count("\n") + 1)


@dataclass(frozen=True)
class Planned:
    """A change without its number. `was`: trust of the row that leaves the set, `becomes`: of the one that joins."""

    entry: HashListEntry
    op: Op
    detail: int
    was: int | None
    becomes: int | None

    def size(self) -> int:
        """Bytes in a page, at most."""
        return BYTES_BESIDE_VALUE if self.op == Op.REMOVE else size_of_shown(self.entry.value or "")


@dataclass
class Batch:
    """Planned changes in the order they will be numbered."""

    max_changes: int = MAX_CHANGES
    changes: list[Planned] = field(default_factory=list)
    size: int = 0
    touched: bool = False  # rows were resolved, even if nothing becomes public

    def room(self) -> int:
        """How many more changes fit."""
        return self.max_changes - len(self.changes)

    def bytes_left(self) -> int:
        """How many more bytes of a page the batch may take."""
        return MAX_BYTES - self.size

    def _plan(self, planned: Planned) -> None:
        self.changes.append(planned)
        self.size += planned.size()

    def add(self, entry: HashListEntry) -> None:
        """List an entry."""
        self._plan(Planned(entry, Op.ADD, entry.trust, None, entry.trust))

    def update(self, entry: HashListEntry, *, was: int) -> None:
        """Publish another trust of a listed entry."""
        self._plan(Planned(entry, Op.UPDATE, entry.trust, was, entry.trust))

    def remove(self, entry: HashListEntry, reason: RemovalReason, *, was: int) -> None:
        """Take a listed entry off."""
        self._plan(Planned(entry, Op.REMOVE, reason, was, None))
