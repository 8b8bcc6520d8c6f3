"""The way between a platform and the portal, in this process, with everything a network does to it."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from django.test import Client
from takeitdown_client.errors import Unreachable
from takeitdown_client.http import Response

Answer = tuple[int, dict[str, str], bytes]

GENTLE = ("lost before", "lost after", "twice", "busy", "cut")
ROUGH = (*GENTLE, "garbled", "replayed")


@dataclass
class FaultyWire:
    """A transport of the reference client that calls the portal's views and then spoils what came.

    `rate` is the share of requests that something happens to; `kinds` is what. Zero rate: an honest network.
    """

    dice: random.Random
    rate: float = 0.0
    kinds: tuple[str, ...] = GENTLE
    requests: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    paths: list[str] = field(default_factory=list)
    _seen: dict[str, list[Answer]] = field(default_factory=dict)

    def request(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        fault = self.dice.choice(self.kinds) if self.dice.random() < self.rate else ""
        self.faults[fault] += bool(fault)
        self.requests += 1
        self.paths.append(path.rsplit("/", 2)[-2])
        if fault == "lost before":
            raise Unreachable("lost")
        if fault == "busy":
            return Response(503, {"Retry-After": "1"}, b"")
        query = path + ("?" + urlencode(params) if params else "")
        answer = call(method, query, body, headers or {})
        if fault == "twice":
            answer = call(method, query, body, headers or {})
        if fault == "lost after":
            raise Unreachable("lost")
        return self._spoil(path, fault, answer)

    def _spoil(self, path: str, fault: str, answer: Answer) -> Response:
        status, headers, content = answer
        earlier = self._seen.setdefault(path, [])
        if fault == "replayed" and earlier:
            status, headers, content = self.dice.choice(earlier)
        earlier.append(answer)
        if fault == "cut" and content:
            content = content[: self.dice.randrange(len(content))]
        if fault == "garbled" and content:
            at = self.dice.randrange(len(content))
            content = content[:at] + bytes([content[at] ^ (1 << self.dice.randrange(8))]) + content[at + 1 :]
        return Response(status, headers, content)


def call(method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
    """One request to the real views, middleware included."""
    extra = {
        f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items() if name != "Content-Type"
    }
    client = Client(raise_request_exception=True)
    answer = client.generic(method, path, body or b"", "application/json", **extra)  # type: ignore[arg-type]
    content = b"".join(answer)  # streamed or not
    answer.close()
    return answer.status_code, dict(answer.headers.items()), content
