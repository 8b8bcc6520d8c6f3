"""How many changes a second one sequencer numbers, chains, signs and commits."""

from __future__ import annotations

import time
from typing import Any

from matching import hashlist
from matching.models import Hold
from matching.verification import verify
from takeitdown.benchmarks import scratch

table = scratch.rows_of


def run(size: int | None = None) -> dict[str, Any]:
    """`size` values are listed and then half of them withdrawn; afterwards everything is recomputed."""
    size = size or 20_000
    with scratch.scratch_list() as (sequencer, _reader):
        asking = scratch.ask(size)
        adding = _seconds(sequencer.run_until_idle)
        hashlist.release(list(Hold.objects.values_list("pk", flat=True)[: size // 2]))
        removing = _seconds(sequencer.run_until_idle)
        verifying = _seconds(lambda: verify(scratch.production()))
        assert scratch.production().live == size - size // 2
    return {
        "size": size,
        "holds_asked_per_second": round(size / asking),
        "additions_per_second": round(size / adding),
        "removals_per_second": round((size // 2) / removing),
        "changes_verified_per_second": round(1.5 * size / verifying),
        **scratch.facts(),
    }


def _seconds(work: Any) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
