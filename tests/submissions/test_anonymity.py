"""What somebody with a stopwatch, a ruler or our disks learns: nothing."""

from __future__ import annotations

import ast
import contextlib
import hashlib
import hmac
import ipaddress
import json
import math
import statistics
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import redis
from django.conf import settings
from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client

from matching.sequencer import Sequencer
from submissions import access, case_numbers, guesses
from submissions.errors import CaseNotFound
from takeitdown import pseudonym
from tests import make
from tests.submissions.conftest import Clock, Reporter

PAIRS = 400
WARM_UP = 20
TRIES = 3
LINES_CARRY_SECONDS = 0.000_05
Attempt = Callable[[], object]
Sender = Callable[[], HttpResponse]


def rank_z(first: list[float], second: list[float]) -> float:
    """Mann and Whitney's z: how far two samples' ranks lie apart, in standard deviations."""
    values = sorted([(value, 0) for value in first] + [(value, 1) for value in second])
    ranks = sum(rank for rank, (_, which) in enumerate(values, start=1) if not which)
    n, m = len(first), len(second)
    return (ranks - n * (n + m + 1) / 2) / math.sqrt(n * m * (n + m + 1) / 12)


def timed(attempt: Attempt) -> float:
    begun = time.perf_counter()
    attempt()
    return time.perf_counter() - begun


def differ(one: Attempt, other: Attempt, pairs: int) -> tuple[float, float]:
    """z over interleaved pairs, the order within a pair changing, and how many seconds their medians lie apart.

    What comes and goes on a machine meets both alike.
    """
    first: list[float] = []
    second: list[float] = []
    for number in range(WARM_UP + pairs):
        turns = [(one, first), (other, second)]
        for attempt, times in turns if number % 2 else reversed(turns):
            times.append(timed(attempt))
    first, second = first[WARM_UP:], second[WARM_UP:]
    return rank_z(first, second), abs(statistics.median(first) - statistics.median(second))


def assert_alike_in_time(pair: Callable[[], tuple[Attempt, Attempt]], *, pairs: int = PAIRS) -> None:
    """Three times before it fails: of honest pairs one in 370 looks different by chance.

    On a quiet machine ranks betray the microseconds that a row takes to be read, which no line to us carries: what
    counts is a difference that both shows and is large enough to reach somebody.
    """
    scores = []
    for _ in range(TRIES):
        scores.append(differ(*pair(), pairs))
        z, apart = scores[-1]
        if abs(z) < 3 or apart < LINES_CARRY_SECONDS:
            return
    pytest.fail(f"they differ in time: (z, seconds) = {scores}")


def without_chance(response: HttpResponse) -> tuple[object, ...]:
    """Status, headers and length of a reply; and what it says, but for a new case's number and PIN."""
    said = response.content
    if response.headers["Content-Type"] == "application/json":
        said = json.dumps(sorted(json.loads(said))).encode()
    return response.status_code, sorted(response.headers.items()), len(response.content), said


# --- is it on the list? -------------------------------------------------------------------------------------------


def sender(client: Client, picture: Callable[[], dict[str, object]]) -> Sender:
    """Posts a report with one picture each time; making it is not timed."""
    bodies = [make.report(picture()) for _ in range(WARM_UP + PAIRS)]

    def send() -> HttpResponse:
        return client.post("/api/reports/", bodies.pop(), content_type="application/json")  # type: ignore[return-value]

    return send


@pytest.mark.slow
@pytest.mark.django_db
def test_a_listed_fingerprint_is_answered_as_one_nobody_knows(client: Client, sequencer: Sequencer, settings):
    settings.INTAKE_RATE = "1000000/m"
    known = make.picture()
    client.post("/api/reports/", make.report(known), content_type="application/json")
    assert sequencer.run_until_idle() == 3

    def pair() -> tuple[Sender, Sender]:
        return sender(client, lambda: known), sender(client, make.picture)

    listed, unknown = pair()
    assert without_chance(listed()) == without_chance(unknown())
    assert_alike_in_time(pair)


# --- is there such a case? ----------------------------------------------------------------------------------------


@pytest.fixture
def door(client: Client, settings) -> Callable[[str, str], HttpResponse]:
    settings.UNLOCK_RATE = "1000000/m"

    def unlock(number: str, pin: str) -> HttpResponse:
        return client.post("/en/code/", {"number": number, "pin": pin})  # type: ignore[return-value]

    return unlock


def unknown_number() -> str:
    return case_numbers.derive(b"master", hashlib.sha256(make.digest().encode()).digest())[0]


def wrong(pin: str) -> str:
    return f"{(int(pin) + 1) % 10**8:08d}"


def try_to_open(number: str, pin: str) -> None:
    with contextlib.suppress(CaseNotFound):
        access.unlock_case(number=number, pin=pin)


@pytest.mark.slow
@pytest.mark.django_db
@pytest.mark.parametrize("wait", [0, 1], ids=["evaluated", "refused"])
def test_an_unknown_case_and_a_wrong_pin_take_the_same_time(reporter: Reporter, monkeypatch, wait: int):
    monkeypatch.setattr(guesses, "wait_minutes", lambda minutes, now: wait)
    nobody, pin = unknown_number(), wrong(reporter.pin)
    assert_alike_in_time(
        lambda: (lambda: try_to_open(reporter.number, pin), lambda: try_to_open(nobody, pin)),
    )


