"""Limits slow a flood and never stop a report: Redis may be killed or frozen."""

import signal
import time
from types import SimpleNamespace

import pytest
from django.core.cache import cache
from django.test import RequestFactory

from takeitdown import embedded_redis, limits

ADDED_AT_MOST_SECONDS = 0.6
TRIES = 3  # a busy machine may hold up one of them


@pytest.fixture
def limits_redis(tmp_path, settings):
    """A Redis of one's own to do away with."""
    server = embedded_redis.start("limits", sockets=tmp_path, data=tmp_path)
    here = {"LOCATION": f"unix://{tmp_path}/limits.sock?db=0"}
    settings.CACHES = {alias: {**cache, **here} for alias, cache in settings.CACHES.items()}
    yield server
    server.send_signal(signal.SIGCONT)
    server.kill()
    server.wait()


def ask(times: int = 1, *, rate: str = "3/m", address: str = "2001:db8::1") -> None:
    request = RequestFactory().get("/", REMOTE_ADDR=address)
    for _ in range(times):
        limits.check(request, group="test", rate=rate)


def test_past_the_rate_a_request_is_refused_with_the_time_to_wait():
    ask(3)

    with pytest.raises(limits.TooManyRequests) as refusal:
        ask()

    assert 1 <= refusal.value.retry_after <= 60


def test_another_address_is_not_held_up():
    ask(3)

    ask(3, address="2001:db8::2")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "frozen"])
def test_without_redis_requests_pass_and_lose_little_time(limits_redis, number):
    cache.set("here", 1)
    limits_redis.send_signal(number)
    if number == signal.SIGKILL:
        limits_redis.wait()

    took = []
    for _ in range(TRIES):
        limits.LimitsCache._open_until = 0.0  # as if Redis had only now gone
        begun = time.monotonic()
        ask(20)
        took.append(time.monotonic() - begun)
        assert limits.LimitsCache.away()

    assert min(took) < ADDED_AT_MOST_SECONDS, took


def test_without_redis_a_flood_is_still_slowed(limits_redis, monkeypatch):
    monkeypatch.setattr(limits, "time", SimpleNamespace(time=lambda: 90.0, monotonic=time.monotonic))  # no window ends
    limits_redis.kill()
    limits_redis.wait()

    with pytest.raises(limits.TooManyRequests):
        ask(3 * limits.LOCAL_ALLOWANCE + 1)


def test_when_redis_is_back_it_counts_again(limits_redis, tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "BREAKER_SECONDS", 0.05)
    limits_redis.kill()
    limits_redis.wait()
    ask()
    server = embedded_redis.start("limits", sockets=tmp_path, data=tmp_path)
    try:
        time.sleep(0.1)
        ask(3)
        with pytest.raises(limits.TooManyRequests):
            ask()
    finally:
        server.kill()
        server.wait()


def test_without_redis_a_second_factor_opens_once_and_logins_go_on(limits_redis):
    """What allauth keeps in the cache: used codes, and counts of tries behind a lock."""
    limits_redis.kill()
    limits_redis.wait()

    assert [cache.add("used-code", "y", timeout=30) for _ in range(2)] == [True, False]
    cache.set("tries", [1.0], 30)
    assert cache.get("tries", []) == [1.0]
    cache.delete("used-code")
    assert cache.add("used-code", "y", timeout=30)
