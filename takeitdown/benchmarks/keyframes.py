"""Keyframes of generated videos against one frame a second of the same: seconds, hashes, copies found.

`--size` is how many seconds each video lasts. vpdq, where it is installed, hashes the same files in the same run.
"""

from __future__ import annotations

import importlib
import importlib.util
import io
import tempfile
import time
from collections.abc import Callable
from typing import Any, Final

import av

from matching.hashing.keyframes import fingerprint_video
from matching.hashing.pdq import pdq_of_luma
from matching.hashing.video_frames import _luma
from matching.signal_types import PDQ, QUALITY_FLOOR, SIGNAL_TYPES, distance
from takeitdown.benchmarks.clips import Clip, encoded

SECONDS: Final = 20
VIDEOS: Final = (1, 12, 23)
"""Which drawn pictures they wander over."""
Hashes = list[str]


def run(size: int | None) -> dict[str, Any]:
    """Each video as three files: as a telephone stores it, encoded anew with keyframes far apart, and smaller."""
    files = {(video, copy): encoded(clip) for video in VIDEOS for copy, clip in _copies(video, size or SECONDS).items()}
    ways: dict[str, Callable[[io.BytesIO], Hashes]] = {"keyframes": _keyframes, "one_a_second": _one_a_second}
    if importlib.util.find_spec("vpdq") is not None:
        ways["vpdq"] = _vpdq
    result: dict[str, Any] = {"size": size or SECONDS, "files": len(files), "pairs": len(VIDEOS) * 3}
    return {**result, **{name: _measured(way, files) for name, way in ways.items()}}


def _copies(video: int, seconds: int) -> dict[str, Clip]:
    base = {"seconds": seconds, "rate": 30, "picture": video}
    return {
        "telephone": Clip(**base, width=1280, height=720, keyframe_every=30),  # type: ignore[arg-type]
        "anew": Clip(**base, width=1280, height=720, keyframe_every=250),  # type: ignore[arg-type]
        "smaller": Clip(**base, width=640, height=360, keyframe_every=60),  # type: ignore[arg-type]
    }


def _measured(way: Callable[[io.BytesIO], Hashes], files: dict[tuple[int, str], io.BytesIO]) -> dict[str, Any]:
    hashes, seconds = {}, dict.fromkeys(sorted({copy for _, copy in files}), 0.0)
    for (video, copy), file in files.items():
        begun = time.perf_counter()
        hashes[video, copy] = way(file)
        seconds[copy] += time.perf_counter() - begun
    pairs = [(one, other) for one in hashes for other in hashes if one < other]
    shares = {pair: _share(hashes[pair[0]], hashes[pair[1]]) for pair in pairs}
    found = [pair for pair in pairs if shares[pair] >= 0.5]
    return {
        "seconds": round(sum(seconds.values()), 2),
        "seconds_by_copy": {copy: round(taken, 2) for copy, taken in seconds.items()},
        "hashes": sum(map(len, hashes.values())),
        "pairs_found": sum(one[0] == other[0] for one, other in found),
        "wrong_pairs": sum(one[0] != other[0] for one, other in found),
        "least_share": round(min(share for pair, share in shares.items() if pair[0][0] == pair[1][0]), 2),
    }


def _share(one: Hashes, other: Hashes) -> float:
    """The larger share of frames that have a match in the other video."""
    within = SIGNAL_TYPES[PDQ].match_within_bits
    near = [[distance(a, b) <= within for b in other] for a in one]
    if not near or not other:
        return 0.0
    return max(sum(map(any, near)) / len(one), sum(map(any, zip(*near, strict=True))) / len(other))


def _keyframes(file: io.BytesIO) -> Hashes:
    return [frame.pdq for frame in fingerprint_video(file)]


def _one_a_second(file: io.BytesIO) -> Hashes:
    """Every frame decoded, the first of each second hashed."""
    file.seek(0)
    hashes, next_at = [], 0.0
    with av.open(file, "r") as container:
        for frame in container.decode(video=0):
            if (frame.time or 0.0) >= next_at:
                hashed = pdq_of_luma(_luma(frame))
                next_at += 1.0
                if hashed.quality >= QUALITY_FLOOR:
                    hashes.append(hashed.value)
    return hashes


def _vpdq(file: io.BytesIO) -> Hashes:
    with tempfile.NamedTemporaryFile(suffix=".mp4") as copy:
        copy.write(file.getvalue())
        copy.flush()
        found = importlib.import_module("vpdq").computeHash(copy.name, seconds_per_hash=1)
    return [feature.hex for feature in found if feature.quality >= QUALITY_FLOOR]


def table(result: dict[str, Any]) -> list[list[str]]:
    """A row for each way."""
    columns = ["seconds", "hashes", "pairs_found", "wrong_pairs", "least_share"]
    rows = [[way, *(str(result[way][column]) for column in columns)] for way in result if isinstance(result[way], dict)]
    return [[f"{result['files']} files of {result['size']} s, {result['pairs']} pairs", *columns], *rows]
