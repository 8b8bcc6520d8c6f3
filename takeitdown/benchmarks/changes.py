"""How many rows a second the changes feed gives, through the whole stack of views, and how long one page takes."""

from __future__ import annotations

import statistics
import time
from typing import Any

from django.conf import settings
from django.test import Client

from partners import keys
from partners.models import Environment, Partner, PartnerState, Scope
from takeitdown.benchmarks import scratch

table = scratch.rows_of


def run(size: int | None = None) -> dict[str, Any]:
    """A platform pulls `size` changes from the beginning, page by page, over the real views in this process."""
    size = size or 20_000
    settings.ALLOWED_HOSTS = ["testserver"]
    settings.SECURE_SSL_REDIRECT = False
    with scratch.scratch_list() as (sequencer, reader):
        scratch.ask(size)
        sequencer.run_until_idle()
        partner = Partner.objects.create(
            code="bench", name="bench", group="bench", state=PartnerState.PRODUCTION, reader=reader
        )
        key = keys.issue(partner, environment=Environment.LIVE, scopes=[Scope.LIST_READ], name="bench", by="bench").text
        took, bytes_sent, rows = _pull(key, size)
    return {
        "size": size,
        "rows_per_second": round(rows / sum(took)),
        "pages": len(took),
        "page_median_ms": round(1000 * statistics.median(took), 1),
        "page_slowest_ms": round(1000 * max(took), 1),
        "bytes_per_row": round(bytes_sent / rows),
        **scratch.facts(),
    }


def _pull(key: str, size: int) -> tuple[list[float], int, int]:
    client, position, rows, bytes_sent, took = Client(), "", 0, 0, []
    while rows < size:
        started = time.perf_counter()
        answer = client.get(f"/api/v1/hash-list/changes/{position}", headers={"Authorization": f"Bearer {key}"})
        took.append(time.perf_counter() - started)
        page = answer.json()
        rows += len(page["changes"])
        bytes_sent += len(answer.content)
        epoch = page["head"].split("\n")[2].split()[1]
        position = f"?epoch={epoch}&after={page['changes'][-1]['seq']}"
    return took, bytes_sent, rows
