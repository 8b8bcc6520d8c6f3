"""A tree of processes that stand and fall together: what the try-out is made of."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

SERVANTS_END_WITHIN_SECONDS = 7.0
SERVERS_END_WITHIN_SECONDS = 3.0
_PR_SET_PDEATHSIG = 1


class ChildEnded(RuntimeError):
    """One of the processes ended although nobody asked it to."""


class AskedToStop(Exception):
    """Somebody sent SIGTERM or pressed Ctrl-C."""


@dataclass
class Child:
    """One process with what it is to people."""

    name: str
    process: subprocess.Popen[bytes]
    is_server: bool = False
    """Others need it until they have ended: a database, a broker."""
    may_end: bool = False


@dataclass
class ProcessTree:
    """Children in the order they were started. Each leads a process group, so that its own children end with it."""

    folder: Path
    children: list[Child] = field(default_factory=list)
    _asked_to_stop: bool = False

    def start(self, name: str, command: list[str], *, is_server: bool = False, may_end: bool = False) -> Child:
        """Start one. It is told to end when this process dies, even by SIGKILL."""
        parent = os.getpid()
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL if is_server else None,
            start_new_session=True,  # Ctrl-C reaches this process alone, which then ends the others in order
            preexec_fn=lambda: _end_with(parent),
        )
        child = Child(name, process, is_server, may_end)
        self.children.append(child)
        return child

    def run(self, name: str, command: list[str]) -> None:
        """Run a step to its end; raises ChildEnded when it fails or when another child dies meanwhile."""
        step = self.start(name, command, may_end=True)
        self.wait_until(lambda: step.process.poll() is not None)
        self.children.remove(step)
        if step.process.returncode:
            raise ChildEnded(f"{name} failed ({_words(step.process.returncode)}).")

    def wait_until(self, condition: Callable[[], bool], *, every_seconds: float = 0.1) -> None:
        """Sleep until the condition holds. Raises ChildEnded, or AskedToStop once that was asked."""
        while not condition():
            if self._asked_to_stop:
                raise AskedToStop
            self._check()
            time.sleep(every_seconds)

    def ask_to_stop(self, *_signal: object) -> None:
        """A signal handler."""
        self._asked_to_stop = True

    def _check(self) -> None:
        for child in self.children:
            status = child.process.poll()
            if status is not None and not child.may_end:
                raise ChildEnded(f"{child.name} ended unexpectedly ({_words(status)}).")

    def stop(self) -> None:
        """End all, servers that others lean on last; kill what is left of any group. Takes ten seconds at most."""
        servants = [child for child in self.children if not child.is_server]
        servers = [child for child in self.children if child.is_server]
        _end(servants, within_seconds=SERVANTS_END_WITHIN_SECONDS)
        _end(servers, within_seconds=SERVERS_END_WITHIN_SECONDS)
        self.children.clear()


def _end(children: list[Child], *, within_seconds: float) -> None:
    for child in reversed(children):
        with contextlib.suppress(ProcessLookupError):
            child.process.terminate()
    deadline = time.monotonic() + within_seconds
    for child in children:
        with contextlib.suppress(subprocess.TimeoutExpired):
            child.process.wait(max(0.0, deadline - time.monotonic()))
    for child in children:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.process.pid, signal.SIGKILL)
        child.process.wait()


def remember(children: list[Child], path: Path) -> None:
    """Note which processes these are, so that a later start finds what a killed parent left behind."""
    path.write_text("".join(f"{child.process.pid} {started_at(child.process.pid)}\n" for child in children))


def end_leftovers(path: Path) -> int:
    """End what an earlier parent noted and could not end; returns how many still ran.

    A number alone may belong to somebody else by now; number and start time together don't.
    """
    noted = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
    left = [int(pid) for pid, started in noted if started != "0" and started_at(int(pid)) == int(started)]
    for pid in left:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGTERM)
    deadline = time.monotonic() + SERVERS_END_WITHIN_SECONDS
    while any(map(started_at, left)) and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in left:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
    path.unlink(missing_ok=True)
    return len(left)


def started_at(pid: int) -> int:
    """When a process was started, in the kernel's ticks; 0 where there is none (or no /proc)."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return 0 if after_name[0] == "Z" else int(after_name[19])


def _end_with(parent: int) -> None:
    """In the child, before it becomes the program: have the kernel send SIGTERM when the parent is gone (Linux)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died before we asked
            os._exit(1)


def _words(status: int) -> str:
    return f"exit {status}" if status >= 0 else signal.Signals(-status).name
