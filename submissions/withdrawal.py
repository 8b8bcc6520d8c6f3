"""Taking files off the list again. Always prompt, never asked why."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from matching import hashlist
from submissions.models import Case, Submission


@transaction.atomic
def withdraw_submission(submission: Submission) -> None:
    """Take one file off the hash list, at the reporter's word and without asking why.

    The sequencer publishes the tombstone, unless another reporter still holds the hash. Repeating is harmless.
    """
    case = Case.objects.select_for_update().get(pk=submission.case_id)
    won = Submission.objects.active().filter(pk=submission.pk).update(withdrawn_on=timezone.localdate())
    if not won:
        return  # already withdrawn, perhaps in a second tab
    hashlist.release(submission.hold_ids())
    _close_if_empty(case)


@transaction.atomic
def withdraw_case(case: Case) -> None:
    """Take every file of a case off the hash list. Repeating is harmless."""
    locked = Case.objects.select_for_update().get(pk=case.pk)  # a file added in another tab comes before or after
    active = locked.submissions.active()
    holds = active.hold_ids()
    active.update(withdrawn_on=timezone.localdate())
    hashlist.release(holds)
    _close_if_empty(locked)


def _close_if_empty(case: Case) -> None:
    """A case with no file left says so for a while and is then deleted (retention.py)."""
    if not case.submissions.active().exists():
        Case.objects.filter(pk=case.pk, withdrawn_on=None).update(withdrawn_on=timezone.localdate())
