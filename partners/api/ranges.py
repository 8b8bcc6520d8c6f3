"""Which bytes of a file are wanted: one `Range`, as RFC 9110 §14 has it. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

_ONE = re.compile(r"bytes=([0-9]{1,18})?-([0-9]{1,18})?", re.ASCII)


class NotSatisfiable(Exception):
    """No byte of the file lies in the range."""


@dataclass(frozen=True)
class Span:
    """Bytes from `start` up to but not `stop`; `partial` when they are not simply the whole file."""

    start: int
    stop: int
    partial: bool = True


def wanted(header: str, size: int) -> Span:
    """The span that a Range header asks for. No header, another unit or several ranges: the whole file.

    Raises NotSatisfiable for a range that lies outside or runs backwards.
    """
    if not header.startswith("bytes=") or "," in header:
        return Span(0, size, partial=False)
    found = _ONE.fullmatch(header)
    if found is None or found[1] is found[2] is None:
        raise NotSatisfiable
    if found[1] is None:
        span = Span(max(0, size - int(found[2])), size)
    else:
        span = Span(int(found[1]), min(size, int(found[2]) + 1) if found[2] else size)
    if span.start >= span.stop:
        raise NotSatisfiable
    return span
