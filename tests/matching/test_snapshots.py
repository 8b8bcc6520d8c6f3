"""Snapshots: whole, immutable, and not a way to keep what was erased."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from matching import hashlist, snapshots
from matching.hashlist import Wanted
from matching.models import DecisionKind, EntryDecision, HashList, HashListEntry, Hold, ListReader
from matching.sequencer import Sequencer
from tests import make


def publish(sequencer: Sequencer, *values: str) -> list[Hold]:
    holds = hashlist.ask([Wanted("pdq", "image", value) for value in values], asker=bytes(16))
    sequencer.run_until_idle()
    return holds


def lines(snapshot: snapshots.Snapshot, reader: ListReader) -> list[dict[str, Any]]:
    whole = snapshot.path.read_bytes() + snapshots.tail(snapshot, reader)
    return [json.loads(line) for line in gzip.decompress(whole).splitlines()]


@pytest.fixture
def fresh(reader: ListReader) -> Any:
    def again() -> ListReader:
        return ListReader.objects.select_related("hash_list").get(pk=reader.pk)

    return again


@pytest.mark.django_db(transaction=True)
def test_a_snapshot_holds_head_rows_and_count(sequencer: Sequencer, fresh: Any) -> None:
    values = [make.pdq() for _ in range(5)]
    publish(sequencer, *values)
    reader = fresh()
    made = lines(snapshots.for_reader(reader), reader)
    assert made[0]["head"].split("\n")[3] == "seq 5"
    assert {row["value"] for row in made[1:-1]} == set(values)
    assert made[-1] == {"rows": 5}


@pytest.mark.django_db(transaction=True)
def test_a_withdrawn_value_is_in_no_file_once_the_snapshot_is_asked_for_again(sequencer: Sequencer, fresh: Any) -> None:
    gone, stays = make.pdq(), make.pdq()
    hold, _other = publish(sequencer, gone, stays)
    first = snapshots.for_reader(fresh())
    assert snapshots.for_reader(fresh()) == first  # immutable while nothing is taken off
    hashlist.release([hold.pk])
    sequencer.run_until_idle()
    reader = fresh()
    second = snapshots.for_reader(reader)
    assert [row["value"] for row in lines(second, reader)[1:-1]] == [stays]
    assert not first.path.exists()


@pytest.mark.django_db(transaction=True)
def test_canaries_hide_among_ordinary_rows_in_the_trailing_part(
    sequencer: Sequencer, fresh: Any, production: HashList
) -> None:
    publish(sequencer, *[make.pdq() for _ in range(60)])
    reader = fresh()
    other = ListReader.objects.create(hash_list=production, name="Other")
    canary = HashListEntry.objects.all()[0]
    HashListEntry.objects.filter(pk=canary.pk).update(canary_for=reader)
    snapshot = snapshots.build(production)
    assert len(snapshot.tail) == 21
    mine, theirs = lines(snapshot, reader), lines(snapshot, other)
    assert mine[-1] == theirs[-1] == {"rows": 60}
    withheld = [[row["id"] for row in rows[1:-1] if "value" not in row] for rows in (mine, theirs)]
    assert withheld == [[], [canary.pk.hex]]
    # What is decided later changes no row of this file, or its set hash would not come out.
    for entry in HashListEntry.objects.all():
        EntryDecision.objects.create(entry=entry, kind=DecisionKind.CONFIRM)
    sequencer.run_until_idle()
    assert {row["trust"] for row in lines(snapshot, reader)[1:-1]} == {"unverified"}


@pytest.mark.django_db(transaction=True)
def test_a_snapshot_below_a_trust_floor_withholds(sequencer: Sequencer, fresh: Any) -> None:
    publish(sequencer, make.pdq())
    reader = fresh()
    reader.trust_floor = 2
    assert set(lines(snapshots.for_reader(reader), reader)[1]) == {"id", "trust", "commitment"}


@pytest.mark.django_db(transaction=True)
def test_the_floor_moves_only_behind_a_snapshot(sequencer: Sequencer, production: HashList, fresh: Any) -> None:
    publish(sequencer, make.pdq())
    publish(sequencer, make.pdq())
    assert not sequencer.move_floor(production, 1)  # no snapshot yet
    snapshots.for_reader(fresh())
    assert not sequencer.move_floor(production, 7)  # no such head
    assert sequencer.move_floor(production, 1)
    assert not sequencer.move_floor(production, 1)
    production.refresh_from_db()
    assert production.floor == 1
    assert "\nfloor 1\n" in production.heads.order_by("-seq")[0].note
