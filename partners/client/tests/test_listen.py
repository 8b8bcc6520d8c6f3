"""The process that takes webhooks and polls: real sockets, a portal in this process."""

import http.client
import json
import socket
import time

import pytest
from takeitdown_client import listen
from takeitdown_client.errors import InvalidInput, PortalFailed
from takeitdown_client.listen import Bell
from test_receive import OTHER, SECRET, delta, ping, publish, signed


@pytest.fixture
def bell():
    return Bell()


@pytest.fixture
def server(bell):
    server = listen.serve(bell, [SECRET])
    yield server
    server.shutdown()
    server.server_close()


def post(server, body: bytes, headers: dict[str, str], method: str = "POST") -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(*server.server_address, timeout=20)
    connection.request(method, "/hook", body, headers)
    response = connection.getresponse()
    try:
        return response.status, response.read()
    finally:
        connection.close()


def now(body: bytes, **changes) -> dict[str, str]:
    return signed(body, at=int(time.time()), **changes)


def test_genuine_messages_ring_and_others_do_not(server, bell):
    body = json.dumps({"type": "list.head", "list": "production", "epoch": 1, "seq": 1}).encode()
    challenge = b'{"type":"webhook.challenge","challenge":"word"}'

    assert post(server, body, now(body)) == (204, b"")
    assert post(server, challenge, now(challenge)) == (200, b'{"challenge": "word"}')
    assert [post(server, *bad)[0] for bad in ((body, now(body, secret=OTHER)), (body, {}), (b"x", now(b"x")))] == [
        400
    ] * 3
    assert post(server, body, {**now(body), "Content-Length": str(10**6)})[0] == 413
    assert post(server, b"", {"Content-Length": "-1"})[0] == 411
    assert post(server, body, now(body), method="GET")[0] == 501

    assert [bell.wait(0), bell.wait(0), bell.wait(0)] == [json.loads(body), json.loads(challenge), None]


def test_a_slow_sender_keeps_nobody_waiting(server):
    with socket.create_connection(server.server_address) as slow:
        slow.sendall(b"POST / HTTP/1.1\r\nContent-Length: 100\r\n")
        assert post(server, b"", {})[0] == 400


def test_a_heap_of_bells_stays_small(bell):
    for _ in range(1000):
        bell.ring({})
    assert sum(bell.wait(0) is not None for _ in range(1000)) == 100


def test_work_syncs_then_acts_upon_messages_and_polls(portal, client, bell):
    told = []
    publish(portal, 1)
    listen.work(client.synchroniser, bell, tell=lambda *what: told.append(what), rounds=1)
    before = portal.seq
    publish(portal, 2)
    bell.ring(delta(portal, before))
    bell.ring(ping(portal))  # known by then
    listen.work(client.synchroniser, bell, tell=lambda *what: told.append(what), rounds=1)

    assert [outcome.added for outcome, _wait in told] == [1, 1]
    assert len(client.values()) == 2


def test_after_a_failure_bells_do_not_shorten_the_wait(portal, client, bell, monkeypatch):
    told = []
    portal.fault = lambda method, name, response: (_ for _ in ()).throw(PortalFailed("away", status=503))
    monkeypatch.setattr(listen, "wait_after_failures", lambda failures: 0.2)
    for _ in range(50):
        bell.ring(ping(portal))
    begun = time.monotonic()

    listen.work(client.synchroniser, bell, tell=lambda *what: told.append(what), rounds=3)

    assert [type(failure) for failure, _wait in told] == [PortalFailed] * 3
    assert time.monotonic() - begun >= 0.4
    assert bell.wait(0) is None


def test_secrets_are_read_line_by_line():
    assert listen.read_secrets(f"# newest first\n{SECRET}\n\n {OTHER} \n") == [SECRET, OTHER]
    for bad in ("", "# nothing", "secret", f"{SECRET}\nwhsek_x"):
        with pytest.raises(InvalidInput):
            listen.read_secrets(bad)
