"""A video's fingerprint: the PDQ of its keyframes, with quality and time, as platforms' vPDQ reads it.

Encoding a video anew moves each of its pictures a little and all of its bytes: exact digests lose it, these hashes do
not. Frames that resemble the last one kept are left out, so that a video of a wall is not six hundred walls.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import BinaryIO, Final

import imagehash
import numpy as np
from PIL import Image

from matching.hashing.pdq import PdqHash, pdq_of_luma
from matching.hashing.video_frames import Luma, Progress, Shot, UnreadableVideo, shots
from matching.signal_types import IMAGE, PDQ, QUALITY_FLOOR, Frame, InvalidFingerprint, check

SAME_LOOK_BITS: Final = 8
"""Of 256 bits of a coarse pHash. Frames so near to each other are about 16 bits of PDQ apart at most, half of what a
match allows (tests/matching/test_hashing_keyframes.py)."""
LOOK_SIDE: Final = 16
COARSE_SIDE: Final = 128
LONGEST_MS: Final = 999_999_999
"""The latest time that the canonical form can say: eleven days."""


class NothingToSee(UnreadableVideo):
    """Every frame looked at is so plain that its hash would match harmless pictures."""

    code = "nothing_to_see"
    default_detail = "This video shows too little to be recognised again; only exact copies of it can be found."


def fingerprint_video(file: BinaryIO, progress: Progress = lambda share: None) -> list[Frame]:
    """1 to 600 frames in ascending order of time, each of quality 50 or more; `str` of them is the canonical form.

    `file` is seekable and is read from its beginning, whatever its name. Raises UnreadableVideo or one of its kinds.
    """
    frames = sorted(_distinct(shots(file, progress)), key=lambda frame: frame.seconds)
    if not frames:
        raise NothingToSee
    return frames


def _distinct(found: Iterable[Shot]) -> Iterator[Frame]:
    """Frames good enough for the list, without those that resemble the one before."""
    last: imagehash.ImageHash | None = None
    for shot in found:
        look = _look(shot.luma)
        if last is not None and look - last <= SAME_LOOK_BITS:
            continue
        hashed = pdq_of_luma(shot.luma)
        if _is_listable(hashed) and shot.ms <= LONGEST_MS:
            last = look
            yield Frame(pdq=hashed.value, quality=hashed.quality, seconds=shot.ms / 1000)


def _look(luma: Luma) -> imagehash.ImageHash:
    """A cheap impression of a frame, to compare neighbours before the costlier hash: every n-th pixel is enough."""
    step = max(1, min(luma.shape) // COARSE_SIDE)
    coarse = Image.fromarray(np.ascontiguousarray(luma[::step, ::step]))
    return imagehash.phash(coarse, hash_size=LOOK_SIDE)


def _is_listable(hashed: PdqHash) -> bool:
    if hashed.quality < QUALITY_FLOOR:
        return False
    try:
        check(PDQ, IMAGE, hashed.value)
    except InvalidFingerprint:  # a drawn pattern: no photograph has such a hash
        return False
    return True
