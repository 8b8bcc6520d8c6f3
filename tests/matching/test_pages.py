"""Pages, rows and readers: what each platform is shown (LIST.md §4, §6)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from matching import hashlist, outcomes, pages, readers
from matching.errors import Diverged, NoSuchEntry, ResyncNeeded
from matching.hashlist import Wanted
from matching.models import (
    DecisionKind,
    EntryDecision,
    EntryOutcome,
    HashList,
    HashListEntry,
    Hold,
    ListHead,
    ListReader,
)
from matching.sequencer import Sequencer
from tests import make


def publish(sequencer: Sequencer, *values: str) -> list[Hold]:
    holds = hashlist.ask([Wanted("pdq", "image", value) for value in values], asker=bytes(16))
    sequencer.run_until_idle()
    return holds


def test_a_page_is_whole_batches_within_its_bounds(
    sequencer: Sequencer, reader: ListReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _batch in range(4):
        publish(sequencer, make.pdq(), make.pdq(), make.pdq())
    monkeypatch.setattr(pages, "MAX_CHANGES", 7)
    ends, after = [], 0
    while after < 12:
        page = pages.after(reader, epoch=reader.hash_list.epoch, after=after)
        assert page["from_seq"] == after
        after = page["changes"][-1]["seq"]
        ends.append(after)
        assert f"\nseq {after}\n" in page["head"]
    assert ends == [6, 12]
    monkeypatch.setattr(pages, "MAX_BYTES", 10)
    assert len(pages.after(reader)["changes"]) == 3  # at least one batch


def test_a_page_takes_the_same_queries_for_one_row_and_for_three(
    sequencer: Sequencer, reader: ListReader, django_assert_num_queries: Any
) -> None:
    publish(sequencer, make.pdq())
    with django_assert_num_queries(4):  # newest head, start, closing heads, changes with their entries
        pages.after(reader)
    publish(sequencer, make.pdq(), make.pdq())
    with django_assert_num_queries(4):
        pages.after(reader)


def test_positions_that_are_no_heads_are_unknown(sequencer: Sequencer, reader: ListReader) -> None:
    publish(sequencer, make.pdq(), make.pdq())
    for after in (1, 3, 2**63 - 1):
        with pytest.raises(ResyncNeeded) as refusal:
            pages.after(reader, epoch=reader.hash_list.epoch, after=after)
        assert refusal.value.members["reason"] == "unknown_position"


def test_a_canary_is_shown_to_its_reader_and_withheld_from_all_others(
    sequencer: Sequencer, reader: ListReader, production: HashList
) -> None:
    other = ListReader.objects.create(hash_list=production, name="Other")
    publish(sequencer, make.pdq(), make.pdq())
    canary = HashListEntry.objects.all()[0]
    HashListEntry.objects.filter(pk=canary.pk).update(canary_for=reader)
    mine, theirs = pages.after(reader), pages.after(other)
    assert mine["head"] == theirs["head"]
    assert [row for row in theirs["changes"] if "value" not in row] == [
        {
            "seq": row["seq"],
            "op": "add",
            "id": canary.pk.hex,
            "trust": "unverified",
            "commitment": bytes(canary.commitment).hex(),
        }
        for row in mine["changes"]
        if row["id"] == canary.pk.hex
    ]
    assert all("value" in row for row in mine["changes"])


def test_a_trust_floor_withholds_until_the_update_lifts_it(sequencer: Sequencer, reader: ListReader) -> None:
    reader.trust_floor = 2
    publish(sequencer, make.pdq())
    EntryDecision.objects.create(entry=HashListEntry.objects.get(), kind=DecisionKind.CONFIRM)
    sequencer.run_until_idle()
    assert ["value" in row for row in pages.after(reader)["changes"]] == [False, True]


def test_a_changed_floor_asks_for_one_whole_copy(sequencer: Sequencer, reader: ListReader) -> None:
    publish(sequencer, make.pdq())
    assert readers.set_trust_floor(reader, 2, by="staff")
    assert not readers.set_trust_floor(reader, 2, by="staff")
    reader.refresh_from_db()
    with pytest.raises(ResyncNeeded) as refusal:
        pages.after(reader)
    assert refusal.value.members["reason"] == "trust_floor"
    begun = ListReader.objects.get(pk=reader.pk)
    readers.set_trust_floor(reader, 1, by="staff")  # while that copy is on its way
    readers.took_whole_copy(begun)
    reader.refresh_from_db()
    assert reader.resync_since is not None
    readers.took_whole_copy(reader)
    reader.refresh_from_db()
    assert ["value" in row for row in pages.after(reader)["changes"]] == [True]


def test_entries_that_were_never_published_look_like_none(sequencer: Sequencer, reader: ListReader) -> None:
    publish(sequencer, make.pdq())
    entry = HashListEntry.objects.get()
    assert pages.entry_row(reader, entry.pk.hex)[1]["listed"] is True
    HashList.objects.update(additions_frozen_at=timezone.now())
    publish(sequencer, make.pdq())
    held = HashListEntry.objects.exclude(pk=entry.pk).get()
    for entry_id in (held.pk.hex, "0" * 32):
        with pytest.raises(NoSuchEntry):
            pages.entry_row(reader, entry_id)


def test_reached_notes_equality_and_divergence(sequencer: Sequencer, reader: ListReader) -> None:
    publish(sequencer, make.pdq())
    head = ListHead.objects.newest(reader.hash_list)
    with pytest.raises(Diverged):
        readers.reached(reader, epoch=head.epoch, seq=head.seq, set_hash="0" * 64)
    reader.refresh_from_db()
    assert reader.diverged_at is not None
    assert (reader.seq, reader.reached_on) == (0, None)
    readers.reached(reader, epoch=head.epoch, seq=head.seq, set_hash=bytes(head.set_hash).hex())
    equal = ListReader.objects.get(pk=reader.pk)
    assert (equal.diverged_at, equal.seq, equal.reached_on) == (None, 1, timezone.localdate())
    with pytest.raises(ResyncNeeded):
        readers.reached(reader, epoch=head.epoch, seq=99, set_hash="0" * 64)


def test_reached_on_stays_when_yesterdays_changes_are_missing(sequencer: Sequencer, reader: ListReader) -> None:
    publish(sequencer, make.pdq())
    first = ListHead.objects.newest(reader.hash_list)
    publish(sequencer, make.pdq())
    ListHead.objects.filter(seq=2).update(issued_at=timezone.now() - timedelta(days=1))
    readers.reached(reader, epoch=first.epoch, seq=1, set_hash=bytes(first.set_hash).hex())
    reader.refresh_from_db()
    assert (reader.seq, reader.reached_on) == (1, None)


def test_outcomes_from_before_the_hold_and_from_today_are_not_told(sequencer: Sequencer, reader: ListReader) -> None:
    """A hash that was listed long before and one that was not look alike to the person who reports it now."""
    (hold,) = publish(sequencer, make.pdq())
    hold.refresh_from_db()
    assert hold.entry is not None
    now = timezone.now()
    Hold.objects.update(resolved_hour=now - timedelta(days=2))
    hold.refresh_from_db()
    told = []
    for at in (now - timedelta(days=3), now - timedelta(days=1), now):
        outcomes.record(entry=hold.entry, reader=reader, kind=EntryOutcome.Kind.BLOCKED, at=at)
        told.append([row.kind for row in outcomes.for_holds([hold])[hold]])
    assert told == [[], ["blocked"], []]
