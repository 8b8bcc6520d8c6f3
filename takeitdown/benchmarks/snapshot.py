"""How long a snapshot takes to build, and the reference client to prove and store it."""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from django.conf import settings

from matching import snapshots
from takeitdown.benchmarks import scratch

table = scratch.rows_of
sys.path.append(str(settings.BASE_DIR / "partners" / "client" / "src"))  # a package of its own, not installed here


def run(size: int | None = None) -> dict[str, Any]:
    """`size` rows, 100,000 by default: built into a file, then verified row by row and swapped in by the client."""
    size = size or 100_000
    with scratch.scratch_list() as (sequencer, reader), tempfile.TemporaryDirectory() as folder:
        scratch.ask(size)
        sequencer.run_until_idle()
        before = _peak_mb()
        started, cpu = time.perf_counter(), time.process_time()
        snapshot = snapshots.build(scratch.production())
        building, building_cpu = time.perf_counter() - started, time.process_time() - cpu
        grew = _peak_mb() - before
        whole = snapshot.path.read_bytes() + snapshots.tail(snapshot, scratch.fresh(reader))
        cpu = time.process_time()
        verifying = _client_takes(whole, sequencer.signers[0].verifier, Path(folder), size)
        verifying_cpu = time.process_time() - cpu
    return {
        "size": size,
        "built_in_seconds": round(building, 2),
        "built_in_cpu_seconds": round(building_cpu, 2),
        "verified_by_client_in_seconds": round(verifying, 2),
        "verified_in_cpu_seconds": round(verifying_cpu, 2),
        "megabytes": round(len(whole) / 1e6, 1),
        "bytes_per_row": round(len(whole) / size),
        "memory_grew_mb_while_building": round(grew, 1),
        **scratch.facts(),
    }


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _client_takes(whole: bytes, verifier: str, folder: Path, size: int) -> float:
    """Seconds from the first byte to the copy in place: unpacked, every commitment and the set hash recomputed."""
    from takeitdown_client.http import Response
    from takeitdown_client.notes import VerifierKey
    from takeitdown_client.portal import Portal
    from takeitdown_client.store import Store
    from takeitdown_client.sync import Outcome, Synchroniser

    class OneFile:
        def request(self, *args: Any, **named: Any) -> Response:
            return Response(200, {"ETag": '"bench"', "Content-Length": str(len(whole))}, whole)

    store = Store(folder / "client", create=True)
    store.set_up(url="https://portal.example", list_name="production", verifier_key=VerifierKey.parse(verifier))
    synchroniser = Synchroniser(store, Portal(OneFile(), key="bench"))
    started = time.perf_counter()
    synchroniser.resync(Outcome())
    took = time.perf_counter() - started
    assert store.count() == size
    store.close()
    return took
