"""Values that occur nowhere else, in every spelling a leak may have, and a search that finds them in bytes."""

from __future__ import annotations

import base64
import ipaddress
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np

# Whatever a browser, a telephone, a proxy or a provider may say about a person. Each carries a canary of its own.
HEADERS = [
    "X-Forwarded-For", "Forwarded", "X-Real-IP", "CF-Connecting-IP", "CF-IPCountry", "CF-Ray", "True-Client-IP",
    "X-Client-IP", "Client-IP", "X-Cluster-Client-IP", "Fastly-Client-IP", "X-Original-Forwarded-For",
    "X-Envoy-External-Address", "X-Forwarded-Host", "User-Agent", "Referer", "Accept-Language", "Sec-CH-UA",
    "Sec-CH-UA-Platform", "Sec-CH-UA-Model", "Sec-CH-UA-Full-Version-List", "Cookie", "From", "Via", "X-Request-ID",
    "X-Correlation-ID", "Traceparent", "Tracestate", "X-Amzn-Trace-Id", "X-Requested-With", "X-Device-Id",
    "X-ATT-DeviceId", "X-WAP-Profile", "X-UIDH", "MSISDN", "DNT", "Save-Data", "Device-Memory", "Viewport-Width", "RTT",
    "Authorization", "Priority", "Accept",
]  # fmt: skip
SHORTEST = 8
"""No spelling is shorter: fewer bytes come up by chance in a hundred megabytes."""


def header_canaries() -> dict[str, str]:
    """Header → a word of 18 letters and digits."""
    run = secrets.token_hex(5)
    return {name: f"Kv7{run}Z{number:03d}q" for number, name in enumerate(HEADERS)}


def spellings(value: bytes) -> Iterator[bytes]:
    """The value as logs, dumps and messages may write it."""
    yield from (value, value.lower(), value.upper(), value.hex().encode(), value.hex().upper().encode())
    percent = "".join(f"%{byte:02x}" for byte in value)
    yield from (percent.encode(), percent.upper().encode())
    if value.isascii():
        yield from (value.decode().encode("utf-16-le"), value.decode().encode("utf-16-be"))
    for offset in range(3):  # base64 looks different for each place a value may begin at
        whole, skipped = base64.b64encode(bytes(offset) + value), -(-offset * 8 // 6)
        inner = whole[skipped : (offset + len(value)) * 8 // 6]
        yield from (inner, inner.replace(b"+", b"-").replace(b"/", b"_"))


def address_spellings(address: str) -> Iterator[bytes]:
    """An IPv6 address as text and as 16 bytes, each in every spelling."""
    parsed = ipaddress.IPv6Address(address)
    for form in (parsed.compressed.encode(), parsed.exploded.encode(), parsed.packed):
        yield from spellings(form)


def hash_spellings(value: str) -> Iterator[bytes]:
    """A fingerprint as hex digits and as bytes."""
    yield from spellings(value.encode())
    yield from spellings(bytes.fromhex(value))


@dataclass
class Search:
    """Finds thousands of patterns in one pass: bytes that fit no beginning are passed over eight at a time."""

    named: dict[bytes, str] = field(default_factory=dict)

    def add(self, name: str, patterns: Iterable[bytes]) -> None:
        for pattern in patterns:
            assert len(pattern) >= SHORTEST, name
            self.named[pattern] = name

    def find(self, data: bytes) -> dict[str, bytes]:
        """Which canaries occur, each with what stands around the first of its occurrences."""
        found: dict[str, bytes] = {}
        beginnings: dict[bytes, list[bytes]] = {}
        for pattern in self.named:
            beginnings.setdefault(pattern[:SHORTEST], []).append(pattern)
        for place in self._candidates(data, beginnings):
            for pattern in beginnings.get(data[place : place + SHORTEST], ()):
                if data.startswith(pattern, place):
                    found.setdefault(self.named[pattern], data[max(0, place - 40) : place + 60])
        return found

    @staticmethod
    def _candidates(data: bytes, beginnings: Iterable[bytes]) -> list[int]:
        """Places where each pair of the eight bytes is one that some pattern has there."""
        if len(data) < SHORTEST:
            return []
        raw = np.frombuffer(data, dtype=np.uint8)
        pairs = raw[:-1].astype(np.uint16) << 8 | raw[1:]
        begins = len(data) - SHORTEST + 1
        may = np.ones(begins, dtype=bool)
        for step in range(0, SHORTEST, 2):
            fits = np.zeros(65_536, dtype=bool)
            fits[[beginning[step] << 8 | beginning[step + 1] for beginning in beginnings]] = True
            may &= fits[pairs[step : step + begins]]
        return [int(place) for place in np.flatnonzero(may)]
