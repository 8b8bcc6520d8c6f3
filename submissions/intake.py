"""Taking reports: check, record, ask the list for a hold. One transaction; the list itself is never read.

Unique rows are made by INSERT … ON CONFLICT DO NOTHING: PostgreSQL would write a violated unique key, values included,
into its log.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from matching import hashlist
from matching.models.hold import random_id
from submissions import access, case_numbers, peppers
from submissions.errors import AnotherReport, CaseFull
from submissions.models import Case, Fingerprint, IntakeReceipt, Submission
from submissions.reports import Report, ReportedFile

MOST_FILES_IN_A_CASE = 100


@dataclass(frozen=True)
class Opened:
    """What the person writes down. Shown once, and again to whoever sends the same report with the same key."""

    number: str = field(repr=False)
    pin: str = field(repr=False)


@transaction.atomic
def open_case(report: Report) -> Opened:
    """Open a case with a report's files. Sending the same report again changes nothing and answers the same.

    Raises AnotherReport when the key came with another report before.
    """
    number, pin = case_numbers.derive(settings.RECEIPT_MASTER.encode(), report.key)
    known = access.find(number)  # sent before, perhaps so long ago that its receipt is forgotten
    case = known or _new_case(number, pin, about=report.about)
    if _leave_receipt(report, case.pk, report.body_digest) and known is None:
        Case.objects.bulk_create([case])
        _record_files(case, report.files, after=0)
    return Opened(number=number, pin=pin)


def _new_case(number: str, pin: str, *, about: str) -> Case:
    pepper = peppers.newest()
    return Case(
        number_hash=pepper.of_number(number),
        pin_hash=pepper.of_pin(number, pin),
        pepper_version=pepper.version,
        about=about,
        opened_hour=timezone.now().replace(minute=0, second=0, microsecond=0),
    )


@transaction.atomic
def add_files(case: Case, report: Report) -> None:
    """Put further files, or edited copies, into an open case. Sending the same again changes nothing.

    A case that was withdrawn is in use again. Raises CaseFull, or AnotherReport when the key came with something else.
    """
    locked = Case.objects.select_for_update().get(pk=case.pk)  # two tabs must not give one ordinal twice
    digest = hashlib.sha256(
        report.body_digest + locked.pk.bytes
    ).digest()  # the same for another case is another report
    if not _leave_receipt(report, locked.pk, digest):
        return
    last = locked.submissions.aggregate(last=Max("ordinal"))["last"] or 0
    if last + len(report.files) > MOST_FILES_IN_A_CASE:
        raise CaseFull
    _record_files(locked, report.files, after=last)
    Case.objects.filter(pk=locked.pk).update(withdrawn_on=None)


def _leave_receipt(report: Report, case_id: uuid.UUID, digest: bytes) -> bool:
    """Leave a receipt for the report; False when it was taken before.

    Of a hundred at once, PostgreSQL lets the others wait here for the first one's commit.
    """
    mine = IntakeReceipt(
        key_digest=hashlib.sha256(report.key).digest(),
        body_digest=digest,
        case_id=case_id,
        made_hour=timezone.now().replace(minute=0, second=0, microsecond=0),
    )
    IntakeReceipt.objects.bulk_create([mine], ignore_conflicts=True)
    kept_id, kept_digest = IntakeReceipt.objects.values_list("pk", "body_digest").get(key_digest=mine.key_digest)
    if not constant_time_compare(bytes(kept_digest), digest):
        raise AnotherReport
    return bool(kept_id == mine.pk)


def _record_files(case: Case, files: Sequence[ReportedFile], *, after: int) -> None:
    today = timezone.localdate()
    submissions = [
        Submission(id=random_id(), case_id=case.pk, ordinal=ordinal, media=file.media, added_on=today)
        for ordinal, file in enumerate(files, start=after + 1)
    ]
    Submission.objects.bulk_create(submissions)
    flat = [(submission, one) for submission, file in zip(submissions, files, strict=True) for one in file.fingerprints]
    holds = hashlist.ask([one.wanted for _, one in flat], asker=case.pk.bytes)
    Fingerprint.objects.bulk_create(
        Fingerprint(submission_id=submission.pk, hold_id=hold.pk, quality=one.quality)
        for (submission, one), hold in zip(flat, holds, strict=True)
    )
