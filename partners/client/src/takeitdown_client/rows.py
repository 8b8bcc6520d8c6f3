"""Rows, changes and pages as they come over the wire (LIST.md §2–4), read strictly, each checked for shape only.

Whether a row is *true* shows in its commitment, which `Row.commitment` already is: computed here from a shown value,
taken as it stands from a withheld row, and proven by chain and set hash later.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from . import listhash
from .errors import MalformedAnswer

ADD, UPDATE, REMOVE = 1, 2, 3
OPS = {"add": ADD, "update": UPDATE, "remove": REMOVE}
TRUSTS = {"unverified": 1, "confirmed": 2}
TRUST_NAMES = {number: name for name, number in TRUSTS.items()}
REASONS = {"withdrawn": 1, "quarantined": 2, "removed": 3}
MAX_FRAMES = 600
DEFAULT_MIN_WAIT_SECONDS = 60.0

_HEX32 = re.compile(r"[0-9a-f]{32}")
_HEX64 = re.compile(r"[0-9a-f]{64}")
_WORD = re.compile(r"[!-~]{1,255}")
_SHOWN = ("type", "media", "value", "nonce")


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the list. `id` 16 bytes, `trust` 1 or 2, `commitment` 32 bytes.

    A shown row has `type`, `media`, `value` (a vPDQ's lines joined by LF) and `nonce` (16 bytes); a withheld one has
    None in all four.
    """

    id: bytes
    trust: int
    commitment: bytes
    type: str | None = None
    media: str | None = None
    value: str | None = None
    nonce: bytes | None = None

    @property
    def shown(self) -> bool:
        return self.value is not None

    def seed(self) -> bytes:
        """What the set hash takes in for this row."""
        return listhash.seed(id=self.id, trust=self.trust, commitment=self.commitment)

    def proves_itself(self) -> bool:
        """Whether a shown value still fits the commitment; a withheld row has nothing to prove."""
        if self.type is None or self.media is None or self.value is None or self.nonce is None:
            return (self.type, self.media, self.value, self.nonce) == (None, None, None, None)
        value = self.value.encode()
        return self.commitment == listhash.commitment(nonce=self.nonce, type=self.type, media=self.media, value=value)


@dataclass(frozen=True, slots=True)
class Change:
    """One numbered alteration. `row` is the row after it, or None for a removal. `detail` is trust or reason."""

    seq: int
    op: int
    detail: int
    id: bytes
    commitment: bytes
    row: Row | None


@dataclass(frozen=True, slots=True)
class Page:
    """A page of changes, not proven yet. `head` and `latest` are notes as they came."""

    from_seq: int
    changes: Sequence[Change]
    head: str
    latest: str
    min_wait_seconds: float = DEFAULT_MIN_WAIT_SECONDS


def loads(raw: bytes | str) -> dict[str, Any]:
    """One JSON object. Duplicate members, NaN, huge numbers, deep nesting and anything but an object are refused.

    Raises MalformedAnswer.
    """
    try:
        parsed = _decode(raw if isinstance(raw, str) else raw.decode("utf-8"))
    except (ValueError, RecursionError):
        raise MalformedAnswer("The portal's answer is not proper JSON.") from None
    if not isinstance(parsed, dict):
        raise MalformedAnswer("The portal's answer is not a JSON object.")
    return parsed


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member occurs twice")
    return members


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


# `json.loads` with hooks would make a decoder for each row of a snapshot.
_decode = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant).decode


def parse_page(answer: dict[str, Any]) -> Page:
    """Raises MalformedAnswer when a member is missing or of the wrong shape. Members not known are ignored."""
    changes = answer.get("changes")
    if not isinstance(changes, list):
        raise MalformedAnswer("The page has no list of changes.")
    return Page(
        from_seq=whole_number(answer, "from_seq"),
        changes=[parse_change(change) for change in changes],
        head=text(answer, "head"),
        latest=text(answer, "latest"),
        min_wait_seconds=min_wait(answer),
    )


