"""One sequencer per deployment: a second one waits."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection

LOCK_NUMBER = 0x7469_6400  # "tid\0": any number that nothing else in this database uses
TRY_AGAIN_SECONDS = 0.25


@contextmanager
def only_sequencer(stop: Callable[[], bool] = lambda: False) -> Iterator[bool]:
    """Wait until this process is the only one; yields False if `stop` became true meanwhile.

    PostgreSQL: an advisory lock of this session, free the moment its process dies. SQLite: a lock on a file in `var/`.
    Correctness does not hang on it (the list's row is locked in each tick); it keeps two from working in turns.
    """
    if connection.vendor == "postgresql":
        yield _wait(_try_advisory, stop)
        return
    settings.VAR.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (settings.VAR / "sequencer.lock").open("w") as file:
        yield _wait(lambda: _try_file(file.fileno()), stop)


def _wait(attempt: Callable[[], bool], stop: Callable[[], bool]) -> bool:
    while not stop():
        if attempt():
            return True
        time.sleep(TRY_AGAIN_SECONDS)
    return False


def _try_advisory() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [LOCK_NUMBER])
        return bool(cursor.fetchone()[0])


def _try_file(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
