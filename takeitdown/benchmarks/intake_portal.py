"""A portal to measure: gunicorn as in production, behind no proxy but ourselves."""

from __future__ import annotations

import contextlib
import os
import secrets
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from django.conf import settings

from takeitdown import embedded_redis
from takeitdown.ports import first_free

WORKERS: Final = 2
STARTS_WITHIN_SECONDS: Final = 30
HEADERS: Final = {"Host": "localhost", "Accept-Encoding": "gzip", "X-Forwarded-Proto": "https"}


@dataclass(frozen=True)
class Portal:
    """Where it listens, what its processes are (their roots, by what they do), and what they were started with."""

    port: int
    processes: dict[str, list[int]]
    environment: dict[str, str]

    def open(self, path: str) -> Any:
        """The reply to a GET, as a proxy that ended TLS asks for it; urllib's errors."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=HEADERS)
        return urllib.request.urlopen(request, timeout=10)  # noqa: S310  our own address


@contextlib.contextmanager
def opened() -> Iterator[Portal]:
    """The portal with a PostgreSQL and two Redis of its own, all gone afterwards."""
    from tests.postgres import PostgresCluster  # the throwaway server is the tests'

    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tid-bench-", dir="/tmp")))
        cluster = stack.enter_context(PostgresCluster.temporary())
        environment = _environment(folder, cluster.url)
        redis = stack.enter_context(embedded_redis.both(sockets=folder, data=folder))
        _set_up(folder, environment)
        port = first_free(0)
        web = stack.enter_context(_gunicorn(port, environment))
        database = int((cluster.data / "postmaster.pid").read_text().split()[0])
        processes = {"web": [web], "database": [database], "redis": [server.pid for server in redis.values()]}
        portal = Portal(port, processes, environment)
        _wait(portal)
        yield portal


def _environment(folder: Path, database_url: str) -> dict[str, str]:
    """Production's settings and checks. The generator stands where the proxy would, which has ended TLS."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "takeitdown.settings",
        "DATABASE_URL": database_url,
        "TAKEITDOWN_VAR": str(folder),
        "SECRET_KEY": secrets.token_urlsafe(50),
        "PEPPERS": f"1:{secrets.token_hex(32)}",
        "RECEIPT_MASTER": secrets.token_hex(32),
        "WEBHOOK_MASTER": secrets.token_hex(32),
        "PUBLIC_URL": "https://localhost",
        "BEHIND_TLS_PROXY": "1",
        "TRUSTED_PROXIES": "127.0.0.1/32",
    }


def _set_up(folder: Path, environment: dict[str, str]) -> None:
    """Tables, keys, and static files as a release has them."""
    built = settings.BASE_DIR / "var" / "static-built"
    (folder / "static-built").symlink_to(built) if built.is_dir() else (folder / "static-built").mkdir()
    key = ["run_sequencer", "--make-key"]
    for command in (
        ["migrate", "-v", "0"],
        key,
        ["run_sequencer", "--once"],
        ["collectstatic", "--noinput", "-v", "0"],
    ):
        subprocess.run([sys.executable, "manage.py", *command], cwd=settings.BASE_DIR, env=environment, check=True)


@contextlib.contextmanager
def _gunicorn(port: int, environment: dict[str, str]) -> Iterator[int]:
    options = ["-c", "takeitdown/gunicorn_conf.py", "-b", f"127.0.0.1:{port}", "-w", str(WORKERS)]
    command = [sys.executable, "-m", "gunicorn", *options, "takeitdown.wsgi"]
    server = subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment)
    try:
        yield server.pid
    finally:
        server.terminate()
        server.wait()


def _wait(portal: Portal) -> None:
    deadline = time.monotonic() + STARTS_WITHIN_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(urllib.error.URLError, OSError), portal.open("/health/ready/"):
            return
        time.sleep(0.1)
    raise TimeoutError("The portal does not answer.")
