"""`verify` finds what anybody altered in the database."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.db.models import F

from matching import hashlist
from matching.hashlist import Wanted
from matching.models import DecisionKind, EntryDecision, HashList, HashListEntry, Hold, ListChange, ListHead
from matching.sequencer import Sequencer
from matching.verification import recompute, verify
from tests import make

Alter = Callable[[], object]


@pytest.fixture
def busy(sequencer: Sequencer) -> HashList:
    """A list with every kind of change in it."""
    hashlist.ask([Wanted("pdq", "image", make.pdq()) for _ in range(12)], asker=bytes(16))
    sequencer.run_until_idle()
    first, second, third, *rest = HashListEntry.objects.all()
    for entry, kind in ((first, DecisionKind.CONFIRM), (second, DecisionKind.QUARANTINE), (third, DecisionKind.REFUSE)):
        EntryDecision.objects.create(entry=entry, kind=kind)
    sequencer.run_until_idle()
    hashlist.release(Hold.objects.filter(entry__in=rest[:2]).values_list("pk", flat=True))
    sequencer.run_until_idle()
    return HashList.objects.get()


def entry_with_value() -> HashListEntry:
    return HashListEntry.objects.listed()[0]


ALTERATIONS: dict[str, Alter] = {
    "a value": lambda: HashListEntry.objects.filter(pk=entry_with_value().pk).update(value=make.pdq()),
    "a nonce": lambda: HashListEntry.objects.filter(pk=entry_with_value().pk).update(nonce=bytes(16)),
    "a trust": lambda: HashListEntry.objects.filter(pk=entry_with_value().pk).update(trust=3 - F("trust")),
    "a state": lambda: HashListEntry.objects.filter(pk=entry_with_value().pk).update(state="held"),
    "a commitment": lambda: HashListEntry.objects.filter(pk=entry_with_value().pk).update(commitment=bytes(32)),
    "a change's commitment": lambda: ListChange.objects.filter(seq=3).update(commitment=bytes(32)),
    "a change's detail": lambda: ListChange.objects.filter(seq=4).update(detail=2),
    "a change's chain": lambda: ListChange.objects.filter(seq=5).update(chain=bytes(32)),
    "a change's former trust": lambda: ListChange.objects.filter(op=3).update(was=2),
    "a change deleted": lambda: ListChange.objects.filter(seq=6).delete(),
    "the tail deleted": lambda: ListChange.objects.filter(seq__gte=14).delete(),
    "a change's entry": lambda: ListChange.objects.filter(seq=7).update(entry=ListChange.objects.get(seq=8).entry),
    "a note": lambda: ListHead.objects.filter(seq=12).update(note="tid-head/1\n"),
    "a note of another head": lambda: ListHead.objects.filter(seq=12).update(note=ListHead.objects.get(seq=0).note),
    "the list's sum": lambda: HashList.objects.update(set_sum=bytes(2048)),
    "the list's number": lambda: HashList.objects.update(seq=F("seq") + 1),
    "the list's rows": lambda: HashList.objects.update(live=F("live") + 1),
}


@pytest.mark.django_db(transaction=True)
def test_a_list_nobody_touched_is_all_right(busy: HashList) -> None:
    findings = verify(busy)
    assert (findings.wrong, findings.changes, findings.rows, findings.heads) == ([], 17, 8, 4)


@pytest.mark.parametrize("what", ALTERATIONS)
def test_whatever_is_altered_is_found(busy: HashList, what: str) -> None:
    ALTERATIONS[what]()
    assert recompute(busy).wrong != []
