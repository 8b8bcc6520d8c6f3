"""Where one report's time goes, in a process that handles them one after another."""

from __future__ import annotations

import cProfile
import json
import pstats
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from takeitdown.benchmarks import intake_load

REPORTS: Final = 200
WARM_UP: Final = 20
SEED: Final = 8
Send = Callable[[bytes], None]
_SCRIPT: Final = """
import django
django.setup()
from takeitdown.benchmarks import intake_profile
intake_profile.print_figures()
"""


def of_one_report(environment: dict[str, str]) -> dict[str, Any]:
    """Figures of one report with nobody else about, measured in a process of its own with that environment."""
    command = [sys.executable, "-c", _SCRIPT]
    done = subprocess.run(command, cwd=settings.BASE_DIR, env=environment, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def print_figures() -> None:
    """In that process: the figures as JSON."""
    send, bodies = _sender(), intake_load.bodies(WARM_UP + 2 * REPORTS, seed=SEED)
    for body in bodies[:WARM_UP]:
        send(body)
    figures = _timed(send, bodies[WARM_UP : WARM_UP + REPORTS])
    print(json.dumps({**figures, "most_time_in": _heaviest(send, bodies[WARM_UP + REPORTS :])}))


def _sender() -> Send:
    from django.test import Client

    client, addresses = Client(SERVER_NAME="localhost"), intake_load.addresses(seed=SEED)

    def send(body: bytes) -> None:
        headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": next(addresses)}
        reply = client.post("/api/reports/", body, content_type="application/json", headers=headers)
        if reply.status_code != intake_load.CREATED:
            raise RuntimeError(f"A report was answered with {reply.status_code}.")

    return send


def _timed(send: Send, bodies: list[bytes]) -> dict[str, float]:
    from django.db import connection

    queries = 0

    def counted(execute: Any, *rest: Any) -> Any:
        nonlocal queries
        queries += 1
        return execute(*rest)

    wall, cpu = time.perf_counter(), time.process_time()
    with connection.execute_wrapper(counted):
        for body in bodies:
            send(body)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    each = 1000 / len(bodies)
    return {"ms": round(wall * each, 2), "ms_in_python": round(cpu * each, 2), "queries": queries / len(bodies)}


def _heaviest(send: Send, bodies: list[bytes]) -> list[str]:
    profile = cProfile.Profile()
    profile.enable()
    for body in bodies:
        send(body)
    profile.disable()
    stats = pstats.Stats(profile)
    rows = sorted(stats.stats.items(), key=lambda row: -row[1][2])[:6]  # type: ignore[attr-defined]
    total = sum(row[2] for row in stats.stats.values())  # type: ignore[attr-defined]
    return [f"{Path(place[0]).name}:{place[2]} {100 * row[2] / total:.0f} %" for place, row in rows]
