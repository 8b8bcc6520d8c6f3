"""A crowd of reporters on one machine: a bounded number of connections, each with one report in flight.

Made to cost little, because it runs on the cores it measures: requests are bytes made beforehand, one thread sends
them, and of a reply it reads the status and the length.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import random
import re
import selectors
import socket
import time
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

CONNECTIONS: Final = 8
CREATED: Final = 201
BROKEN: Final = 0
"""Counted in place of a status when the portal hangs up."""
SILENCE_SECONDS: Final = 30
FILES: Final = 4
FINGERPRINTS: Final = 10
"""Of a case: four pictures, two of them with PDQ, MD5 and SHA-256, two without PDQ."""
_LENGTH: Final = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)


# --- what they send ---------------------------------------------------------------------------------------------


def bodies(count: int, *, seed: int) -> list[bytes]:
    """So many reports as the page posts them, with fingerprints nobody sent before; the same for one seed but for
    their keys.
    """
    dice = random.Random(seed)  # noqa: S311  not secrets
    return [_body(dice) for _ in range(count)]


def _body(dice: random.Random) -> bytes:
    files = [{"media": "image", "fingerprints": _fingerprints(dice, with_pdq=place < 2)} for place in range(FILES)]
    key = base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")
    return json.dumps({"idempotency_key": key, "about": "me_under_18", "statement": True, "files": files}).encode()


def _fingerprints(dice: random.Random, *, with_pdq: bool) -> list[dict[str, Any]]:
    exact = [{"type": name, "value": dice.randbytes(size).hex()} for name, size in (("md5", 16), ("sha256", 32))]
    return [{"type": "pdq", "value": _pdq(dice), "quality": 87}, *exact] if with_pdq else exact


def _pdq(dice: random.Random) -> str:
    bits = [1] * 128 + [0] * 128
    dice.shuffle(bits)
    return f"{int(''.join(map(str, bits)), 2):064x}"


def requests(count: int, *, seed: int) -> list[bytes]:
    """Whole HTTP requests as a proxy hands them on, each from an address of its own."""
    sent = bodies(count, seed=seed)
    return [_request(body, address) for body, address in zip(sent, addresses(seed=seed), strict=False)]


def addresses(*, seed: int) -> Iterator[str]:
    """Addresses that differ from each other and from those of other seeds, so that no limit of one source is met."""
    return (f"10.{seed}.{number >> 8 & 255}.{number & 255}" for number in itertools.count())


def _request(body: bytes, address: str) -> bytes:
    head = (
        "POST /api/reports/ HTTP/1.1\r\nHost: localhost\r\nOrigin: https://localhost\r\nSec-Fetch-Site: same-origin\r\n"
        f"X-Forwarded-Proto: https\r\nX-Forwarded-For: {address}\r\nAccept: */*\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


# --- how they send it -------------------------------------------------------------------------------------------


@dataclass
class Answers:
    """Milliseconds that each report waited, how many had which status, and seconds in all."""

    took_ms: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: float = 0.0


@dataclass
class _Connection:
    port: int
    begun: float = 0.0
    received: bytes = b""
    socket: socket.socket = field(init=False)

    def __post_init__(self) -> None:
        self.socket = socket.create_connection(("127.0.0.1", self.port), timeout=SILENCE_SECONDS)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def send(self, request: bytes, *, begun: float) -> None:
        self.begun, self.received = begun, b""
        self.socket.sendall(request)

    def read(self) -> int | None:
        """The status once the reply is whole; None while more is to come; BROKEN when none will."""
        part = self.socket.recv(65_536)
        if not part:
            return BROKEN
        self.received += part
        head, end, body = self.received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head) if end else None
        return int(head[9:12]) if length and len(body) >= int(length[1]) else None


def send_all(port: int, requests: list[bytes], *, a_second: float | None = None) -> Answers:
    """Send every request once: as fast as replies come, or so many a second.

    At a given rate a wait counts from when the report was due, so that a portal that stands still is not measured by
    the few reports it let through.
    """
    return _Crowd(port, requests, a_second).send()


class _Crowd:
    def __init__(self, port: int, requests: list[bytes], a_second: float | None) -> None:
        self.port, self.a_second = port, a_second
        self.waiting = deque(enumerate(requests))
        self.free = deque(_Connection(port) for _ in range(CONNECTIONS))
        self.busy = selectors.DefaultSelector()
        self.answers = Answers()
        self.begun = time.perf_counter()

    def send(self) -> Answers:
        while self.waiting or self.busy.get_map():
            self._send_what_is_due()
            for connection in self._ready():
                self._receive(connection)
        self.answers.seconds = time.perf_counter() - self.begun
        for connection in self.free:
            connection.socket.close()
        self.busy.close()
        return self.answers

    def _due(self, now: float) -> float:
        return self.begun + self.waiting[0][0] / self.a_second if self.a_second else now

    def _send_what_is_due(self) -> None:
        while self.waiting and self.free and (due := self._due(now := time.perf_counter())) <= now:
            connection = self.free.popleft()
            connection.send(self.waiting.popleft()[1], begun=due)
            self.busy.register(connection.socket, selectors.EVENT_READ, connection)

    def _ready(self) -> Iterator[_Connection]:
        """Connections with something to read, waiting no longer than until the next report is due."""
        patience: float = SILENCE_SECONDS
        if self.waiting and self.free:
            now = time.perf_counter()
            patience = self._due(now) - now
        ready = self.busy.select(max(0.0, patience))
        if not ready and patience == SILENCE_SECONDS:
            raise TimeoutError("The portal does not answer.")
        return (key.data for key, _ in ready)

    def _receive(self, connection: _Connection) -> None:
        status = connection.read()
        if status is None:
            return
        self.answers.took_ms.append((time.perf_counter() - connection.begun) * 1000)
        self.answers.statuses[status] += 1
        self.busy.unregister(connection.socket)
        if status == BROKEN:
            connection.socket.close()
            connection = _Connection(self.port)
        self.free.append(connection)
