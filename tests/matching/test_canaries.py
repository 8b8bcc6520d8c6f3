"""Canaries: hidden from everybody, and whose copy leaked is found (LIST.md §6)."""

from __future__ import annotations

import gzip
import json
import random
from datetime import timedelta
from typing import Any

import pytest

from matching import canaries, hashlist, pages, signal_types, snapshots
from matching.hashlist import Wanted
from matching.models import AdditionsInHour, HashList, HashListEntry, Hold, ListReader
from matching.sequencer import Sequencer
from matching.verification import recompute
from takeitdown.audit.models import AuditEvent
from tests import make

AT_ONCE = timedelta(0)
STAFF = "staff@example.org"


@pytest.fixture
def readers(production: HashList) -> list[ListReader]:
    return [ListReader.objects.create(hash_list=production, name=f"Reader {number}") for number in range(4)]


def report(count: int, asker: bytes = b"a" * 16) -> list[str]:
    values = [make.pdq() for _ in range(count)]
    hashlist.ask([Wanted("pdq", "image", value) for value in values], asker=asker)
    return values


def copy_of(reader: ListReader) -> set[str]:
    """Every value a reader has after reading all pages."""
    fresh = ListReader.objects.select_related("hash_list").get(pk=reader.pk)
    return {change["value"] for change in pages.after(fresh)["changes"] if "value" in change}


def test_a_drawn_value_is_one_that_a_picture_could_have():
    drawn = {canaries.draw() for _ in range(200)}
    assert len(drawn) == 200
    assert {int(value, 16).bit_count() for value in drawn} == {128}
    for value in drawn:
        signal_types.check("pdq", "image", value)
    ones = sum(int(value[:16], 16).bit_count() for value in drawn)  # by chance: 6,400 expected, sd 49
    assert 6_100 < ones < 6_700


def test_every_single_source_leak_of_a_whole_copy_is_traced(sequencer: Sequencer, readers: list[ListReader]) -> None:
    for reader in readers:
        canaries.seed(reader, by=STAFF, within=AT_ONCE)
    ordinary = report(40)
    sequencer.run_until_idle()
    for reader in readers:
        leaked = copy_of(reader)
        assert (len(leaked), set(ordinary) <= leaked) == (48, True)
        assert canaries.trace(leaked, by=STAFF) == {reader: 8}
    assert canaries.trace([*ordinary, make.pdq()], by=STAFF) == {}
    assert recompute(HashList.objects.get()).wrong == []
    assert AuditEvent.objects.filter(action="traced a leak").count() == 5


def test_half_a_copy_still_tells(sequencer: Sequencer, readers: list[ListReader]) -> None:
    """Each of 32 canaries is in a random half with even odds: one of them is, but for one leak in four billion."""
    canaries.seed(readers[0], count=32, by=STAFF, within=AT_ONCE)
    report(40)
    sequencer.run_until_idle()
    leaked = sorted(copy_of(readers[0]))
    random.Random(3).shuffle(leaked)
    assert set(canaries.trace(leaked[: len(leaked) // 2], by=STAFF)) == {readers[0]}


def test_canaries_wait_for_real_additions_and_are_no_case(
    sequencer: Sequencer, reader: ListReader, settings: Any
) -> None:
    settings.ANONYMITY_CASES, settings.ANONYMITY_SECONDS = 2, 600
    canaries.seed(reader, by=STAFF)
    report(1)
    assert sequencer.run_until_idle() == 0  # one person among canaries is still alone

    report(1, asker=b"b" * 16)
    assert sequencer.run_until_idle() == 10
    order = [entry.canary_for_id is not None for entry in HashListEntry.objects.order_by("changes__seq")]
    assert order.count(True) == 8
    assert Hold.objects.exclude(canary_for=None).count() == 0  # the wish forgets whom it was for, as all wishes do
    assert AdditionsInHour.objects.get().additions == 10


@pytest.mark.django_db(transaction=True)
def test_a_snapshot_holds_them_in_the_part_written_for_each(sequencer: Sequencer, readers: list[ListReader]) -> None:
    mine, other = readers[:2]
    canaries.seed(mine, by=STAFF, within=AT_ONCE)
    report(30)
    sequencer.run_until_idle()

    def rows(reader: ListReader) -> list[dict[str, Any]]:
        fresh = ListReader.objects.select_related("hash_list").get(pk=reader.pk)
        snapshot = snapshots.for_reader(fresh)
        whole = snapshot.path.read_bytes() + snapshots.tail(snapshot, fresh)
        return [json.loads(line) for line in gzip.decompress(whole).splitlines()][1:-1]

    shown = {reader: {row["value"] for row in rows(reader) if "value" in row} for reader in (mine, other)}
    assert (len(shown[mine]), len(shown[other])) == (38, 30)
    assert canaries.trace(shown[mine], by=STAFF) == {mine: 8}
    assert canaries.trace(shown[other], by=STAFF) == {}


def test_retired_canaries_leave_like_withdrawals(sequencer: Sequencer, readers: list[ListReader]) -> None:
    canaries.seed(readers[0], by=STAFF, within=AT_ONCE)
    kept = report(3)
    sequencer.run_until_idle()
    canaries.seed(readers[0], count=1, by=STAFF)  # not listed yet
    assert (canaries.retire(readers[0], by=STAFF), canaries.retire(readers[0], by=STAFF)) == (9, 0)
    sequencer.run_until_idle()
    assert set(HashListEntry.objects.listed().values_list("value", flat=True)) == set(kept)
    assert recompute(HashList.objects.get()).wrong == []


@pytest.mark.parametrize("count", [0, 65, -1])
def test_how_many_at_a_time(count, reader):
    with pytest.raises(ValueError, match="1 to 64"):
        canaries.seed(reader, count=count, by=STAFF)
