"""The PDQ hashes that a picture's mirror images and quarter turns have, from its hash alone.

A bit of PDQ says whether one wave across and down the picture is stronger than the median wave. Mirroring a picture
turns the sign of each wave that is odd along that axis; the median stays near zero, so those bits turn over. Changing
rows for columns changes across for down. The other turns are made of these.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

SIDE: Final = 16
# Frequencies run from 1 to 16: those at even positions are odd.
_ACROSS: Final = np.tile(np.arange(SIDE) % 2 == 0, (SIDE, 1))
_DOWN: Final = _ACROSS.T
_MIRRORS: Final = (np.zeros_like(_ACROSS), _ACROSS, _DOWN, _ACROSS ^ _DOWN)


def symmetries(words: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """`uint64[8, 4]` of `uint64[4]`, most significant word first: as it is, mirrored left to right, top to bottom, both
    (half a turn); then the same four of the picture with rows and columns changed for one another.

    For photographs within 31 bits of what PDQ says of the turned picture (twelve measured: 2 to 24), as the median is
    not quite zero and PDQ samples a little off the middle. Regular texture and print can be 30 to 100 bits off: a
    mirrored copy of such a picture may be missed.
    """
    bits = np.unpackbits(words.astype(">u8").view(np.uint8))[::-1].reshape(SIDE, SIDE).astype(np.bool_)
    turned = np.array([grid ^ mirror for grid in (bits, bits.T) for mirror in _MIRRORS]).reshape(8, SIDE * SIDE)
    packed: npt.NDArray[np.uint64] = np.packbits(turned[:, ::-1], axis=1).view(">u8").astype(np.uint64)
    return packed
