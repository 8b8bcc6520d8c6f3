from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from matching.models import EntryOutcome, HashListEntry, Hold, ListReader, State
from submissions import status
from submissions.models import Case
from tests import make
from tests.submissions.conftest import Reporter, new_reporter

pytestmark = pytest.mark.django_db


def resolve(case: Case, state: str = State.LISTED, *, days_ago: int = 3) -> list[HashListEntry]:
    """What the sequencer does to a case's holds: an entry each."""
    hour = (timezone.now() - timedelta(days=days_ago)).replace(minute=0, second=0, microsecond=0)
    entries = []
    for hold in Hold.objects.filter(asker=case.pk.bytes):
        entry = HashListEntry.objects.create(
            hash_list=hold.hash_list, type=hold.type, media=hold.media, commitment=bytes(32), state=state,
            changed_at=hour,
        )  # fmt: skip
        Hold.objects.filter(pk=hold.pk).update(entry=entry, value=None, resolved_hour=hour)
        entries.append(entry)
    return entries


def platform(name: str, reached_days_ago: int | None = None) -> ListReader:
    reached = None if reached_days_ago is None else timezone.localdate() - timedelta(days=reached_days_ago)
    return ListReader.objects.create(hash_list=make.production_list(), name=name, is_public=True, reached_on=reached)


def outcome(entry: HashListEntry, reader: ListReader, kind: str, *, days_ago: int) -> None:
    hour = timezone.now() - timedelta(days=days_ago)
    EntryOutcome.objects.create(entry=entry, reader=reader, kind=kind, hour=hour)


def words(case: Case) -> list[str]:
    return [str(line.words) for line in status.of_case(case)]


def test_a_new_file_waits_and_names_no_platform(reporter: Reporter):
    platform("Chirp", 0)
    lines = status.of_case(reporter.case)
    assert [str(line.words) for line in lines] == [str(status.FILE_WORDS["waiting"])] * 2
    assert [line.platforms for line in lines] == [[], []]


@pytest.mark.parametrize("state", [State.LISTED, State.HELD, State.QUARANTINED, State.REFUSED, State.GONE])
def test_each_state_has_its_words(reporter: Reporter, another_reporter: Reporter, state: str):
    resolve(reporter.case, state)
    assert words(reporter.case) == [str(status.FILE_WORDS[state])] * 2
    assert words(another_reporter.case) == [str(status.FILE_WORDS["waiting"])] * 2


def test_one_listed_fingerprint_is_enough_to_be_on_the_list(reporter: Reporter):
    entries = resolve(reporter.case, State.REFUSED)
    HashListEntry.objects.filter(pk=entries[0].pk).update(state=State.LISTED)
    assert str(status.FILE_WORDS[State.LISTED]) in words(reporter.case)


def test_platforms_are_told_by_name_and_word():
    reporter = new_reporter(pictures=1)
    first, second, third = resolve(reporter.case)
    platform("Never")
    platform("Late", 3)
    platform("Has", 2)
    found, removed = platform("Found", 1), platform("Removed", 1)
    outcome(second, found, EntryOutcome.Kind.FOUND, days_ago=1)
    outcome(first, removed, EntryOutcome.Kind.FOUND, days_ago=2)
    outcome(third, removed, EntryOutcome.Kind.REMOVED, days_ago=1)

    (line,) = status.of_case(reporter.case)

    assert {one.name: str(one.words) for one in line.platforms} == {
        "Found": str(status.OUTCOME_WORDS[EntryOutcome.Kind.FOUND]),
        "Has": str(status.HAS_THE_LIST),
        "Late": str(status.NOT_YET),
        "Never": str(status.NOT_YET),
        "Removed": str(status.OUTCOME_WORDS[EntryOutcome.Kind.REMOVED]),
    }


def test_what_happened_before_the_hold_or_today_is_not_told():
    reporter = new_reporter(pictures=1)
    first, second, _ = resolve(reporter.case)
    before, today = platform("Before", 1), platform("Today", 1)
    outcome(first, before, EntryOutcome.Kind.REMOVED, days_ago=9)
    outcome(second, today, EntryOutcome.Kind.REMOVED, days_ago=0)

    (line,) = status.of_case(reporter.case)

    assert {str(one.words) for one in line.platforms} == {str(status.HAS_THE_LIST)}


def test_hidden_platforms_are_not_named(reporter: Reporter):
    resolve(reporter.case)
    ListReader.objects.create(hash_list=make.production_list(), name="Hidden", is_public=False)
    assert [line.platforms for line in status.of_case(reporter.case)] == [[], []]


@pytest.mark.parametrize("pictures", [1, 3])
def test_the_page_costs_four_queries_however_many_files(pictures: int, django_assert_num_queries):
    reporter = new_reporter(pictures=pictures)
    resolve(reporter.case)
    platform("Chirp", 0)
    with django_assert_num_queries(4):
        status.of_case(reporter.case)


def test_what_happened_between_another_reporters_hold_and_mine_is_not_told():
    theirs, mine = new_reporter(pictures=1), new_reporter(pictures=1)
    entries = resolve(theirs.case, days_ago=9)
    resolve(mine.case, days_ago=3)
    for hold, entry in zip(Hold.objects.filter(entry__in=hold_entries(mine.case)), entries, strict=True):
        Hold.objects.filter(pk=hold.pk).update(entry=entry)  # the same fingerprint, reported later
    outcome(entries[0], platform("Chirp", 1), EntryOutcome.Kind.REMOVED, days_ago=5)

    (their_line,), (my_line,) = status.of_case(theirs.case), status.of_case(mine.case)

    assert str(their_line.platforms[0].words) == str(status.OUTCOME_WORDS[EntryOutcome.Kind.REMOVED])
    assert str(my_line.platforms[0].words) == str(status.HAS_THE_LIST)


def hold_entries(case: Case) -> list[HashListEntry]:
    return [hold.entry for hold in Hold.objects.filter(asker=case.pk.bytes) if hold.entry]
