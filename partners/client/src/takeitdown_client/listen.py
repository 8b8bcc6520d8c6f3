"""Webhooks and polling in one process: answers at once, then syncs; polls as well, for a bell may get lost."""

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from .errors import ClientFailure, InvalidInput, SyncRunning
from .follow import wait_after_failures, wait_after_success
from .receive import LONGEST_BYTES, answer, take, verify
from .rows import DEFAULT_MIN_WAIT_SECONDS
from .sync import Outcome, Synchroniser

PATIENCE_SECONDS = 10
BUSY_SECONDS = 5.0
_WAITING_AT_MOST = 100  # more are one: each only means that the list moved


class Bell:
    """Genuine messages that wait to be acted upon. Safe to use from many threads."""

    def __init__(self) -> None:
        self._waiting: queue.Queue[Mapping[str, Any]] = queue.Queue(_WAITING_AT_MOST)

    def ring(self, message: Mapping[str, Any]) -> None:
        """Never blocks: where too many wait already, the next sync brings what this one spoke of."""
        with contextlib.suppress(queue.Full):
            self._waiting.put_nowait(message)

    def wait(self, seconds: float) -> Mapping[str, Any] | None:
        """The next message, or None after so long: time to poll."""
        try:
            return self._waiting.get(timeout=max(0.0, seconds))
        except queue.Empty:
            return None


def serve(bell: Bell, secrets: Sequence[str], *, host: str = "127.0.0.1", port: int = 0) -> ThreadingHTTPServer:
    """Take POSTs in the background, for a proxy in front that ends TLS. `shutdown()` ends it."""
    server = _Server((host, port), _handler(bell, secrets))
    threading.Thread(target=server.serve_forever, name="webhooks", daemon=True).start()
    return server


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who hangs up in the middle is no news."""


def _handler(bell: Bell, secrets: Sequence[str]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = PATIENCE_SECONDS

        def do_POST(self) -> None:
            status, content = self._taken()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def _taken(self) -> tuple[int, bytes]:
            length = self.headers.get("Content-Length", "")
            if not length.isascii() or not length.isdecimal() or len(length) > 9:
                return 411, b""
            if int(length) > LONGEST_BYTES:
                return 413, b""
            try:
                message = verify(dict(self.headers.items()), self.rfile.read(int(length)), secrets)
            except ClientFailure:
                return 400, b""
            bell.ring(message)
            return answer(message)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


def work(
    synchroniser: Synchroniser,
    bell: Bell,
    *,
    tell: Callable[[Outcome | ClientFailure, float], None],
    after_sync: Callable[[], object] = lambda: None,
    rounds: int | None = None,
) -> None:
    """Sync, then act upon each message, and poll when none came for as long as the portal likes; until interrupted.

    `tell` gets what happened and the seconds until the next poll. Failures with a name are waited out: after one, the
    next try is a whole sync. For so many `rounds` where given.
    """
    failures, poll_at, wish = 0, time.monotonic(), float(DEFAULT_MIN_WAIT_SECONDS)
    while rounds is None or rounds > 0:
        rounds = None if rounds is None else rounds - 1
        message = _next(bell, poll_at, deaf=failures > 0)
        happened: Outcome | ClientFailure | None
        try:
            happened = take(synchroniser, message) if message else synchroniser.sync()
            after_sync()
        except SyncRunning as running:
            happened, wait = running, BUSY_SECONDS
        except ClientFailure as failure:
            failures += 1
            happened, wait = failure, wait_after_failures(failures)
        else:
            failures = 0
            wish = happened.min_wait_seconds if happened else wish
            wait = wait_after_success(wish)
        if happened is not None:
            poll_at = time.monotonic() + wait
            tell(happened, wait)


def _next(bell: Bell, poll_at: float, *, deaf: bool) -> Mapping[str, Any] | None:
    """The next message, or None when it is time to poll. `deaf` after a failure: bells do not shorten that wait."""
    while True:
        message = bell.wait(poll_at - time.monotonic())
        if message is None or not deaf:
            return message


def read_secrets(text: str) -> list[str]:
    """One `whsec_…` a line, the newest first; lines that begin with # are left out. Raises InvalidInput."""
    lines = [line.strip() for line in text.splitlines()]
    secrets = [line for line in lines if line and not line.startswith("#")]
    if not secrets or not all(line.startswith("whsec_") and line.isascii() for line in secrets):
        raise InvalidInput("The file of secrets holds one whsec_… a line, as your console shows them.")
    return secrets
