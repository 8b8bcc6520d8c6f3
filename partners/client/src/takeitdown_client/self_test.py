"""The self-test on your sandbox list: harmless pictures through your own matcher, and withdrawn entries dropped.

This runs the reference matcher. To test another one, give `SelfTest` your own `find`; the rest stays the same.
"""

import contextlib
import hashlib
import re
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from . import pictures
from .errors import AnswerTooLarge, InvalidInput, MalformedAnswer, PortalRefusal, SyncRunning
from .match import Matcher
from .portal import Portal
from .progress import NoProgress, Progress
from .store import Store
from .sync import Synchroniser

ARCHIVE_NAME = "test-pictures.zip"
MAX_ARCHIVE_BYTES = 64 << 20
MAX_PICTURE_BYTES = 8 << 20
MAX_PICTURES = 2_000
GIVE_UP_AFTER_SECONDS = 300.0
LOOK_AGAIN_SECONDS = 2.0
_NAME = re.compile(r"[0-9]{3,5}\.[a-z]{3,4}")
_NOT_YET = {"pictures_being_made", "tombstones_not_ready"}

Run = dict[str, Any]
Find = Callable[[Path], Iterable[str]]
"""Entry ids (32 hex) that the file at a path matches."""


class SelfTest:
    """One run, from the first request to the portal's verdict. `find` is the matcher under test."""

    def __init__(
        self,
        store: Store,
        portal: Portal,
        *,
        find: Find | None = None,
        progress: Progress | None = None,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self._store = store
        self._portal = portal
        self._find = find or _reference_matcher(store)
        self._progress = progress or NoProgress()
        self._synchroniser = Synchroniser(store, portal)
        self._sleep = sleep

    def run(self) -> Run:
        """The run as the portal judged it, or as it stands after five minutes without a verdict.

        Raises InvalidInput on another list than a sandbox, and every failure of the way to the portal.
        """
        if not self._store.list_name.startswith("sandbox-"):
            raise InvalidInput(
                "The self-test runs on your sandbox: `init` a directory with --list sandbox-<your code>."
            )
        self._when_ready(self._portal.begin_self_test)
        archive = self._fetch(_text(_facts(self._portal.self_test(), "pictures"), "sha256"))
        self._sync()
        answers = self._match(archive)
        return self._drop(self._when_ready(lambda: self._portal.answer_self_test(answers)))

    def _when_ready(self, ask: Callable[[], Run]) -> Run:
        """Ask again while the portal is preparing something."""
        give_up_at = time.monotonic() + GIVE_UP_AFTER_SECONDS
        while True:
            try:
                return ask()
            except PortalRefusal as refusal:
                if refusal.code not in _NOT_YET or time.monotonic() > give_up_at:
                    raise
                self._wait(refusal)

    def _wait(self, refusal: PortalRefusal) -> None:
        self._progress.start(f"{refusal.detail} Waiting, seconds", 0)
        seconds = refusal.retry_after or LOOK_AGAIN_SECONDS
        self._sleep(seconds)
        self._progress.advance(round(seconds))
        self._progress.finish()

    def _fetch(self, sha256: str) -> Path:
        """The archive in the client's directory; fetched only where it is not there already."""
        path = self._store.directory / ARCHIVE_NAME
        if not path.exists() or _sha256(path) != sha256:
            part = path.with_suffix(".part")
            self._receive(part)
            if _sha256(part) != sha256:
                part.unlink()
                raise MalformedAnswer("The archive of test pictures came damaged.")
            part.replace(path)
        return path

    def _receive(self, part: Path) -> None:
        answer = self._portal.test_pictures()
        length = answer.headers.get("content-length", "")
        self._progress.start("Fetching the test pictures, bytes", int(length) if length.isdecimal() else 0)
        with open(part, "wb") as file:
            while chunk := answer.read():
                file.write(chunk)
                if file.tell() > MAX_ARCHIVE_BYTES:
                    raise AnswerTooLarge("The archive of test pictures is too large to be one.")
                self._progress.advance(len(chunk))
        self._progress.finish()

    def _sync(self) -> None:
        with contextlib.suppress(SyncRunning):  # another process does it
            self._synchroniser.sync()

    def _match(self, archive: Path) -> dict[str, list[str]]:
        """What the matcher finds for each file; files without a match are left out."""
        found: dict[str, list[str]] = {}
        with zipfile.ZipFile(archive) as files, tempfile.TemporaryDirectory() as folder:
            members = _members(files)
            self._progress.start("Matching test pictures", len(members))
            for member in members:
                path = Path(folder) / member.filename
                path.write_bytes(files.read(member))
                if entries := sorted(set(self._find(path))):
                    found[member.filename] = entries
                path.unlink()
                self._progress.advance(1)
        self._progress.finish()
        return found

    def _drop(self, run: Run) -> Run:
        """Pull and acknowledge until the portal has judged."""
        give_up_at = time.monotonic() + GIVE_UP_AFTER_SECONDS
        while run.get("stage") == "acknowledgement" and time.monotonic() < give_up_at:
            self._sleep(LOOK_AGAIN_SECONDS)
            self._sync()
            run = _facts(self._portal.self_test(), "run")
        return run


def _reference_matcher(store: Store) -> Find:
    if not pictures.PICTURES:
        raise InvalidInput("Test pictures need numpy and Pillow: pip install 'takeitdown-client[pictures]'.")
    matcher = Matcher(store)
    return lambda path: [
        match.entry
        for fingerprint in pictures.fingerprints(path)
        for match in matcher.match(fingerprint.type, fingerprint.value)
    ]


def _members(files: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    members = files.infolist()
    good = all(_NAME.fullmatch(member.filename) and member.file_size <= MAX_PICTURE_BYTES for member in members)
    if len(members) > MAX_PICTURES or not good:
        raise MalformedAnswer("The archive holds other files than test pictures.")
    return members


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _facts(answer: Run, name: str) -> Run:
    facts = answer.get(name)
    if not isinstance(facts, dict):
        raise MalformedAnswer("The portal's answer about the self-test is not one.")
    return facts


def _text(facts: Run, name: str) -> str:
    return str(facts.get(name) or "")


# --- words ---------------------------------------------------------------------------------------------------------

_COUNTED = (
    ("wrong", "matched another picture"),
    ("decoys", "matched, though not on the list"),
    ("withdrawn", "matched an entry that is not listed"),
    ("far", "own picture beyond 34 bits (not judged)"),
)


def table(run: Run) -> list[str]:
    """A run as lines to print: verdict, figures, the files to look at, what to do."""
    lines = [f"Self-test {_shown(run.get('id'))[:8]}: {_shown(run.get('stage'))}"]
    result = run.get("result")
    if isinstance(result, dict):
        lines += [f"  {name:42} {value}" for name, value in _figures(result)]
        for name, heading in (("missed", "Missed:"), *((name, f"{said}:") for name, said in _COUNTED[:3])):
            found = _findings(result, name)
            lines += [heading.capitalize(), *map(_finding, found)] if found else []
    return lines + [_shown(sentence) for sentence in _list(run.get("advice"))]


def _figures(result: Run) -> list[tuple[str, str]]:
    def count(name: str) -> str:
        return _shown(result.get(name))

    seconds = result.get("dropped_after_seconds")
    return [
        ("caught of those that must be", f"{count('caught')} of {count('to_catch')}"),
        ("caught at 28 to 34 bits (not judged)", f"{count('borderline_caught')} of {count('borderline')}"),
        *((said, str(len(_findings(result, name)))) for name, said in _COUNTED),
        ("acknowledged with another set hash", count("diverged")),
        ("withdrawn entries dropped", "not yet" if seconds is None else f"after {_shown(seconds)} s"),
    ]


def _findings(result: Run, name: str) -> list[Run]:
    return [finding for finding in _list(result.get(name)) if isinstance(finding, dict)]


def _finding(finding: Run) -> str:
    distance = finding.get("distance")
    bits = "" if distance is None else f"{_shown(distance)} bits"
    return f"  {_shown(finding.get('file')):10} {_shown(finding.get('edit')):30} {bits}".rstrip()


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _shown(value: Any) -> str:
    """A member meant for eyes: one line of at most 300 printable characters."""
    return "".join(character for character in str(value)[:300] if character.isprintable())
