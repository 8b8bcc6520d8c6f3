"""How many reports a second the portal takes over HTTP, ten fingerprints each, and how long a person waits."""

from __future__ import annotations

import contextlib
import cProfile
import gzip
import json
import os
import pstats
import re
import secrets
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings

from takeitdown import embedded_redis
from takeitdown.benchmarks import intake_load, scratch
from takeitdown.ports import first_free

table = scratch.rows_of
WORKERS = 2
WARM_UP = 50
PROFILED = 200


def run(size: int | None = None) -> dict[str, Any]:
    """`size` reports, 1,500 by default, from eight connections to gunicorn with two workers on PostgreSQL.

    The generator runs on the same cores. Without DATABASE_URL the database is a PostgreSQL made for the occasion.
    """
    bodies = intake_load.reports(WARM_UP + (size or 1_500), seed=7)
    with _portal() as (port, environment):
        intake_load.send_all(port, bodies[:WARM_UP])
        took, statuses, seconds = intake_load.send_all(port, bodies[WARM_UP:])
        pages = page_weight(port)
        bounds = _profiled(environment)
    took.sort()
    return {
        "cases": len(took),
        "cases_a_second": round(len(took) / seconds, 1),
        "fingerprints_a_second": round(10 * len(took) / seconds),
        "p50_ms": round(took[len(took) // 2], 1),
        "p99_ms": round(took[int(len(took) * 0.99)], 1),
        "longest_ms": round(took[-1], 1),
        "statuses": statuses,
        "connections": intake_load.CONNECTIONS,
        "workers": WORKERS,
        **bounds,
        **pages,
        **scratch.facts(),
        "database": "postgresql",
    }


# --- a portal to measure ----------------------------------------------------------------------------------------


@contextlib.contextmanager
def _portal() -> Iterator[tuple[int, dict[str, str]]]:
    """gunicorn as in production, with its own Redis and a fresh database; gone afterwards."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tid-bench-", dir="/tmp")))
        environment = _environment(folder, stack.enter_context(_database()))
        stack.enter_context(embedded_redis.both(sockets=folder, data=folder))
        manage = [sys.executable, "manage.py"]
        for command in (["migrate", "-v", "0"], ["run_sequencer", "--once"]):
            subprocess.run([*manage, *command], cwd=settings.BASE_DIR, env=environment, check=True)
        port = first_free(0)
        command = ["gunicorn", "-c", "takeitdown/gunicorn_conf.py", "-b", f"127.0.0.1:{port}", "-w", str(WORKERS)]
        server = subprocess.Popen(
            [sys.executable, "-m", *command, "takeitdown.wsgi"], cwd=settings.BASE_DIR, env=environment
        )
        stack.callback(server.wait)
        stack.callback(server.terminate)
        _wait(port)
        yield port, environment


@contextlib.contextmanager
def _database() -> Iterator[str]:
    from tests.postgres import PostgresCluster  # the throwaway server is the tests'

    with PostgresCluster.temporary() as cluster:
        yield cluster.url


def _environment(folder: Path, database_url: str) -> dict[str, str]:
    """The tests' settings: production's without TLS, so that nothing but the portal is measured."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": database_url,
        "TAKEITDOWN_VAR": str(folder),
        "SECRET_KEY": secrets.token_urlsafe(50),
        "PEPPERS": f"1:{secrets.token_hex(32)}",
        "RECEIPT_MASTER": secrets.token_hex(32),
        "PUBLIC_URL": "http://localhost",
        "INTAKE_RATE": "1000000/m",
    }


def _wait(port: int) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(urllib.error.URLError, OSError), _open(port, "/health/ready/"):
            return
        time.sleep(0.1)
    raise TimeoutError("The portal does not answer.")


def _open(port: int, path: str) -> Any:
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", headers={"Accept-Encoding": "gzip", "Host": "localhost"}
    )
    return urllib.request.urlopen(request, timeout=10)  # noqa: S310  our own address


# --- what bounds it ---------------------------------------------------------------------------------------------


def _profiled(environment: dict[str, str]) -> dict[str, Any]:
    """Where one report's time goes, in a process of its own that handles two hundred of them."""
    script = "import django; django.setup(); from takeitdown.benchmarks import intake; intake.print_profile()"
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, cwd=settings.BASE_DIR, env=environment, check=True, capture_output=True, text=True)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def print_profile() -> None:
    """In a process of its own: the figures as JSON."""
    from django.db import connection
    from django.test import Client

    client, bodies = Client(SERVER_NAME="localhost"), intake_load.reports(2 * PROFILED + 1, seed=8)
    client.post("/api/reports/", bodies[0], content_type="application/json")
    queries = 0

    def counted(execute: Any, *rest: Any) -> Any:
        nonlocal queries
        queries += 1
        return execute(*rest)

    profile = cProfile.Profile()
    wall, cpu = time.perf_counter(), time.process_time()
    with connection.execute_wrapper(counted):
        for body in bodies[1 : PROFILED + 1]:
            client.post("/api/reports/", body, content_type="application/json")
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    profile.enable()
    for body in bodies[PROFILED + 1 :]:
        client.post("/api/reports/", body, content_type="application/json")
    profile.disable()
    figures = {
        "ms_of_one_report_alone": round(wall / PROFILED * 1000, 2),
        "ms_of_it_in_python": round(cpu / PROFILED * 1000, 2),
        "queries_of_one_report": queries / PROFILED,
        "most_time_in": _heaviest(profile),
    }
    print(json.dumps(figures))


def _heaviest(profile: cProfile.Profile) -> list[str]:
    stats = pstats.Stats(profile)
    rows = sorted(stats.stats.items(), key=lambda row: -row[1][2])[:6]  # type: ignore[attr-defined]
    total = sum(row[2] for row in stats.stats.values())  # type: ignore[attr-defined]
    return [f"{Path(place[0]).name}:{place[2]} {100 * row[2] / total:.0f} %" for place, row in rows]


# --- page weight ------------------------------------------------------------------------------------------------


def page_weight(port: int) -> dict[str, Any]:
    """The first page with everything it loads, compressed as a proxy would, and how many requests that is."""
    with _open(port, "/en/") as response:
        page = response.read()
    linked = re.findall(r'(?:src|href)="(/static/[^"]+)"', page.decode())
    files = {path: _bytes_of(port, path) for path in dict.fromkeys(linked)}
    sizes = [len(gzip.compress(page)), *(len(gzip.compress(body)) for body in files.values())]
    return {"first_page_bytes_compressed": sum(sizes), "first_page_requests": len(sizes)}


def _bytes_of(port: int, path: str) -> bytes:
    with _open(port, path) as response:
        return bytes(response.read())
