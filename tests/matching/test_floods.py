"""Floods: found by the hour, held without loss, and never in the way of a withdrawal."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from matching import floods, hashlist, tasks
from matching.errors import NotFrozen
from matching.hashlist import Wanted
from matching.models import AdditionsInHour, BenignHash, EntryReview, HashList, HashListEntry, Hold, State
from matching.resolution import digest_of
from matching.sequencer import Sequencer
from takeitdown.audit.models import AuditEvent
from tests import make

NOW = datetime(2026, 11, 20, 15, 20, tzinfo=UTC)
HOUR = timedelta(hours=1)


def report(sequencer: Sequencer, count: int = 1) -> list[Hold]:
    holds = hashlist.ask([Wanted("pdq", "image", make.pdq()) for _ in range(count)], asker=bytes(16))
    sequencer.run_until_idle()
    return list(Hold.objects.filter(pk__in=[hold.pk for hold in holds]).select_related("entry"))


def counted(hash_list: HashList, additions: int, hours_ago: int = 0) -> None:
    hour = NOW.replace(minute=0) - hours_ago * HOUR
    AdditionsInHour.objects.create(hash_list=hash_list, hour=hour, additions=additions)


@pytest.mark.parametrize(
    ("week", "expected"),
    [
        ([], 500),
        ([99] * 168, 500),
        ([200] * 168, 1_000),
        ([10] * 167 + [9_000], 500),  # one odd hour does not raise it
        ([10] * 166 + [9_000] * 2, 45_000),
        ([5_000], 500),
    ],
)
def test_limit_is_five_times_the_99th_percentile_of_a_week(week, expected):
    assert floods.limit(week) == expected


def test_the_sequencer_counts_new_entries_once(sequencer: Sequencer, production: HashList) -> None:
    (hold, _other) = report(sequencer, 2)
    assert hold.entry is not None
    again = [Wanted("pdq", "image", hold.entry.value or ""), Wanted("pdq", "image", make.pdq())]
    hashlist.ask(again, asker=b"b" * 16)
    sequencer.run_until_idle()
    assert sum(AdditionsInHour.objects.values_list("additions", flat=True)) == 3


@pytest.mark.parametrize(
    ("hours_ago", "additions", "frozen"), [(0, 501, True), (1, 501, True), (0, 500, False), (2, 501, False)]
)
def test_an_hour_past_the_limit_freezes_additions(hours_ago, additions, frozen, production, caplog):
    counted(production, additions, hours_ago)
    with caplog.at_level(logging.ERROR, "takeitdown.list"):
        assert floods.watch(NOW) is frozen
        assert floods.watch(NOW) is False  # once
    production.refresh_from_db()
    assert (production.additions_frozen_at == NOW) is frozen
    assert len(caplog.records) == frozen
    assert AuditEvent.objects.filter(action="froze additions").count() == frozen


def test_a_busy_week_is_no_flood(production):
    for hours_ago in range(2, 170):
        counted(production, 400, hours_ago)
    counted(production, 1_999)
    assert not floods.watch(NOW)


def test_a_week_of_ordinary_days_alarms_nobody(production):
    """A hundred and sixty-eight hours as they pass, quiet nights and a television evening of four times the usual."""
    alarms = 0
    for passed in range(168):
        moment = NOW + passed * HOUR
        usual = 20 if moment.hour < 8 else 120
        additions = usual * 4 if passed == 100 else usual
        AdditionsInHour.objects.create(hash_list=production, hour=moment.replace(minute=0), additions=additions)
        alarms += floods.watch(moment)
    assert alarms == 0


def test_a_flood_is_held_withdrawals_flow_and_two_people_let_it_through(sequencer, production, monkeypatch):
    monkeypatch.setattr(floods, "NEVER_BELOW", 1)  # either batch is one, also where the hour turns between them
    early = report(sequencer, 2)
    flood = report(sequencer, 2)
    assert tasks.watch_floods() is True

    held = report(sequencer, 3)
    assert {hold.entry.state for hold in held if hold.entry} == {State.HELD}
    assert EntryReview.objects.open().count() == 3
    hashlist.release([early[0].pk, held[0].pk])
    assert sequencer.run_until_idle() == 1  # what was never listed leaves without a word
    assert EntryReview.objects.open().count() == 2
    harmless = held[1].entry
    assert harmless is not None
    BenignHash.objects.create(type="pdq", value=harmless.value or "", value_digest=digest_of(harmless.value or ""))

    production.refresh_from_db()
    assert floods.unfreeze(production, list_held=True, by="two of us") == 1
    sequencer.run_until_idle()
    with pytest.raises(NotFrozen):
        floods.unfreeze(production, list_held=True, by="two of us")

    assert HashListEntry.objects.get(holds=held[2]).state == State.LISTED
    assert list(EntryReview.objects.open().values_list("entry", flat=True)) == [harmless.pk]
    assert HashListEntry.objects.listed().count() == 1 + len(flood) + 1
    assert tasks.watch_floods() is False  # these hours were looked at
    report(sequencer)
    assert HashListEntry.objects.filter(state=State.HELD).count() == 1


def test_old_hours_are_forgotten(production: HashList, monkeypatch: Any) -> None:
    counted(production, 1, hours_ago=24 * 61)
    counted(production, 1, hours_ago=24 * 59)
    floods.watch(NOW)
    assert AdditionsInHour.objects.count() == 1
