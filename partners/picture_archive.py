"""Where the self-test's pictures lie: made once in `var/self-test/`, for all platforms, never in the repository."""

from __future__ import annotations

import fcntl
import functools
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from django.conf import settings

from partners.errors import PicturesBeingMade
from partners.test_pictures import making
from partners.test_pictures.making import FILES, Key, Original


@dataclass(frozen=True)
class Archive:
    """A zip that is there, and its key."""

    path: Path
    key: Key

    @property
    def etag(self) -> str:
        return f'"{self.key.sha256[:32]}"'


def _path(suffix: str) -> Path:
    return Path(settings.VAR) / "self-test" / f"pictures-{making.VERSION}{suffix}"


def archive() -> Archive:
    """The archive. Raises PicturesBeingMade where it is not there yet; the worker's sweep makes it."""
    if not _is_there():
        raise PicturesBeingMade(done=_done(), of=FILES)
    return _read(_path(".json"))


def _is_there() -> bool:
    return _path(".json").exists() and _path(".zip").exists()


@functools.lru_cache(maxsize=2)
def _read(path: Path) -> Archive:
    return Archive(path.with_suffix(".zip"), Key.from_json(json.loads(path.read_text())))


def originals() -> list[Original]:
    """What a sandbox lists; from the archive's key, or, before it is there, drawn anew (half a second, once)."""
    try:
        return archive().key.originals
    except PicturesBeingMade:
        return _drawn()


@functools.cache
def _drawn() -> list[Original]:
    return making.originals()


def make_if_missing(*, tell: Callable[[int], None] = lambda done: None) -> bool:
    """Make the archive where it is missing; False when it is there or another process is at it. A few seconds.

    `tell` gets the number of files done, out of `FILES`. A cut run leaves nothing that would be served.
    """
    if _is_there():
        return False
    _path(".zip").parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _only_one() as progress:
        if progress is None or _is_there():
            return False
        key = making.make(_path(".new"), tell=lambda done: _tell(progress, done, tell))
        _path(".key").write_text(json.dumps(key.as_json()))
        _put(_path(".new"), _path(".zip"))
        _put(_path(".key"), _path(".json"))  # last: where the key is, the archive is whole
    return True


@contextmanager
def _only_one() -> Iterator[BinaryIO | None]:
    """The file that says how far the work is, locked; None while another process has it."""
    with _path(".progress").open("a+b") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        yield file


def _tell(progress: BinaryIO, done: int, tell: Callable[[int], None]) -> None:
    progress.truncate(0)
    progress.write(str(done).encode())
    progress.flush()
    tell(done)


def _done() -> int:
    """How many files the process at work has made; 0 where nobody is."""
    try:
        said = _path(".progress").read_text()
    except FileNotFoundError:
        return 0
    return int(said) if said.isdecimal() else 0


def _put(made: Path, there: Path) -> None:
    """In its place in one step, and only once all of it is on the disk."""
    with made.open("rb") as file:
        os.fsync(file.fileno())
    made.replace(there)
