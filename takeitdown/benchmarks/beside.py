"""Processes of the portal beside this one, on its database, its Redis and its keys: for benchmarks and tests."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from django.conf import settings
from django.db import connection


def environment(**more: str) -> dict[str, str]:
    """What another process needs to be part of the portal that this one is."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": os.environ.get("HOME", "/"),
        "PYTHONUNBUFFERED": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "DJANGO_SETTINGS_MODULE": "tests.settings",  # a try-out on any database: only that may reach loopback
        "TAKEITDOWN_VAR": str(settings.VAR),
        "DATABASE_URL": _database_url(),
        "BROKER_URL": settings.BROKER_URL,
        "CACHE_URL": settings.CACHE_URL,
        "PUBLIC_URL": settings.PUBLIC_URL,
        "SECRET_KEY": settings.SECRET_KEY,
        "PEPPERS": ",".join(settings.PEPPERS),
        "RECEIPT_MASTER": settings.RECEIPT_MASTER,
        "WEBHOOK_MASTER": settings.WEBHOOK_MASTER,
        "OUTBOUND_TEST_NETWORKS": ",".join(settings.OUTBOUND_TEST_NETWORKS),
        "OUTBOUND_TEST_CA": settings.OUTBOUND_TEST_CA,
        **more,
    }


def _database_url() -> str:
    facts = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{facts['NAME']}"
    port = f":{facts['PORT']}" if facts["PORT"] else ""
    server = f"?host={facts['HOST']}" if str(facts["HOST"]).startswith("/") else ""
    host = "" if server else f"{facts['HOST']}{port}"
    password = f":{facts['PASSWORD']}" if facts["PASSWORD"] else ""
    return f"postgresql://{facts['USER']}{password}@{host}/{facts['NAME']}{server}"


@contextlib.contextmanager
def process(log: Path, given: dict[str, str], *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A Python process for the length of the block, killed with all its children at the end; it may have ended."""
    with log.open("ab") as output:
        started = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=settings.BASE_DIR,
            env=given,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield started
    finally:
        end(started)


def end(started: subprocess.Popen[bytes]) -> None:
    """SIGKILL to the process and all its children."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(started.pid, signal.SIGKILL)
    started.wait()


def webhooks_worker(log: Path, given: dict[str, str]) -> contextlib.AbstractContextManager[subprocess.Popen[bytes]]:
    """The worker of the queue `webhooks`, as production runs it."""
    options = ["-Q", "webhooks", "-P", "threads", "--concurrency", "16", "-n", f"webhooks-{log.stem}@%h"]
    quiet = ["--without-gossip", "--without-mingle", "--loglevel", "WARNING"]
    return process(log, given, "-m", "celery", "-A", "takeitdown", "worker", *options, *quiet)


def beat(log: Path, given: dict[str, str]) -> contextlib.AbstractContextManager[subprocess.Popen[bytes]]:
    schedule = str(log.with_suffix(".schedule"))
    return process(log, given, "-m", "celery", "-A", "takeitdown", "beat", "--schedule", schedule, "--pidfile=")
