"""When a failed delivery is tried again. Pure: no Django, no clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final

RETRY_AFTER: Final = (
    timedelta(seconds=5),
    timedelta(seconds=30),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
)
"""After the first failure in a row, the second …; then every 24 hours."""
JITTER: Final = 0.2
GIVES_UP_AFTER: Final = timedelta(hours=120)
LONGEST_ASKED: Final = timedelta(hours=24)


def wait(failures: int, *, draw: float, asked: timedelta | None = None) -> timedelta:
    """How long to wait after so many failures in a row, at least 1: the table ± 20 %, longer where it was `asked` for.

    `draw` is a random number from 0 to 1.
    """
    usual = RETRY_AFTER[min(failures, len(RETRY_AFTER)) - 1] * (1 - JITTER + 2 * JITTER * draw)
    return max(usual, asked or timedelta())


def next_attempt(
    now: datetime, *, failing_since: datetime, failures: int, draw: float, asked: timedelta | None = None
) -> datetime | None:
    """When to try again; None to give up. The last try falls on the end of 120 hours of unbroken failure."""
    end = failing_since + GIVES_UP_AFTER
    if now >= end:
        return None
    return min(now + wait(failures, draw=draw, asked=asked), end)


def asked_for(retry_after: str, now: datetime) -> timedelta | None:
    """What a Retry-After header asks for, a day at most; None for none, the past, and nonsense."""
    if retry_after.isascii() and retry_after.isdigit():
        return min(timedelta(seconds=min(int(retry_after), 10**6)), LONGEST_ASKED)
    try:
        until = parsedate_to_datetime(retry_after)
        left = (until if until.tzinfo else until.replace(tzinfo=UTC)) - now
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return min(left, LONGEST_ASKED) if left > timedelta() else None
