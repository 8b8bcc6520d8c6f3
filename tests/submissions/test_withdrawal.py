from __future__ import annotations

import pytest
from django.utils import timezone

from matching.models import Hold
from submissions.models import Case
from submissions.withdrawal import withdraw_case, withdraw_submission
from tests.submissions.conftest import Reporter

pytestmark = pytest.mark.django_db


def released(case: Case) -> int:
    return Hold.objects.released().filter(asker=case.pk.bytes).count()


def test_withdraw_submission_releases_its_holds_and_no_others(reporter: Reporter, another_reporter: Reporter):
    first, _ = reporter.case.submissions.all()

    withdraw_submission(first)

    assert set(Hold.objects.released().values_list("pk", flat=True)) == set(first.hold_ids())
    assert [file.withdrawn_on for file in reporter.case.submissions.all()] == [timezone.localdate(), None]
    assert Case.objects.filter(withdrawn_on=None).count() == 2
    assert released(another_reporter.case) == 0


def test_withdraw_submission_twice_changes_nothing_more(reporter: Reporter):
    first, _ = reporter.case.submissions.all()
    withdraw_submission(first)
    Hold.objects.update(pending=False)

    withdraw_submission(first)

    assert Hold.objects.pending().count() == 0


def test_withdrawing_the_last_file_withdraws_the_case(reporter: Reporter, another_reporter: Reporter):
    for submission in reporter.case.submissions.all():
        withdraw_submission(submission)

    assert [case.pk for case in Case.objects.exclude(withdrawn_on=None)] == [reporter.case.pk]


def test_withdraw_case_releases_everything_once(reporter: Reporter, another_reporter: Reporter):
    withdraw_case(reporter.case)
    Hold.objects.update(pending=False)
    withdraw_case(reporter.case)

    assert released(reporter.case) == 6
    assert released(another_reporter.case) == 0
    assert Hold.objects.pending().count() == 0
    assert reporter.case.submissions.active().count() == 0
