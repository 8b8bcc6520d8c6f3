"""Every fingerprint of a file, photograph or video, as the list carries them."""

from __future__ import annotations

import importlib.util
import warnings
from dataclasses import dataclass, field
from functools import cache
from typing import BinaryIO, Final

from PIL import Image, UnidentifiedImageError

from matching.hashing.digests import digests_of
from matching.hashing.keyframes import NothingToSee, fingerprint_video
from matching.hashing.pdq import pdq_of_image
from matching.hashing.phash import phash_of_image
from matching.hashing.video_frames import Progress
from matching.signal_types import (
    IMAGE,
    MD5,
    PDQ,
    PHASH,
    QUALITY_FLOOR,
    SHA256,
    VIDEO,
    VPDQ,
    InvalidFingerprint,
    Value,
    check,
)
from takeitdown.errors import Refused

PHOTOGRAPHS: Final = ["JPEG", "MPO", "PNG", "WEBP", "GIF", "AVIF", "HEIF", "BMP", "TIFF"]
MAX_PIXELS: Final = 110_000_000
"""The largest telephone sensors that people use at full size. Checked before a pixel is decoded: a PNG of ten kilobytes
can stand for a gigabyte."""
TOO_LARGE: Final = "This photograph is too large for us to read. Save it smaller and try again."


class UnreadablePhotograph(Refused):
    """A photograph by its first bytes, but damaged or too large."""

    code = "unreadable_photograph"
    status = 422
    default_detail = "We can't read this photograph. Open it, save it anew as JPEG or PNG, and try again."


class EmptyFile(Refused):
    """No byte in it."""

    code = "empty_file"
    default_detail = "This file is empty."


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """One value, with the quality of a PDQ."""

    type: str
    value: Value
    quality: int | None = None


@dataclass(frozen=True, slots=True)
class HashedFile:
    """`media` is `image` or `video`. `note` says why the exact digests stand alone, where they do."""

    media: str
    size: int
    fingerprints: list[Fingerprint] = field(default_factory=list)
    note: str = ""


def hash_file(file: BinaryIO, progress: Progress = lambda share: None) -> HashedFile:
    """Read a seekable file whole, more than once. What it is decides its content; its name is not asked for.

    A picture that shows too little has its exact digests only, and a note. Raises Refused for what cannot be read.
    """
    file.seek(0)
    digests = digests_of(file)
    if not digests.size:
        raise EmptyFile
    exact = [Fingerprint(MD5, digests.md5), Fingerprint(SHA256, digests.sha256)]
    is_photograph = _is_photograph(file)
    perceptual, note = _of_photograph(file) if is_photograph else _of_video(file, progress)
    return HashedFile(IMAGE if is_photograph else VIDEO, digests.size, [*perceptual, *exact], note)


def _of_video(file: BinaryIO, progress: Progress) -> tuple[list[Fingerprint], str]:
    try:
        return [Fingerprint(VPDQ, [str(frame) for frame in fingerprint_video(file, progress)])], ""
    except NothingToSee as nothing:
        return [], nothing.detail


def _of_photograph(file: BinaryIO) -> tuple[list[Fingerprint], str]:
    with _opened(file) as image:
        if image.width * image.height > MAX_PIXELS:
            raise UnreadablePhotograph(TOO_LARGE)
        try:
            hashed, phash = pdq_of_image(image), phash_of_image(image)
        except Exception:  # Pillow's readers raise whatever a damaged file makes them stumble over
            raise UnreadablePhotograph from None
    if hashed.quality < QUALITY_FLOOR or not _is_listable(PDQ, hashed.value):
        return [], "This picture shows too little to be recognised again; only exact copies of it can be found."
    found = [Fingerprint(PDQ, hashed.value, hashed.quality), Fingerprint(PHASH, phash)]
    return [fingerprint for fingerprint in found if _is_listable(fingerprint.type, fingerprint.value)], ""


def _is_listable(type: str, value: Value) -> bool:
    try:
        check(type, IMAGE, value)
    except InvalidFingerprint:
        return False
    return True


def _is_photograph(file: BinaryIO) -> bool:
    """By its first bytes. A GIF that moves is a video."""
    try:
        with _opened(file) as image:
            return image.format != "GIF" or not getattr(image, "is_animated", False)
    except UnidentifiedImageError:
        return False
    except (OSError, SyntaxError, EOFError):  # a GIF cut off after its first frame: the video reader takes more of it
        return False


def _opened(file: BinaryIO) -> Image.Image:
    file.seek(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # we have a limit of our own
        try:
            return Image.open(file, formats=_readable())
        except Image.DecompressionBombError:
            raise UnreadablePhotograph(TOO_LARGE) from None


@cache
def _readable() -> list[str]:
    """HEIC is read where pillow-heif is installed."""
    Image.init()
    if importlib.util.find_spec("pillow_heif") is not None:
        importlib.import_module("pillow_heif").register_heif_opener()
    return [name for name in PHOTOGRAPHS if name in Image.OPEN]
