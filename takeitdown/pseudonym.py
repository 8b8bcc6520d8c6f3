"""A name for an address that nobody can turn back: HMAC under a key that lives for an hour and never touches a disk.

A keyed hash under a long-lived key would still be the address: all of IPv4 is enumerated in minutes. So the key is
random, kept in the Redis that has no persistence with an expiry of two hours, and in this process's memory when that is
away.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import time
from collections.abc import Callable

from django.core.cache import cache

KEY_EXPIRES_SECONDS = 2 * 60 * 60
_keys: dict[int, bytes] = {}


def _key(hour: int) -> bytes:
    """This hour's key, the same in every process that reaches Redis."""
    if hour not in _keys:
        mine = secrets.token_bytes(32)
        name = f"pseudonym:{hour}"
        cache.add(name, mine, KEY_EXPIRES_SECONDS)
        shared = cache.get(name)
        for old in [old for old in _keys if old < hour - 1]:
            del _keys[old]
        _keys[hour] = shared if isinstance(shared, bytes) else mine
    return _keys[hour]


def of_address(address: str, *, clock: Callable[[], float] = time.time) -> str:
    """An address in 2001:db8::/32 that stands for the IPv4 address or the IPv6 /56 until the hour ends.

    It looks like an address because allauth refuses to log in anybody without one; that block is for documentation and
    belongs to nobody. What is no address at all gets the pseudonym of the empty string.
    """
    try:
        parsed: ipaddress.IPv4Address | ipaddress.IPv6Address | None = ipaddress.ip_address(address.strip())
    except ValueError:
        parsed = None
    if isinstance(parsed, ipaddress.IPv6Address):
        mapped = parsed.ipv4_mapped
        source = mapped.packed if mapped else parsed.packed[:7]
    else:
        source = parsed.packed if parsed else b""
    digest = hmac.new(_key(int(clock()) // 3600), source, hashlib.sha256).digest()
    return str(ipaddress.IPv6Address(b"\x20\x01\x0d\xb8" + digest[:12]))
