"""The life of an entry as the log tells it (LIST.md §6, §7)."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.utils import timezone

from matching import epochs, hashlist, resolution
from matching.hashlist import Wanted
from matching.models import (
    BenignHash,
    DecisionKind,
    EntryDecision,
    HashList,
    HashListEntry,
    Hold,
    ListChange,
    ListHead,
    Op,
    State,
)
from matching.sequencer import RestoredBehindOurBack, Sequencer
from matching.verification import recompute
from tests import make


def ask(*values: str, asker: bytes = b"a" * 16) -> list[Hold]:
    return hashlist.ask([Wanted("pdq", "image", value) for value in values], asker=asker)


def log(*fields: str) -> list[tuple[Any, ...]]:
    return list(ListChange.objects.order_by("seq").values_list(*(fields or ("op", "detail"))))


def listed() -> set[str | None]:
    return set(HashListEntry.objects.listed().values_list("value", flat=True))


def decide(entry: HashListEntry, kind: DecisionKind) -> None:
    EntryDecision.objects.create(entry=entry, kind=kind)


def test_ask_lists_a_value_and_the_hold_forgets_it(sequencer: Sequencer) -> None:
    value = make.pdq()
    (hold,) = ask(value)
    assert sequencer.run_until_idle() == 1
    hold.refresh_from_db()
    assert (hold.value, hold.asker, hold.ready_at, hold.pending) == (None, None, None, False)
    assert hold.entry is not None
    assert hold.entry.value == value
    assert log() == [(Op.ADD, 1)]


def test_ask_never_reads_the_list(sequencer: Sequencer, django_assert_num_queries: Any) -> None:
    value = make.pdq()
    ask(value)
    sequencer.run_until_idle()
    with django_assert_num_queries(2) as known:  # the list's row, the insert
        ask(value)
    with django_assert_num_queries(2) as unknown:
        ask(make.pdq())
    tables = [query["sql"] for query in [*known.captured_queries, *unknown.captured_queries]]
    assert not [sql for sql in tables if "matching_hashlistentry" in sql]


def test_identical_values_of_two_people_are_one_entry_until_the_last_withdraws(sequencer: Sequencer) -> None:
    value, noise = make.pdq(), make.pdq()
    (mine,), (theirs,) = ask(value), ask(value, asker=b"b" * 16)
    ask(noise, asker=b"c" * 16)
    sequencer.run_until_idle()
    assert len(log()) == 2
    hashlist.release([mine.pk])
    assert sequencer.run_until_idle() == 0
    assert listed() == {value, noise}
    hashlist.release([theirs.pk])
    assert sequencer.run_until_idle() == 1
    assert listed() == {noise}


def test_withdrawal_erases_value_and_nonce_with_the_change_that_publishes_it(sequencer: Sequencer) -> None:
    (hold,) = ask(make.pdq())
    sequencer.run_until_idle()
    assert hashlist.release([hold.pk]) == 1
    assert hashlist.release([hold.pk]) == 0
    sequencer.run_until_idle()
    entry = HashListEntry.objects.get()
    assert (entry.state, entry.value, entry.nonce, entry.value_digest) == (State.GONE, None, None, None)
    assert log() == [(Op.ADD, 1), (Op.REMOVE, 1)]


def test_a_value_reported_again_after_withdrawal_is_a_new_entry(sequencer: Sequencer) -> None:
    value = make.pdq()
    (hold,) = ask(value)
    sequencer.run_until_idle()
    hashlist.release([hold.pk])
    ask(value, asker=b"b" * 16)
    sequencer.run_until_idle()
    ids = [entry_id for (entry_id,) in log("entry_id")]
    assert log() == [(Op.ADD, 1), (Op.REMOVE, 1), (Op.ADD, 1)]
    assert ids[0] == ids[1] != ids[2]


def test_a_hold_released_before_publication_leaves_no_trace(sequencer: Sequencer, settings: Any) -> None:
    settings.ANONYMITY_CASES, settings.ANONYMITY_SECONDS = 3, 600
    (hold,) = ask(make.pdq())
    hashlist.release([hold.pk])
    sequencer.run_until_idle()
    hold.refresh_from_db()
    assert (hold.value, hold.entry, hold.pending, log(), HashListEntry.objects.count()) == (None, None, False, [], 0)


def test_additions_wait_for_three_cases_and_not_for_three_files(sequencer: Sequencer, settings: Any) -> None:
    settings.ANONYMITY_CASES, settings.ANONYMITY_SECONDS = 3, 600
    for _file in range(5):
        ask(make.pdq(), asker=b"a" * 16)
    ask(make.pdq(), asker=b"b" * 16)
    assert sequencer.run_until_idle() == 0
    ask(make.pdq(), asker=b"c" * 16)
    assert sequencer.run_until_idle() == 7


def test_additions_wait_no_longer_than_the_window_and_removals_never(sequencer: Sequencer, settings: Any) -> None:
    (early,) = ask(make.pdq())
    sequencer.run_until_idle()
    settings.ANONYMITY_CASES, settings.ANONYMITY_SECONDS = 3, 600
    ask(make.pdq(), asker=b"b" * 16)
    hashlist.release([early.pk])
    assert sequencer.run_until_idle() == 1  # the removal alone
    Hold.objects.update(ready_at=timezone.now() - timedelta(seconds=1))
    assert sequencer.run_until_idle() == 1


def test_a_hold_that_arrives_during_publication_waits_for_company_of_its_own(
    sequencer: Sequencer, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ANONYMITY_CASES, settings.ANONYMITY_SECONDS = 3, 600
    for number in range(3):
        ask(make.pdq(), asker=bytes([number]) * 16)
    honest = resolution._resolve

    def with_a_latecomer(*arguments: Any) -> Any:
        ask(make.pdq(), asker=b"l" * 16)
        return honest(*arguments)

    monkeypatch.setattr(resolution, "_resolve", with_a_latecomer)
    sequencer.tick(HashList.objects.get())
    monkeypatch.undo()
    assert sequencer.run_until_idle() == 0
    assert (len(log()), Hold.objects.pending().count()) == (3, 1)


def test_a_window_that_fills_several_batches_is_published_whole(sequencer: Sequencer, settings: Any) -> None:
    settings.ANONYMITY_CASES, settings.ANONYMITY_SECONDS = 3, 600
    for number in range(3):
        ask(*[make.pdq() for _ in range(300)], asker=bytes([number]) * 16)
    assert sequencer.run_until_idle() == 900


def test_a_window_is_published_in_an_order_that_tells_nothing(sequencer: Sequencer) -> None:
    """Values of one case lie next to each other no more often than chance has it."""
    neighbours = 0
    for _round in range(12):
        start = HashList.objects.get().seq
        cases = [[make.pdq() for _ in range(4)] for _ in range(5)]
        for number, values in enumerate(cases):
            ask(*values, asker=bytes([number]) * 16)
        sequencer.run_until_idle()
        order = list(ListChange.objects.filter(seq__gt=start).order_by("seq").values_list("entry__value", flat=True))
        owner = {value: number for number, values in enumerate(cases) for value in values}
        neighbours += sum(owner[a or ""] == owner[b or ""] for a, b in pairwise(order))
    # 12 rounds × 19 pairs × P(3/19) = 36 expected, sd about 5.3; sorted by case it would be 180.
    assert 15 < neighbours < 60


def test_batches_are_at_most_500_changes_and_each_has_a_head(sequencer: Sequencer) -> None:
    ask(*[make.pdq() for _ in range(1_203)])
    assert sequencer.run_until_idle() == 1_203
    assert list(ListHead.objects.order_by("seq").values_list("seq", "live")) == [
        (0, 0),
        (500, 500),
        (1000, 1000),
        (1203, 1203),
    ]


def test_batches_of_long_videos_stay_below_a_mebibyte(sequencer: Sequencer) -> None:
    frames = "\n".join(f"{make.pdq()},100,{second}.000" for second in range(600))
    video = [Wanted("vpdq", "video", frames.replace("100", f"{90 + n % 10}", n + 1)) for n in range(40)]
    hashlist.ask(video, asker=b"a" * 16)
    assert sequencer.run_until_idle() == 40
    sizes = list(ListHead.objects.order_by("seq").values_list("batch_bytes", flat=True))
    assert max(sizes) <= 1024 * 1024
    assert sum(sizes) > 1024 * 1024


def test_decisions_about_long_videos_stay_below_a_mebibyte(sequencer: Sequencer) -> None:
    frames = "\n".join(f"{make.pdq()},100,{second}.000" for second in range(600))
    hashlist.ask(
        [Wanted("vpdq", "video", frames.replace("100", str(n + 50), n + 1)) for n in range(40)], asker=b"a" * 16
    )
    sequencer.run_until_idle()
    for entry in HashListEntry.objects.all():
        decide(entry, DecisionKind.CONFIRM)
    assert sequencer.run_until_idle() == 40
    assert max(ListHead.objects.values_list("batch_bytes", flat=True)) <= 1024 * 1024


def test_decisions_follow_the_life_of_an_entry(sequencer: Sequencer) -> None:
    ask(make.pdq())
    sequencer.run_until_idle()
    entry = HashListEntry.objects.get()
    steps = [
        (DecisionKind.CONFIRM, (Op.UPDATE, 2), State.LISTED),
        (DecisionKind.CONFIRM, None, State.LISTED),
        (DecisionKind.UNCONFIRM, (Op.UPDATE, 1), State.LISTED),
        (DecisionKind.RESTORE, None, State.LISTED),
        (DecisionKind.CONFIRM, (Op.UPDATE, 2), State.LISTED),
        (DecisionKind.QUARANTINE, (Op.REMOVE, 2), State.QUARANTINED),
        (DecisionKind.CONFIRM, None, State.QUARANTINED),
        (DecisionKind.RESTORE, (Op.ADD, 1), State.LISTED),
        (DecisionKind.REFUSE, (Op.REMOVE, 3), State.REFUSED),
        (DecisionKind.RESTORE, None, State.REFUSED),
    ]
    expected = log()
    for kind, change, state in steps:
        decide(entry, kind)
        sequencer.run_until_idle()
        expected += [change] if change else []
        entry.refresh_from_db()
        assert (log(), entry.state) == (expected, state)
    assert entry.value is None
    assert BenignHash.objects.count() == 1
    assert recompute(HashList.objects.get()).wrong == []


def test_withdrawal_of_a_quarantined_entry_erases_it_without_a_change(sequencer: Sequencer) -> None:
    (hold,) = ask(make.pdq())
    sequencer.run_until_idle()
    decide(HashListEntry.objects.get(), DecisionKind.QUARANTINE)
    sequencer.run_until_idle()
    hashlist.release([hold.pk])
    assert sequencer.run_until_idle() == 0
    entry = HashListEntry.objects.get()
    assert (entry.state, entry.value) == (State.GONE, None)
    assert len(log()) == 2


def test_a_refused_value_reported_again_is_held(sequencer: Sequencer) -> None:
    value = make.pdq()
    ask(value)
    sequencer.run_until_idle()
    decide(HashListEntry.objects.get(), DecisionKind.REFUSE)
    ask(value, asker=b"b" * 16)
    sequencer.run_until_idle()
    assert sorted(HashListEntry.objects.values_list("state", flat=True)) == [State.HELD, State.REFUSED]
    assert listed() == set()


def test_frozen_additions_are_held_and_withdrawals_flow(sequencer: Sequencer, production: HashList) -> None:
    (early,) = ask(make.pdq())
    sequencer.run_until_idle()
    HashList.objects.update(additions_frozen_at=timezone.now())
    (late,) = ask(make.pdq(), asker=b"b" * 16)
    hashlist.release([early.pk])
    assert sequencer.run_until_idle() == 1
    late.refresh_from_db()
    assert late.entry is not None
    assert (late.entry.state, listed()) == (State.HELD, set())


def test_an_early_add_of_a_withdrawn_entry_does_not_find_its_value_again(sequencer: Sequencer, reader: Any) -> None:
    from matching import pages

    value = make.pdq()
    (hold,) = ask(value)
    sequencer.run_until_idle()
    assert pages.after(reader)["changes"][0]["value"] == value
    hashlist.release([hold.pk])
    sequencer.run_until_idle()
    page = pages.after(reader)
    assert value not in str(page)
    assert set(page["changes"][0]) == {"seq", "op", "id", "trust", "commitment"}


def test_heads_are_signed_again_with_the_same_state(sequencer: Sequencer) -> None:
    ask(make.pdq())
    sequencer.run_until_idle()
    before = ListHead.objects.order_by("-seq")[0]
    later = before.issued_at + timedelta(minutes=56)
    sequencer.clock = lambda: later
    assert sequencer.sign_again() == 1
    after = ListHead.objects.order_by("-seq")[0]
    assert after.note.split("\n")[:7] == before.note.split("\n")[:7]
    assert after.note.split("\n")[8] != before.note.split("\n")[8]
    assert sequencer.sign_again() == 0


def test_a_clock_that_steps_back_does_not_take_stamps_back(sequencer: Sequencer) -> None:
    ask(make.pdq())
    sequencer.run_until_idle()
    newest = ListHead.objects.order_by("-seq")[0].issued_at
    sequencer.clock = lambda: newest - timedelta(hours=5)
    ask(make.pdq(), asker=b"b" * 16)
    sequencer.run_until_idle()
    assert ListHead.objects.order_by("-seq")[0].issued_at == newest


@pytest.mark.django_db(transaction=True)
def test_a_batch_whose_stamp_grew_old_rolls_back_and_comes_again_smaller(sequencer: Sequencer) -> None:
    ask(*[make.pdq() for _ in range(100)])
    ticks = iter([0.0, 3.5])
    sequencer.timer = lambda: next(ticks, 4.0)
    sequencer.tick(HashList.objects.get())
    assert (log(), ListHead.objects.count()) == ([], 1)
    assert sequencer.run_until_idle() == 100


def test_a_database_behind_the_marks_is_not_signed(sequencer: Sequencer) -> None:
    ask(make.pdq())
    sequencer.run_until_idle()
    name, (epoch, seq) = next(iter(sequencer.ledger.marks().items()))
    sequencer.ledger.set_marks({name: (epoch, seq + 5)})
    again = Sequencer(sequencer.signers, sequencer.ledger)
    ask(make.pdq(), asker=b"b" * 16)
    with pytest.raises(RestoredBehindOurBack):
        again.run_until_idle()
    assert HashList.objects.get().seq == seq


def test_list_opened_a_moment_ago_waits_for_its_first_head_and_stops_nothing(sequencer: Sequencer) -> None:
    opened = hashlist.open_list("sandbox-new")
    hashlist.ask([Wanted("pdq", "image", make.pdq())], asker=bytes(16), hash_list=opened)
    ask(make.pdq())

    assert sequencer.run_until_idle() == 1  # production's
    assert sequencer.sign_again(at_once=True) == 1
    assert sequencer.compact() == 0

    assert epochs.begin_new_lists(sequencer) == 1
    assert sequencer.run_until_idle() == 1