def min_wait(answer: dict[str, Any]) -> float:
    """Seconds to leave between polls: between one second and a day, 60 when absent. Not covered by a signature."""
    wait = answer.get("min_wait_seconds", DEFAULT_MIN_WAIT_SECONDS)
    if isinstance(wait, bool) or not isinstance(wait, int | float):
        return DEFAULT_MIN_WAIT_SECONDS
    return float(min(max(wait, 1), 86_400))


def parse_change(change: Any) -> Change:
    """Raises MalformedAnswer."""
    if not isinstance(change, dict):
        raise MalformedAnswer("A change is not an object.")
    op = _one_of(change, "op", OPS)
    seq = whole_number(change, "seq")
    if op == REMOVE:
        id, commitment = _hex(change, "id", _HEX32), _hex(change, "commitment", _HEX64)
        return Change(seq, op, _one_of(change, "reason", REASONS), id, commitment, None)
    row = parse_row(change)
    return Change(seq, op, row.trust, row.id, row.commitment, row)


def parse_row(row: Any) -> Row:
    """A row of a snapshot, or the row inside an add or update. Raises MalformedAnswer."""
    if not isinstance(row, dict):
        raise MalformedAnswer("A row is not an object.")
    id, trust = _hex(row, "id", _HEX32), _one_of(row, "trust", TRUSTS)
    if not any(member in row for member in _SHOWN):
        return Row(id, trust, _hex(row, "commitment", _HEX64))
    type, media = _word(row, "type"), _word(row, "media")
    value, nonce = _value(row, type), _hex(row, "nonce", _HEX32)
    proof = listhash.commitment(nonce=nonce, type=type, media=media, value=value.encode())
    if "commitment" in row and _hex(row, "commitment", _HEX64) != proof:
        raise MalformedAnswer("A row's value does not fit its commitment.")
    return Row(id, trust, proof, type, media, value, nonce)


def _value(row: dict[str, Any], type: str) -> str:
    """The committed text of §2. A vPDQ is an array; types not known may be either."""
    value = row.get("value")
    lines: list[Any] = value if isinstance(value, list) else [value]
    if isinstance(value, list) and (type in {"pdq", "phash", "md5", "sha256"} or not 1 <= len(value) <= MAX_FRAMES):
        raise MalformedAnswer("A row's value has the wrong shape.")
    if not isinstance(value, list) and type == "vpdq":
        raise MalformedAnswer("A vPDQ's value is not an array.")
    for line in lines:
        if not isinstance(line, str) or not line or not line.isascii() or "\n" in line:
            raise MalformedAnswer("A row's value is not plain text.")
    return "\n".join(lines)


def whole_number(members: dict[str, Any], name: str) -> int:
    """A number from 0 to 2^63 - 1. Raises MalformedAnswer."""
    number = members.get(name)
    if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < 2**63:
        raise MalformedAnswer(f"“{name}” is not a whole number.")
    return number


def text(members: dict[str, Any], name: str) -> str:
    """Raises MalformedAnswer."""
    value = members.get(name)
    if not isinstance(value, str):
        raise MalformedAnswer(f"“{name}” is missing.")
    return value


def _word(members: dict[str, Any], name: str) -> str:
    word = text(members, name)
    if not _WORD.fullmatch(word):
        raise MalformedAnswer(f"“{name}” is not a plain word.")
    return word


def _hex(members: dict[str, Any], name: str, form: re.Pattern[str]) -> bytes:
    digits = members.get(name)
    if not isinstance(digits, str) or not form.fullmatch(digits):
        raise MalformedAnswer(f"“{name}” is not lowercase hex of the right length.")
    return bytes.fromhex(digits)


def _one_of(members: dict[str, Any], name: str, words: dict[str, int]) -> int:
    word = members.get(name)
    if not isinstance(word, str) or word not in words:
        raise MalformedAnswer(f"“{name}” is none of {', '.join(words)}.")
    return words[word]
