"""What a hostile receiver can do to the sender: real sockets, real TLS, on loopback, with shorter waits."""

from __future__ import annotations

import contextlib
import gzip
import socket
import ssl
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from partners import outbound
from partners.outbound import Failure, Limits, Reply, SendFailed
from takeitdown.benchmarks.receivers import LOOPBACK, OPENINGS, Authority

PATIENT = Limits(connect_seconds=10.0, total_seconds=15.0)
HASTY = Limits(connect_seconds=1.2, total_seconds=1.2)  # for those who are to be given up on
LATE_SECONDS = 20.0
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
Talk = Callable[[ssl.SSLSocket], None]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(autouse=True)
def loopback_is_open(settings, authority):
    settings.OUTBOUND_TEST_NETWORKS = list(OPENINGS)
    settings.OUTBOUND_TEST_CA = str(authority.path)


@contextlib.contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that hands each connection to `serve`, and then closes it; gives its address."""
    listener = socket.create_server((LOOPBACK, 0))

    def work() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            connection.settimeout(LATE_SECONDS)
            with contextlib.suppress(OSError), connection:
                serve(connection)

    threading.Thread(target=work, daemon=True).start()
    try:
        yield f"https://localhost:{listener.getsockname()[1]}/hook"
    finally:
        listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for a connection
        listener.close()


def talking(context: ssl.SSLContext, talk: Talk) -> contextlib.AbstractContextManager[str]:
    def serve(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_side=True) as secured:
            request(secured)
            talk(secured)

    return listening(serve)


def request(secured: ssl.SSLSocket) -> bytes:
    """What was sent, as far as its length says; nothing after it is waited for."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += secured.recv(4096) or b"\r\n\r\n"
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))
    while len(body) < length:
        body += secured.recv(4096)
    return head + b"\r\n\r\n" + body


def saying(*parts: bytes, every: float = 0.0, again: int = 1) -> Talk:
    def talk(secured: ssl.SSLSocket) -> None:
        for _ in range(again):
            for part in parts:
                secured.sendall(part)
                time.sleep(every)

    return talk


def outcome(url: str, *, wants_body: bool = False, limits: Limits = PATIENT) -> Reply | Failure:
    """What one attempt gave."""
    try:
        return outbound.post(url, b'{"type":"x"}', {"webhook-id": "msg_1"}, wants_body=wants_body, limits=limits)
    except SendFailed as failed:
        return failed.failure


def test_a_polite_receiver_gets_the_request_and_is_understood(authority):
    heard = []

    def talk(secured: ssl.SSLSocket) -> None:
        secured.sendall(b'HTTP/1.1 202 Accepted\r\nContent-Length: 7\r\nRetry-After: 9\r\n\r\n{"a":1}')

    def serve(connection: socket.socket) -> None:
        with authority.context().wrap_socket(connection, server_side=True) as secured:
            heard.append(request(secured))
            talk(secured)

    with listening(serve) as url:
        assert outcome(url, wants_body=True) == Reply(202, "9", b'{"a":1}')

    head = heard[0].decode().split("\r\n")
    port = url.split(":")[2].split("/")[0]
    assert head[:2] == ["POST /hook HTTP/1.1", f"Host: localhost:{port}"]
    assert {"Content-Length: 12", "Connection: close", "Accept-Encoding: identity", "webhook-id: msg_1"} <= set(head)
    assert head[-1] == '{"type":"x"}'


REDIRECTS = [
    (301, b"https://169.254.169.254/latest/meta-data/"),
    (302, b"http://127.0.0.1/"),
    (303, b"/hook"),
    (307, b"https://localhost/"),
    (308, b"//10.0.0.1/"),
]
BOMB = gzip.compress(bytes(5_000_000))


