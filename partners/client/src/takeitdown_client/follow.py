"""Polling without being a burden: how long to wait after each sync (LIST.md §5 rule 7)."""

import random
import time
from collections.abc import Callable

from .errors import ClientFailure, PortalRefusal, SyncRunning
from .sync import Outcome

JITTER = 0.2
FIRST_RETRY_SECONDS = 60.0
LONGEST_RETRY_SECONDS = 3600.0


def wait_after_success(min_wait_seconds: float, *, draw: Callable[[], float] = random.random) -> float:
    """Seconds: `min_wait_seconds` ± 20 %, so that a hundred partners do not come at once. `draw` gives 0 to 1."""
    return min_wait_seconds * (1 - JITTER + 2 * JITTER * draw())


def wait_after_failures(failures: int, *, retry_after: float | None = None) -> float:
    """Seconds after the n-th failure in a row: 1, 2, 4 … 60 minutes, longer if the portal asks for it."""
    backoff = min(FIRST_RETRY_SECONDS * (1 << min(failures - 1, 10)), LONGEST_RETRY_SECONDS)
    return max(backoff, retry_after or 0.0)


def follow(
    sync: Callable[[], Outcome],
    *,
    tell: Callable[[Outcome | ClientFailure, float], None],
    sleep: Callable[[float], None] = time.sleep,
    draw: Callable[[], float] = random.random,
    rounds: int | None = None,
) -> None:
    """Sync, wait, and again, until interrupted (or for so many `rounds`).

    `tell` gets what happened and the seconds until the next try. Only failures with a name are waited out.
    """
    failures = 0
    while rounds is None or rounds > 0:
        rounds = None if rounds is None else rounds - 1
        happened: Outcome | ClientFailure
        try:
            happened = sync()
        except SyncRunning as running:
            happened, wait = running, FIRST_RETRY_SECONDS
        except ClientFailure as failure:
            failures += 1
            retry_after = failure.retry_after if isinstance(failure, PortalRefusal) else None
            happened, wait = failure, wait_after_failures(failures, retry_after=retry_after)
        else:
            failures = 0
            wait = wait_after_success(happened.min_wait_seconds, draw=draw)
        tell(happened, wait)
        sleep(wait)
