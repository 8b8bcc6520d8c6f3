"""Snapshots: fetch the file, going on where a cut left off, and read its lines with bounded memory.

Nothing is believed here. What the lines say is proven in `sync.py`.
"""

import contextlib
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

from .errors import AnswerTooLarge, BadSnapshot, Unreachable
from .http import Response
from .portal import Portal
from .progress import NoProgress, Progress
from .store import Store

MAX_FILE_BYTES = 16 << 30
MAX_LINE_BYTES = 1 << 20  # the longest row is a vPDQ of 600 frames, 50 kB
CUTS_IN_A_ROW = 5
KEEP_SECONDS = 24 * 3600  # a part left by a crash holds fingerprints that may have been withdrawn since
_CHUNK = 1 << 16
_CONTENT_RANGE = re.compile(r"bytes ([0-9]{1,15})-([0-9]{1,15})/([0-9]{1,15})")


class Download:
    """One snapshot on its way into the client's directory. A new process goes on where the old one died."""

    def __init__(self, store: Store, portal: Portal, *, now: int, progress: Progress | None = None) -> None:
        self.path = store.directory / "snapshot.part"
        self._store = store
        self._portal = portal
        self._now = now
        self._progress = progress or NoProgress()

    def fetch(self) -> Path:
        """The whole file. Raises Unreachable after five cuts without a byte, or what the portal refused."""
        if not 0 <= self._now - int(self._store.setting("snapshot_begun", "0")) < KEEP_SECONDS:
            self.discard()
        cuts = 0
        while cuts < CUTS_IN_A_ROW:
            before = self._have()
            with contextlib.suppress(Unreachable):
                if self._go_on():
                    return self.path
            cuts = cuts + 1 if self._have() <= before else 0
        raise Unreachable("The snapshot's download was cut again and again.")

    def discard(self) -> None:
        """Forget the file and where it came from."""
        self.path.unlink(missing_ok=True)
        self._store.set(snapshot_etag="", snapshot_size="0", snapshot_begun="0")

    def _have(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def _go_on(self) -> bool:
        """Ask once more for what is missing. Whether the file is whole now."""
        have, etag = self._have(), self._store.setting("snapshot_etag")
        size = int(self._store.setting("snapshot_size", "0"))
        whole = bool(size) and have == size
        answer = self._portal.snapshot(etag=etag if have else "", offset=0 if whole else have)
        if answer.status == 304 and whole:
            return True
        if answer.status in {304, 416} or (answer.status == 206 and not self._continues(answer, have, etag)):
            self.discard()
            return False
        if answer.status == 200:
            self._begin(answer)
            have = 0
        self._receive(answer, have)
        size = int(self._store.setting("snapshot_size", "0"))
        return self._have() == size if size else True

    def _continues(self, answer: Response, have: int, etag: str) -> bool:
        """Whether a 206 is the same file from exactly where we stopped."""
        found = _CONTENT_RANGE.fullmatch(answer.headers.get("content-range", ""))
        same = answer.headers.get("etag", etag) == etag
        size = self._store.setting("snapshot_size", "0")
        return bool(found) and same and found is not None and int(found[1]) == have and found[3] == size

    def _begin(self, answer: Response) -> None:
        """A new file: remember which one before its first byte is written."""
        self.discard()
        etag, length = answer.headers.get("etag", ""), answer.headers.get("content-length", "")
        strong = etag if etag.startswith('"') else ""  # a weak one does not promise equal bytes
        self._store.set(
            snapshot_etag=strong, snapshot_size=length if length.isdecimal() else "0", snapshot_begun=str(self._now)
        )

    def _receive(self, answer: Response, have: int) -> None:
        """Append what comes. Without a strong ETag or a length a cut file cannot be continued: it starts again."""
        size = int(self._store.setting("snapshot_size", "0"))
        self._progress.start("Fetching the snapshot, bytes", size)
        self._progress.advance(have)
        self.path.touch(mode=0o600)
        with open(self.path, "r+b") as file:
            file.truncate(have)
            file.seek(have)
            while chunk := answer.read(_CHUNK):
                file.write(chunk)
                have += len(chunk)
                if have > MAX_FILE_BYTES:
                    raise AnswerTooLarge("The snapshot is too large to be one.")
                self._progress.advance(len(chunk))
        self._progress.finish()


def lines(path: Path) -> Iterator[bytes]:
    """The JSON lines of a gzip file of one or several members, without their ends. Raises BadSnapshot."""
    rest = b""
    for piece in _unpacked(path):
        rest += piece
        *whole, rest = rest.split(b"\n")
        yield from whole
        if len(rest) > MAX_LINE_BYTES:
            raise BadSnapshot("A line of the snapshot is too long.")
    if rest:
        yield rest


def _unpacked(path: Path) -> Iterator[bytes]:
    """Pieces of at most 64 KiB, however hard the file was packed."""
    unpacker = zlib.decompressobj(wbits=31)
    fed = False
    try:
        with open(path, "rb") as file:
            while chunk := file.read(_CHUNK):
                while chunk:
                    fed = True
                    yield unpacker.decompress(chunk, _CHUNK)
                    chunk = unpacker.unused_data if unpacker.eof else unpacker.unconsumed_tail
                    if unpacker.eof:
                        unpacker, fed = zlib.decompressobj(wbits=31), False
    except zlib.error as error:
        raise BadSnapshot("The snapshot is packed wrongly.") from error
    if fed:
        raise BadSnapshot("The snapshot ends in the middle.")
