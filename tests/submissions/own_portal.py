"""A portal in processes of its own: it can be killed, started again, and asked over a real line."""

from __future__ import annotations

import http.client
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
from urllib.request import urlopen

from django.conf import settings

from takeitdown.ports import first_free

STARTS_WITHIN_SECONDS = 40
PREPARE = (
    "import django; django.setup(); from django.core.management import call_command; "
    "call_command('migrate', verbosity=0); from tests import make; make.production_list()"
)


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    body: bytes


class OwnPortal:
    """gunicorn on a database of its own, at one address for life: `.start()`, `.kill()`, `.post()`."""

    _prepared: ClassVar[bytes] = b""

    def __init__(self, folder: Path) -> None:
        rates = {"INTAKE_RATE": "1000000/m", "UNLOCK_RATE": "1000000/m"}
        self.port = first_free(0)
        self.address = f"localhost:{self.port}"
        ours = {"TAKEITDOWN_VAR": str(folder), "DJANGO_SETTINGS_MODULE": "tests.settings"}
        web = {"BIND": self.address, "WEB_WORKERS": "1"}
        self.environment = {**os.environ, **ours, **web, **rates}
        self.database = folder / "portal.sqlite3"
        self._prepare()

    def _prepare(self) -> None:
        """Tables and a list; the second portal of a run gets a copy of the first one's."""
        if OwnPortal._prepared:
            self.database.write_bytes(OwnPortal._prepared)
            return
        subprocess.run([sys.executable, "-c", PREPARE], cwd=settings.BASE_DIR, env=self.environment, check=True)
        OwnPortal._prepared = self.database.read_bytes()

    def start(self) -> None:
        """Come up and answer; a second one only after `kill`."""
        command = [sys.executable, "-m", "gunicorn", "-c", "takeitdown/gunicorn_conf.py", "takeitdown.wsgi"]
        self.process = subprocess.Popen(command, cwd=settings.BASE_DIR, env=self.environment, start_new_session=True)
        deadline = time.monotonic() + STARTS_WITHIN_SECONDS
        while not self._answers():
            assert self.process.poll() is None, "the portal ended"
            assert time.monotonic() < deadline, "the portal did not start"
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            urlopen(f"http://{self.address}/health/live/", timeout=5).close()
        except OSError:
            return False
        return True

    def kill(self) -> None:
        """Every process of it at once, as when power fails."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """One request on a line of its own."""
        line = http.client.HTTPConnection("localhost", self.port, timeout=30)
        try:
            line.request("POST", path, body, dict(headers))
            response = line.getresponse()
            return Answer(response.status, response.read())
        finally:
            line.close()

    def count(self, table: str) -> int:
        with sqlite3.connect(self.database) as connection:
            return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])
