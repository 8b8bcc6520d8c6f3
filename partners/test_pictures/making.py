"""The archive of a self-test: originals, edits and decoys under neutral names, and the key that tells them apart.

Made by rule: the same libraries make the same bytes. The key stays with the portal.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any, Final

from PIL import Image

from matching.hashing.digests import digests_of
from matching.hashing.pdq import pdq_of_image
from matching.signal_types import distance
from partners.test_pictures.drawing import draw
from partners.test_pictures.edits import EDITS, encoded

VERSION: Final = 1
"""Another set of pictures or edits is another version: archives of both may lie side by side."""
ORIGINALS: Final = 8
DECOYS: Final = 40
UNCHANGED: Final = "unchanged"
DECOY: Final = "decoy"
FILES: Final = ORIGINALS * (len(EDITS) + 1) + DECOYS
_SEED: Final = f"take it down, self-test {VERSION}"
_DATE: Final = (1980, 1, 1, 0, 0, 0)  # the first a zip can say: nothing in the archive tells when it was made


@dataclass(frozen=True)
class Original:
    """What a sandbox list holds of one picture: 64, 32 and 64 lowercase hex digits."""

    pdq: str
    md5: str
    sha256: str


@dataclass(frozen=True)
class TestFile:
    """One file of the archive. `picture` counts from 0 and is None for a decoy, as is `distance` (PDQ, in bits)."""

    __test__ = False  # pytest: not a test
    name: str
    picture: int | None
    edit: str
    distance: int | None


@dataclass(frozen=True)
class Key:
    """What is in an archive, in the order of its names."""

    originals: list[Original]
    files: list[TestFile]
    sha256: str
    size: int

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, facts: dict[str, Any]) -> Key:
        return cls(
            originals=[Original(**row) for row in facts["originals"]],
            files=[TestFile(**row) for row in facts["files"]],
            sha256=facts["sha256"],
            size=facts["size"],
        )


def make(path: Path, *, tell: Callable[[int], None] = lambda done: None) -> Key:
    """Write the archive to `path` and return its key. Two to five seconds on one core; `tell` gets the files done."""
    contents: dict[str, bytes] = {}
    files: list[TestFile] = []
    listed: list[Original] = []
    numbers = list(range(1, FILES + 1))
    Random(_SEED).shuffle(numbers)  # noqa: S311  neutral, not secret: names must not follow the order of making
    for number, made in zip(numbers, _files(), strict=True):
        name = f"{number:03}.{made.suffix}"
        contents[name] = made.content
        files.append(TestFile(name, made.picture, made.edit, made.distance))
        if made.edit == UNCHANGED:
            listed.append(hashes_of_file(made.content))
        tell(len(files))
    _pack(path, contents)
    return Key(listed, sorted(files, key=lambda file: file.name), sha256_of(path), path.stat().st_size)


def sha256_of(path: Path) -> str:
    """64 lowercase hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def originals() -> list[Original]:
    """The hashes of the pictures themselves, drawn anew: half a second."""
    return [hashes_of(draw_original(number)) for number in range(ORIGINALS)]


def hashes_of(image: Image.Image) -> Original:
    """What a list would hold of a picture saved as PNG."""
    return hashes_of_file(encoded(image, "PNG"))


def hashes_of_file(content: bytes) -> Original:
    digests = digests_of(io.BytesIO(content))
    return Original(pdq=_pdq(content), md5=digests.md5, sha256=digests.sha256)


def draw_original(number: int) -> Image.Image:
    return draw(f"{_SEED}, picture {number}")


@dataclass(frozen=True)
class _Made:
    suffix: str
    content: bytes
    picture: int | None
    edit: str
    distance: int | None = None


def _files() -> Iterator[_Made]:
    for number in range(ORIGINALS):
        image = draw_original(number)
        listed = pdq_of_image(image).value
        yield _Made("png", encoded(image, "PNG"), number, UNCHANGED, 0)
        for edit in EDITS:
            content = edit.apply(image)
            yield _Made(edit.suffix, content, number, edit.name, distance(listed, _pdq(content)))
    for number in range(DECOYS):
        edit = EDITS[number % 6]  # the same kinds of file as the copies: neither format nor quality gives a decoy away
        yield _Made(edit.suffix, edit.apply(draw(f"{_SEED}, decoy {number}")), None, DECOY)


def _pdq(content: bytes) -> str:
    with Image.open(io.BytesIO(content)) as image:
        return pdq_of_image(image).value


def _pack(path: Path, contents: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:  # pictures are packed already
        for name in sorted(contents):
            archive.writestr(zipfile.ZipInfo(name, _DATE), contents[name])
