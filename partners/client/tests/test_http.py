import gzip
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from takeitdown_client.errors import (
    AnswerTooLarge,
    InvalidInput,
    KeyNotAccepted,
    MalformedAnswer,
    NotAllowed,
    NotFound,
    PortalFailed,
    PortalRefusal,
    RedirectRefused,
    ResyncNeeded,
    TooManyRequests,
    Unreachable,
)
from takeitdown_client.follow import follow, wait_after_failures, wait_after_success
from takeitdown_client.http import Response, UrlTransport, checked_url
from takeitdown_client.portal import Portal
from takeitdown_client.rows import loads, min_wait
from takeitdown_client.sync import Outcome


@pytest.fixture
def server():
    """Answers with `server.answer(handler)`; `server.url` is where."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.seen.append((self.path, dict(self.headers)))
            self.server.answer(self)

        do_POST = do_GET  # noqa: N815 - the name http.server calls

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.seen, server.url = [], f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def send(handler, body: bytes, status: int = 200, **headers: str) -> None:
    handler.send_response(status)
    for name, value in ({"Content-Length": str(len(body))} | headers).items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def test_get_carries_key_and_query_and_unpacks(server):
    server.answer = lambda h: send(h, gzip.compress(b'{"head": "x"}'), Content_Encoding="gzip")
    portal = Portal(UrlTransport(server.url + "/"), key="tid_key")
    assert portal.head().head == "x"
    ((path, headers),) = server.seen
    assert (path, headers["Authorization"]) == ("/api/v1/hash-list/head/", "Bearer tid_key")


@pytest.mark.parametrize("target", ["http://localhost:1/x", "https://127.0.0.1/x", "file:///etc/passwd"])
def test_a_redirect_to_another_host_is_not_followed(server, target):
    server.answer = lambda h: send(h, b"", 302, Location=target)
    with pytest.raises(PortalRefusal if target.startswith("file") else RedirectRefused):
        Portal(UrlTransport(server.url), key="k").head()
    assert len(server.seen) == 1


def test_a_redirect_within_the_portal_is_followed(server):
    server.answer = lambda h: (
        send(h, b'{"head": "y"}') if h.path == "/there" else send(h, b"", 302, Location=server.url + "/there")
    )
    assert Portal(UrlTransport(server.url), key="k").head().head == "y"


def test_a_post_is_never_redirected(server):
    server.answer = lambda h: send(h, b"", 302, Location=server.url + "/there")
    with pytest.raises(RedirectRefused):
        Portal(UrlTransport(server.url), key="k").post_reports("/api/v1/feedback/", [{}])


def test_a_short_answer_is_a_broken_connection(server):
    server.answer = lambda h: send(h, b'{"head": "x"}', Content_Length="500")
    with pytest.raises(Unreachable):
        Portal(UrlTransport(server.url), key="k").head()


def test_a_silent_portal_times_out(server):
    release = threading.Event()
    server.answer = lambda h: release.wait(5)
    with pytest.raises(Unreachable):
        Portal(UrlTransport(server.url, timeout_seconds=0.2), key="k").head()
    release.set()


def test_nobody_there():
    with pytest.raises(Unreachable):
        Portal(UrlTransport("http://127.0.0.1:9"), key="k").head()


@pytest.mark.parametrize(("status", "kind"), [
    (401, KeyNotAccepted), (403, NotAllowed), (404, NotFound), (429, TooManyRequests), (500, PortalFailed),
    (503, PortalFailed),
])  # fmt: skip
def test_refusals_have_names(server, status, kind):
    server.answer = lambda h: send(h, b'{"code": "c", "detail": "why\\u001b[2J"}', status, Retry_After="7")
    with pytest.raises(kind) as refused:
        Portal(UrlTransport(server.url), key="k").head()
    assert (refused.value.detail, refused.value.retry_after) == ("why[2J", 7.0)


def test_a_refusal_without_a_problem_document_still_has_a_name(server):
    server.answer = lambda h: send(h, b"<h1>Bad gateway</h1>", 502)
    with pytest.raises(PortalFailed, match="502"):
        Portal(UrlTransport(server.url), key="k").head()


def test_resync_carries_reason_and_note(server):
    server.answer = lambda h: send(h, b'{"code": "resync", "reason": "below_floor", "latest": "note"}', 409)
    with pytest.raises(ResyncNeeded) as needed:
        Portal(UrlTransport(server.url), key="k").changes((1, 2))
    assert (needed.value.reason, needed.value.latest, server.seen[0][0]) == (
        "below_floor", "note", "/api/v1/hash-list/changes/?epoch=1&after=2",
    )  # fmt: skip


@pytest.mark.parametrize("body", [gzip.compress(bytes(5000)), bytes(5000)])
def test_answers_are_bounded_packed_or_not(body):
    headers = {"Content-Encoding": "gzip"} if body[:1] == b"\x1f" else {}
    with pytest.raises(AnswerTooLarge):
        Response(200, headers, body).content(limit=1000)


@pytest.mark.parametrize("raw", [
    b"", b"[]", b"1", b"{", b'{"a":1,"a":2}', b'{"a":NaN}', b'{"a":Infinity}', b"[" * 100_000, b"\xff{}", b'{"a":1}x',
    b'{"a":' + b"9" * 5000 + b"}",
])  # fmt: skip
def test_json_that_is_refused(raw):
    with pytest.raises(MalformedAnswer):
        loads(raw)


@pytest.mark.parametrize("url", [
    "http://portal.example", "ftp://portal.example", "portal.example", "https://user:x@portal.example", "https://",
    "https://portal.example/?a=1", "http://127.0.0.1.example",
])  # fmt: skip
def test_addresses_that_are_refused(url):
    with pytest.raises(InvalidInput):
        checked_url(url)


def test_addresses_that_are_good():
    assert [checked_url(url) for url in ("https://portal.example/", "http://127.0.0.1:8000")] == [
        "https://portal.example", "http://127.0.0.1:8000",
    ]  # fmt: skip


# --- how often -----------------------------------------------------------------------------------------------


def test_waits_after_failures_double_up_to_an_hour():
    assert [wait_after_failures(n) / 60 for n in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert wait_after_failures(1, retry_after=500) == 500
    assert wait_after_failures(10_000) == 3600


def test_waits_after_success_are_the_portals_wish_within_a_fifth():
    assert [wait_after_success(60, draw=lambda d=d: d) for d in (0, 0.5, 1)] == pytest.approx([48, 60, 72])


@pytest.mark.parametrize(("said", "wait"), [
    (30, 30.0), (0, 1.0), (-5, 1.0), (10**9, 86_400.0), ("60", 60.0), (True, 60.0), (None, 60.0),
])  # fmt: skip
def test_min_wait_is_kept_within_bounds(said, wait):
    assert min_wait({"min_wait_seconds": said}) == wait


def test_follow_waits_longer_after_each_failure_and_starts_over_after_a_success():
    script = [Unreachable("x"), Unreachable("x"), Outcome(min_wait_seconds=100), Unreachable("x")]
    waits = []

    def sync():
        happened = script.pop(0)
        if isinstance(happened, Exception):
            raise happened
        return happened

    follow(sync, tell=lambda happened, wait: None, sleep=waits.append, draw=lambda: 0.5, rounds=4)
    assert waits == [60, 120, 100, 60]
