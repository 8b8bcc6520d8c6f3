"""What is kept how long, and forgetting the rest. Each of these finds its work itself and may run twice."""

from __future__ import annotations

import uuid
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from matching import hashlist
from submissions.models import Case, Fingerprint, GuessBudget, IntakeReceipt, Message, Submission

RECEIPTS_KEPT = timedelta(hours=24)
MESSAGES_KEPT = timedelta(days=90)
WITHDRAWN_CASES_KEPT = timedelta(days=30)
CASES_AT_ONCE = 500


def forget_receipts() -> int:
    """Forget that reports older than a day were taken; how many. Receipts know only the hour they were made in."""
    whole_hour = timedelta(hours=1)
    deleted, _ = IntakeReceipt.objects.filter(made_hour__lte=timezone.now() - RECEIPTS_KEPT - whole_hour).delete()
    return deleted


def forget_guesses() -> int:
    """Forget guesses that no longer slow anybody down: the last of them is more than 24 hours old."""
    deleted, _ = GuessBudget.objects.untouched_since(timezone.now().date() - timedelta(days=1)).delete()
    return deleted


def delete_messages() -> int:
    """Delete messages that are older than 90 days; how many."""
    deleted, _ = Message.objects.sent_before(timezone.localdate() - MESSAGES_KEPT).delete()
    return deleted


def delete_withdrawn_cases() -> int:
    """Delete the cases that have said "withdrawn" for 30 days; how many."""
    due = Case.objects.withdrawn_before(timezone.localdate() - WITHDRAWN_CASES_KEPT)
    ids = list(due.values_list("pk", flat=True)[:CASES_AT_ONCE])
    return sum(_delete(case_id) for case_id in ids)


@transaction.atomic
def _delete(case_id: uuid.UUID) -> int:
    """Delete one case with its files and fingerprints, if it is still withdrawn. The holds stay with the list."""
    due = Case.objects.withdrawn_before(timezone.localdate() - WITHDRAWN_CASES_KEPT)
    case = due.select_for_update().filter(pk=case_id).first()
    if case is None or case.submissions.active().exists():
        return 0  # in use again since
    files = Submission.objects.filter(case=case)
    hashlist.release(files.hold_ids())  # released long ago; were one forgotten, it must not stay listed for nobody
    Fingerprint.objects.filter(submission__in=files).delete()
    files.delete()
    Message.objects.of(case).delete()
    case.delete()
    return 1
