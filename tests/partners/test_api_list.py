"""The list's addresses under hostile and ordinary requests (LIST.md §4)."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from django.utils import timezone

from matching.models import ListHead, ListReader
from partners.models import PagesRead
from tests import make
from tests.partners.conftest import new_platform, publish

PROBLEM = "application/problem+json"
NUMBERS = ["-1", "1e3", "1" + "0" * 30, "+1", "01", " 1", "1 ", "\0", "1\0", "", "abc", "1.0", "0x1", "１", "²", "[1]"]


def head_of(platform: Any) -> dict[str, str]:
    note = platform.get("hash-list/head/").json()["head"]
    return dict(line.split(" ", 1) for line in note.split("\n")[1:11])


@pytest.mark.parametrize("number", NUMBERS)
@pytest.mark.parametrize("name", ["after", "epoch"])
def test_changes_refuses_what_is_no_plain_number(name, number, platform):
    answer = platform.get(f"hash-list/changes/?{name}={quote(number)}")

    assert (answer.status_code, answer["Content-Type"]) == (400, PROBLEM)


@pytest.mark.parametrize(
    "query",
    ["after=0&after=0", "after[]=1", "limit=0", "limit=-1", "limit=1000000000", "cursor=x", "format=xml",
     "key=tid_live_x", "after=1;epoch=2", "&".join(f"a{n}=1" for n in range(101))],
)  # fmt: skip
def test_changes_refuses_unknown_and_repeated_parameters(query, platform):
    assert platform.get(f"hash-list/changes/?{query}").status_code == 400


@pytest.mark.parametrize("address", ["head", "snapshot", "keys"])
def test_other_addresses_take_no_parameter(address, platform):
    assert platform.get(f"hash-list/{address}/?after=0").status_code == 400


def test_changes_tells_why_it_cannot_go_on(platform, sequencer, production):
    publish(sequencer)
    publish(sequencer, 3)
    production.refresh_from_db()
    latest = platform.get("hash-list/head/").json()["head"]

    def reason(query: str) -> Any:
        answer = platform.get(f"hash-list/changes/?{query}")
        assert answer.status_code == 409
        problem = answer.json()
        assert problem["latest"] == latest
        return problem["code"], problem["reason"]

    here = production.epoch
    assert reason(f"epoch={here}&after=5") == ("resync", "unknown_position")
    assert reason(f"epoch={here}&after=2") == ("resync", "unknown_position")  # inside a batch: no head stands there
    assert reason(f"epoch={here}&after={2**63 - 1}") == ("resync", "unknown_position")
    assert reason("epoch=0&after=0") == ("resync", "other_epoch")
    assert reason(f"epoch={2**63 - 1}&after=0") == ("resync", "other_epoch")
    production.floor = 1
    production.save()
    assert reason(f"epoch={here}&after=0") == ("resync", "below_floor")
    assert reason("") == ("resync", "below_floor")


def test_changes_goes_on_from_a_head(platform, sequencer):
    publish(sequencer, 2)
    first = head_of(platform)
    entry = publish(sequencer)[0]

    page = platform.get(f"hash-list/changes/?epoch={first['epoch']}&after={first['seq']}").json()

    assert (page["from_seq"], [(change["seq"], change["id"]) for change in page["changes"]]) == (2, [(3, entry.pk.hex)])
    assert page["head"] == page["latest"] == platform.get("hash-list/head/").json()["head"]


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("Basic {key}", 401), ("Bearer", 401), ("Bearer ", 401), ("Bearer  {key}", 401), ("{key}", 401),
        ("Bearer {key},Bearer {key}", 401), ("Bearer {key} ", 401), ("Bearer {key}\r\nX: y", 401), ("Bearer \0", 401),
        ("Bearer " + "x" * 1_000_000, 401), ("Bearer {key}é", 401), ("bearer {key}", 200), ("BEARER {key}", 200),
    ],
)  # fmt: skip
def test_authorization_is_one_bearer_key(header, status, platform):
    given = header.format(key=platform.text)

    answer = Client().get("/api/v1/hash-list/head/", headers={"Authorization": given})

    assert answer.status_code == status
    assert platform.text not in answer.content.decode()
    if status == 401:
        assert (answer["WWW-Authenticate"], answer["Content-Type"]) == ("Bearer", PROBLEM)


@pytest.mark.parametrize(
    "path",
    ["/api/v1//hash-list/head/", "/api/v1/hash-list/../hash-list/head/", "/api/v1/hash-list/%2e%2e/head/",
     "/api/v1/hash-list/head/;jsessionid=1", "/api/v1/hash-list/head./", "/api/v1/HASH-LIST/head/",
     "/api/v1/hash-list/head/x.css", "/api/v1/hash-list/entries/" + "A" * 32 + "/",
     "/api/v1/hash-list/entries/" + "0" * 32 + "%0a/", "/api/v1/hash-list/entries/" + "0" * 33 + "/"],
)  # fmt: skip
def test_crooked_paths_lead_nowhere(path, platform):
    answer = Client().get(path, headers=platform.headers)

    assert (answer.status_code, answer["Content-Type"]) == (404, PROBLEM)


@pytest.mark.parametrize("accept", ["application/xml", "*/*;q=NaN", "text/html", "", ";;;", "a/b;q=" + "9" * 5000])
def test_accept_changes_nothing(accept, platform):
    answer = platform.get("hash-list/head/", Accept=accept)

    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")


def test_method_override_is_not_followed(platform):
    answer = platform.get("hash-list/acknowledgements/", **{"X-HTTP-Method-Override": "POST"})

    assert answer.status_code == 405


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"epoch": True, "seq": 0, "set": "0" * 64}, 400), ({"epoch": "1", "seq": 0, "set": "0" * 64}, 400),
        ({"epoch": 1.0, "seq": 0, "set": "0" * 64}, 400), ({"epoch": -1, "seq": 0, "set": "0" * 64}, 400),
        ({"epoch": 2**63, "seq": 0, "set": "0" * 64}, 400), ({"epoch": 1, "seq": 0, "set": "A" * 64}, 400),
        ({"epoch": 1, "seq": 0, "set": "0" * 64 + "\n"}, 400), ({"epoch": 1, "seq": 0, "set": ["0" * 64]}, 400),
        ({"epoch": 1, "seq": 0}, 400), ({"epoch": 1, "seq": 0, "set": "0" * 64, "more": 1}, 400),
        ([], 400), ("text", 400), (None, 400), (7, 400), (b"", 400), (b"\xff\xfe", 400), (b"[" * 100_000, 400),
        (b'{"epoch": 1, "epoch": 2}', 400), (b'{"epoch": NaN}', 400), (b'{"epoch": ' + b"9" * 5000 + b"}", 400),
        ({"epoch": 1, "seq": 0, "set": "0" * 64}, 409),
    ],
)  # fmt: skip
def test_acknowledgement_takes_three_members_exactly(body, status, platform):
    answer = platform.post("hash-list/acknowledgements/", body)

    assert (answer.status_code, answer["Content-Type"]) == (status, PROBLEM)


@pytest.mark.parametrize(
    "kind", ["text/plain", "", "application/json; charset=utf-7", "multipart/form-data; boundary=x"]
)
def test_bodies_of_another_type_are_refused(kind, platform):
    answer = Client().generic("POST", "/api/v1/feedback/", b"{}", content_type=kind, headers=platform.headers)

    assert answer.status_code == 415


def test_acknowledging_tells_the_list_who_holds_what(platform, another_platform, sequencer):
    publish(sequencer)
    head = head_of(platform)
    good = {"epoch": int(head["epoch"]), "seq": int(head["seq"]), "set": head["set"]}

    assert platform.post("hash-list/acknowledgements/", good).status_code == 204
    wrong = another_platform.post("hash-list/acknowledgements/", {**good, "set": "0" * 64})

    assert (wrong.status_code, wrong.json()["code"]) == (409, "diverged")
    mine = ListReader.objects.get(pk=platform.reader.pk)
    assert (mine.epoch, mine.seq, mine.diverged_at) == (good["epoch"], good["seq"], None)
    theirs = ListReader.objects.get(pk=another_platform.reader.pk)
    assert (theirs.epoch, theirs.seq, theirs.diverged_at is None) == (0, 0, False)


def test_pages_with_changes_are_counted_by_day_and_reader(platform, another_platform, sequencer):
    publish(sequencer, 3)
    end = head_of(platform)
    for _ in range(2):
        platform.get("hash-list/changes/")
    platform.get(f"hash-list/changes/?epoch={end['epoch']}&after=3")  # nothing new
    Client().head("/api/v1/hash-list/changes/", headers=platform.headers)

    counted = PagesRead.objects.values_list("reader", "day", "pages", "changes")
    assert list(counted) == [(platform.reader.pk, timezone.localdate(), 2, 6)]


@pytest.mark.parametrize("rows", [1, 3])
def test_requests_need_the_same_queries_for_any_number_of_rows(rows, platform, sequencer, django_assert_num_queries):
    entry = publish(sequencer, rows)[0].pk.hex
    platform.get("hash-list/changes/")  # the day's rows are there from now on

    with django_assert_num_queries(2):  # key with list; head
        platform.get("hash-list/head/")
    with django_assert_num_queries(6):  # key; newest, start and closing heads; changes with entries; count
        platform.get("hash-list/changes/")
    with django_assert_num_queries(4):  # key; entry; was it ever published; feedback
        platform.get(f"hash-list/entries/{entry}/")


def test_one_key_asking_too_often_slows_no_other(platform, another_platform, settings):
    settings.API_RATE = "3/m"

    codes = [platform.get("hash-list/head/").status_code for _ in range(4)]

    assert codes == [200, 200, 200, 429]
    refused = platform.get("hash-list/head/")
    assert (int(refused["Retry-After"]) > 0, refused.json()["code"]) == (True, "too_many_requests")
    assert another_platform.get("hash-list/head/").status_code == 200


def test_keys_note_comes_as_text(platform, sequencer):
    answer = platform.get("hash-list/keys/")

    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.content.decode().startswith(f"tid-keys/1\nportal.example\nkey {sequencer.signers[0].verifier} from ")


def test_list_without_a_head_yet_says_try_again(db, settings, tmp_path):
    platform = new_platform(make.production_list(), "early")
    assert not ListHead.objects.exists()

    assert platform.get("hash-list/keys/").status_code == 503
