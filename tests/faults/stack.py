"""The portal as in production, of real processes: PostgreSQL, two Redis, gunicorn, Celery's worker and beat, sequencer.

Settings are production's and their checks run; only a few addresses are added that fail on purpose.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from django.conf import settings

from matching import signing
from takeitdown import embedded_redis
from takeitdown.ports import first_free
from tests.postgres import PostgresCluster

HOST = "takeitdown.example"
STARTS_WITHIN_SECONDS = 40
WEB_TIMEOUT_SECONDS = 3
PYTHON = sys.executable


@dataclass
class Reply:
    """What came back, as far as it came."""

    status: int
    headers: str
    body: bytes


@dataclass
class Stack:
    """Where everything is. `logs` holds one file for each process."""

    folder: Path
    postgres: PostgresCluster
    port: int
    environment: dict[str, str]
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def database(self) -> str:
        return f"postgresql://web@/portal?host={self.postgres.folder}"

    @property
    def var(self) -> Path:
        return self.folder / "var"

    def start(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = subprocess.Popen(
                [PYTHON, *command],
                cwd=settings.BASE_DIR,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def pids(self) -> list[int]:
        """Every process of the portal itself, with children."""
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                if f"TAKEITDOWN_VAR={self.var}".encode() in path.read_bytes().split(b"\0"):
                    found.append(int(path.parent.name))
        return found

    def send(
        self,
        method: str,
        path: str,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        *,
        patience: float = 15,
    ) -> Reply:
        """One request as the proxy in front would hand it on. Status 0: the line was cut."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=patience)
        standing = {"Host": HOST, "X-Forwarded-Proto": "https"}
        try:
            connection.request(method, path, body or None, {**standing, **(headers or {})})
            response = connection.getresponse()
            return Reply(response.status, str(response.headers), response.read())
        except (OSError, http.client.HTTPException):
            return Reply(0, "", b"")
        finally:
            connection.close()

    def is_ready(self) -> bool:
        return self.send("GET", "/health/ready/", patience=2).status == 200

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + STARTS_WITHIN_SECONDS
        while not self.is_ready():
            ended = [name for name, process in self.processes.items() if process.poll() is not None]
            if ended or time.monotonic() > deadline:
                logs = "".join((self.folder / f"{name}.log").read_text()[-2000:] for name in ended or ["web"])
                raise RuntimeError(f"The portal does not come up; ended: {ended}\n{logs}")
            time.sleep(0.1)

    def stop(self) -> None:
        for process in self.processes.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _environment(folder: Path, database: str) -> dict[str, str]:
    (folder / "tmp").mkdir()
    (folder / "var").mkdir()
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "TMPDIR": str(folder / "tmp"),
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SETTINGS_MODULE": "tests.faults.production",
        "TAKEITDOWN_VAR": str(folder / "var"),
        "DATABASE_URL": database,
        "BROKER_URL": f"redis+socket://{folder}/broker.sock?virtual_host=0",
        "CACHE_URL": f"unix://{folder}/limits.sock?db=0",
        "PUBLIC_URL": f"https://{HOST}",
        "BEHIND_TLS_PROXY": "1",
        "TRUSTED_PROXIES": "127.0.0.0/8",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "PEPPERS": f"1:{secrets.token_hex(32)}",
        "RECEIPT_MASTER": secrets.token_hex(32),
        "WEBHOOK_MASTER": secrets.token_hex(32),
        "ANONYMITY_CASES": "2",
        "INTAKE_RATE": "60/m",
    }


def _make_database(postgres: PostgresCluster) -> None:
    """The web's role is nobody special: it can change none of the settings that keep the log clean."""
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("CREATE ROLE web LOGIN")
        connection.execute("CREATE DATABASE portal OWNER web")


@contextlib.contextmanager
def running(folder: Path) -> Iterator[Stack]:
    """The whole portal for the length of a block. `folder` must have a short path: sockets lie in it."""
    with (
        PostgresCluster.temporary() as postgres,
        embedded_redis.both(sockets=folder, data=folder),
    ):
        _make_database(postgres)
        stack = Stack(folder, postgres, first_free(0), {})
        stack.environment = _environment(folder, stack.database)
        signing.make_key_file(stack.var / "signing.key")
        migrate = [PYTHON, "manage.py", "migrate", "--verbosity", "0"]
        subprocess.run(migrate, cwd=settings.BASE_DIR, env=stack.environment, check=True, timeout=90)
        try:
            _start_portal(stack)
            yield stack
        finally:
            stack.stop()


def _start_portal(stack: Stack) -> None:
    stack.start("sequencer", "manage.py", "run_sequencer")
    web = ["-m", "gunicorn", "-c", "takeitdown/gunicorn_conf.py", "-b", f"127.0.0.1:{stack.port}"]
    stack.start("web", *web, "--workers", "3", "--timeout", str(WEB_TIMEOUT_SECONDS), "takeitdown.wsgi")
    celery = ["-m", "celery", "-A", "takeitdown"]
    stack.start("worker", *celery, "worker", "-Q", "default,webhooks", "--concurrency", "1", "-E")
    stack.start("beat", *celery, "beat", "--schedule", str(stack.var / "beat.schedule"), "--pidfile=")
    stack.wait_until_ready()
