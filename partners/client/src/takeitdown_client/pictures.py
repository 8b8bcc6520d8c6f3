"""Fingerprints of a file on this machine: MD5 and SHA-256 always, PDQ of a picture with the extra `[pictures]`.

PDQ after facebook/ThreatExchange `pdq/` (the paper and what its reference does): luma, two box-filter passes down to
64×64, a 16×16 corner of the DCT, one bit for each coefficient above the median.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .errors import InvalidInput

try:
    import numpy
    from PIL import Image, ImageOps

    PICTURES = True
except ImportError:
    PICTURES = False

MAX_PIXELS = 50_000_000
QUALITY_FLOOR = 50
FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")
_LUMA = (0.299, 0.587, 0.114)
_SIDE = 64
_STRIP_ROWS = 256


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """One hash of a file. `quality` is PDQ's, 0 to 100; None for exact hashes."""

    type: str
    value: str
    quality: int | None = None


def fingerprints(path: Path) -> list[Fingerprint]:
    """Every fingerprint of a file that this installation can make. Raises InvalidInput when it cannot be read."""
    try:
        found = list(_digests(path))
        if PICTURES and (hashed := pdq_of_file(path)) is not None:
            found.append(hashed)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read ({error.strerror or type(error).__name__}).") from error
    return found


def _digests(path: Path) -> Iterator[Fingerprint]:
    md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
    with open(path, "rb") as file:
        while chunk := file.read(1 << 20):
            md5.update(chunk)
            sha256.update(chunk)
    yield Fingerprint("md5", md5.hexdigest())
    yield Fingerprint("sha256", sha256.hexdigest())


def pdq_of_file(path: Path) -> Fingerprint | None:
    """PDQ of a picture, turned as its EXIF says; None when this is no picture or one of more than 50 megapixels.

    Decodes in this process: for uploads by strangers, run it in one that may be killed.
    """
    Image.MAX_IMAGE_PIXELS = MAX_PIXELS
    try:
        with Image.open(path, formats=FORMATS) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                return None
            upright = ImageOps.exif_transpose(picture).convert("RGB")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    value, quality = pdq(upright)
    return Fingerprint("pdq", value, quality)


def pdq(picture: Any) -> tuple[str, int]:
    """(64 lowercase hex, quality 0–100) of an RGB `PIL.Image`. Below quality 50 the hash says little."""
    small = _small(picture)
    steps = numpy.arange(1, 17)[:, None] * (2 * numpy.arange(_SIDE)[None, :] + 1)
    cosines = numpy.sqrt(2 / _SIDE) * numpy.cos(numpy.pi / (2 * _SIDE) * steps)
    corner = (cosines @ small @ cosines.T).ravel()
    median = numpy.partition(corner, 127)[127]  # the lower one: exactly 128 bits are above it
    bits = sum(1 << int(k) for k in numpy.flatnonzero(corner > median))
    return f"{bits:064x}", _quality(small)


def _small(picture: Any) -> Any:
    """Luma, filtered and sampled to `float64[64, 64]`. Filter and sampling are linear: two matrices do both."""
    down, across = _filter(picture.height), _filter(picture.width).T
    small = numpy.zeros((_SIDE, _SIDE))
    for top in range(0, picture.height, _STRIP_ROWS):
        bottom = min(top + _STRIP_ROWS, picture.height)
        strip = numpy.asarray(picture.crop((0, top, picture.width, bottom)), dtype=numpy.float64)
        small += down[:, top:bottom] @ (strip @ _LUMA @ across)
    return small


def _filter(length: int) -> Any:
    """`float64[64, length]`: two passes of the box filter, then 64 samples at the middles of 64 equal parts."""
    window = (length + 2 * _SIDE - 1) // (2 * _SIDE)
    ahead = (window + 2) // 2
    places = numpy.arange(length)
    first = numpy.maximum(places - (window - ahead), 0)
    after = numpy.minimum(places + ahead, length)
    samples = ((numpy.arange(_SIDE) + 0.5) * length / _SIDE).astype(int)
    weights = numpy.zeros((_SIDE, length))
    weights[numpy.arange(_SIDE), samples] = 1.0
    for _ in range(2):
        share = weights / (after - first)
        steps = numpy.zeros((_SIDE, length + 1))
        for row in range(_SIDE):
            numpy.add.at(steps[row], first, share[row])
            numpy.subtract.at(steps[row], after, share[row])
        weights = numpy.cumsum(steps, axis=1)[:, :length]
    return weights


def _quality(small: Any) -> int:
    """PDQ's measure of how much there is to see: the sum of all steps between neighbours."""
    down = numpy.trunc((small[:-1] - small[1:]) * 100 / 255)
    across = numpy.trunc((small[:, :-1] - small[:, 1:]) * 100 / 255)
    return min(int((numpy.abs(down).sum() + numpy.abs(across).sum()) / 90), 100)
