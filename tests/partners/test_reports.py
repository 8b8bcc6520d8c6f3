"""What platforms give back: one effect for each thing said, and no word too many."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection

from matching.models import EntryDecision, EntryOutcome, HashListEntry
from partners import keys, reports
from partners.models import Environment, Feedback, MatchReport, Scope
from tests.partners.conftest import Platform, publish, withdraw


@pytest.fixture
def entry(sequencer: Any) -> HashListEntry:
    return publish(sequencer)[0]


def match(entry: HashListEntry | str, client_id: str = "a", outcome: str = "found", **more: Any) -> dict[str, Any]:
    return {"client_id": client_id, "entry": _hex(entry), "outcome": outcome, **more}


def opinion(entry: HashListEntry | str, client_id: str = "a", said: str = "agree", **more: Any) -> dict[str, Any]:
    return {"client_id": client_id, "entry": _hex(entry), "opinion": said, **more}


def _hex(entry: HashListEntry | str) -> str:
    return entry if isinstance(entry, str) else entry.pk.hex


def test_match_report_is_kept_once_however_often_it_comes(platform, another_platform, entry):
    answers = [platform.post("match-reports/", match(entry)) for _ in range(5)]

    assert [answer.status_code for answer in answers] == [201, 200, 200, 200, 200]
    assert len({answer.content for answer in answers}) == 1
    assert another_platform.post("match-reports/", match(entry)).status_code == 201  # its own "a"
    kept = MatchReport.objects.order_by("pk").values_list("partner__code", "client_id", "entry", "outcome", "acted_at")
    assert list(kept) == [
        ("platform", "a", entry.pk, "found", None),
        ("another-platform", "a", entry.pk, "found", None),
    ]


@pytest.mark.parametrize("address", ["match-reports/", "feedback/"])
def test_same_client_id_with_other_content_is_refused(address, platform, sequencer):
    one, other = publish(sequencer, 2)
    body = match if address == "match-reports/" else opinion
    assert platform.post(address, body(one)).status_code == 201

    refused = platform.post(address, body(other))

    assert (refused.status_code, refused.json()["code"]) == (409, "client_id_taken")


def test_what_was_done_closes_the_oldest_open_match(platform, another_platform, entry):
    another_platform.post("match-reports/", match(entry))
    for client_id in ["first", "second"]:
        platform.post("match-reports/", match(entry, client_id))

    platform.post("match-reports/", match(entry, "done", "removed"))

    still_open = MatchReport.objects.open().order_by("pk").values_list("partner__code", "client_id")
    assert list(still_open) == [("another-platform", "a"), ("platform", "second")]


def test_match_report_tells_the_list_the_last_outcome(platform, another_platform, entry):
    another_platform.post("match-reports/", match(entry))
    for client_id, outcome in [("1", "found"), ("2", "removed")]:
        platform.post("match-reports/", match(entry, client_id, outcome))
    platform.post("match-reports/", match(entry, "1", "found"))  # a late repeat

    kept = EntryOutcome.objects.order_by("reader").values_list("reader", "kind")
    assert set(kept) == {(platform.reader.pk, "removed"), (another_platform.reader.pk, "found")}


@pytest.mark.parametrize("outcome", ["removed", "not_a_match", "blocked"])
def test_what_needs_no_reason_takes_none(outcome, platform, entry):
    assert platform.post("match-reports/", match(entry, "1", outcome, reason="other")).status_code == 400
    assert platform.post("match-reports/", match(entry, "2", outcome)).status_code == 201


def test_declining_and_disputing_need_a_reason(platform, entry):
    assert platform.post("match-reports/", match(entry, "1", "declined")).status_code == 400
    assert platform.post("match-reports/", match(entry, "1", "declined", reason="adult")).status_code == 201
    assert platform.post("feedback/", opinion(entry, "1", "dispute")).status_code == 400
    assert platform.post("feedback/", opinion(entry, "1", "dispute", reason="adult")).status_code == 201
    assert platform.post("feedback/", opinion(entry, "2", "agree", reason="adult")).status_code == 400


def test_later_opinion_replaces_the_earlier_and_a_late_repeat_changes_nothing_back(platform, another_platform, entry):
    another_platform.post("feedback/", opinion(entry, said="dispute", reason="other"))
    platform.post("feedback/", opinion(entry, "1"))
    platform.post("feedback/", opinion(entry, "2", "dispute", reason="harmless"))

    assert platform.post("feedback/", opinion(entry, "1")).status_code == 200

    current = Feedback.objects.current().order_by("partner__code").values_list("partner__code", "client_id", "opinion")
    assert list(current) == [("another-platform", "a", "dispute"), ("platform", "2", "dispute")]
    shown = platform.get(f"hash-list/entries/{entry.pk.hex}/").json()["your_feedback"]
    assert (shown["opinion"], shown["reason"]) == ("dispute", "harmless")


def test_jumping_a_hundred_times_leaves_one_opinion(platform, entry):
    for number in range(50):
        platform.post("feedback/", opinion(entry, f"a{number}"))
        platform.post("feedback/", opinion(entry, f"d{number}", "dispute", reason="other"))

    assert list(Feedback.objects.current().values_list("client_id", flat=True)) == ["d49"]


def test_two_keys_of_one_partner_are_one_voice(platform, entry):
    second = Platform(
        platform.partner,
        keys.issue(platform.partner, environment=Environment.LIVE, scopes=list(Scope), name="2", by="tests").text,
    )

    platform.post("feedback/", opinion(entry, "1"))
    second.post("feedback/", opinion(entry, "2"))

    assert Feedback.objects.current().count() == 1


@pytest.mark.parametrize("outcome", ["not_a_match", "blocked", "removed", "found"])
def test_match_reports_move_no_entry(outcome, platform, another_platform, entry, sequencer):
    for who in (platform, another_platform):
        who.post("match-reports/", match(entry, outcome=outcome))

    assert (EntryDecision.objects.count(), sequencer.run_until_idle()) == (0, 0)


@pytest.mark.parametrize("address", ["match-reports/", "feedback/"])
def test_entries_that_are_not_there_for_you(address, platform, another_platform, sequencer, sandbox):
    body = match if address == "match-reports/" else opinion
    gone, canary, _ordinary = publish(sequencer, 3)
    withdraw(sequencer, gone)
    HashListEntry.objects.filter(pk=canary.pk).update(canary_for=another_platform.reader)
    elsewhere = publish(sequencer, hash_list=sandbox)[0]

    def refusal(about: HashListEntry | str) -> tuple[int, str]:
        answer = platform.post(address, body(about))
        return answer.status_code, answer.json()["code"]

    assert refusal("0" * 32) == (404, "no_such_entry")
    assert refusal(elsewhere) == (404, "no_such_entry")
    assert refusal(gone) == (409, "entry_off_the_list")
    assert refusal(canary) == (409, "entry_withheld")
    assert not MatchReport.objects.exists()
    assert not Feedback.objects.exists()


def test_what_was_found_before_an_entry_left_may_still_be_closed(platform, sequencer, entry):
    platform.post("match-reports/", match(entry))
    withdraw(sequencer, entry)

    assert platform.post("match-reports/", match(entry, "2", "removed")).status_code == 201
    assert platform.post("match-reports/", match(entry, "3", "removed")).status_code == 409
    assert not MatchReport.objects.open().exists()


HOSTILE: list[Any] = [
    {"client_id": ""}, {"client_id": "a" * 65}, {"client_id": "a b"}, {"client_id": "a\n"}, {"client_id": 7},
    {"client_id": "../x"}, {"client_id": "=HYPERLINK(1)"}, {"client_id": "<img src=x>"}, {"client_id": None},
    {"client_id": ["a"]}, {"client_id": {"a": 1}}, {"client_id": "é"}, {"client_id": True},
    {"entry": "0" * 31}, {"entry": "A" * 32}, {"entry": "0" * 32 + "\n"}, {"entry": " " + "0" * 31}, {"entry": 0},
    {"entry": None}, {"entry": "０" * 32}, {"entry": ["0" * 32]},
    {"outcome": "FOUND"}, {"outcome": "listed"}, {"outcome": None}, {"outcome": True}, {"outcome": ["found"]},
    {"outcome": ""}, {"outcome": "found\0"},
    {"reason": ""}, {"reason": None}, {"reason": "because https://example.org/user/7"}, {"reason": "x" * 1_000_000},
    {"url": "https://example.org/7"}, {"user": "somebody"}, {"note": "=cmd|x"}, {"at": "9999-12-31T23:59:60Z"},
    {"__proto__": 1}, {"partner": 1}, {"acted_at": "2026-01-01"},
]  # fmt: skip


@pytest.mark.parametrize("wrong", HOSTILE, ids=lambda wrong: repr(wrong)[:40])
def test_hostile_members_are_refused_and_never_repeated(wrong, platform, entry):
    answer = platform.post("match-reports/", {**match(entry), **wrong})

    assert (answer.status_code, answer["Content-Type"]) == (400, "application/problem+json")
    assert "example.org" not in answer.content.decode()
    assert not MatchReport.objects.exists()


@pytest.mark.parametrize(
    "body", [[{}] * 1000, [], "found", None, 1, b"", b"{}", b'{"client_id": "a", "client_id": "b"}']
)
def test_one_report_at_a_time(body, platform):
    assert platform.post("match-reports/", body).status_code == 400


def test_a_million_is_too_much(platform):
    assert platform.post("match-reports/", b"[" + b"{}," * 1_000_000 + b"{}]").status_code == 413


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_the_same_report_ten_times_at_once_is_one(platform, sequencer):
    _race(platform, publish(sequencer)[0])


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_the_same_report_ten_times_at_once_is_one_on_postgresql(platform, sequencer):
    _race(platform, publish(sequencer)[0])


def _race(platform: Platform, entry: HashListEntry) -> None:
    """Ten threads with connections of their own send one report and one opinion each."""
    came, barrier = [], threading.Barrier(10)
    about: Any = {"partner": platform.partner, "reader": platform.reader, "entry": entry.pk.hex}

    def send(number: int) -> None:
        barrier.wait()
        try:
            came.append(reports.record_match_report(**about, client_id="a", outcome="found")[1])
            reports.record_feedback(**about, client_id=str(number), opinion="agree")
        finally:
            connection.close()

    threads = [threading.Thread(target=send, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(came) == [False] * 9 + [True]
    assert Feedback.objects.current().count() == 1
    assert Feedback.objects.count() == 10
    assert EntryOutcome.objects.count() == 1