@pytest.mark.slow
@pytest.mark.django_db
def test_right_and_wrong_pin_of_a_locked_case_take_the_same_time(
    reporter: Reporter, another_reporter: Reporter, clock: Clock
):
    for _ in range(guesses.PER_DAY + 1):
        for one in (reporter, another_reporter):
            try_to_open(one.number, wrong(one.pin))
    assert_alike_in_time(
        lambda: (
            lambda: try_to_open(reporter.number, reporter.pin),
            lambda: try_to_open(another_reporter.number, wrong(another_reporter.pin)),
        )
    )


@pytest.mark.django_db
def test_replies_of_the_door_differ_by_what_was_typed_alone(door, reporter: Reporter, clock: Clock):
    nobody = case_numbers.written(unknown_number())
    replies = [(nobody, door(nobody, reporter.pin)), (reporter.number, door(reporter.number, wrong(reporter.pin)))]
    for _ in range(guesses.PER_DAY):
        door(reporter.number, wrong(reporter.pin))
    replies.append((reporter.number, door(reporter.number, reporter.pin)))  # right, but locked

    said = [
        (reply.status_code, sorted(reply.headers.items()), reply.content.replace(typed.encode(), b"what was typed"))
        for typed, reply in replies
    ]
    assert all(one == other for one, other in pairwise(said))


# --- whose address was it? ----------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_name_of_an_address_cannot_be_tried_once_its_key_is_gone(client: Client):
    """With the key, all addresses of a street are tried in no time; without it not even the right one fits."""
    pseudonym._keys.clear()
    address, hour = "198.51.100.77", int(time.time()) // 3600
    name = pseudonym.of_address(address)
    client.post("/api/reports/", make.report(), content_type="application/json", REMOTE_ADDR=address)
    key = cache.get(f"pseudonym:{hour}")

    street = [f"198.51.100.{house}" for house in range(256)]
    assert [one for one in street if _named(key, one) == name] == [address]
    assert 0 < limits_redis().ttl(cache.make_key(f"pseudonym:{hour}")) <= pseudonym.KEY_EXPIRES_SECONDS
    pseudonym._keys.clear()
    cache.clear()  # as the limits' Redis forgets it
    pseudonym.of_address(address)
    fresh = cache.get(f"pseudonym:{hour}")
    assert [one for one in street if _named(fresh, one) == name] == []


def limits_redis() -> redis.Redis:
    return redis.Redis(unix_socket_path=str(settings.REDIS_SOCKETS / "limits.sock"))


def _named(key: bytes, address: str) -> str:
    digest = hmac.new(key, ipaddress.ip_address(address).packed, hashlib.sha256).digest()
    return str(ipaddress.IPv6Address(b"\x20\x01\x0d\xb8" + digest[:12]))


# --- comparing secrets --------------------------------------------------------------------------------------------

SECRET_WORDS = ("pin_hash", "number_hash", "key_digest", "body_digest", "secret_hash", "token_hash", "signature", "mac")


def compared_plainly(source: str) -> list[int]:
    """Lines where `==` or `!=` meets something named as a secret."""
    lines = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Compare) and any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops):
            names = {
                part.attr if isinstance(part, ast.Attribute) else part.id
                for side in (node.left, *node.comparators)
                for part in ast.walk(side)
                if isinstance(part, ast.Attribute | ast.Name)
            }
            if names & {*SECRET_WORDS, "pin"}:
                lines.append(node.lineno)
    return lines


@pytest.mark.parametrize("room", ["submissions", "partners", "takeitdown"])
def test_secrets_are_compared_in_constant_time(repository: Path, room: str):
    sources = [path for path in (repository / room).rglob("*.py") if "client" not in path.parts]
    found = {str(path): lines for path in sources if (lines := compared_plainly(path.read_text()))}
    assert found == {}


def test_a_plain_comparison_is_found():
    assert compared_plainly("a = 1\nif case.pin_hash == given:\n    pass\n") == [2]
    assert compared_plainly("if constant_time_compare(case.pin_hash, given):\n    pass\n") == []


@pytest.mark.slow
def test_a_door_that_skips_a_little_work_is_seen():
    """What an early return of a tenth of a millisecond looks like; the whole way takes seven times that."""

    def busy(seconds: float) -> Attempt:
        def work() -> None:
            end = time.perf_counter() + seconds
            while time.perf_counter() < end:
                pass

        return work

    with pytest.raises(pytest.fail.Exception, match="differ in time"):
        assert_alike_in_time(lambda: (busy(0.0007), busy(0.0006)))


def test_the_rank_test_sees_a_twentieth_of_the_spread():
    base = [statistics.NormalDist().inv_cdf((place + 0.5) / PAIRS) for place in range(PAIRS)]
    assert abs(rank_z(base, base[::-1])) < 0.1
    assert abs(rank_z(base, [value + 0.3 for value in base])) > 3
