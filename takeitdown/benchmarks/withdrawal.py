"""How long from a withdrawal's commit until platforms with webhooks have dropped the entry; with a tar pit, too."""

from __future__ import annotations

import secrets
import statistics
import time
from typing import Any, Final

from django.utils import timezone

from matching import hashlist
from matching.hashlist import Wanted
from matching.models import Hold
from partners.models import WebhookEndpoint
from takeitdown.benchmarks import scratch, withdrawal_portal
from takeitdown.benchmarks.withdrawal_portal import Platform, wait_until

PLATFORMS: Final = 19
BLOCKS: Final = 10
GOLDEN: Final = 0.618
Figures = dict[str, Any]


def run(size: int | None = None) -> Figures:
    """`size` withdrawals, 40 by default, one after the other: blocks without the twentieth webhook, which is a tar pit,
    take turns with blocks in which it always has a delivery in flight.

    Each platform runs the published client: it is told, pulls, proves, stores, acknowledges.
    """
    size = size or 40
    waits: dict[bool, list[float]] = {False: [], True: []}
    with withdrawal_portal.opened() as (stack, folder, authority, url):
        holds = _listed(size)
        platforms = [stack.enter_context(Platform(n, folder, authority, url)) for n in range(PLATFORMS)]
        pit = withdrawal_portal.tar_pit(stack)
        wait_until(lambda: all(platform.ready for platform in platforms))
        for place, hold in enumerate(holds):
            with_pit = bool(place * BLOCKS // size % 2)
            _hold_up(pit, with_pit)
            # The one before ended just after a beat; this one comes at any moment of a second, evenly spread.
            waits[with_pit] += _withdraw(hold, platforms, pause=place * GOLDEN % 1)
    without, beside_pit = _figures(waits[False]), _figures(waits[True])
    return {
        "withdrawals": size,
        "platforms": PLATFORMS,
        "without_a_tar_pit": without,
        "beside_a_tar_pit": beside_pit,
        "p99_moved_percent": round(100 * (beside_pit["p99_ms"] / without["p99_ms"] - 1), 1),
        **scratch.facts(),
        "database": "postgresql",
    }


def table(result: Figures) -> list[list[str]]:
    """The result as rows of text, headings first."""
    rows = [["what", "value"]]
    for name, value in result.items():
        inner = value.items() if isinstance(value, dict) else [("", value)]
        rows += [[f"{name} {part}".replace("_", " ").strip(), str(figure)] for part, figure in inner]
    return rows


def _listed(count: int) -> list[Hold]:
    wanted = [Wanted("sha256", "image", secrets.token_hex(32)) for _ in range(count)]
    holds = hashlist.ask(wanted, asker=secrets.token_bytes(16))
    wait_until(lambda: not Hold.objects.pending().exists())
    return list(Hold.objects.filter(pk__in=[hold.pk for hold in holds]))


def _hold_up(pit: WebhookEndpoint, wanted: bool) -> None:
    """See that the tar pit has a delivery in flight now, or none."""
    row = WebhookEndpoint.objects.filter(pk=pit.pk)
    now = timezone.now()
    if wanted:
        row.update(paused_at=None, next_attempt_at=now, failures=0, failing_since=None)
        wait_until(lambda: row.exclude(lease="").filter(leased_until__gt=timezone.now()).exists())
    else:
        row.update(paused_at=now)
        wait_until(lambda: row.filter(lease="").exists())


def _withdraw(hold: Hold, platforms: list[Platform], *, pause: float) -> list[float]:
    """Milliseconds until each platform's copy was without it."""
    assert hold.entry_id is not None
    entry = hold.entry_id.hex
    time.sleep(pause)
    hashlist.release([hold.pk])
    committed = time.monotonic()
    wait_until(lambda: all(entry in platform.dropped for platform in platforms))
    return [1000 * (platform.dropped[entry] - committed) for platform in platforms]


def _figures(waits: list[float]) -> Figures:
    hundredths = statistics.quantiles(waits, n=100)
    return {
        "p50_ms": round(hundredths[49]),
        "p99_ms": round(hundredths[98]),
        "max_ms": round(max(waits)),
        "measured": len(waits),
    }
