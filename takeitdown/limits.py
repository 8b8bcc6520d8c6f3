"""Rate limits that fail open: no outage of Redis may keep a person from reporting.

Counting is django-ratelimit's. It reads a cache; ours gives up after 0.25 s, then leaves Redis alone for five seconds
and counts in this process instead, so that a flood is still slowed while Redis is away.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeVar

from django.conf import settings
from django.core.cache.backends.locmem import LocMemCache
from django.core.cache.backends.redis import RedisCache, RedisCacheClient
from django.http import HttpRequest
from django_ratelimit.core import get_usage

from takeitdown.errors import Refused

T = TypeVar("T")
BREAKER_SECONDS = 5.0


class TooManyRequests(Refused):
    """A limit was reached. `retry_after` is in whole seconds."""

    code = "too_many_requests"
    status = 429
    default_detail = "Too many requests at once. Wait a little, then try again."

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = max(1, retry_after)


class _OneClient(RedisCacheClient):
    """Keeps the client that Django's makes anew for every command: making it takes as long as the command."""

    @cached_property
    def _kept(self) -> Any:
        return super().get_client(write=True)

    def get_client(self, key: Any = None, *, write: bool = False) -> Any:
        return self._kept


class LimitsCache(RedisCache):
    """Django's RedisCache, which answers "nothing known" instead of raising when Redis is away or frozen."""

    _open_until = 0.0

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._class = _OneClient

    def _guarded(self, call: Callable[..., T], missing: Callable[[], T], *args: Any, **kwargs: Any) -> T:
        if time.monotonic() < LimitsCache._open_until:
            return missing()
        try:
            return call(*args, **kwargs)
        except settings.LIMITS_MAY_FAIL_WITH:
            LimitsCache._open_until = time.monotonic() + BREAKER_SECONDS
            return missing()

    def _without_redis(self, name: str, missing: Any, *args: Any, **kwargs: Any) -> Any:
        return missing

    def _ask(self, name: str, missing: Any, *args: Any, **kwargs: Any) -> Any:
        def instead() -> Any:
            return self._without_redis(name, missing, *args, **kwargs)

        return self._guarded(getattr(super(), name), instead, *args, **kwargs)

    def add(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask("add", None, *args, **kwargs)

    def get(self, key: Any, default: Any = None, version: Any = None) -> Any:
        return self._ask("get", default, key, default, version)

    def set(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask("set", None, *args, **kwargs)

    def incr(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask("incr", None, *args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask("delete", False, *args, **kwargs)

    def touch(self, *args: Any, **kwargs: Any) -> Any:
        return self._ask("touch", False, *args, **kwargs)

    @classmethod
    def away(cls) -> bool:
        """Whether Redis failed within the last five seconds."""
        return time.monotonic() < cls._open_until


class StandInCache(LimitsCache):
    """LimitsCache that goes on in this process's memory while Redis is away.

    For those who take "nothing known" for a no: the login's own limits would turn everybody away, and a second factor's
    code would count as used. Staff have to get in during an outage, too.
    """

    def __init__(self, server: str, params: dict[str, Any]) -> None:
        super().__init__(server, params)
        self._here = LocMemCache("stand-in", {})

    def _without_redis(self, name: str, missing: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(self._here, name)(*args, **kwargs)

    def clear(self) -> None:
        self._here.clear()
        super().clear()


class _LocalWindow:
    """A count in this process, for all sources together: what is left of a limit while Redis is away."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[tuple[str, int], int] = {}

    def count(self, group: str, seconds: int) -> int:
        window = int(time.time()) // seconds
        with self._lock:
            for key in [key for key in self._counts if key[1] < window and key[0] == group]:
                del self._counts[key]
            self._counts[group, window] = self._counts.get((group, window), 0) + 1
            return self._counts[group, window]


_local = _LocalWindow()
LOCAL_ALLOWANCE = 20  # one process serves this many sources' worth of a limit while it counts alone


def check(request: HttpRequest, *, group: str, rate: str, key: Callable[[str, HttpRequest], str] | str = "ip") -> None:
    """Count this request; raise TooManyRequests past `rate` ("30/m": fixed windows of django-ratelimit).

    `ip` is the hourly pseudonym that the first middleware put in place of the address. Never used to lock a case.
    """
    usage = get_usage(request, group=group, key=key, rate=rate, increment=True)
    if usage is None or usage["time_left"] < 0:
        amount, period = rate.split("/")
        seconds = {"s": 1, "m": 60, "h": 3600, "d": 86400}[period]
        if _local.count(group, seconds) > int(amount) * LOCAL_ALLOWANCE:
            raise TooManyRequests(seconds)
    elif usage["should_limit"]:
        raise TooManyRequests(usage["time_left"])
