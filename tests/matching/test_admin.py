"""What staff see of the list and press on it: counts, never values; one may stop, two may start again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from matching import canaries, decisions, deeds, hashlist
from matching.errors import DecisionNoLongerFits
from matching.hashlist import Wanted
from matching.models import (
    BenignHash,
    DecisionKind,
    EntryDecision,
    EntryReview,
    HashList,
    HashListEntry,
    Hold,
    ListReader,
    ReviewCause,
    State,
)
from matching.sequencer import Sequencer
from takeitdown.accounts.models import Account
from takeitdown.approvals import decide
from takeitdown.approvals.models import ApprovalRequest
from takeitdown.audit.models import AuditEvent
from tests import make

ONE, OTHER = "one@example.org", "other@example.org"


@pytest.fixture
def staff(db: None, monkeypatch: pytest.MonkeyPatch) -> Client:
    """Staff with every permission, past the second factor; a colleague is there as well."""
    monkeypatch.setattr("takeitdown.staff_site.used_a_second_factor", lambda request: True)
    client = Client()
    client.force_login(Account.objects.create_superuser(ONE))
    Account.objects.create_superuser(OTHER)
    return client


def publish(sequencer: Sequencer, *values: str) -> list[HashListEntry]:
    holds = hashlist.ask([Wanted("pdq", "image", value) for value in values], asker=bytes(16))
    sequencer.run_until_idle()
    return [HashListEntry.objects.get(holds=hold) for hold in holds]


def changelist(model: str) -> str:
    return reverse(f"admin:matching_{model}_changelist")


def press(staff: Client, model: str, action: str, *rows: Any, because: str = "another reason") -> str:
    chosen = {"action": action, "_selected_action": [row.pk for row in rows], "because": because}
    return staff.post(changelist(model), chosen, follow=True).content.decode()


def allow_the_request() -> Any:
    request = ApprovalRequest.objects.open().get()
    return decide.settle(request.pk, approver=OTHER, allow=True)


def state(entry: HashListEntry) -> str:
    entry.refresh_from_db()
    return entry.state


# --- entries and the queue --------------------------------------------------------------------------------------


def test_one_quarantines_and_two_restore(staff, sequencer):
    entry, noise = publish(sequencer, make.pdq(), make.pdq())
    press(staff, "hashlistentry", "quarantine", entry, because="being looked into")
    sequencer.run_until_idle()
    assert (state(entry), state(noise)) == (State.QUARANTINED, State.LISTED)
    review = EntryReview.objects.open().get()
    assert review.cause == ReviewCause.QUARANTINED

    press(staff, "entryreview", "ask_to_restore", review, because="disputes are mistaken")
    assert (sequencer.run_until_idle(), state(entry)) == (0, State.QUARANTINED)
    with pytest.raises(decide.NotYoursToDecide):
        decide.settle(ApprovalRequest.objects.get().pk, approver=ONE, allow=True)
    assert allow_the_request() == 1
    sequencer.run_until_idle()

    assert (state(entry), EntryReview.objects.open().count()) == (State.LISTED, 0)
    deeds_of = AuditEvent.objects.filter(target=f"matching.hashlistentry:{entry.pk}").order_by("pk")
    assert list(deeds_of.values_list("actor", "action", "detail__because")) == [
        (ONE, "decided: quarantine", "being looked into"),
        (OTHER, "decided: restore", "disputes are mistaken"),
    ]


def test_two_refuse_and_the_value_becomes_a_harmless_one(staff, sequencer):
    value = make.pdq()
    (entry,) = publish(sequencer, value)
    press(staff, "hashlistentry", "ask_to_refuse", entry, because="widely published")
    assert state(entry) == State.LISTED
    allow_the_request()
    sequencer.run_until_idle()
    assert (state(entry), entry.value, BenignHash.objects.get().value) == (State.REFUSED, None, value)


def test_what_changed_since_it_was_asked_for_is_passed_by(staff, sequencer):
    gone, stays = publish(sequencer, make.pdq(), make.pdq())
    press(staff, "hashlistentry", "ask_to_refuse", gone, stays)
    hashlist.release(gone.holds.values_list("pk", flat=True))
    sequencer.run_until_idle()
    assert allow_the_request() == 1
    sequencer.run_until_idle()
    assert (state(gone), state(stays)) == (State.GONE, State.REFUSED)

    with pytest.raises(DecisionNoLongerFits):
        decisions.decide(gone, DecisionKind.REFUSE, by=ONE)


def test_nothing_is_decided_without_a_reason_or_by_the_thousand(staff, sequencer, monkeypatch):
    entries = publish(sequencer, *[make.pdq() for _ in range(3)])
    assert "choose a reason" in press(staff, "hashlistentry", "quarantine", *entries, because="")
    press(staff, "hashlistentry", "quarantine", *entries, because="they told me 555-0100")
    monkeypatch.setattr(deeds, "ENTRIES_AT_ONCE", 2)
    for action in ("quarantine", "ask_to_refuse"):
        assert "2 entries at most" in press(staff, "hashlistentry", action, *entries)
    assert not EntryDecision.objects.exists()
    assert not ApprovalRequest.objects.exists()
    actions = {name for one in admin.site._registry.values() for name in one.actions or () if isinstance(name, str)}
    assert not {name for name in actions if "withdraw" in name}  # nobody withdraws for others, least of all many


def test_the_queue_shows_counts_links_to_names_and_closes_with_the_entry(staff, sequencer):
    disputed, leaves = publish(sequencer, make.pdq(), make.pdq())
    EntryReview.objects.create(entry=disputed, cause=ReviewCause.DISPUTED, agreements=1, disputes=2)
    EntryReview.objects.create(entry=leaves, cause=ReviewCause.OVER_CAP)
    hashlist.release(leaves.holds.values_list("pk", flat=True))
    sequencer.run_until_idle()

    page = staff.get(changelist("entryreview")).content.decode()
    assert disputed.pk.hex[:8] in page
    assert f"/admin/partners/feedback/?entry={disputed.pk}" in page
    assert leaves.pk.hex[:8] not in page
    assert disputed.value not in page
    assert staff.get(f"/admin/partners/feedback/?entry={disputed.pk}").status_code == 200

    press(staff, "entryreview", "leave", EntryReview.objects.open().get())
    assert not EntryReview.objects.open().exists()
    assert "settled" in staff.get(changelist("entryreview") + "?closed=yes").content.decode()


def test_what_is_held_cannot_be_left_lying(staff, sequencer, production):
    HashList.objects.update(additions_frozen_at=timezone.now())
    publish(sequencer, make.pdq())
    review = EntryReview.objects.open().get()
    assert review.cause == ReviewCause.HELD
    assert "frozen since" in staff.get(changelist("entryreview")).content.decode()
    press(staff, "entryreview", "leave", review)
    assert EntryReview.objects.open().exists()


def test_pages_need_as_many_queries_for_three_rows_as_for_one(staff, sequencer, reader, django_assert_num_queries):
    addresses = [
        changelist(model) for model in ("hashlistentry", "entryreview", "listreader", "benignhash", "hashlist")
    ]

    def fill() -> None:
        (entry,) = publish(sequencer, make.pdq())
        EntryReview.objects.create(entry=entry, cause=ReviewCause.DISPUTED)
        ListReader.objects.create(hash_list=entry.hash_list, name=entry.pk.hex)
        BenignHash.objects.create(type="pdq", value=entry.value or "", value_digest=entry.value_digest)

    fill()
    counts = {}
    for address in addresses:
        staff.get(address)
        with CaptureQueriesContext(connection) as at_one:
            assert staff.get(address).status_code == 200
        counts[address] = len(at_one)
    fill()
    fill()
    for address in addresses:
        with django_assert_num_queries(counts[address]):
            assert staff.get(address).status_code == 200


# --- find -------------------------------------------------------------------------------------------------------


def test_find_leads_to_a_random_id_and_is_audited_without_the_value(staff, sequencer):
    value = make.pdq()
    entry, gone = publish(sequencer, value, lost := make.pdq())
    hashlist.release(gone.holds.values_list("pk", flat=True))
    sequencer.run_until_idle()
    address = reverse("admin:matching_find")
    page = reverse("admin:matching_hashlistentry_change", args=[entry.pk])

    for what in (value, f"  {value.upper()}\r\n", entry.pk.hex, str(entry.pk)):
        answer = staff.post(address, {"what": what})
        assert (answer.status_code, answer["Location"]) == (302, page)
    nothing = staff.post(address, {"what": lost}).content.decode()
    assert "No entry has this fingerprint" in nothing
    assert "withdrawn entries are erased" in nothing
    assert staff.get(address, {"what": value}).status_code == 200  # a value in an address finds nothing
    assert value not in staff.get(page).content.decode()

    searches = AuditEvent.objects.filter(action="looked for an entry")
    assert sorted(searches.values_list("detail__found", flat=True)) == [0, 1, 1, 1, 1]
    assert not AuditEvent.objects.filter(detail__icontains=value).exists()


@pytest.mark.parametrize("what", ["", " ", "0" * 32, "x" * 60_001, "%00", "'; --", "\ud7ff" * 9])
def test_find_takes_anything_kindly(what, staff, sequencer):
    assert staff.post(reverse("admin:matching_find"), {"what": what}).status_code == 200


# --- additions, canaries, floors, what is harmless --------------------------------------------------------------


def test_one_stops_additions_and_two_let_them_through(staff, sequencer, production):
    press(staff, "hashlist", "freeze", production)
    (held,) = publish(sequencer, make.pdq())
    assert held.state == State.HELD

    press(staff, "hashlist", "ask_to_unfreeze_and_list", production)
    assert HashList.objects.get().additions_frozen_at is not None
    assert allow_the_request() == 1
    sequencer.run_until_idle()

    assert (state(held), HashList.objects.get().additions_frozen_at) == (State.LISTED, None)
    assert not EntryReview.objects.open().exists()


def test_canaries_take_two_and_a_leak_is_traced(staff, sequencer, reader):
    press(staff, "listreader", "ask_for_canaries", reader)
    assert not Hold.objects.exists()
    allow_the_request()
    Hold.objects.update(ready_at=timezone.now() - timedelta(hours=1))
    sequencer.run_until_idle()
    leaked = "\r\n".join(value or "" for value in HashListEntry.objects.values_list("value", flat=True)).upper()

    page = staff.post(reverse("admin:matching_listreader_trace"), {"values": leaked}).content.decode()

    assert f">{reader.name}</a></th><td>8</td>" in page
    none = staff.post(reverse("admin:matching_listreader_trace"), {"values": make.pdq()}).content.decode()
    assert "None of these is a canary" in none
    press(staff, "listreader", "ask_to_retire_canaries", reader)
    assert allow_the_request() == 8
    assert canaries.counts() == {reader.pk: 8}  # until the sequencer takes them off
    sequencer.run_until_idle()
    assert canaries.counts() == {}


def test_a_trust_floor_sends_its_reader_for_a_whole_copy(staff, sequencer, reader):
    address = reverse("admin:matching_listreader_change", args=[reader.pk])
    form = {"name": reader.name, "is_public": "on", "trust_floor": "1"}
    staff.post(address, form)
    reader.refresh_from_db()
    assert (reader.trust_floor, reader.resync_since) == (1, None)

    staff.post(address, {**form, "trust_floor": "2"})
    reader.refresh_from_db()
    assert reader.trust_floor == 2
    assert reader.resync_since is not None
    assert AuditEvent.objects.filter(action="set a trust floor", actor=ONE, detail__floor=2).count() == 1
    assert staff.post(address, {**form, "trust_floor": "7"}).status_code == 200  # there is no such floor


def test_two_change_what_is_harmless(staff, sequencer):
    value = make.pdq()
    form = {"type": "pdq", "value": value, "reason": "A logo"}
    assert staff.post(reverse("admin:matching_benignhash_propose"), form).status_code == 302
    assert not BenignHash.objects.exists()
    row = allow_the_request()
    assert publish(sequencer, value)[0].state == State.HELD

    press(staff, "benignhash", "ask_to_forget", row)
    assert allow_the_request() == 1
    assert not BenignHash.objects.exists()
    wrong = staff.post(reverse("admin:matching_benignhash_propose"), {**form, "value": "f" * 64})
    assert (wrong.status_code, ApprovalRequest.objects.open().count()) == (200, 0)


def test_every_deed_says_exactly_what_it_does(sequencer, reader):
    (entry,) = publish(sequencer, make.pdq())
    Account.objects.create_superuser(ONE)
    asked = [
        deeds.propose(deeds.RESTORE, [entry], because="another reason", by=ONE),
        deeds.propose(deeds.REFUSE, [entry], because="another reason", by=ONE),
        deeds.propose_unfreeze(entry.hash_list, list_held=True, by=ONE),
        deeds.propose_unfreeze(entry.hash_list, list_held=False, by=ONE),
        deeds.propose_canaries(reader, by=ONE),
        deeds.propose_retirement(reader, by=ONE),
        deeds.propose_harmless(type="pdq", value=entry.value or "", reason="A logo", by=ONE),
        deeds.propose_harmless_no_more([BenignHash(pk=7)], by=ONE),
    ]
    from takeitdown.approvals import kinds

    said = []
    for request in asked:
        kind = kinds.get(request.kind)
        assert kind is not None
        said.append(kind.describe(request.payload))
    assert len(set(said)) == 8
    assert all(text.endswith(".") and "%(" not in text for text in said)
    assert entry.pk.hex[:8] in said[0]
