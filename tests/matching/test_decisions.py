"""Decisions on their way: what staff and votes ask for, at once and one after the other."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from matching import decisions, epochs, hashlist
from matching.errors import DecisionNoLongerFits
from matching.hashlist import Wanted
from matching.models import DecisionKind, EntryDecision, EntryReview, HashListEntry, ReviewCause, State
from matching.sequencer import Sequencer
from matching.trust import Votes
from takeitdown.audit.models import AuditEvent
from tests import make

STAFF = "staff@example.org"


@pytest.fixture
def entry(sequencer: Sequencer) -> HashListEntry:
    hashlist.ask([Wanted("pdq", "image", make.pdq())], asker=bytes(16))
    sequencer.run_until_idle()
    return HashListEntry.objects.get()


def vote(entry: HashListEntry, agreements: int, disputes: int) -> list[str]:
    """Count votes on an entry; returns what waits for the sequencer then."""
    decisions.apply_votes(entry, Votes(agreements, disputes))
    return list(EntryDecision.objects.order_by("pk").values_list("kind", flat=True))


def test_votes_replace_what_they_asked_for_and_nobody_elses(entry):
    assert vote(entry, 1, 0) == ["confirm"]
    assert vote(entry, 2, 0) == ["confirm"]
    assert vote(entry, 0, 0) == []
    decisions.decide(entry, DecisionKind.QUARANTINE, by=STAFF)
    assert vote(entry, 1, 0) == ["quarantine"]
    assert vote(entry, 0, 2) == ["quarantine"]


def test_a_quarantine_by_votes_is_audited_and_waits_for_people_once(entry, sequencer):
    for _again in range(3):
        vote(entry, 0, 2)
    sequencer.run_until_idle()
    entry.refresh_from_db()
    vote(entry, 0, 3)
    review = EntryReview.objects.open().get()
    assert (review.cause, review.agreements, review.disputes) == (ReviewCause.QUARANTINED, 0, 3)
    assert AuditEvent.objects.filter(actor=decisions.VOTES).count() == 1


def test_people_look_again_only_at_what_is_new(entry):
    then = timezone.now()
    decisions.apply_votes(entry, Votes(1, 2), disputed_at=then)
    decisions.leave_as_it_is(EntryReview.objects.get(), by=STAFF)
    with pytest.raises(DecisionNoLongerFits):
        decisions.leave_as_it_is(EntryReview.objects.get(), by=STAFF)
    decisions.apply_votes(entry, Votes(1, 2), disputed_at=then)
    assert not EntryReview.objects.open().exists()
    decisions.apply_votes(entry, Votes(1, 3), disputed_at=timezone.now() + timedelta(seconds=1))
    assert EntryReview.objects.open().count() == 1


def test_what_does_not_fit_is_refused(entry, sequencer):
    for kind in (DecisionKind.RESTORE, DecisionKind.UNCONFIRM):
        with pytest.raises(DecisionNoLongerFits):
            decisions.decide(entry, kind, by=STAFF)
    decisions.decide(entry, DecisionKind.REFUSE, by=STAFF)
    with pytest.raises(DecisionNoLongerFits):  # it is on its way out already
        decisions.decide(entry, DecisionKind.QUARANTINE, by=STAFF)
    assert AuditEvent.objects.filter(actor=STAFF).count() == 1


def test_a_withdrawal_settles_whatever_is_open_even_after_a_restore(entry, sequencer):
    vote(entry, 0, 2)
    sequencer.run_until_idle()
    hold = entry.holds.get()
    sequencer.ledger.append([hold.pk])
    epochs.begin_after_restore(sequencer, entry.hash_list)
    entry.refresh_from_db()
    assert (entry.state, EntryReview.objects.open().count()) == (State.GONE, 0)


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_two_members_of_staff_at_once_decide_once(entry):
    came: list[str] = []
    barrier = threading.Barrier(2)

    def decide(kind: DecisionKind) -> Callable[[], None]:
        def run() -> None:
            try:
                barrier.wait(30)
                decisions.decide(entry, kind, by=STAFF)
                came.append("done")
            except DecisionNoLongerFits:
                came.append("too late")
            finally:
                connection.close()

        return run

    threads = [threading.Thread(target=decide(DecisionKind.REFUSE)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert sorted(came) == ["done", "too late"]
    assert EntryDecision.objects.count() == 1
