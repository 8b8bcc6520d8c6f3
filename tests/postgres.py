"""A PostgreSQL server that lives in a temporary folder and may be crashed.

It runs the machine's own programs where there are some, else those that the `pgserver` wheel carries. PostgreSQL
refuses to run as root; then it runs as `nobody`, on copies of the programs where that user can't reach the originals.
"""

from __future__ import annotations

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import psycopg

from takeitdown.database import POSTGRESQL_KEEPS_QUIET

STARTS_WITHIN_SECONDS = 60
SETTINGS = {
    "listen_addresses": "",  # its socket only
    "fsync": "on",  # what crash tests are about
    "synchronous_commit": "on",
    "shared_buffers": "64MB",
    "max_connections": "120",
    **POSTGRESQL_KEEPS_QUIET,
}


class PostgresMissing(RuntimeError):
    """No PostgreSQL programs on this machine."""


def _program_folders() -> Iterator[Path]:
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), reverse=True)
    yield from versions
    if on_path := shutil.which("initdb"):
        yield Path(on_path).resolve().parent
    if (found := importlib.util.find_spec("pgserver")) and found.submodule_search_locations:
        yield Path(found.submodule_search_locations[0]) / "pginstall" / "bin"


def find_programs() -> Path:
    """The folder with `initdb` and `postgres`."""
    for folder in _program_folders():
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise PostgresMissing("PostgreSQL is missing: install it (Debian: apt-get install postgresql).")


class PostgresCluster:
    """One server. `url` is a DATABASE_URL; everybody who reaches its socket is trusted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.url = f"postgresql://postgres@/postgres?host={folder}"
        self._as_user: dict[str, Any] = {}
        self._server: subprocess.Popen[bytes] | None = None
        if os.getuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self._as_user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        self.programs = self._reachable(find_programs())

    @classmethod
    @contextlib.contextmanager
    def temporary(cls) -> Iterator[Self]:
        """A fresh running cluster for the length of a block, gone afterwards."""
        with tempfile.TemporaryDirectory(prefix="tid-pg-", dir="/tmp") as folder:  # short: a socket's path is limited
            cluster = cls(Path(folder))
            cluster.create()
            cluster.start()
            try:
                yield cluster
            finally:
                cluster.kill()

    def create(self) -> None:
        """initdb; trust for whoever reaches the socket, which only this run's folder holds."""
        options = ["-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-locale", "--no-sync"]
        self._run("initdb", "-D", str(self.data), *options)

    def start(self) -> None:
        """Start it, recover if need be, and return once it takes connections."""
        settings = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        command = [str(self.programs / "postgres"), "-D", str(self.data), "-k", str(self.folder), *settings]
        log = (self.folder / "server.log").open("ab")
        self._server = subprocess.Popen(command, cwd=self.folder, stdout=log, stderr=log, **self._as_user)
        log.close()
        self._wait_until_ready()

    def stop(self, mode: str = "fast") -> None:
        """`smart`, `fast`, or `immediate`: as after a power cut, with recovery at the next start."""
        if self._server is None:
            return
        signals = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}
        self._server.send_signal(signals[mode])
        self._server.wait(timeout=30)
        self._server = None

    def kill(self) -> None:
        """SIGKILL the server. Its children notice and end by themselves; a new start recovers."""
        if self._server is None:
            return
        self._server.kill()
        self._server.wait()
        self._server = None
        # The orphans hold the shared memory for a moment; a start before they are gone is refused.
        time.sleep(0.2)

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + STARTS_WITHIN_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(psycopg.OperationalError), psycopg.connect(self.url, connect_timeout=2):
                return
            if self._server is None or self._server.poll() is not None:
                break
            time.sleep(0.05)
        raise RuntimeError((self.folder / "server.log").read_text(errors="replace")[-2000:])

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self.programs / program), *arguments]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=False, **self._as_user)
        if done.returncode:
            raise RuntimeError(done.stderr[-2000:])

    def _reachable(self, programs: Path) -> Path:
        """`programs`, or a copy of the installation that the server's user can read."""
        with contextlib.suppress(OSError):
            command = [str(programs / "postgres"), "--version"]
            if subprocess.run(command, capture_output=True, check=False, cwd="/", **self._as_user).returncode == 0:
                return programs
        copy = self.folder / "programs" / "pgserver" / "pginstall"
        shutil.copytree(programs.parent, copy, symlinks=True)
        for libraries in programs.parents[2].glob("pgserver.libs"):  # a wheel keeps shared libraries beside the package
            shutil.copytree(libraries, copy.parents[1] / libraries.name)
        return copy / programs.name
