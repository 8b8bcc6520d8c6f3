"""Keyed hashes of case numbers and PINs. The keys are in no database and no backup of one."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from functools import lru_cache

from django.conf import settings


@dataclass(frozen=True)
class Pepper:
    """One version of the key. Each method hashes for a purpose of its own, so no two columns can be joined by value."""

    version: int
    key: bytes

    def __repr__(self) -> str:
        return f"Pepper({self.version})"  # never the key

    def of_number(self, number: str) -> bytes:
        return self._hmac("number", number)

    def of_pin(self, number: str, pin: str) -> bytes:
        return self._hmac("pin", number, pin)

    def of_guess(self, number: str) -> bytes:
        return self._hmac("guess", number)

    def _hmac(self, *parts: str) -> bytes:
        return hmac.new(self.key, "\0".join(parts).encode("ascii"), hashlib.sha256).digest()


@lru_cache(maxsize=8)
def _parsed(pairs: tuple[str, ...]) -> tuple[Pepper, ...]:
    split = (pair.partition(":") for pair in pairs)
    return tuple(Pepper(version=int(version), key=bytes.fromhex(key)) for version, _, key in split)


def live() -> tuple[Pepper, ...]:
    """All versions that still open a case, newest first."""
    return _parsed(tuple(settings.PEPPERS))


def newest() -> Pepper:
    """The version that new cases are kept under."""
    return live()[0]
