"""One unmoving view of the database for a long read, without stopping the sequencer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction


@contextmanager
def frozen_view() -> Iterator[None]:
    """Everything read inside is as of one moment. Read only; must be the outermost transaction.

    PostgreSQL: REPEATABLE READ. SQLite in WAL mode: a deferred transaction reads one snapshot of the file, where the
    IMMEDIATE one of the settings would hold the only write lock.
    """
    if connection.vendor == "sqlite":
        usual = connection.transaction_mode  # type: ignore[attr-defined]
        connection.transaction_mode = "DEFERRED"  # type: ignore[attr-defined]
        try:
            with transaction.atomic():
                yield
        finally:
            connection.transaction_mode = usual  # type: ignore[attr-defined]
        return
    with transaction.atomic():
        if not connection.in_atomic_block or len(connection.savepoint_ids) > 0:
            raise RuntimeError("a frozen view must be the outermost transaction")
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield
