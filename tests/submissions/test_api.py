"""`POST /api/reports/` from outside: bodies, guards, and replies of one length."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from django.test import Client

from matching.models import Hold
from submissions import access
from submissions.models import Case
from submissions.padding import INTAKE_BYTES
from tests import make
from tests.submissions.conftest import Reporter

pytestmark = pytest.mark.django_db
URL = "/api/reports/"


def post(client: Client, body: object, url: str = URL, **headers: Any) -> Any:
    data = body if isinstance(body, bytes) else json.dumps(body)
    kind = headers.pop("content_type", "application/json")
    return client.post(url, data, content_type=kind, headers=headers)


def test_a_report_is_answered_with_number_and_pin_and_no_cookie(client: Client):
    response = post(client, make.report())

    members = response.json()
    assert response.status_code == 201
    assert sorted(members) == ["case_number", "padding", "pin"]
    assert access.unlock_case(number=members["case_number"], pin=members["pin"]) == Case.objects.get()
    assert not response.cookies
    assert response["Cache-Control"] == "no-store"


def test_all_replies_have_one_length(client: Client):
    sent = make.report()
    other = {**sent, "files": [make.picture()]}
    many = make.report(*[make.picture() for _ in range(25)])
    replies = [post(client, body) for body in (sent, sent, many, other, {}, make.report(about="x"), b"{", b"\xff")]
    replies.append(client.get(URL))
    replies.append(post(client, sent, **{"Sec-Fetch-Site": "cross-site"}))

    assert {len(reply.content) for reply in replies} == {INTAKE_BYTES}
    assert [reply.status_code for reply in replies] == [201, 201, 201, 409, 400, 400, 400, 400, 405, 403]


def test_a_listed_fingerprint_and_a_new_one_are_answered_alike(client: Client):
    known = make.picture()
    first, again, new = (post(client, make.report(file)) for file in (known, known, make.picture()))

    heads = [{**reply.headers} for reply in (first, again, new)]
    assert heads[0] == heads[1] == heads[2]
    assert {reply.status_code for reply in (first, again, new)} == {201}
    assert Hold.objects.count() == 9  # never merged at intake


@pytest.mark.parametrize(
    "body",
    [
        b" ", b"null", b"[]", b"NaN", b'{"a":NaN}', b'{"a":Infinity}', b'{"a":1e999}', b'{"pin":1,"pin":2}',
        b"[" * 100_000, b'{"a":' * 50_000, b'{"a":' + b"1" * 5000 + b"}", b'{"a":"\\ud800"}', b'{"a":"\\u0000"}',
        b'{"a":"\x00"}', b"\xef\xbb\xbf{}", '{"a":1}'.encode("utf-16"), b"+ADs-", b'{"a":"\xff"}', b"\x80",
    ],
)  # fmt: skip
def test_bodies_that_are_no_strict_json_are_refused(client: Client, body: bytes):
    response = post(client, body)
    assert (response.status_code, response["Content-Type"]) == (400, "application/problem+json")
    assert Hold.objects.count() == 0


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "", "application/json; charset=utf-7", "multipart/form-data; boundary=x",
     "application/x-www-form-urlencoded", "application/jsonx"],
)  # fmt: skip
def test_only_json_is_taken(client: Client, kind: str):
    assert post(client, make.report(), content_type=kind).status_code == 415


def test_a_file_part_is_refused_and_never_written(client: Client, monkeypatch):
    monkeypatch.setattr("tempfile.NamedTemporaryFile", None)
    part = b'--x\r\nContent-Disposition: form-data; name="f"; filename="a.jpg"\r\n\r\npicture\r\n--x--'
    assert post(client, part, content_type="multipart/form-data; boundary=x").status_code == 415


def test_compressed_bodies_are_refused(client: Client):
    body = gzip.compress(json.dumps(make.report()).encode())
    assert post(client, body, **{"Content-Encoding": "gzip"}).status_code == 415


def test_a_body_past_two_mebibytes_is_refused(client: Client):
    assert post(client, b'{"a":"' + b"x" * 2**21 + b'"}').status_code == 413


def test_a_long_video_report_fits(client: Client):
    frames = [f"{make.pdq()},80,{second}.000" for second in range(600)]
    files = [{"media": "video", "fingerprints": [{"type": "vpdq", "value": frames}]} for _ in range(25)]
    assert post(client, make.report(*files)).status_code == 201


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 201),
        ({"Sec-Fetch-Site": "same-origin"}, 201),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "http://testserver"}, 201),
        ({"Origin": "http://testserver"}, 201),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://testserver.evil.example"}, 403),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.example"}, 403),
    ],
)
def test_only_our_own_page_may_send(client: Client, headers: dict[str, str], status: int):
    assert post(client, make.report(), **headers).status_code == status


def test_a_flood_is_slowed_with_a_word_when_to_return(client: Client, settings):
    settings.INTAKE_RATE = "2/m"
    replies = [post(client, make.report()) for _ in range(3)]
    assert [reply.status_code for reply in replies] == [201, 201, 429]
    assert int(replies[2]["Retry-After"]) > 0


def test_add_files_needs_an_open_case(client: Client, reporter: Reporter):
    body = make.report()
    del body["about"]
    refused = post(client, body, f"{URL}add/")
    assert (refused.status_code, refused.json()["code"]) == (403, "case_closed")

    client.post("/en/code/", reporter.code)
    added = post(client, body, f"{URL}add/")

    assert (added.status_code, len(added.content)) == (201, INTAKE_BYTES)
    assert reporter.case.submissions.count() == 3


def test_no_refusal_repeats_a_value(client: Client):
    value = make.pdq()
    body = make.report(make.picture(fingerprints=[{"type": "sha256", "value": value[:-1]}]))
    for reply in (post(client, body), post(client, json.dumps(body)[:-1].encode())):
        assert reply.status_code == 400
        assert value[:-1] not in reply.content.decode()
        assert body["idempotency_key"] not in reply.content.decode()
