"""Many reports in one request: each kept or refused on its own, once, and none waits while others are held."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection, transaction

from matching import decisions, trust
from matching.models import EntryDecision, EntryOutcome, HashListEntry, ListReader
from partners import reports
from partners.models import Feedback, MatchReport
from tests.partners.conftest import Platform, publish, withdraw

MATCHES, OPINIONS = "match-reports/batches/", "feedback/batches/"
ONE = {MATCHES: "match-reports/", OPINIONS: "feedback/"}


def item(address: str, entry: HashListEntry | str, client_id: str, *, dispute: bool = False) -> dict[str, Any]:
    about = {"client_id": client_id, "entry": entry if isinstance(entry, str) else entry.pk.hex}
    if address == MATCHES:
        return {**about, "outcome": "found"}
    return {**about, "opinion": "dispute", "reason": "harmless"} if dispute else {**about, "opinion": "agree"}


def dispute(entry: HashListEntry, client_id: str) -> dict[str, Any]:
    return item(OPINIONS, entry, client_id, dispute=True)


def send(platform: Platform, address: str, *items: Any) -> list[dict[str, Any]]:
    answer = platform.post(address, {"items": list(items)})
    assert answer.status_code == 200, answer.content
    answered: list[dict[str, Any]] = answer.json()["items"]
    return answered


def statuses(answered: list[dict[str, Any]]) -> list[int]:
    return [one["status"] for one in answered]


def kept(address: str) -> list[str]:
    model: Any = MatchReport if address == MATCHES else Feedback
    return list(model.objects.order_by("pk").values_list("client_id", flat=True))


@pytest.mark.parametrize("address", ONE)
def test_what_is_wrong_with_one_keeps_no_other_back(address, platform, another_platform, sequencer):
    one, other, gone, canary = publish(sequencer, 4)
    withdraw(sequencer, gone)
    HashListEntry.objects.filter(pk=canary.pk).update(canary_for=another_platform.reader)
    wrong = {**item(address, one, "wrong"), "note": "https://example.org/user/7"}

    answer = platform.post(address, {"items": [
        item(address, one, "first"), wrong, "words", None, item(address, "0" * 32, "unknown"),
        item(address, gone, "gone"), item(address, canary, "canary"), item(address, other, "last"),
    ]})  # fmt: skip

    answered = answer.json()["items"]
    assert statuses(answered) == [201, 400, 400, 400, 404, 409, 409, 201]
    codes = [said["problem"] and said["problem"]["code"] for said in answered]
    assert codes == [
        None, "invalid", "invalid", "invalid", "no_such_entry", "entry_off_the_list", "entry_withheld", None,
    ]  # fmt: skip
    assert [said["answer"] is None for said in answered] == [said["problem"] is not None for said in answered]
    assert "example.org" not in answer.content.decode()
    assert kept(address) == ["first", "last"]


@pytest.mark.parametrize("address", ONE)
def test_a_batch_says_of_each_what_it_would_have_heard_alone(address, platform, sequencer):
    one, other = publish(sequencer, 2)
    said = [item(address, one, "1"), item(address, one, "1"), item(address, other, "1"), item(address, other, "2")]

    first, again = send(platform, address, *said), send(platform, address, *said)

    assert (statuses(first), statuses(again)) == ([201, 200, 409, 201], [200, 200, 409, 200])
    assert kept(address) == ["1", "2"]
    alone = [platform.post(ONE[address], words) for words in said]
    assert [answer.status_code for answer in alone] == statuses(again)
    assert [one["answer"] or one["problem"] for one in again] == [answer.json() for answer in alone]
    assert [one["answer"] for one in first] == [one["answer"] for one in again]


def test_later_opinion_of_a_batch_replaces_the_earlier(platform, another_platform, sequencer):
    one, other = publish(sequencer, 2)
    send(another_platform, OPINIONS, dispute(one, "a"), dispute(other, "b"))

    send(
        platform, OPINIONS, item(OPINIONS, one, "1"), dispute(other, "2"), dispute(one, "3"), item(OPINIONS, other, "4")
    )
    late = send(platform, OPINIONS, item(OPINIONS, one, "1"))

    said = Feedback.objects.current().filter(partner=platform.partner).order_by("pk")
    assert list(said.values_list("client_id", flat=True)) == ["3", "4"]
    asked_for = EntryDecision.objects.values_list("entry", "kind")
    assert set(asked_for) == {(one.pk, trust.QUARANTINE), (other.pk, trust.CONFIRM)}
    assert (late[0]["status"], late[0]["answer"]["counted"]) == (200, False)
    assert late[0]["answer"]["your_feedback"]["opinion"] == "dispute"


def test_what_was_done_closes_what_the_same_batch_found(platform, another_platform, sequencer):
    entry = publish(sequencer)[0]
    send(another_platform, MATCHES, item(MATCHES, entry, "1"))

    send(platform, MATCHES, item(MATCHES, entry, "1"), {**item(MATCHES, entry, "2"), "outcome": "removed"})

    assert list(MatchReport.objects.open().values_list("partner__code", flat=True)) == ["another-platform"]
    kinds = dict(EntryOutcome.objects.values_list("reader__name", "kind"))
    assert kinds == {"platform": "removed", "another-platform": "found"}


def test_the_daily_cap_holds_within_a_batch(platform, another_platform, sequencer, monkeypatch):
    monkeypatch.setattr(trust, "CAP", 2)
    monkeypatch.setattr(decisions, "OVER_CAP_REVIEWS_AT_MOST", 1)
    entries = publish(sequencer, 4)

    answered = send(platform, OPINIONS, *[dispute(one, str(number)) for number, one in enumerate(entries)])
    send(another_platform, OPINIONS, dispute(entries[3], "1"), dispute(entries[0], "2"))
    sequencer.run_until_idle()

    assert [one["answer"]["counted"] for one in answered] == [True, True, False, False]
    states = HashListEntry.objects.filter(state="quarantined").values_list("pk", flat=True)
    assert list(states) == [entries[0].pk]


@pytest.mark.parametrize("address", ONE)
def test_a_batch_is_refused_whole_where_it_is_none(address, platform, sequencer):
    entry = publish(sequencer)[0]
    hundred = [item(address, entry, str(number)) for number in range(101)]

    for body, status in [
        ({"items": hundred}, 413), ({"items": [{}] * 1000}, 413), ({"items": []}, 400), ({"items": {}}, 400),
        ({"items": None}, 400), ({}, 400), (hundred[:1], 400), (None, 400), (hundred[0], 400),
        ({"items": hundred[:1], "atomic": True}, 400), (b'{"items": [], "items": []}', 400),
    ]:  # fmt: skip
        answer = platform.post(address, body)
        assert (answer.status_code, answer["Content-Type"]) == (status, "application/problem+json"), body
    assert platform.post(address + "?dry=1", {"items": hundred[:1]}).status_code == 400
    assert kept(address) == []
    assert set(statuses(send(platform, address, *hundred[:100]))) == {201}


def test_a_tenth_as_many_batches_as_requests(platform, another_platform, sequencer, settings):
    settings.API_RATE = "25/d"
    entry = publish(sequencer)[0]

    answers = [platform.post(OPINIONS, {"items": [item(OPINIONS, entry, "1")]}).status_code for _ in range(3)]

    assert answers == [200, 200, 429]
    assert platform.post("feedback/", item(OPINIONS, entry, "1")).status_code == 200
    assert another_platform.post(OPINIONS, {"items": [item(OPINIONS, entry, "1")]}).status_code == 200


def test_an_opinion_of_a_batch_takes_few_queries(platform, sequencer, django_assert_max_num_queries):
    entries = publish(sequencer, 6)
    reader = ListReader.objects.select_related("hash_list").get(pk=platform.reader.pk)
    whose: Any = {"partner": platform.partner, "reader": reader}
    for some in (entries[:1], entries[1:3], entries[3:]):
        # For all: a savepoint's two, platform, entries, ids, votes. Each: history, opinion, decisions, one more, queue.
        with django_assert_max_num_queries(6 + 5 * len(some)):
            reports.record_feedbacks(**whose, items=[item(OPINIONS, one, one.pk.hex) for one in some])


# --- at the same moment -----------------------------------------------------------------------------------------


def _in_thread(work: Callable[[], Any]) -> Any:
    try:
        return work()
    finally:
        connection.close()


def _all_at_once(*works: Callable[[], Any]) -> list[Any]:
    barrier = threading.Barrier(len(works))

    def run(work: Callable[[], Any]) -> Any:
        barrier.wait(30)
        return _in_thread(work)

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def _wait_for(fact: Callable[[], Any]) -> None:
    until = time.monotonic() + 60
    while not fact():
        assert time.monotonic() < until
        time.sleep(0.02)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_busy_entry_holds_up_nothing_that_came_before_it(platform, sequencer):
    free, busy, last = publish(sequencer, 3)
    items = [item(OPINIONS, one, str(number)) for number, one in enumerate([free, busy, last])]
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            decisions.lock(busy.pk)
            sent = pool.submit(_in_thread, lambda: send(platform, OPINIONS, *items))
            _wait_for(lambda: kept(OPINIONS))
            _wait_for(lambda: decisions.lock_free([last.pk]))  # not held while it waits for another
            assert kept(OPINIONS) == ["0"]
        assert statuses(sent.result(60)) == [201] * 3
    assert kept(OPINIONS) == ["0", "1", "2"]


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_batches_at_once_end_with_every_opinion_kept_once(platform, another_platform, sequencer):
    """One platform twice with the same, another one with the entries in the opposite order, the sequencer at work."""
    entries = publish(sequencer, 30)
    forth = [item(OPINIONS, one, one.pk.hex, dispute=number < 15) for number, one in enumerate(entries)]

    *answered, _batches = _all_at_once(
        lambda: send(platform, OPINIONS, *forth),
        lambda: send(platform, OPINIONS, *forth),
        lambda: send(another_platform, OPINIONS, *reversed(forth)),
        sequencer.run_until_idle,
    )
    sequencer.run_until_idle()

    pairs = zip(statuses(answered[0]), statuses(answered[1]), strict=True)
    assert {tuple(sorted(pair)) for pair in pairs} == {(200, 201)}
    assert set(statuses(answered[2])) == {201}
    assert Feedback.objects.count() == Feedback.objects.current().count() == 60
    stands = {row.pk: (row.state, row.trust) for row in HashListEntry.objects.all()}
    assert {stands[one.pk][0] for one in entries[:15]} == {"quarantined"}
    assert {stands[one.pk] for one in entries[15:]} == {("listed", 2)}
