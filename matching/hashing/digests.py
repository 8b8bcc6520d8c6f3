"""MD5 and SHA-256 of a file, read once in pieces. MD5 because the platforms' older lists hold nothing else."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import BinaryIO, Final

PIECE_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Digests:
    """Lowercase hexadecimal digests and the number of bytes they cover."""

    md5: str
    sha256: str
    size: int


def digests_of(file: BinaryIO) -> Digests:
    """Read from where the file stands to its end; memory does not grow with the file."""
    md5, sha256, size = hashlib.md5(usedforsecurity=False), hashlib.sha256(), 0
    while piece := file.read(PIECE_BYTES):
        md5.update(piece)
        sha256.update(piece)
        size += len(piece)
    return Digests(md5=md5.hexdigest(), sha256=sha256.hexdigest(), size=size)
