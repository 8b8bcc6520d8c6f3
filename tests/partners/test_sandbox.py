"""A platform's sandbox: a list of its own, filled once, with tombstones on demand."""

from __future__ import annotations

import pytest

from matching import epochs, pages
from matching.models import HashList, HashListEntry, Hold, ListHead, ListReader, State
from partners import picture_archive, sandbox
from partners.errors import NoListForKey, TombstoneQuotaReached, TombstonesNotReady
from partners.models import Partner
from takeitdown.audit.models import AuditEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def partner(archive):
    return Partner.objects.create(name="Platform", code="platform", group="platform")


def run(sequencer):
    epochs.begin_new_lists(sequencer)
    sequencer.run_until_idle()


def listed(reader):
    return HashListEntry.objects.listed().filter(hash_list=reader.hash_list)


def test_sandbox_is_opened_once_signed_and_filled(partner, sequencer):
    reader = sandbox.open_sandbox(partner)
    assert sandbox.open_sandbox(Partner.objects.get(pk=partner.pk)) == reader
    run(sequencer)
    sandbox.open_sandbox(partner)
    sequencer.run_until_idle()

    assert partner.sandbox_reader == reader
    assert (HashList.objects.filter(name__startswith="sandbox-").count(), ListReader.objects.count()) == (1, 1)
    assert ListHead.objects.newest(reader.hash_list).note.split("\n")[1] == "portal.example sandbox-platform"
    values = set(listed(reader).values_list("value", flat=True))
    tests = {value for one in picture_archive.originals() for value in (one.pdq, one.md5, one.sha256)}
    assert tests < values
    assert len(values) == len(tests) + 3 * sandbox.SPARE_PICTURES
    assert sorted(sandbox.pictures_by_entry(reader).values()) == sorted([*range(8)] * 3)
    assert pages.after(reader)["changes"][-1]["seq"] == len(values)
    deeds = AuditEvent.objects.filter(within="partner:platform")
    assert [deed.action for deed in deeds] == ["opened a sandbox"]


def test_sandbox_publishes_without_waiting_for_the_window(partner, sequencer, settings):
    settings.ANONYMITY_CASES, settings.ANONYMITY_SECONDS = 3, 600

    reader = sandbox.open_sandbox(partner)
    run(sequencer)

    assert listed(reader).count() == 48


def test_production_list_and_other_sandboxes_are_untouched(partner, sequencer):
    other = Partner.objects.create(name="Other", code="other", group="other")
    reader, others = sandbox.open_sandbox(partner), sandbox.open_sandbox(other)
    run(sequencer)
    before = listed(others).count()

    sandbox.withdraw_some(partner, count=5, by="tests")
    sequencer.run_until_idle()

    assert listed(others).count() == before
    assert not HashListEntry.objects.filter(hash_list__name="production").exists()
    assert reader.hash_list_id != others.hash_list_id


def test_tombstones_come_on_demand_and_spare_entries_grow_again(partner, sequencer):
    reader = sandbox.open_sandbox(partner)
    run(sequencer)
    gone: set[str] = set()

    for _again in range(6):
        ids = sandbox.withdraw_some(partner, count=20, by="member@platform.example")
        sequencer.run_until_idle()
        assert len(ids) == 20
        assert not gone & set(ids)
        gone |= set(ids)

    rows = HashListEntry.objects.filter(pk__in=gone)
    assert set(rows.values_list("state", "value")) == {(State.GONE, None)}
    assert len(sandbox.pictures_by_entry(reader)) == 24  # a test picture never leaves
    removed = {change["id"] for change in pages.after(reader)["changes"] if change["op"] == "remove"}
    assert removed == gone
    last = AuditEvent.objects.filter(action="withdrew sandbox entries").latest("pk")
    assert (last.actor, last.within, sorted(last.detail["entries"])) == (
        "member@platform.example",
        "partner:platform",
        sorted(ids),
    )


def test_withdrawing_waits_for_the_sequencer_and_knows_its_limits(partner, sequencer, monkeypatch):
    with pytest.raises(NoListForKey):
        sandbox.withdraw_some(partner, count=1, by="tests")
    sandbox.open_sandbox(partner)
    with pytest.raises(TombstonesNotReady):
        sandbox.withdraw_some(partner, count=1, by="tests")
    run(sequencer)
    monkeypatch.setattr(sandbox, "TOMBSTONES_A_DAY", 5)
    sandbox.withdraw_some(partner, count=5, by="tests")
    sequencer.run_until_idle()
    with pytest.raises(TombstoneQuotaReached):
        sandbox.withdraw_some(partner, count=1, by="tests")


def test_a_test_picture_that_is_missing_is_asked_for_again(partner, sequencer):
    reader = sandbox.open_sandbox(partner)
    run(sequencer)
    lost = picture_archive.originals()[0]
    Hold.objects.filter(entry__value=lost.pdq).update(released_on="2026-01-01", pending=True)
    sequencer.run_until_idle()
    assert len(sandbox.pictures_by_entry(reader)) == 23

    sandbox.open_sandbox(partner)
    sequencer.run_until_idle()

    assert len(sandbox.pictures_by_entry(reader)) == 24
