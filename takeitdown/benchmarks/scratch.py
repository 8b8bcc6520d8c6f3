"""A list to measure: a database of its own, thrown away afterwards."""

from __future__ import annotations

import os
import platform
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection

from matching import epochs, hashlist, signing
from matching.hashlist import Wanted
from matching.ledger import Ledger
from matching.models import HashList, ListReader
from matching.notes import Signer
from matching.sequencer import Sequencer

ASKED_AT_ONCE = 2_000


@contextmanager
def scratch_list() -> Iterator[tuple[Sequencer, ListReader]]:
    """A signed, empty production list in a fresh database of the configured engine, with one reader."""
    with tempfile.TemporaryDirectory(prefix="tid-bench-") as folder:
        connection.settings_dict["TEST"]["NAME"] = (
            str(Path(folder) / "bench.sqlite3") if connection.vendor == "sqlite" else f"bench_{secrets.token_hex(4)}"
        )
        usual = connection.settings_dict["NAME"]
        connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
        settings.SNAPSHOT_DIR = Path(folder) / "snapshots"
        try:
            sequencer = Sequencer([Signer(settings.LIST_ORIGIN, bytes(range(32)))], Ledger(Path(folder) / "ledger"))
            production = epochs.ensure_list(sequencer)
            signing.publish_keys(sequencer.origin, sequencer.signers)
            yield sequencer, ListReader.objects.create(hash_list=production, name="bench", is_public=False)
        finally:
            connection.creation.destroy_test_db(usual, verbosity=0)


def ask(count: int) -> float:
    """Holds for so many random values; returns the seconds it took."""
    started = time.perf_counter()
    for start in range(0, count, ASKED_AT_ONCE):
        amount = min(ASKED_AT_ONCE, count - start)
        wanted = [Wanted("sha256", "image", secrets.token_hex(32)) for _ in range(amount)]
        hashlist.ask(wanted, asker=secrets.token_bytes(16))
    return time.perf_counter() - started


def facts() -> dict[str, Any]:
    """What a figure means nothing without."""
    return {
        "database": connection.vendor,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "shared_machine": True,
    }


def rows_of(result: dict[str, Any]) -> list[list[str]]:
    """A result as a table of names and values."""
    return [["what", "value"], *[[name.replace("_", " "), str(value)] for name, value in result.items()]]


def fresh(reader: ListReader) -> ListReader:
    """The reader with its list as it is now."""
    return ListReader.objects.select_related("hash_list").get(pk=reader.pk)


def production() -> HashList:
    return HashList.objects.get(name="production")
