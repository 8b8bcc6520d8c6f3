"""What in a message could tell who somebody is: an address, a link, a telephone number. Pure: no Django."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

_DAY: Final = r"(?<!\d)(?:\d{4}-\d{1,2}-\d{1,2}|\d{1,2}[./]\d{1,2}[./]\d{2,4})(?!\d)"  # looks like a number, is a date
_MAIL: Final = r"[^\s@＠<>]+\s?(?:[@＠]|\(at\)|\[at\])\s?[^\s@＠]+\.[^\s@＠]+"
_LINK: Final = (
    r"(?:https?://|www\.)\S+"
    r"|(?<![\w@])(?:[\w-]+\.)+(?:com|org|net|info|me|io|gg|tv|app|co|ru|de|uk|us|fr|es|eu|ly|xyz)\b(?:/\S*)?"
    r"|(?<![\w@])(?:[\w-]+\.)+[a-z]{2,}/\S+"
)
# Seven digits or more, in any script, however they are spaced: telephones copy numbers with hyphens that do not break
# and with marks of direction, and marks that nobody sees would hide a number from this search, not from a reader.
_BETWEEN: Final = r"[\s().\-/·\u2010-\u2015\u2212\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
_PHONE: Final = rf"\+?\(?\d(?:{_BETWEEN}{{0,4}}\d){{6,}}"
_TRACE: Final = re.compile(f"(?P<day>{_DAY})|(?P<trace>{_MAIL}|{_LINK}|{_PHONE})", re.IGNORECASE)


@dataclass(frozen=True)
class Part:
    """A piece of a message, and whether it has to go."""

    text: str
    is_trace: bool


def parts(text: str) -> list[Part]:
    """The message cut where something has to go; joined they are the message."""
    found: list[Part] = []
    reached = 0
    for match in _TRACE.finditer(text):
        if match["trace"] is None:
            continue
        found += [Part(text[reached : match.start()], False), Part(match[0], True)]
        reached = match.end()
    found.append(Part(text[reached:], False))
    return [part for part in found if part.text]


def are_in(text: str) -> bool:
    """Whether anything has to go."""
    return any(part.is_trace for part in parts(text))
