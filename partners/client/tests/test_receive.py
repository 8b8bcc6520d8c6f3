"""Webhooks on a platform's side: what is believed, what is done with it, and that order and number do not matter."""

import base64
import hashlib
import hmac
import itertools
import json
import shutil

import pytest
from fake_portal import EPOCH, NOW, client_of, pdq
from takeitdown_client.errors import Fork, MalformedAnswer
from takeitdown_client.receive import NotGenuine, answer, take, verify

SECRET = "whsec_" + base64.b64encode(bytes(range(32))).decode()
OTHER = "whsec_" + base64.b64encode(bytes(32)).decode()
BODY = b'{"type":"list.head","list":"production","epoch":1,"seq":2}'


def signed(body: bytes = BODY, *, secret: str = SECRET, id: str = "msg_1", at: int = NOW) -> dict[str, str]:
    """Headers as the portal makes them, written from the standard's text."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.new(key, f"{id}.{at}.".encode() + body, hashlib.sha256).digest()
    return {"Webhook-Id": id, "Webhook-Timestamp": str(at), "Webhook-Signature": "v1," + base64.b64encode(mac).decode()}


def publish(portal, *numbers: int) -> list[str]:
    ids = [portal.add(number) for number in numbers]
    portal.tick()
    return ids


def ping(portal) -> dict:
    return {"type": "list.head", "list": "production", "epoch": portal.epoch, "seq": portal.seq}


def delta(portal, after: int) -> dict:
    return {"type": "list.delta", **portal.page(after)}


# --- what is believed -----------------------------------------------------------------------------------------------


def test_a_genuine_message_is_its_json():
    expected = {"type": "list.head", "list": "production", "epoch": 1, "seq": 2}
    both = signed()
    both["Webhook-Signature"] = "v1a,abc " + signed(secret=OTHER)["Webhook-Signature"] + " " + both["Webhook-Signature"]

    assert verify(signed(), BODY, [SECRET], now=NOW) == expected
    assert verify(signed(), BODY, [OTHER, SECRET], now=NOW) == expected
    assert verify(both, BODY, [SECRET], now=NOW) == expected
    for at in (NOW - 300, NOW + 300):
        assert verify(signed(at=at), BODY, [SECRET], now=NOW) == expected


def test_anything_altered_is_not_genuine():
    headers = signed()
    mac = base64.b64decode(headers["Webhook-Signature"][3:])
    bad = [({**headers, name: value}, BODY) for name, value in [
        ("Webhook-Id", "msg_2"), ("Webhook-Id", ""), ("Webhook-Timestamp", str(NOW + 1)), ("Webhook-Timestamp", ""),
        ("Webhook-Timestamp", "1e9"), ("Webhook-Timestamp", "9" * 5000), ("Webhook-Timestamp", "\u0663"),
        ("Webhook-Signature", ""), ("Webhook-Signature", "v1,"), ("Webhook-Signature", "v1,!"),
        ("Webhook-Signature", "v2,x"),
        ("Webhook-Signature", "v1a," + headers["Webhook-Signature"][3:]), ("Webhook-Signature", "v1,\u00e9"),
    ]]  # fmt: skip
    bad += [(headers, BODY[:place] + bytes([BODY[place] ^ 1]) + BODY[place + 1 :]) for place in range(len(BODY))]
    for place in range(len(mac)):
        flipped = base64.b64encode(mac[:place] + bytes([mac[place] ^ 128]) + mac[place + 1 :]).decode()
        bad.append(({**headers, "Webhook-Signature": f"v1,{flipped}"}, BODY))
    bad += [(signed(at=at), BODY) for at in (NOW - 301, NOW + 301)]
    bad += [({name: value for name, value in headers.items() if name != left_out}, BODY) for left_out in headers]

    for altered, body in bad:
        with pytest.raises(NotGenuine):
            verify(altered, body, [SECRET], now=NOW)
    for secrets in ([OTHER], [], ["whsec_not base64"]):
        with pytest.raises(NotGenuine):
            verify(headers, BODY, secrets, now=NOW)


@pytest.mark.parametrize("body", [b"", b"[]", b'{"a":1,"a":2}', b"\xff", b'{"a":NaN}', b"[" * 3000])
def test_genuine_bytes_that_are_no_message_are_refused(body):
    with pytest.raises(MalformedAnswer):
        verify(signed(body), body, [SECRET], now=NOW)


def test_a_challenge_is_echoed_and_the_rest_is_taken_without_words():
    status, body = answer({"type": "webhook.challenge", "challenge": "a word"})

    assert (status, json.loads(body)) == (200, {"challenge": "a word"})
    assert [answer({"type": kind}) for kind in ("list.head", "list.delta", "webhook.test", "new.kind")] == [
        (204, b"")
    ] * 4


# --- what is done ---------------------------------------------------------------------------------------------------


def test_a_ping_is_a_sync_and_a_known_one_is_nothing(portal, client):
    publish(portal, 1)
    assert take(client.synchroniser, ping(portal)).added == 1
    asked = len(portal.requests)

    nothing = [
        ping(portal),
        {**ping(portal), "seq": 0},
        {**ping(portal), "list": "sandbox-x"},
        {"type": "webhook.test"},
        {},
    ]
    assert [take(client.synchroniser, message) for message in nothing] == [None] * 5
    assert len(portal.requests) == asked
    for odd in ({"epoch": "1"}, {"seq": None}, {"seq": -1}, {"epoch": EPOCH + 1, "seq": 0}):
        assert take(client.synchroniser, {**ping(portal), **odd}) is not None


def test_a_delta_is_applied_like_a_page_and_acknowledged(portal, client):
    publish(portal, 1)
    client.sync()
    publish(portal, 2)
    portal.requests.clear()

    outcome = take(client.synchroniser, delta(portal, 1))

    assert (outcome.added, outcome.acknowledged, outcome.snapshots) == (1, True, 0)
    assert {value for _trust, value in client.values().values()} == {pdq(1), pdq(2)}
    assert all("changes" not in request for request in portal.requests)


def test_a_delta_that_does_not_prove_itself_is_pulled_instead(portal, client):
    publish(portal, 1)
    client.sync()
    (second,) = publish(portal, 2)
    publish(portal, 3)
    bad = delta(portal, 1)
    bad["changes"][0]["id"], bad["changes"][1]["id"] = bad["changes"][1]["id"], bad["changes"][0]["id"]

    for payload in (bad, {"type": "list.delta"}, {**delta(portal, 1), "latest": "forged"}):
        assert client.synchroniser.take_delta(payload) is None
    assert len(client.values()) == 1
    assert take(client.synchroniser, bad).added == 2
    assert second in client.values()


def test_a_delta_that_was_overtaken_is_late_and_no_rollback(portal, client):
    publish(portal, 1)
    client.sync()
    publish(portal, 2)
    old = delta(portal, 1)
    publish(portal, 3)
    client.synchroniser.look_at_latest(portal.latest)  # a sync that saw the newer head and got no further

    assert client.synchroniser.take_delta(old) is None
    assert client.kinds() == []
    portal.new_epoch(EPOCH + 10)
    portal.take_snapshot()
    client.sync()
    assert client.synchroniser.take_delta(old) is None
    assert client.kinds() == []


def test_a_fork_in_a_delta_is_kept_as_proof(portal, client, tmp_path):
    publish(portal, 1)
    client.sync()
    publish(portal, 2)
    honest = delta(portal, 1)
    client.synchroniser.look_at_latest(portal.latest)
    forged = {**honest, "latest": portal.sign(2, chain="ab" * 32)}

    with pytest.raises(Fork):
        client.synchroniser.take_delta(forged)
    assert client.kinds() == ["fork"]


def test_deltas_and_pings_in_any_order_and_number_come_to_the_same_copy(portal, client, tmp_path):
    publish(portal, 1)
    client.sync()
    messages = []
    for number in (2, 3):
        before = portal.seq
        publish(portal, number)
        messages.append(delta(portal, before))
    messages.append(ping(portal))

    for turn, order in enumerate(itertools.permutations(messages)):
        folder = shutil.copytree(client.store.directory, tmp_path / str(turn))
        with client_of(portal, folder) as copy:
            for message in (*order, order[0]):
                take(copy.synchroniser, message)
            assert (len(copy.values()), copy.kinds()) == (3, [])
