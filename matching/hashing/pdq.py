"""PDQ: 256 bits that stay nearly the same when a picture is scaled, recompressed or recoloured.

The algorithm and its constants are Meta's (facebook/ThreatExchange pdq/README.md and hashing/hashing.pdf); the code is
ours. Luma, two passes of a box filter ("Jarosz") along both axes, 64 samples each way, a discrete cosine transform of
which the 16 × 16 lowest frequencies count, one bit each: above the median or not.

Box filters and sampling are linear and separable, so they collapse into one sparse 64 × n matrix per axis. Each pixel
then takes part in about one multiplication per axis instead of four running sums, and rounding is far below that of
the single-precision running sums of the reference. The JavaScript twin is submissions/static/submissions/js/pdq.js;
tests/vectors/pdq.json binds both to the reference.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageOps

Floats = npt.NDArray[np.float32] | npt.NDArray[np.float64]

SIDE: Final = 64
"""Samples along each axis before the transform."""
FREQUENCIES: Final = 16
BLOCK: Final = 4096
"""Columns (times channels) that are filtered together."""
SMALLEST_SIDE: Final = 5
"""Below it the reference answers a zero hash of quality 0."""
LUMA: Final = np.array([0.299, 0.587, 0.114])
NEAR_MEDIAN: Final = 0.01
"""A coefficient closer to the median than this may fall on either side in single precision (measured: see
tests/matching/test_hashing_pdq.py); exact mirror symmetry puts half of all coefficients there."""
NEAR_SYMMETRIC: Final = 16
"""More coefficients than this near the median: implementations may disagree about the picture."""
BLANK_SPREAD: Final = 10.0
"""Brightest minus darkest sample, of 255, below which a picture shows nothing."""


@dataclass(frozen=True, slots=True)
class PdqHash:
    """A hash with what is needed to judge it."""

    value: str
    """64 lowercase hexadecimal digits, highest frequency first, as the reference prints it."""
    quality: int
    """0 to 100: how much structure the picture has."""
    near_median: int
    """How many of the 256 coefficients lie within rounding of the median."""
    spread: float

    @property
    def is_blank(self) -> bool:
        return self.spread < BLANK_SPREAD

    @property
    def is_near_symmetric(self) -> bool:
        return self.near_median > NEAR_SYMMETRIC


def pdq_of_image(image: Image.Image) -> PdqHash:
    """Hash a picture as a person sees it: turned by its EXIF orientation, first frame, colour profile ignored.

    Alpha is dropped, not composited: that is Pillow's `convert("RGB")`, which partners' tools use too.
    """
    return pdq_of_pixels(pixels_of(image))


def pixels_of(image: Image.Image) -> npt.NDArray[np.uint8]:
    """`uint8[h, w]` or `uint8[h, w, 3]` of an upright picture."""
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I;16"):
        # Pillow would clip 16 bits at 255 and leave a white page.
        return (np.asarray(upright) >> 8).astype(np.uint8)
    if upright.mode == "L":
        return np.asarray(upright)
    return np.asarray(upright.convert("RGB"))


def pdq_of_pixels(pixels: npt.NDArray[np.uint8]) -> PdqHash:
    """Hash `uint8[h, w, 3]` red-green-blue or `uint8[h, w]` grey."""
    if pixels.ndim == 2:
        return pdq_of_luma(pixels)
    height, width, _ = pixels.shape
    if min(height, width) < SMALLEST_SIDE:
        return _nothing()
    # The filter is linear, so luma may be taken after the columns are filtered: 64 rows of it instead of all.
    rows = _filter_columns(pixels.reshape(height, width * 3)).reshape(SIDE, width, 3)
    return _hash_of_samples((rows @ LUMA) @ filter_matrix(width).T)


def pdq_of_luma(luma: npt.NDArray[np.uint8] | Floats) -> PdqHash:
    """Hash brightness alone, `[h, w]` from 0 to 255: a grey picture or the Y plane of a video frame."""
    height, width = luma.shape
    if min(height, width) < SMALLEST_SIDE:
        return _nothing()
    return _hash_of_samples(_filter_columns(luma) @ filter_matrix(width).T)


def _nothing() -> PdqHash:
    return PdqHash(value="0" * 64, quality=0, near_median=256, spread=0.0)


def _filter_columns(plane: npt.NDArray[np.uint8] | Floats) -> npt.NDArray[np.float64]:
    """`filter_matrix(h) @ plane`, one output row at a time: each needs about a sixty-fourth of the picture, so neither
    a float copy of it nor the zeros of the matrix are ever touched."""
    matrix = filter_matrix(plane.shape[0])
    used = [np.flatnonzero(row) for row in matrix]
    weights = [matrix[row, inside].astype(np.float32) for row, inside in enumerate(used)]
    out = np.empty((SIDE, plane.shape[1]))
    # One buffer that stays in the processor's cache: fresh memory for each row would cost more than the arithmetic.
    buffer = np.empty((max(map(len, used)), BLOCK), dtype=np.float32)
    for left in range(0, plane.shape[1], BLOCK):
        block = plane[:, left : left + BLOCK]
        for row, inside in enumerate(used):
            single = buffer[: len(inside), : block.shape[1]]
            np.copyto(single, block[inside[0] : inside[-1] + 1], casting="same_kind")
            out[row, left : left + BLOCK] = weights[row] @ single
    return out


@lru_cache(maxsize=64)
def filter_matrix(length: int) -> npt.NDArray[np.float64]:
    """`float64[64, length]`: two box filters and the sampling along one axis of a picture."""
    matrix = np.zeros((SIDE, length))
    for row in range(SIDE):
        outer = _window(int((row + 0.5) * length / SIDE), length)
        for middle in range(outer.start, outer.stop):
            inner = _window(middle, length)
            matrix[row, inner] += 1 / ((outer.stop - outer.start) * (inner.stop - inner.start))
    matrix.setflags(write=False)
    return matrix


def _window(centre: int, length: int) -> slice:
    """The samples that one box filter averages: half a sixty-fourth of the axis, one more ahead than behind the
    centre if even, cut off at the picture's edge."""
    window = -(-length // (2 * SIDE))
    ahead = window // 2
    behind = window - 1 - ahead
    return slice(max(0, centre - behind), min(length, centre + ahead + 1))


def _dct_matrix() -> npt.NDArray[np.float64]:
    """`float64[16, 64]`: the cosine transform for frequencies 1 to 16; 0, the mean brightness, is left out."""
    frequency = np.arange(1, FREQUENCIES + 1)[:, None]
    position = 2 * np.arange(SIDE)[None, :] + 1
    waves: npt.NDArray[np.float64] = np.sqrt(2 / SIDE) * np.cos(np.pi / (2 * SIDE) * frequency * position)
    return waves


_DCT: Final = _dct_matrix()


def _hash_of_samples(samples: npt.NDArray[np.float64]) -> PdqHash:
    coefficients = (_DCT @ samples @ _DCT.T).ravel()
    # The lower of the two middle values, so that exactly half of distinct coefficients are above it.
    median = np.partition(coefficients, 127)[127]
    ones = coefficients > median
    return PdqHash(
        value=np.packbits(ones[::-1]).tobytes().hex(),
        quality=_quality(samples),
        # The median itself is always near the median.
        near_median=int(np.count_nonzero(np.abs(coefficients - median) <= NEAR_MEDIAN)) - 1,
        spread=float(samples.max() - samples.min()),
    )


def _quality(samples: npt.NDArray[np.float64]) -> int:
    """Steps between neighbouring samples in whole percent, summed; 90 of them are one point.

    Single precision as in the reference, because truncation makes the last bit count.
    """
    single = samples.astype(np.float32)
    steps = sum(
        int(np.abs(np.trunc(np.diff(single, axis=axis) * np.float32(100) / np.float32(255))).sum()) for axis in (0, 1)
    )
    return min(100, steps // 90)
