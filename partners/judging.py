"""How a self-test is judged: answers beside the key. Pure.

A match within 31 bits of PDQ must be found; a file farther off, or a decoy, must not. Between 28 and 34 bits two good
implementations may differ, so those files are reported and not counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from matching.signal_types import PDQ, SIGNAL_TYPES
from partners.test_pictures.making import TestFile

WITHIN: Final = SIGNAL_TYPES[PDQ].match_within_bits
BORDERLINE: Final = range(WITHIN - 3, WITHIN + 4)
SHARE_TO_CATCH: Final = 0.95
SECONDS_TO_DROP: Final = 3_600
NOT_LISTED: Final = -1
"""In place of a picture's number: an entry that is not, or no longer, on the sandbox list."""


@dataclass(frozen=True)
class Finding:
    """One file that an engineer should look at: what it is, and how far from its picture."""

    file: str
    edit: str
    distance: int | None


@dataclass
class Matches:
    """What became of the files. Lists are in the order of the archive."""

    to_catch: int = 0
    caught: int = 0
    borderline: int = 0
    borderline_caught: int = 0
    missed: list[Finding] = field(default_factory=list)
    wrong: list[Finding] = field(default_factory=list)
    """Matched with another picture than the one it was made from."""
    decoys: list[Finding] = field(default_factory=list)
    """Matched, though made from no picture on the list."""
    withdrawn: list[Finding] = field(default_factory=list)
    """Matched with an entry that is not on the list: a copy that keeps what was withdrawn."""
    far: list[Finding] = field(default_factory=list)
    """Matched with its own picture beyond 31 bits: right if mirrored or turned copies are looked for on purpose."""


def compare(files: Iterable[TestFile], answers: Mapping[str, Iterable[int]]) -> Matches:
    """Judge what was found; `answers` maps file names to numbers of pictures, or NOT_LISTED. No name: no match."""
    matches = Matches()
    for file in files:
        _compare_one(file, set(answers.get(file.name, ())), matches)
    return matches


def _compare_one(file: TestFile, found: set[int], matches: Matches) -> None:
    finding = Finding(file.name, file.edit, file.distance)
    if NOT_LISTED in found:
        matches.withdrawn.append(finding)
    others = found - {NOT_LISTED, file.picture}
    if file.picture is None or file.distance is None:
        matches.decoys += [finding] * bool(others)
        return
    matches.wrong += [finding] * bool(others)
    caught = file.picture in found
    if file.distance in BORDERLINE:
        matches.borderline += 1
        matches.borderline_caught += caught
    elif file.distance <= WITHIN:
        matches.to_catch += 1
        matches.caught += caught
        matches.missed += [finding] * (not caught)
    else:
        matches.far += [finding] * caught


def faults(result: Mapping[str, Any]) -> list[str]:
    """Why a run with this result does not pass, as codes; empty when it passes. See `FAULTS` in self_tests."""
    found = []
    if result["caught"] < SHARE_TO_CATCH * result["to_catch"]:
        found.append("missed")
    found += [name for name in ("wrong", "decoys", "withdrawn") if result[name]]
    seconds = result["dropped_after_seconds"]
    if seconds is None or seconds > SECONDS_TO_DROP:
        found.append("diverged" if result["diverged"] else "not_dropped")
    return found
