"""The portal at the other end of a real line: what no library would send, and the door with a stopwatch."""

from __future__ import annotations

import hashlib
import json
import re
import socket
import time
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from submissions import case_numbers, guesses
from tests import make
from tests.submissions.own_portal import OwnPortal
from tests.submissions.test_anonymity import WARM_UP, Attempt, assert_alike_in_time, wrong

pytestmark = pytest.mark.slow
PAIRS = 200
CASES = (PAIRS + WARM_UP) // guesses.FREE
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@pytest.fixture(scope="module")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnPortal]:
    portal = OwnPortal(tmp_path_factory.mktemp("portal"))
    portal.start()
    yield portal
    portal.kill()


# --- what no library would send -----------------------------------------------------------------------------------

HEAD = b"POST /api/reports/ HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
SMUGGLED = b"GET /en/smuggled/ HTTP/1.1\r\nHost: localhost\r\n\r\n"
REFUSED = {
    "length below zero": HEAD + b"Content-Length: -5\r\n\r\n{}",
    "length with a sign": HEAD + b"Content-Length: +2\r\n\r\n{}",
    "length in words": HEAD + b"Content-Length: two\r\n\r\n{}",
    "two lengths": HEAD + b"Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}" + SMUGGLED,
    "length and chunks": HEAD + b"Content-Length: 4\r\n" + CHUNKED + b"\r\n0\r\n\r\n" + SMUGGLED,
    "chunked twice": HEAD + CHUNKED + CHUNKED + b"\r\n0\r\n\r\n" + SMUGGLED,
    "coding unknown": HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
    "gzip within chunks": HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "a chunk's size in words": HEAD + CHUNKED + b"\r\nzz\r\n{}\r\n0\r\n\r\n" + SMUGGLED,
    "a folded header": HEAD + b"X-A: 1\r\n 2\r\nContent-Length: 2\r\n\r\n{}",
    "a space before the colon": HEAD + b"Content-Length : 2\r\n\r\n{}",
    "a cookie of 100 kB": HEAD + b"Cookie: visit=" + b"x" * 100_000 + b"\r\n\r\n",
    "10,000 headers": HEAD + b"X-A: 1\r\n" * 10_000 + b"\r\n",
    "a gigabyte announced": HEAD + b"Content-Length: 1073741824\r\n\r\n" + b" " * 65_536,
    "more digits than fit": HEAD + b"Content-Length: " + b"9" * 5_000 + b"\r\n\r\n{}",
    "chunks without a length to expect": HEAD + CHUNKED + b"\r\n" + b"800\r\n" + b" " * 2048 + b"\r\n",
}


def said(portal: OwnPortal, request: bytes) -> bytes:
    """Everything that comes back until the portal hangs up, or has said something and then nothing for a second."""
    answer = b""
    with socket.create_connection(("localhost", portal.port), timeout=20) as line:
        try:
            line.sendall(request)
            while piece := line.recv(65_536):
                answer += piece
                line.settimeout(1)
        except (TimeoutError, ConnectionError):
            pass
    return answer


@pytest.mark.parametrize("request_", REFUSED.values(), ids=REFUSED)
def test_a_request_that_two_readers_could_read_in_two_ways_is_refused(portal: OwnPortal, request_: bytes):
    cases = portal.count("submissions_case")
    answer = said(portal, request_)
    statuses = re.findall(rb"HTTP/1\.1 (\d+)", answer)
    assert statuses
    assert set(statuses) <= {b"400", b"411", b"413", b"415", b"431", b"501"}  # a 404 would be the smuggled one's
    assert not any(word in answer for word in (b"Traceback", b"gunicorn", b"Server:"))
    assert portal.count("submissions_case") == cases


def test_bodies_that_never_end_hold_up_nobody_else(portal: OwnPortal):
    lines = []
    for _ in range(3):  # of four threads; before a portal stands a proxy that waits for whole bodies
        line = socket.create_connection(("localhost", portal.port), timeout=20)
        line.sendall(HEAD + b"Content-Length: 1000\r\n\r\n{")
        lines.append(line)
    begun = time.monotonic()
    answer = portal.post("/api/reports/", json.dumps(make.report()).encode(), JSON)
    for line in lines:
        line.close()
    assert answer.status == 201
    assert time.monotonic() - begun < 15


# --- the door -----------------------------------------------------------------------------------------------------


def wrong_codes(portal: OwnPortal) -> list[bytes]:
    """As many free guesses as there are pairs, each at a case that exists."""
    codes = []
    for _ in range(CASES):
        opened = json.loads(portal.post("/api/reports/", json.dumps(make.report()).encode(), JSON).body)
        code = {"number": opened["case_number"], "pin": wrong(opened["pin"])}
        codes += [urlencode(code).encode()] * guesses.FREE
    return codes


def unknown_codes() -> list[bytes]:
    codes = []
    for _ in range(CASES):
        number, pin = case_numbers.derive(b"nobody's", hashlib.sha256(make.digest().encode()).digest())
        codes += [urlencode({"number": case_numbers.written(number), "pin": pin}).encode()] * guesses.FREE
    return codes


def guesser(portal: OwnPortal, codes: list[bytes], sizes: set[tuple[int, int]]) -> Attempt:
    def guess() -> None:
        answer = portal.post("/en/code/", codes.pop(), FORM)
        sizes.add((answer.status, len(answer.body)))

    return guess


def test_an_unknown_case_and_a_wrong_pin_answer_alike_over_http(portal: OwnPortal):
    seen: list[set[tuple[int, int]]] = [set(), set()]

    def pair() -> tuple[Attempt, Attempt]:
        return guesser(portal, wrong_codes(portal), seen[0]), guesser(portal, unknown_codes(), seen[1])

    assert_alike_in_time(pair, pairs=PAIRS)
    assert seen[0] == seen[1]
    assert len(seen[0]) == 1
