"""What a report may say: from the JSON of a stranger to facts that intake can trust.

Strict throughout: unknown members are refused, nothing is repaired. Refusals name the
member and never the value, and the classes here print no value either, so a traceback tells nothing.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from matching import signal_types
from matching.hashlist import Wanted
from submissions.errors import InvalidReport, NothingToList
from submissions.models import About

MOST_FILES: Final = 25
MOST_FINGERPRINTS: Final = 6
_KEY = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


@dataclass(frozen=True)
class WantedFingerprint:
    """A canonical value for the list, with the quality a PDQ came with."""

    wanted: Wanted = field(repr=False)
    quality: int | None


@dataclass(frozen=True)
class ReportedFile:
    """One file: its media and the fingerprints that can be listed, at least one."""

    media: str
    fingerprints: Sequence[WantedFingerprint]


@dataclass(frozen=True)
class Report:
    """A whole report, checked. `about` is empty when files are added to a case."""

    key: bytes = field(repr=False)
    body_digest: bytes = field(repr=False)
    about: str
    files: Sequence[ReportedFile]


def read_report(body: object) -> Report:
    """A new case's report. Raises InvalidReport, InvalidFingerprint or NothingToList."""
    members = _members(body, required={"idempotency_key", "about", "statement", "files"})
    if members["about"] not in list(About):
        raise InvalidReport("about: say who is in the picture.")
    return _read(members, about=members["about"])


def read_addition(body: object) -> Report:
    """Files for a case that is open already. Raises as `read_report` does."""
    return _read(_members(body, required={"idempotency_key", "statement", "files"}), about="")


def _read(members: Mapping[str, Any], *, about: str) -> Report:
    if members["statement"] is not True:
        raise InvalidReport("statement: we need your word that the picture shows somebody under 18.")
    key = _read_key(members["idempotency_key"])
    files = [_read_file(file) for file in _listed(members["files"], at_most=MOST_FILES, name="files")]
    return Report(key=key, body_digest=_digest(members), about=about, files=files)


def _digest(members: Mapping[str, Any]) -> bytes:
    """SHA-256 of the report in one spelling. It covers the random key: nobody can try out fingerprints on it."""
    text = json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).digest()


def _read_key(value: object) -> bytes:
    if not isinstance(value, str) or len(value) != 43 or not _KEY.fullmatch(value):
        raise InvalidReport("idempotency_key: 32 random bytes in base64url, without padding.")
    key = base64.urlsafe_b64decode(value + "=")
    # The last character has two bits to spare; two spellings of one key would be two cases.
    if base64.urlsafe_b64encode(key).decode().rstrip("=") != value or len(set(key)) < 8:
        raise InvalidReport("idempotency_key: 32 random bytes in base64url, without padding.")
    return key


def _read_file(value: object) -> ReportedFile:
    members = _members(value, required={"media", "fingerprints"})
    media = members["media"]
    if not isinstance(media, str) or media not in signal_types.MEDIA:
        raise InvalidReport("media: image or video.")
    sent = _listed(members["fingerprints"], at_most=MOST_FINGERPRINTS, name="fingerprints")
    read = [_read_fingerprint(media, fingerprint) for fingerprint in sent]
    _refuse_repeats(read)
    listable = _listable(read)
    if not listable:
        raise NothingToList
    return ReportedFile(media=media, fingerprints=listable)


def _read_fingerprint(media: str, value: object) -> WantedFingerprint:
    members = _members(value, required={"type", "value"}, optional={"quality"})
    kind = signal_types.signal_type(members["type"], media)
    if ("quality" in members) != (kind.name == signal_types.PDQ):
        raise InvalidReport("quality: given with pdq, and only there.")
    canonical = kind.read(members["value"])
    text = signal_types.committed(kind.name, canonical).decode("ascii")
    quality = signal_types.check_quality(members["quality"]) if "quality" in members else None
    return WantedFingerprint(Wanted(type=kind.name, media=media, value=text), quality)


def _refuse_repeats(fingerprints: Sequence[WantedFingerprint]) -> None:
    """A file has one fingerprint of each type, and no two types agree by chance."""
    types = {fingerprint.wanted.type for fingerprint in fingerprints}
    values = {fingerprint.wanted.value for fingerprint in fingerprints}
    if not len(fingerprints) == len(types) == len(values):
        raise InvalidReport("fingerprints: one of each type.")


def _listable(fingerprints: Sequence[WantedFingerprint]) -> list[WantedFingerprint]:
    """What goes on the list: exact digests always, what finds similar pictures only when the picture is not too plain.

    A pHash says nothing of its own quality, so it goes with a PDQ that is good enough or not at all.
    """
    good = any(
        fingerprint.quality is not None and fingerprint.quality >= signal_types.QUALITY_FLOOR
        for fingerprint in fingerprints
    )
    picky = {signal_types.PDQ, signal_types.PHASH}
    return [fingerprint for fingerprint in fingerprints if good or fingerprint.wanted.type not in picky]


def _members(value: object, *, required: set[str], optional: frozenset[str] | set[str] = frozenset()) -> dict[str, Any]:
    if not isinstance(value, dict) or not required <= value.keys() <= required | optional:
        raise InvalidReport("Give exactly these: " + ", ".join(sorted(required)) + ".")
    return value


def _listed(value: object, *, at_most: int, name: str) -> list[Any]:
    if not isinstance(value, list) or not 1 <= len(value) <= at_most:
        raise InvalidReport(f"{name}: a list of 1 to {at_most}.")
    return value