@pytest.mark.parametrize(
    ("talk", "wants_body", "expected"),
    [
        *((saying(b"HTTP/1.1 %d Go\r\nLocation: %b\r\n\r\n" % where), False, Reply(where[0])) for where in REDIRECTS),
        (saying(b"HTTP/1.1 200 OK\r\n\r\n", *[b"x" * 16_384] * 200), True, Reply(200, "", b"x" * 1024)),
        (saying(b"HTTP/1.1 200 OK\r\n\r\n", b"x", every=0.3, again=30), True, Failure.TOO_SLOW),
        (saying(b"HTTP/1.1 200 OK\r\n\r\n", b"x", every=0.3, again=30), False, Reply(200)),
        (saying(*[bytes([byte]) for byte in OK], every=0.3), False, Failure.TOO_SLOW),
        (saying(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + BOMB), True, Reply(200, "", BOMB[:1024])),
        (saying(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1_000_000), False, Failure.TOO_MUCH),
        (saying(b"HTTP/1.1 200 OK\r\n", *[b"X: y\r\n" * 1000] * 100), False, Failure.NOT_HTTP),
        (saying(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 150 + b"\r\n"), False, Failure.NOT_HTTP),
        (saying(*[b"HTTP/1.1 100 Continue\r\n\r\n" * 1000] * 100), False, Failure.TOO_MUCH),
        (saying(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 100_000), False, Reply(103)),
        (saying(b"hello, I am HTTP/0.9\r\n"), False, Failure.NOT_HTTP),
        (saying(b"\x00" * 1000), False, Failure.NOT_HTTP),
        (saying(b"HTTP/1.1 999999 OK\r\n\r\n"), False, Failure.NOT_HTTP),
        (saying(b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nabc"), True, Reply(200, "", b"abc")),
        (saying(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999\r\n\r\nabc"), True, Reply(200, "", b"abc")),
        (saying(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nabc"), True, Reply(200, "", b"ab")),
        (saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffff\r\nabc"), True, Failure.NOT_HTTP),
        (saying(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"z\r\n" * 9), True, Failure.NOT_HTTP),
        (saying(b""), False, Failure.CUT),
        (saying(b"HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n"), False, Reply(410)),
        (saying(b"HTTP/1.1 503 No\r\nRetry-After: " + b"9" * 900 + b"\r\n\r\n"), False, Reply(503, "9" * 64)),
        (saying(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nAlt-Svc: h2=\":443\"\r\n\r\n"), False, Reply(200)),
        (saying(OK * 3), False, Reply(200)),
    ],
)  # fmt: skip
def test_whatever_a_receiver_says_the_sender_survives(authority, talk, wants_body, expected):
    with talking(authority.context(), talk) as url:
        limits = HASTY if expected is Failure.TOO_SLOW else PATIENT
        begun = time.monotonic()
        assert outcome(url, wants_body=wants_body, limits=limits) == expected
        assert time.monotonic() - begun < LATE_SECONDS


@pytest.mark.parametrize(
    "talk",
    [
        saying(b"HTTP/1.1 200 OK\r\n\r\n", *[b"x" * 65_536] * 300),
        saying(b"HTTP/1.1 200 OK\r\n", *[b"X: " + b"y" * 65_000] * 100),
        saying(*[b"HTTP/1.1 100 Continue\r\n\r\n" * 2000] * 50),
    ],
)
def test_a_flood_costs_no_memory(authority, talk):
    with talking(authority.context(), talk) as url:
        outcome(url, wants_body=True)  # what is made once: contexts, caches
        tracemalloc.start()
        outcome(url, wants_body=True)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()

    # The receiver's thread builds its flood in this process too: slices of what it has already.
    assert peak < 1024 * 1024


def test_nothing_is_kept_between_attempts(authority):
    heard = []

    def serve(connection: socket.socket) -> None:
        with authority.context().wrap_socket(connection, server_side=True) as secured:
            heard.append((request(secured), secured.session_reused))
            secured.sendall(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nStrict-Transport-Security: max-age=9\r\n\r\n")

    with listening(serve) as url:
        assert [outcome(url), outcome(url)] == [Reply(200), Reply(200)]

    assert heard[0] == heard[1]
    assert b"ookie:" not in heard[1][0]


# --- before a word is said ------------------------------------------------------------------------------------------


def silent(connection: socket.socket) -> None:
    """Stalls in the handshake until the other side gives up."""
    while connection.recv(4096):
        pass


def test_a_stall_in_the_handshake_ends_at_the_deadline():
    with listening(silent) as url:
        assert outcome(url, limits=HASTY) == Failure.TOO_SLOW


def test_no_answer_to_a_whole_request_ends_at_the_deadline(authority):
    with talking(authority.context(), silent) as url:
        assert outcome(url, limits=HASTY) == Failure.TOO_SLOW


@pytest.mark.parametrize("said", [b"HTTP/1.1 200 OK\r\n\r\n", b"\x15\x03\x01\x00\x02\x02\x28", b"", b"\xff" * 4096])
def test_what_is_not_tls_is_told_apart(said):
    def serve(connection: socket.socket) -> None:
        connection.recv(4096)
        connection.sendall(said)

    with listening(serve) as url:
        assert outcome(url) == Failure.NO_TLS


def test_nobody_there_is_no_connection():
    with socket.socket() as taken:
        taken.bind((LOOPBACK, 0))  # a port that nobody listens on
        assert outcome(f"https://localhost:{taken.getsockname()[1]}/") == Failure.NO_CONNECTION


def test_only_a_valid_certificate_for_this_name_is_believed(authority, tmp_path):
    stranger = Authority(tmp_path)
    bad = [
        authority.context("another.example"),
        authority.context(ends_in=timedelta(hours=-1)),
        stranger.context(),
    ]
    for context in bad:
        with talking(context, saying(OK)) as url:
            assert outcome(url) == Failure.BAD_CERTIFICATE


def test_old_tls_is_not_spoken(authority: Authority):
    context = authority.context()
    context.minimum_version = ssl.TLSVersion.MINIMUM_SUPPORTED
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with talking(context, saying(OK)) as url:
        assert outcome(url) == Failure.NO_TLS


def test_a_proxy_in_the_environment_is_not_used(authority, monkeypatch):
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1/")
    with talking(authority.context(), saying(OK)) as url:
        assert outcome(url) == Reply(200)


def test_a_slow_resolver_ends_at_the_deadline_too(monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(outbound, "look_up", lambda host: [(release.wait(LATE_SECONDS) and "") or ""])

    assert outcome("https://localhost:8443/", limits=HASTY) == Failure.TOO_SLOW
    release.set()


def test_many_slow_look_ups_leave_few_threads(monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(outbound, "look_up", lambda host: [str(release.wait(LATE_SECONDS))])
    before = threading.active_count()

    def call() -> None:
        outcome("https://localhost:8443/", limits=HASTY)

    callers = [threading.Thread(target=call) for _ in range(40)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()

    assert threading.active_count() - before <= outbound._LOOK_UPS_AT_ONCE
    release.set()


def test_the_settings_that_open_loopback_are_empty_by_default():
    """Start-up refuses them in production (tid.E016); nothing sets them by itself."""
    text = (Path(outbound.__file__).parent.parent / "takeitdown" / "settings.py").read_text()

    assert 'OUTBOUND_TEST_NETWORKS = env.listed("OUTBOUND_TEST_NETWORKS")' in text
    assert 'OUTBOUND_TEST_CA = env.text("OUTBOUND_TEST_CA")' in text
