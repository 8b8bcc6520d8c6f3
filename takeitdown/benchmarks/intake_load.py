"""A crowd of reporters on one machine: a bounded number of connections, each with one report in flight."""

from __future__ import annotations

import base64
import http.client
import json
import os
import random
import threading
import time
from typing import Any

HEADERS = {"Content-Type": "application/json", "Host": "localhost"}
CONNECTIONS = 8
FILES = 4
"""Ten fingerprints a case: four pictures, two of them with PDQ, MD5 and SHA-256, two without PDQ."""


def reports(count: int, *, seed: int) -> list[bytes]:
    """So many reports, the same for one seed but for their keys."""
    dice = random.Random(seed)  # noqa: S311  not secrets
    return [report(dice) for _ in range(count)]


def report(dice: random.Random) -> bytes:
    """A report as the page posts it, with ten fingerprints that nobody sent before."""
    files = [{"media": "image", "fingerprints": _fingerprints(dice, with_pdq=place < 2)} for place in range(FILES)]
    key = base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")
    body = {"idempotency_key": key, "about": "me_under_18", "statement": True, "files": files}
    return json.dumps(body).encode()


def _fingerprints(dice: random.Random, *, with_pdq: bool) -> list[dict[str, Any]]:
    exact = [{"type": name, "value": dice.randbytes(size).hex()} for name, size in (("md5", 16), ("sha256", 32))]
    return [{"type": "pdq", "value": _pdq(dice), "quality": 87}, *exact] if with_pdq else exact


def _pdq(dice: random.Random) -> str:
    bits = [1] * 128 + [0] * 128
    dice.shuffle(bits)
    return f"{int(''.join(map(str, bits)), 2):064x}"


def send_all(port: int, bodies: list[bytes]) -> tuple[list[float], dict[int, int], float]:
    """Post every body once. Returns milliseconds of each, how many answers had which status, and seconds in all."""
    waiting, lock = list(bodies), threading.Lock()
    took: list[float] = []
    statuses: dict[int, int] = {}

    def reporter() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        while True:
            with lock:
                if not waiting:
                    return
                body = waiting.pop()
            begun = time.perf_counter()
            connection.request("POST", "/api/reports/", body, HEADERS)
            response = connection.getresponse()
            response.read()
            with lock:
                took.append((time.perf_counter() - begun) * 1000)
                statuses[response.status] = statuses.get(response.status, 0) + 1

    threads = [threading.Thread(target=reporter) for _ in range(CONNECTIONS)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return took, statuses, time.perf_counter() - begun
