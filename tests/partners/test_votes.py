"""What feedback does to the list: whose counts, how much, and how often (LIST.md §7)."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from matching import decisions, pages, resolution, trust
from matching.models import (
    DecisionKind,
    EntryDecision,
    EntryReview,
    HashList,
    HashListEntry,
    ListReader,
    ReviewCause,
    State,
)
from matching.sequencer import Sequencer
from partners import keys, reports, votes
from partners.errors import EntryOffTheList
from partners.models import Environment, Feedback, Partner, PartnerState, Scope
from takeitdown.accounts.models import Account
from takeitdown.audit.models import AuditEvent
from tests.partners.conftest import Platform, new_platform, publish, withdraw


@pytest.fixture
def entry(sequencer: Sequencer) -> HashListEntry:
    return publish(sequencer)[0]


@pytest.fixture
def crowd(production: HashList) -> list[Platform]:
    return [new_platform(production, f"p{number}") for number in range(4)]


def say(who: Platform, entry: HashListEntry, opinion: str) -> Feedback:
    """An opinion with an id of its own, as the API takes it."""
    given, _new = reports.record_feedback(
        partner=Partner.objects.get(pk=who.partner.pk),
        reader=ListReader.objects.select_related("hash_list").get(pk=who.reader.pk),
        client_id=f"{Feedback.objects.count()}",
        entry=entry.pk.hex,
        opinion=opinion,
        reason="harmless" if opinion == "dispute" else "",
    )
    return given


def stands(entry: HashListEntry) -> tuple[str, int]:
    entry.refresh_from_db()
    return entry.state, entry.trust


def reviews() -> list[tuple[str, int, int]]:
    return list(EntryReview.objects.open().order_by("pk").values_list("cause", "agreements", "disputes"))


def log() -> list[str]:
    return [
        change["op"] for change in pages.after(ListReader(hash_list=HashList.objects.get(name="production")))["changes"]
    ]


# --- the life of an entry ---------------------------------------------------------------------------------------


def test_one_agreement_confirms_and_its_change_takes_it_back(crowd, entry, sequencer):
    noise = publish(sequencer)[0]
    say(crowd[0], entry, "agree")
    sequencer.run_until_idle()
    assert stands(entry) == ("listed", 2)

    say(crowd[1], entry, "agree")
    say(crowd[0], entry, "dispute")
    sequencer.run_until_idle()
    assert stands(entry) == ("listed", 2)  # another one still agrees

    say(crowd[1], entry, "dispute")
    sequencer.run_until_idle()
    assert stands(entry) == ("quarantined", 1)  # nobody does, and two dispute
    assert stands(noise) == ("listed", 1)


def test_one_dispute_affects_its_platform_alone_and_two_quarantine(crowd, entry, sequencer):
    say(crowd[0], entry, "dispute")
    assert sequencer.run_until_idle() == 0
    assert (stands(entry), reviews()) == (("listed", 1), [])

    say(crowd[1], entry, "dispute")
    sequencer.run_until_idle()

    assert (stands(entry), reviews()) == (("quarantined", 1), [("quarantined", 0, 2)])
    assert log() == ["add", "remove"]


def test_an_agreement_keeps_it_listed_and_people_look(crowd, entry, sequencer):
    say(crowd[0], entry, "agree")
    for who in crowd[1:3]:
        say(who, entry, "dispute")
    sequencer.run_until_idle()
    assert (stands(entry), reviews()) == (("listed", 2), [("disputed", 1, 2)])

    decisions.leave_as_it_is(EntryReview.objects.get(), by="staff@example.org")
    say(crowd[0], entry, "agree")
    assert reviews() == []  # nothing new since somebody looked
    say(crowd[3], entry, "dispute")
    assert reviews() == [("disputed", 1, 3)]


def test_platforms_of_one_group_have_one_vote(crowd, entry, sequencer):
    Partner.objects.filter(code__in=["p0", "p1"]).update(group="Same house")
    Partner.objects.filter(code="p2").update(group="same house ")
    for who in crowd[:3]:
        say(who, entry, "dispute")
    assert sequencer.run_until_idle() == 0

    say(crowd[0], entry, "agree")  # its newest opinion is the house's
    say(crowd[3], entry, "dispute")
    sequencer.run_until_idle()
    assert stands(entry) == ("listed", 2)


def test_what_was_said_before_a_restoration_is_settled(crowd, entry, sequencer):
    for who in crowd[:2]:
        say(who, entry, "dispute")
    sequencer.run_until_idle()
    decisions.decide(entry, DecisionKind.RESTORE, by="two of us")
    sequencer.run_until_idle()
    assert (stands(entry), reviews()) == (("listed", 1), [])

    say(crowd[2], entry, "dispute")
    assert sequencer.run_until_idle() == 0
    say(crowd[0], entry, "dispute")  # says it again, knowing of the restoration
    sequencer.run_until_idle()
    assert stands(entry) == ("quarantined", 1)


def test_a_vote_waiting_for_the_sequencer_is_replaced_not_followed(crowd, entry, sequencer):
    for opinion in ["agree", "dispute", "agree", "dispute"]:
        say(crowd[0], entry, opinion)
        kinds = list(EntryDecision.objects.values_list("kind", flat=True))
        assert kinds == (["confirm"] if opinion == "agree" else [])

    assert sequencer.run_until_idle() == 0


def test_staff_overtake_votes(crowd, entry, sequencer):
    say(crowd[0], entry, "agree")
    decisions.decide(entry, DecisionKind.QUARANTINE, by="staff@example.org")
    say(crowd[1], entry, "agree")
    sequencer.run_until_idle()

    assert (stands(entry), reviews()) == (("quarantined", 1), [("quarantined", 2, 0)])
    assert EntryDecision.objects.count() == 0


def test_in_a_sandbox_its_owner_sees_its_own_agreement_confirm(sandbox, sequencer):
    reader = ListReader.objects.create(hash_list=sandbox, name="platform")
    partner = Partner.objects.create(name="t", code="t", group="t", sandbox_reader=reader, state=PartnerState.SANDBOX)
    text = keys.issue(partner, environment=Environment.TEST, scopes=list(Scope), name="t", by="tests").text
    entry = publish(sequencer, hash_list=sandbox)[0]

    answer = (
        Platform(partner, text).post("feedback/", {"client_id": "1", "entry": entry.pk.hex, "opinion": "agree"}).json()
    )
    sequencer.run_until_idle()

    assert (answer["counted"], stands(entry)) == (True, ("listed", 2))


# --- limits -----------------------------------------------------------------------------------------------------


def test_a_hundred_jumps_move_the_list_four_times_a_day(crowd, entry, sequencer):
    counted = []
    for number in range(100):
        counted.append(say(crowd[0], entry, "dispute" if number % 2 else "agree").counts)
        if number < 12:
            sequencer.run_until_idle()  # the worst case: each jump is published before the next
    assert counted == [True] * 4 + [False] * 96
    assert sequencer.run_until_idle() == 0
    assert log() == ["add", *["update"] * 4]
    Feedback.objects.update(given_at=timezone.now() - timedelta(hours=25))
    assert say(crowd[0], entry, "agree").counts


def test_disputes_past_the_daily_cap_are_kept_move_nothing_and_staff_look(crowd, sequencer, monkeypatch):
    monkeypatch.setattr(trust, "CAP", 3)
    monkeypatch.setattr(decisions, "OVER_CAP_REVIEWS_AT_MOST", 2)
    entries = publish(sequencer, 8)
    said = [say(crowd[0], one, "dispute").counts for one in entries[:6]]
    assert said == [True] * 3 + [False] * 3
    assert say(crowd[0], entries[0], "dispute").counts  # again, the same: it costs nothing
    assert say(crowd[0], entries[7], "agree").counts  # a cap of disputes, not of agreements
    assert reviews() == [("over_cap", 0, 0)] * 2

    for one in entries[:6]:
        say(crowd[1], one, "dispute") if one in entries[3:6] else None
    sequencer.run_until_idle()
    assert {stands(one)[0] for one in entries[:7]} == {
        State.LISTED
    }  # the second vote of each pair counted, not the first

    Feedback.objects.update(given_at=timezone.now() - timedelta(hours=25))
    assert say(crowd[0], entries[3], "dispute").counts  # tomorrow is another day
    sequencer.run_until_idle()
    assert stands(entries[3])[0] == State.QUARANTINED


def test_the_cap_grows_with_the_list(crowd, sequencer, monkeypatch):
    monkeypatch.setattr(trust, "CAP", 1)
    entries = publish(sequencer, 3)
    HashList.objects.update(live=2_000)
    assert [say(crowd[0], one, "dispute").counts for one in entries] == [True, True, False]


def test_answers_say_honestly_what_counts(crowd, entry, monkeypatch):
    monkeypatch.setattr(trust, "CAP", 0)
    body = {"client_id": "1", "entry": entry.pk.hex, "opinion": "dispute", "reason": "adult"}
    past_the_cap = crowd[0].post("feedback/", body)
    assert (past_the_cap.status_code, past_the_cap.json()["counted"]) == (201, False)
    assert crowd[0].post("feedback/", body).json() == past_the_cap.json()

    agreed = crowd[1].post("feedback/", {"client_id": "1", "entry": entry.pk.hex, "opinion": "agree"}).json()
    assert agreed["counted"] is True
    assert (agreed["your_feedback"]["opinion"], agreed["your_feedback"]["counted"]) == ("agree", True)

    votes.set_aside(crowd[1].partner, by="staff@example.org")
    again = crowd[1].post("feedback/", {"client_id": "1", "entry": entry.pk.hex, "opinion": "agree"}).json()
    assert again["counted"] is False


def test_the_past_and_the_future_are_not_for_platforms_to_choose(crowd, entry):
    for moment in ("2020-01-01T00:00:00Z", "10000-01-01T00:00:00Z", "2026-06-30T23:59:60Z", "2026-01-01T00:00:00"):
        body = {"client_id": "1", "entry": entry.pk.hex, "opinion": "agree", "given_at": moment}
        assert crowd[0].post("feedback/", body).status_code == 400
    batch = [{"client_id": "1", "entry": entry.pk.hex, "opinion": "agree"}, {"client_id": "2"}]
    assert crowd[0].post("feedback/", batch).status_code == 400  # half valid is not valid
    assert not Feedback.objects.exists()


# --- votes that begin or cease to count -------------------------------------------------------------------------


def test_votes_of_a_suspended_platform_cease_to_count_and_come_back(crowd, entry, sequencer):
    say(crowd[0], entry, "agree")
    sequencer.run_until_idle()
    assert votes.recount() == 1  # the first time it learns that they count
    assert (votes.recount(), sequencer.run_until_idle()) == (0, 0)

    Partner.objects.filter(code="p0").update(state=PartnerState.SUSPENDED)
    assert votes.recount() == 1
    sequencer.run_until_idle()
    assert stands(entry) == ("listed", 1)

    Partner.objects.filter(code="p0").update(state=PartnerState.PRODUCTION)
    votes.recount()
    sequencer.run_until_idle()
    assert stands(entry) == ("listed", 2)


def test_a_liar_set_aside_is_no_second_voice_and_staff_see_the_count_shrink(crowd, entry, sequencer):
    liar, honest, third = crowd[:3]
    other = publish(sequencer)[0]
    for one in (entry, other):
        say(liar, one, "dispute")
    say(honest, entry, "dispute")
    sequencer.run_until_idle()
    votes.recount()
    assert (stands(entry)[0], reviews()) == ("quarantined", [("quarantined", 0, 2)])

    votes.set_aside(liar.partner, by="staff@example.org")
    votes.recount()
    assert (stands(entry)[0], reviews()) == ("quarantined", [("quarantined", 0, 1)])  # back by two people alone
    say(third, other, "dispute")
    assert sequencer.run_until_idle() == 0

    votes.take_up(liar.partner, by="staff@example.org")
    votes.recount()
    sequencer.run_until_idle()
    assert stands(other)[0] == "quarantined"


def test_recounting_takes_as_many_queries_for_three_entries_as_for_one(crowd, sequencer, django_assert_max_num_queries):
    entries = publish(sequencer, 3)
    for one in entries:
        say(crowd[0], one, "agree")
    sequencer.run_until_idle()
    with django_assert_max_num_queries(16 + 3 * 2):  # two a row: what waits for it, what people look at
        assert votes.recount() == 3


def test_staff_set_feedback_aside_from_the_page_of_feedback(crowd, entry, client, monkeypatch):
    monkeypatch.setattr("takeitdown.staff_site.used_a_second_factor", lambda request: True)
    client.force_login(Account.objects.create_superuser("staff@example.org"))
    row = say(crowd[0], entry, "agree")
    for action, aside in (("set_aside", True), ("take_up", False)):
        client.post("/admin/partners/feedback/", {"action": action, "_selected_action": [row.pk]})
        states = Partner.objects.order_by("code").values_list("feedback_suspended_at", flat=True)
        assert [since is not None for since in states] == [aside, False, False, False]
    deeds = AuditEvent.objects.filter(within="partner:p0", actor="staff@example.org").order_by("pk")
    assert list(deeds.values_list("action", flat=True)) == ["set feedback aside", "took feedback up again"]


def test_what_was_given_back_is_listed_with_what_became_of_it(crowd, sequencer, monkeypatch):
    one, other, third = publish(sequencer, 3)
    say(crowd[0], one, "dispute")
    say(crowd[1], one, "dispute")
    say(crowd[0], other, "dispute")
    say(crowd[0], other, "agree")
    say(crowd[0], third, "dispute")
    withdraw(sequencer, third)
    monkeypatch.setattr(reports, "PAGE", 3)

    first = crowd[0].get("feedback/").json()
    second = crowd[0].get(f"feedback/?after={first['next']}").json()
    said = [(row["entry"], row["opinion"], row["counted"], row["state"], row["disputes"])
            for row in first["feedback"] + second["feedback"]]  # fmt: skip
    assert said == [
        (one.pk.hex, "dispute", True, "quarantined", 2),
        (other.pk.hex, "dispute", False, "listed", None),
        (other.pk.hex, "agree", True, "listed", None),
        (third.pk.hex, "dispute", True, "withdrawn", 1),
    ]
    assert second["next"] is None
    assert [row["entry"] for row in crowd[0].get("feedback/?open=true").json()["feedback"]] == [one.pk.hex]
    assert crowd[2].get("feedback/").json() == {"feedback": [], "next": None}
    for query in ("after=nobody", "open=false", "open=", "after=%0a", "limit=1", "open=true&open=true"):
        assert crowd[0].get(f"feedback/?{query}").status_code == 400


def test_reports_are_listed_and_open_ones_are_those_whose_clock_runs(crowd, entry):
    for client_id, outcome in [("1", "found"), ("2", "found"), ("3", "removed")]:
        crowd[0].post("match-reports/", {"client_id": client_id, "entry": entry.pk.hex, "outcome": outcome})
    rows = crowd[0].get("match-reports/?after=1").json()
    assert ([row["client_id"] for row in rows["match_reports"]], rows["next"]) == (["2", "3"], None)
    still_open = crowd[0].get("match-reports/?open=true").json()["match_reports"]
    assert [(row["client_id"], row["acted_at"]) for row in still_open] == [("2", None)]
    assert crowd[1].get("match-reports/").json()["match_reports"] == []


# --- at the same moment -----------------------------------------------------------------------------------------


def at_once(*works: Callable[[], Any]) -> None:
    """Run works in threads with connections of their own; what they raise, this raises."""
    barrier, failures = threading.Barrier(len(works)), []

    def run(work: Callable[[], Any]) -> None:
        try:
            barrier.wait(30)
            work()
        except BaseException as failure:
            failures.append(failure)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if failures:
        raise failures[0]


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_two_disputes_at_once_are_both_seen(crowd, sequencer):
    for entry in publish(sequencer, 10):
        at_once(*[lambda who=who, entry=entry: say_once(who, entry, "dispute") for who in crowd[:2]])
        sequencer.run_until_idle()
        assert stands(entry)[0] == "quarantined"
    assert EntryReview.objects.open().count() == 10


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_an_agreement_beside_the_second_dispute_ends_as_one_order_or_the_other(crowd, sequencer):
    """The agreement comes first: listed, confirmed, people look. The dispute comes first: in quarantine, and the
    agreement is told that the entry has left, or counts for nothing.
    """
    for entry in publish(sequencer, 10):
        say_once(crowd[0], entry, "dispute")
        works = [lambda w=who, e=entry, o=said: say_once(w, e, o) for who, said in
                 ((crowd[1], "dispute"), (crowd[2], "agree"))]  # fmt: skip
        at_once(*works, sequencer.run_until_idle)
        sequencer.run_until_idle()
        causes = set(EntryReview.objects.open().filter(entry=entry).values_list("cause", flat=True))
        assert (stands(entry), causes) in [
            (("listed", 2), {ReviewCause.DISPUTED}),
            (("quarantined", 1), {ReviewCause.QUARANTINED}),
        ]
        assert not EntryDecision.objects.exists()


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("moment", ["before it writes the entry", "before it commits"])
def test_what_the_sequencer_has_in_hand_is_followed_not_replaced(moment, crowd, sequencer, monkeypatch):
    """An agreement is taken back while it is carried out: it must not stay confirmed with nobody behind it."""
    (entry,) = publish(sequencer)
    say_once(crowd[0], entry, "agree")
    in_hand, go_on = threading.Event(), threading.Event()
    place, name = (resolution, "_carry_out") if moment.endswith("entry") else (sequencer.ledger, "append")
    honest = getattr(place, name)

    def and_pause(*arguments: Any) -> None:
        honest(*arguments)
        in_hand.set()
        assert go_on.wait(30)

    def take_back() -> None:
        assert in_hand.wait(30)
        patience = threading.Timer(1, go_on.set)  # it may have to wait for the sequencer: that is in order, too
        patience.start()
        say_once(crowd[0], entry, "dispute")
        patience.cancel()
        go_on.set()

    monkeypatch.setattr(place, name, and_pause)
    at_once(sequencer.run_until_idle, take_back)
    monkeypatch.undo()
    sequencer.run_until_idle()

    assert stands(entry) == ("listed", 1)
    assert log() == ["add", "update", "update"]


def say_once(who: Platform, entry: HashListEntry, opinion: str) -> None:
    """As `say`, with an id that two threads never share; an entry that has left meanwhile is told so, and that's it."""
    with contextlib.suppress(EntryOffTheList):
        reports.record_feedback(
            partner=who.partner,
            reader=ListReader.objects.select_related("hash_list").get(pk=who.reader.pk),
            client_id=f"{entry.pk.hex}-{opinion}",
            entry=entry.pk.hex,
            opinion=opinion,
            reason="harmless" if opinion == "dispute" else "",
        )
