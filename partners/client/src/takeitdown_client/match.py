"""Looking fingerprints up in the copy: PDQ by distance, everything else exactly.

A match means review, never an automatic penalty. Rows that show no value and rows of types not known cannot match.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from .rows import TRUST_NAMES, Row
from .store import Store

numpy: Any
try:
    import numpy
except ImportError:
    numpy = None

MATCH_WITHIN_BITS = 31  # of PDQ's 256
REVIEW = "A match means review, never an automatic penalty."
_EXACT = {
    "md5": re.compile(r"[0-9a-f]{32}"),
    "sha256": re.compile(r"[0-9a-f]{64}"),
    "phash": re.compile(r"[0-9a-f]{16}"),
}
_PDQ = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Match:
    """One entry of the list that a fingerprint is near to. `distance` is in bits and 0 for exact types."""

    entry: str
    type: str
    media: str
    trust: str
    distance: int
    decide: str  # "review", or "person" while the copy is stale: then a person decides every match


class Matcher:
    """Answers from the copy in `store`; loads its PDQ rows once and again when the copy has moved."""

    def __init__(self, store: Store, *, stale: bool = False) -> None:
        self._store = store
        self._decide = "person" if stale else "review"
        self._loaded_note: str | None = None
        self._ids: list[bytes] = []
        self._hashes: Any = []

    def match(self, type: str, value: str) -> list[Match]:
        """Entries near a fingerprint, nearest first. `value` as on the list: lowercase hex. Other types: none."""
        left_out = self._store.left_out()
        if type == "pdq" and _PDQ.fullmatch(value):
            near = self._near(int(value, 16))
            by_id = self._store.rows_by_id("rows", list(near))
            found = [(near[id], row) for id, row in by_id.items() if row.shown]
        elif type in _EXACT and _EXACT[type].fullmatch(value):
            found = [(0, row) for row in self._store.rows_with_value(type, value)]
        else:
            return []
        found.sort(key=lambda pair: (pair[0], pair[1].id))
        return [self._match(distance, row) for distance, row in found if row.id not in left_out]

    def match_any(self, value: str) -> list[Match]:
        """As `match`, for a hash whose type only its length tells: 64 digits may be SHA-256 or PDQ."""
        return [match for type in types_of(value) for match in self.match(type, value)]

    def _match(self, distance: int, row: Row) -> Match:
        return Match(row.id.hex(), row.type or "", row.media or "", TRUST_NAMES[row.trust], distance, self._decide)

    def _near(self, wanted: int) -> dict[bytes, int]:
        self._load()
        if numpy is not None:
            return self._near_by_numpy(wanted)
        return {
            id: distance
            for id, listed in zip(self._ids, self._hashes, strict=True)
            if (distance := (listed ^ wanted).bit_count()) <= MATCH_WITHIN_BITS
        }

    def _near_by_numpy(self, wanted: int) -> dict[bytes, int]:
        if not self._ids:
            return {}
        words = numpy.frombuffer(wanted.to_bytes(32, "big"), dtype=numpy.uint8)
        distances = _ones(numpy.bitwise_xor(self._hashes, words.view(numpy.uint64)))
        return {self._ids[i]: int(distances[i]) for i in numpy.flatnonzero(distances <= MATCH_WITHIN_BITS)}

    def _load(self) -> None:
        """Pack the PDQ rows anew when the head has changed since."""
        head = self._store.copy().head
        note = head.note if head else ""
        if note == self._loaded_note:
            return
        good = [(id, value) for id, value in self._store.values_of("pdq") if _PDQ.fullmatch(value)]
        self._ids = [id for id, _ in good]
        if numpy is None:
            self._hashes = [int(value, 16) for _, value in good]
        else:
            packed = b"".join(bytes.fromhex(value) for _, value in good)
            self._hashes = numpy.frombuffer(packed, dtype=numpy.uint64).reshape(-1, 4)
        self._loaded_note = note


def types_of(value: str) -> list[str]:
    """The types a bare hash may be. A PDQ has exactly 128 one bits, which only 5 % of SHA-256 have."""
    found = [type for type, form in _EXACT.items() if form.fullmatch(value)]
    if _PDQ.fullmatch(value) and int(value, 16).bit_count() == 128:
        found.append("pdq")
    return found


def _ones(words: Any) -> Any:
    """One bits of each row of `uint64[n, 4]`."""
    if hasattr(numpy, "bitwise_count"):
        return numpy.bitwise_count(words).sum(axis=1, dtype=numpy.uint16)
    table = numpy.array([byte.bit_count() for byte in range(256)], dtype=numpy.uint8)
    return table[words.view(numpy.uint8)].sum(axis=1, dtype=numpy.uint16)


def nearest_first(matches: Iterable[Match]) -> list[Match]:
    """One line for each entry, by its smallest distance."""
    best: dict[str, Match] = {}
    for match in sorted(matches, key=lambda match: match.distance):
        best.setdefault(match.entry, match)
    return list(best.values())
