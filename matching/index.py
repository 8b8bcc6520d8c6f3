"""Which of many PDQ hashes lie within 31 bits of one: all of them, in microseconds.

A sorted part that never changes (matching/bands.py; several processes map one file of it), and beside it what came and
went since: additions in a short array that is read whole, removals as one bit a row. Rows are numbered as they were
given, additions go on counting, and a number stays until `merged` makes a new index. One thread changes an index; any
number ask it meanwhile.

Without numba, and for lists so short that it does not matter, every hash is measured: the same answers, more slowly.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from matching import bands, compiling
from matching.bands import WITHIN, Rows, Words
from matching.hashing.pdq_symmetries import symmetries

BANDED_FROM: Final = 5_000
"""Shorter lists get no bands: 29 MB would save nothing."""
_PARTS: Final = {"hashes": np.uint64, "groups": np.uint64, "rows": np.uint32}


class Neighbours(NamedTuple):
    """What is near a hash: the nearest first, among equals the lowest row."""

    rows: npt.NDArray[np.int64]
    distances: npt.NDArray[np.int64]


class IndexUnreadable(ValueError):
    """A folder does not hold an index that this version can use: build it anew."""


def words_of(values: Sequence[str]) -> Words:
    """`uint64[n, 4]` of PDQ hashes as 64 hexadecimal digits each; ValueError for anything else."""
    if any(len(value) != 64 for value in values):
        raise ValueError("A PDQ hash is 64 hexadecimal digits.")
    joined = np.frombuffer(bytes.fromhex("".join(values)), dtype=">u8").astype(np.uint64)
    return joined.reshape(len(values), 4)  # fails if blanks, which `fromhex` ignores, stood among the digits


class PdqIndex:
    """PDQ hashes, searchable by distance. Made by `build`, `load` or `merged`."""

    def __init__(self, hashes: Words, groups: Words, rows: Rows) -> None:
        self._hashes, self._groups, self._rows = hashes, groups, rows
        self._added: Words = np.empty((0, 4), dtype=np.uint64)  # a view of the room behind it, replaced as it grows
        self._room: Words = self._added
        self._removed = np.zeros(len(hashes) // 8 + 1, dtype=np.uint8)
        self._removals = 0

    @classmethod
    def build(cls, hashes: Words, *, banded_from: int = BANDED_FROM, threads: int | None = None) -> Self:
        """Sort `uint64[n, 4]` hashes, most significant word first,, on `threads` cores; on all unless said.

        Takes 76 bytes a hash and 29 MB; the hashes are copied.
        ValueError for another shape or more than 134,217,728 hashes.
        """
        hashes = _read_only(_aligned(_checked(hashes)))
        if len(hashes) > bands.MOST_ROWS:
            raise ValueError(f"An index holds at most {bands.MOST_ROWS:,} hashes.")
        if compiling.AVAILABLE and len(hashes) >= banded_from:
            groups, rows = bands.build(hashes, threads=threads or os.cpu_count() or 1)
        else:
            groups, rows = np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.uint32)
        return cls(*(_read_only(part) for part in (hashes, groups, rows)))

    @property
    def next_row(self) -> int:
        """The number that the next addition gets: how many rows there ever were, removed ones counted."""
        return len(self._hashes) + len(self._added)

    def __len__(self) -> int:
        """How many hashes can be found."""
        return self.next_row - self._removals

    @property
    def pending(self) -> int:
        """Additions and removals since it was built. A query measures every addition: merge at some 10,000."""
        return len(self._added) + self._removals

    @property
    def nbytes(self) -> int:
        return sum(part.nbytes for part in (self._hashes, self._groups, self._rows, self._room, self._removed))

    # --- asking -------------------------------------------------------------------------------------------------

    def query(self, wanted: Words, *, within: int = WITHIN, turned: bool = False) -> Neighbours:
        """Every hash at most `within` bits from `wanted`, `uint64[4]`; nothing beyond is returned, nothing is missed.

        `turned` asks for the picture's mirror images and quarter turns, too; a row then has its smallest distance.
        ValueError for a distance over 31, at which the index could miss some.
        """
        if not 0 <= within <= WITHIN:
            raise ValueError(f"Neighbours are found at a distance of 0 to {WITHIN} bits.")
        wanted = _checked(wanted.reshape(1, -1))
        questions = symmetries(wanted[0]) if turned else wanted
        found = [self._found(question.reshape(1, 4), within) for question in questions]
        return self._neighbours(np.concatenate(found) if turned else found[0])

    def _found(self, wanted: Words, within: int) -> npt.NDArray[np.int64]:
        """`int64`: the distance above 32 bits of row; removed rows among them, in no order, with repetitions."""
        added, sorted_rows = self._added, len(self._hashes)
        wanted = _read_only(np.ascontiguousarray(wanted))
        if len(self._groups):
            found: npt.NDArray[np.int64] = bands.search(self._hashes, self._groups, self._rows, wanted, within)
        else:
            found = _scan(self._hashes, wanted, within)
        return np.concatenate([found, _scan(added, wanted, within) + sorted_rows]) if len(added) else found

    def _neighbours(self, found: npt.NDArray[np.int64]) -> Neighbours:
        found = np.sort(found)
        rows = found & 0xFFFFFFFF
        if len(rows) == 0:
            return Neighbours(rows, found)
        keep = _is_first(rows)
        if self._removals:
            keep &= ~self._is_removed(rows)
        return Neighbours(rows[keep], found[keep] >> 32)

    def _is_removed(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        removed: npt.NDArray[np.bool_] = (self._removed[rows >> 3] >> (rows & 7).astype(np.uint8) & 1) == 1
        return removed

    # --- keeping in step ----------------------------------------------------------------------------------------

    def add(self, hashes: Words) -> int:
        """Append `uint64[n, 4]`; returns the row of the first, the others follow. A hash may be there twice."""
        hashes, first, have = _checked(hashes), self.next_row, len(self._added)
        if first + len(hashes) > bands.MOST_ROWS:
            raise ValueError(f"An index holds at most {bands.MOST_ROWS:,} hashes.")
        if have + len(hashes) > len(self._room):
            self._room = np.empty((max(1024, 2 * (have + len(hashes))), 4), dtype=np.uint64)
            self._room[:have] = self._added
        missing = (first + len(hashes)) // 8 + 1 - len(self._removed)
        if missing > 0:
            self._removed = np.concatenate([self._removed, np.zeros(missing + len(self._room) // 8, dtype=np.uint8)])
        self._room[have : have + len(hashes)] = hashes
        self._added = _read_only(self._room[: have + len(hashes)])  # last: whoever asks sees whole rows or none
        return first

    def remove(self, row: int) -> bool:
        """Let a row be found no more; False if that was so already. IndexError for a row that never was."""
        if not 0 <= row < self.next_row:
            raise IndexError(f"There is no row {row}.")
        if self._removed[row >> 3] >> (row & 7) & 1:
            return False
        self._removals += 1  # before the bit: whoever asks looks at the bits only if this says so
        self._removed[row >> 3] |= 1 << (row & 7)
        return True

    def merged(self, *, threads: int | None = None) -> tuple[Self, npt.NDArray[np.int64]]:
        """A new index of what can be found now, removed hashes gone from its memory, and the old number of each of its
        rows. This one goes on answering; what changes in it from now on has to be repeated in the new one."""
        rows = np.arange(self.next_row)
        rows = rows[~self._is_removed(rows)]
        border = int(np.searchsorted(rows, len(self._hashes)))
        hashes = np.concatenate([self._hashes[rows[:border]], self._added[rows[border:] - len(self._hashes)]])
        return type(self).build(hashes, threads=threads), rows

    # --- on disk ------------------------------------------------------------------------------------------------

    def save(self, folder: Path) -> None:
        """Write a new folder, whole or not at all, mode 0700. FileExistsError if there is one, ValueError while
        something is `pending`: merge first, so that no removed hash is written."""
        if self.pending:
            raise ValueError("Additions or removals are pending: save what `merged` returns.")
        if folder.exists():
            raise FileExistsError(folder)
        draft = folder.with_name(f".{folder.name}-{secrets.token_hex(4)}")
        draft.mkdir(mode=0o700)
        parts: list[npt.NDArray[Any]] = [self._hashes, self._groups, self._rows]
        for name, part in zip(_PARTS, parts, strict=True):
            with (draft / f"{name}.npy").open("xb") as file:
                np.save(file, part, allow_pickle=False)
                file.flush()
                os.fsync(file.fileno())
        draft.rename(folder)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Map a saved index: nothing is read before it is needed, and processes share what is. IndexUnreadable if
        files are missing, cut off or of another layout. The folder must be one that only we can write."""
        try:
            parts = [np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False) for name in _PARTS]
        except (OSError, ValueError, EOFError) as error:
            raise IndexUnreadable(f"{folder.name}: {error}") from error
        hashes, groups, rows = (part.view(np.ndarray) for part in parts)
        if not _fit(hashes, groups, rows) or (len(groups) and not compiling.AVAILABLE):
            raise IndexUnreadable(f"{folder.name} has another layout: build the index anew.")
        return cls(hashes, groups, rows)


