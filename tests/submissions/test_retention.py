from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import models
from django.utils import timezone

from matching.models import Hold
from submissions import guesses, retention
from submissions.models import Case, Fingerprint, GuessBudget, IntakeReceipt, Message, Submission
from submissions.withdrawal import withdraw_case
from tests.submissions.conftest import Clock, Reporter

pytestmark = pytest.mark.django_db


def test_forget_receipts_after_a_day(clock: Clock, reporter: Reporter):
    clock.forward(hours=23, minutes=59)
    assert retention.forget_receipts() == 0
    clock.forward(hours=2)
    assert retention.forget_receipts() == 1
    assert IntakeReceipt.objects.count() == 0
    assert Case.objects.count() == 1


def test_forget_guesses_once_they_slow_nobody_down(clock: Clock):
    guesses.charge("0" * 13)
    clock.forward(hours=24)
    assert retention.forget_guesses() == 0
    clock.forward(hours=24)
    assert retention.forget_guesses() == 1
    assert GuessBudget.objects.count() == 0


def test_delete_withdrawn_cases_after_thirty_days(reporter: Reporter, another_reporter: Reporter):
    withdraw_case(reporter.case)
    assert retention.delete_withdrawn_cases() == 0
    Case.objects.filter(pk=reporter.case.pk).update(withdrawn_on=timezone.localdate() - timedelta(days=31))

    assert retention.delete_withdrawn_cases() == 1
    assert retention.delete_withdrawn_cases() == 0

    assert list(Case.objects.all()) == [another_reporter.case]
    assert (Submission.objects.count(), Fingerprint.objects.count()) == (2, 6)
    assert Hold.objects.released().count() == 6  # the list still has to know that nobody stands behind them


def test_delete_withdrawn_cases_spares_one_in_use_again(reporter: Reporter):
    Case.objects.update(withdrawn_on=timezone.localdate() - timedelta(days=31))  # withdrawn, then a file was added
    assert retention.delete_withdrawn_cases() == 0
    assert Hold.objects.standing().count() == 6


def test_no_time_finer_than_a_day_on_case_tables_but_two_whole_hours():
    found = {
        f"{model.__name__}.{field.name}"
        for model in (Case, Submission, Fingerprint, IntakeReceipt, GuessBudget, Message)
        for field in model._meta.get_fields()
        if isinstance(field, models.DateTimeField | models.TimeField)
    }
    assert found == {"Case.opened_hour", "IntakeReceipt.made_hour"}
