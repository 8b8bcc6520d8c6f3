"""Which moments of a video are fingerprinted: its keyframes, and moments between keyframes that lie far apart.

Pure arithmetic on whole milliseconds, so that a device and our own machines choose alike:
tests/vectors/frame_choice.json binds both. Keyframes are what an encoder stores whole. They cost least to decode, and
it puts one where a scene begins.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Final

from matching.signal_types import MAX_FRAMES

NEAREST_MS: Final = 500
"""Moments nearer than this show the same: in a GIF, or a camera's own format, every frame is a keyframe."""
FARTHEST_MS: Final = 3000
"""A cut-out of a few seconds, encoded anew, must still share a moment with the whole."""
SHORT_VIDEO_PARTS: Final = 3
"""A video of a few seconds is looked at in more places than its first frame, which is often dark or blurred."""


def moments(keyframes_ms: Iterable[int], end_ms: int, *, limit: int = MAX_FRAMES) -> list[int]:
    """Ascending times to fingerprint, at most `limit`; at each of them, the frame that a player would show.

    `keyframes_ms` are the times of the keyframes in any order, `end_ms` that of the last frame. Without a keyframe
    there is none. Whatever the times are, the work is bounded by the number of keyframes and `limit`.
    """
    kept = _not_nearer(sorted({*keyframes_ms}))
    if not kept:
        return []
    bounds = [*kept, max(end_ms, kept[-1])]
    every = _distance(bounds[-1] - bounds[0], limit)
    filled = {moment for begin, end in pairwise(bounds) for moment in _between(begin, end, every)}
    return _spread(sorted(filled.union(kept)), limit)


def _not_nearer(ascending: list[int]) -> list[int]:
    kept: list[int] = []
    for moment in ascending:
        if not kept or moment - kept[-1] >= NEAREST_MS:
            kept.append(moment)
    return kept


def _distance(span: int, limit: int) -> int:
    """How far apart moments may lie. Longer videos have it wider, so that a hostile hole of centuries is filled with no
    more than `limit` moments."""
    shortened = min(max(-(-span // SHORT_VIDEO_PARTS), NEAREST_MS), FARTHEST_MS)
    return max(shortened, -(-span // max(1, limit - 1)))


def _between(begin: int, end: int, every: int) -> list[int]:
    """Moments inside a gap, in equal steps of at most `every`; none if it is short enough."""
    parts = -(-(end - begin) // every)
    return [begin + (end - begin) * part // parts for part in range(1, parts)]


def _spread(ascending: list[int], limit: int) -> list[int]:
    """`limit` of them, the first and the last among them, equally many left out everywhere."""
    if len(ascending) <= limit:
        return ascending
    last = len(ascending) - 1
    return [ascending[place * last // (limit - 1)] for place in range(limit)]