def _fit(hashes: Words, groups: Words, rows: Rows) -> bool:
    """Whether three arrays are one index, so that no look-up leaves them."""
    kinds = [part.dtype for part in (hashes, groups, rows)] == [np.dtype(kind) for kind in _PARTS.values()]
    if not kinds or hashes.ndim != 2 or hashes.shape[1] != 4:
        return False
    if len(groups) == 0:
        return len(rows) == 0
    right_sizes = groups.shape == (bands.GROUPS + 1,) and rows.shape == (bands.COUNT * len(hashes),)
    starts = groups >> np.uint64(32)
    return bool(right_sizes and starts[-1] == len(rows) and (starts[1:] >= starts[:-1]).all())


def _checked(hashes: Words) -> Words:
    if hashes.ndim != 2 or hashes.shape[1] != 4 or hashes.dtype != np.uint64:
        raise ValueError("Hashes are uint64[n, 4], most significant word first.")
    return hashes


def _aligned(hashes: Words) -> Words:
    """A copy that starts where a line of the processor's cache does, so that no hash takes two lines."""
    room = np.empty(4 * len(hashes) + 8, dtype=np.uint64)
    start = -room.ctypes.data // 8 % 8
    aligned: Words = room[start : start + 4 * len(hashes)].reshape(len(hashes), 4)
    aligned[:] = hashes
    return aligned


def _read_only(part: npt.NDArray[Any]) -> npt.NDArray[Any]:
    view = part.view()
    view.setflags(write=False)
    return view


def _is_first(rows: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Where a row occurs for the first time."""
    first = np.zeros(len(rows), dtype=np.bool_)
    first[np.unique(rows, return_index=True)[1]] = True
    return first


def _scan(hashes: Words, wanted: Words, within: int) -> npt.NDArray[np.int64]:
    if compiling.AVAILABLE:
        found: npt.NDArray[np.int64] = bands.scan(hashes, wanted, within)
        return found
    distances = np.bitwise_count(hashes ^ wanted).sum(axis=1, dtype=np.int64)
    rows = np.flatnonzero(distances <= within)
    packed: npt.NDArray[np.int64] = distances[rows] << 32 | rows
    return packed
