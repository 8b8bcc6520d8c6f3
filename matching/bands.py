"""Where a near hash must show: eleven bands of 23 or 24 bits, as a table that mostly stays in the processor's cache.

Two hashes that differ in at most 31 of 256 bits differ in at most one bit of the first band, or in at most two bits of
another: else they would differ in 2 + 10 · 3 = 32. So whoever looks up every band with up to so many bits flipped sees
each near hash at least once, and 99.97 % of the others never.

Layout. In each band the rows are sorted by that band's bits. 32 neighbouring keys are a group, one `uint64`: its upper
half says where the group's rows start, its lower half which of the 32 keys occur. All groups together are 29 MB however
long the list is, one load of a word answers up to 16 flips, and only keys that occur are looked up further: a row there
is `uint32`, the key's five lowest bits above 27 bits of row number.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from matching.compiling import compiled, lowest, ones

Words = npt.NDArray[np.uint64]
"""`uint64[n, 4]`: hashes, most significant word first."""
Rows = npt.NDArray[np.uint32]

WITHIN: Final = 31
"""Largest distance at which nothing is missed."""
COUNT: Final = 11
WIDTHS: Final = np.array([24] * 3 + [23] * 8)
FLIPS: Final = np.array([1] + [2] * 10)
STARTS: Final = np.cumsum(WIDTHS) - WIDTHS
"""The bit at which a band starts; bit 0 is the lowest of word 0, bit 64 the lowest of word 1."""
GROUP_BITS: Final = 5
ROW_BITS: Final = 27
MOST_ROWS: Final = 1 << ROW_BITS
_BASES: Final = np.cumsum(1 << (WIDTHS - GROUP_BITS)) - (1 << (WIDTHS - GROUP_BITS))
"""The first group of each band."""
GROUPS: Final = int((1 << (WIDTHS - GROUP_BITS)).sum())
_MOST_PROBES: Final = int(sum(1 + w + (w * (w - 1) // 2 if f == 2 else 0) for w, f in zip(WIDTHS, FLIPS, strict=True)))
_SHORT: Final = 16
"""So many rows are read one after the other; more are halved first."""


def _near_keys() -> npt.NDArray[np.uint64]:
    """`uint64[3, 32]`: which of 32 keys differ from one in at most 0, 1 or 2 bits, as a bit for each."""
    near = [[[key for key in range(32) if (key ^ one).bit_count() <= flips] for one in range(32)] for flips in range(3)]
    return np.array([[sum(1 << key for key in keys) for keys in row] for row in near], dtype=np.uint64)


_NEAR: Final = _near_keys()
_FULL: Final = np.uint64(0xFFFFFFFF)
_HALF: Final = np.uint64(32)


def build(hashes: Words, *, threads: int) -> tuple[Words, Rows]:
    """Sort the rows of every band: `uint64[GROUPS + 1]` groups and `uint32[11 · n]` rows. Each thread needs another
    four bytes a row for its time."""
    rows = np.empty(COUNT * len(hashes), dtype=np.uint32)
    groups = np.empty(GROUPS + 1, dtype=np.uint64)  # not `zeros`: numpy asks for large pages in `empty` only
    groups[:] = 0
    groups[-1] = np.uint64(len(rows)) << _HALF
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda band: _sort_band(hashes, band, groups, rows), range(COUNT)))
    return groups, rows


@compiled
def _key(hashes: Any, row: Any, band: Any) -> Any:
    """The bits of one band."""
    word, shift, width = STARTS[band] >> 6, STARTS[band] & 63, WIDTHS[band]
    bits = hashes[row, word] >> np.uint64(shift)
    if shift + width > 64:
        bits |= hashes[row, word + 1] << np.uint64(64 - shift)
    return np.int64(bits & np.uint64((1 << width) - 1))


@compiled
def _sort_band(hashes: Any, band: Any, groups: Any, rows: Any) -> None:
    """Two counting sorts, the lower five bits first; the second keeps the order of the first."""
    count = len(hashes)
    base, offset, mask = _BASES[band], band * count, (1 << GROUP_BITS) - 1
    low = np.zeros(mask + 2, dtype=np.int64)
    start = np.zeros((1 << (WIDTHS[band] - GROUP_BITS)) + 1, dtype=np.int64)
    for row in range(count):
        key = _key(hashes, row, band)
        low[(key & mask) + 1] += 1
        start[(key >> GROUP_BITS) + 1] += 1
        groups[base + (key >> GROUP_BITS)] |= np.uint64(1) << np.uint64(key & mask)
    low, start = np.cumsum(low), np.cumsum(start)
    for group in range(len(start) - 1):
        groups[base + group] |= np.uint64(offset + start[group]) << np.uint64(32)
    half = np.empty(count, dtype=np.uint32)
    for row in range(count):
        key = _key(hashes, row, band) & mask
        half[low[key]] = row
        low[key] += 1
    for position in range(count):
        row = half[position]
        key = _key(hashes, row, band)
        rows[offset + start[key >> GROUP_BITS]] = ((key & mask) << ROW_BITS) | row
        start[key >> GROUP_BITS] += 1


@compiled
def search(hashes: Any, groups: Any, rows: Any, wanted: Any, within: Any) -> Any:
    """Which rows differ from `wanted`, `uint64[1, 4]`, in at most `within` ≤ 31 bits.

    Returns `int64[m]`, the distance above 32 bits of row number, in no order and with repetitions. Where the bands say
    little, because many hashes are alike, all are measured: no question costs more than a few readings of the list.
    """
    places = np.empty(_MOST_PROBES, dtype=np.int64)
    first = np.empty(_MOST_PROBES, dtype=np.int64)
    last = np.empty(_MOST_PROBES, dtype=np.int64)
    probes = _look_up(groups, wanted, places, first, last)
    candidates = _locate(groups, rows, places[:probes], first, last)
    if candidates > len(hashes) // 4 + 1000:
        return scan(hashes, wanted, within)
    near = np.empty(candidates, dtype=np.uint32)
    candidates = 0
    for probe in range(probes):
        for position in range(first[probe], last[probe]):
            near[candidates] = rows[position] & np.uint32(MOST_ROWS - 1)
            candidates += 1
    return _measure(hashes, near, wanted, within)


@compiled
def _look_up(groups: Any, wanted: Any, places: Any, asked: Any, keys: Any) -> Any:
    """Note in `places` every key that occurs within its band's flips, as group and lower bits; returns how many.

    First all words are loaded, with no decision in between that would make the processor wait for one before it asks
    for the next; then they are looked at.
    """
    count = 0
    for band in range(COUNT):
        count = _ask_band(groups, band, _key(wanted, 0, band), asked, keys, count)
    found = 0
    for ask in range(count):
        word = np.uint64(keys[ask])
        while word:
            places[found] = (asked[ask] << GROUP_BITS) | lowest(word)
            found += 1
            word &= word - np.uint64(1)
    return found


@compiled
def _ask_band(groups: Any, band: Any, key: Any, asked: Any, keys: Any, count: Any) -> Any:
    base, high, low = _BASES[band], key >> GROUP_BITS, key & ((1 << GROUP_BITS) - 1)
    flips, width = FLIPS[band], WIDTHS[band] - GROUP_BITS
    near, nearer, same = _NEAR[flips, low], _NEAR[flips - 1, low], _NEAR[0, low]
    asked[count] = base + high
    keys[count] = groups[base + high] & near
    count += 1
    for one in range(width):
        once = high ^ (1 << one)
        asked[count] = base + once
        keys[count] = groups[base + once] & nearer
        count += 1
        for other in range(one if flips == 2 else 0):
            group = base + (once ^ (1 << other))
            asked[count] = group
            keys[count] = groups[group] & same
            count += 1
    return count


@compiled
def _locate(groups: Any, rows: Any, places: Any, first: Any, last: Any) -> Any:
    """Where the rows of each noted key start and end; how many they are together."""
    total = 0
    for probe in range(len(places)):  # all rows needed are on their way before the first is looked at
        group, low = places[probe] >> GROUP_BITS, places[probe] & ((1 << GROUP_BITS) - 1)
        start, end = np.int64(groups[group] >> np.uint64(32)), np.int64(groups[group + 1] >> np.uint64(32))
        first[probe] = rows[start + (((end - start) * low) >> GROUP_BITS)]
    for probe in range(len(places)):
        group, low = places[probe] >> GROUP_BITS, places[probe] & ((1 << GROUP_BITS) - 1)
        start, end = np.int64(groups[group] >> np.uint64(32)), np.int64(groups[group + 1] >> np.uint64(32))
        stop = end
        while stop - start > _SHORT:
            middle = (start + stop) >> 1
            if np.int64(rows[middle]) >> ROW_BITS < low:
                start = middle + 1
            else:
                stop = middle
        while np.int64(rows[start]) >> ROW_BITS < low:
            start += 1
        first[probe] = start
        while start < end and np.int64(rows[start]) >> ROW_BITS == low:
            start += 1
        last[probe] = start
        total += start - first[probe]
    return total


@compiled
def _measure(hashes: Any, near: Any, wanted: Any, within: Any) -> Any:
    found = np.empty(len(near), dtype=np.int64)
    count = 0
    for row in near:
        distance = _distance(hashes, row, wanted)
        if distance <= within:
            found[count] = (distance << 32) | np.int64(row)
            count += 1
    return found[:count]


@compiled
def scan(hashes: Any, wanted: Any, within: Any) -> Any:
    """As `search`, by measuring every row."""
    found = np.empty(len(hashes), dtype=np.int64)
    count = 0
    for row in range(len(hashes)):
        distance = _distance(hashes, row, wanted)
        if distance <= within:
            found[count] = (distance << 32) | row
            count += 1
    return found[:count]


@compiled
def _distance(hashes: Any, row: Any, wanted: Any) -> Any:
    return (
        ones(hashes[row, 0] ^ wanted[0, 0])
        + ones(hashes[row, 1] ^ wanted[0, 1])
        + ones(hashes[row, 2] ^ wanted[0, 2])
        + ones(hashes[row, 3] ^ wanted[0, 3])
    )
