"""A restore loses no withdrawal (A7, LIST.md §6)."""

from __future__ import annotations

from typing import Any

from matching import epochs, hashlist, pages
from matching.errors import ResyncNeeded
from matching.hashlist import Wanted
from matching.models import DecisionKind, EntryDecision, HashList, HashListEntry, Hold, ListReader, State
from matching.sequencer import Sequencer
from matching.verification import recompute
from tests import make


def ask(value: str, asker: bytes) -> Hold:
    return hashlist.ask([Wanted("pdq", "image", value)], asker=asker)[0]


def forget_releases() -> None:
    """What a backup from before the withdrawals brings back: the holds stand, the values are there."""
    Hold.objects.update(released_on=None, pending=False)


def test_begin_after_restore_replays_holds_and_not_entries(sequencer: Sequencer, production: HashList) -> None:
    """Two stand behind one entry, one withdrew after the backup: it stays listed, and goes with the second one."""
    shared, alone, noise = make.pdq(), make.pdq(), make.pdq()
    mine, theirs, only = ask(shared, b"a" * 16), ask(shared, b"b" * 16), ask(alone, b"c" * 16)
    ask(noise, b"d" * 16)
    sequencer.run_until_idle()
    kept = {entry.pk: entry for entry in HashListEntry.objects.all()}
    hashlist.release([mine.pk, only.pk])
    sequencer.run_until_idle()
    forget_releases()
    for entry in kept.values():
        entry.save()

    assert epochs.begin_after_restore(sequencer, production) == 1
    assert set(HashListEntry.objects.listed().values_list("value", flat=True)) == {shared, noise}
    hashlist.release([theirs.pk])
    sequencer.run_until_idle()
    assert list(HashListEntry.objects.listed().values_list("value", flat=True)) == [noise]
    assert recompute(HashList.objects.get()).wrong == []


def test_begin_after_restore_replays_over_quarantined_entries(sequencer: Sequencer, production: HashList) -> None:
    hold = ask(make.pdq(), b"a" * 16)
    sequencer.run_until_idle()
    EntryDecision.objects.create(entry=HashListEntry.objects.get(), kind=DecisionKind.QUARANTINE)
    sequencer.run_until_idle()
    kept = HashListEntry.objects.get()
    hashlist.release([hold.pk])
    sequencer.run_until_idle()
    forget_releases()
    kept.save()
    assert epochs.begin_after_restore(sequencer, production) == 1
    entry = HashListEntry.objects.get()
    assert (entry.state, entry.value) == (State.GONE, None)


def test_a_new_epoch_is_larger_never_reuses_a_number_and_sends_everybody_to_a_snapshot(
    sequencer: Sequencer, production: HashList, reader: ListReader
) -> None:
    ask(make.pdq(), b"a" * 16)
    sequencer.run_until_idle()
    old = HashList.objects.get()
    sequencer.ledger.set_marks({"production": (old.epoch + 1_000_000, old.seq + 7)})
    epochs.begin_after_restore(sequencer, production)
    new = HashList.objects.get()
    assert new.epoch > old.epoch + 1_000_000
    assert (new.seq, new.floor, new.live) == (old.seq + 7, old.seq + 7, 1)
    reasons = []
    for epoch, after in ((old.epoch, old.seq), (None, 0), (new.epoch, new.seq + 1), (new.epoch, 0)):
        try:
            pages.after(ListReader.objects.get(), epoch=epoch, after=after)
        except ResyncNeeded as needed:
            reasons.append(needed.members["reason"])
    assert reasons == ["other_epoch", "below_floor", "unknown_position", "below_floor"]
    page: dict[str, Any] = pages.after(ListReader.objects.get(), epoch=new.epoch, after=new.seq)
    assert (page["changes"], page["head"]) == ([], page["latest"])
