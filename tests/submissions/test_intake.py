from __future__ import annotations

import copy
import threading
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from matching import hashlist
from matching.hashlist import Wanted
from matching.models import Hold
from submissions import access, case_numbers, intake, peppers
from submissions.errors import AnotherReport, CaseFull
from submissions.intake import Opened
from submissions.models import Case, Fingerprint, IntakeReceipt, Submission
from submissions.reports import read_addition, read_report
from tests import make
from tests.submissions.conftest import Reporter

pytestmark = pytest.mark.django_db


def addition(*files: dict[str, Any]) -> dict[str, Any]:
    body = make.report(*files)
    del body["about"]
    return body


def test_open_case_records_files_and_asks_for_a_hold_for_each_fingerprint():
    body = make.report(make.picture(), make.picture())

    opened = intake.open_case(read_report(body))

    case = Case.objects.get()
    sent = [fingerprint for file in body["files"] for fingerprint in file["fingerprints"]]
    assert sorted(Hold.objects.values_list("type", "value")) == sorted((one["type"], one["value"]) for one in sent)
    assert {bytes(hold.asker or b"") for hold in Hold.objects.all()} == {case.pk.bytes}
    assert [(file.ordinal, file.media) for file in case.submissions.all()] == [(1, "image"), (2, "image")]
    assert sorted(f.quality for f in Fingerprint.objects.all() if f.quality is not None) == [87, 87]
    assert access.unlock_case(number=opened.number, pin=opened.pin) == case


def test_open_case_keeps_neither_number_nor_pin_nor_a_time_finer_than_an_hour():
    opened = intake.open_case(read_report(make.report()))

    case = Case.objects.get()
    assert bytes(case.number_hash) == peppers.newest().of_number(opened.number)
    assert bytes(case.pin_hash) == peppers.newest().of_pin(opened.number, opened.pin)
    for moment in (case.opened_hour, IntakeReceipt.objects.get().made_hour):
        assert (moment.minute, moment.second, moment.microsecond) == (0, 0, 0)


def test_open_case_again_shows_the_same_code_and_changes_nothing():
    body = make.report()

    first = intake.open_case(read_report(body))
    rows = (Case.objects.count(), Submission.objects.count(), Hold.objects.count(), IntakeReceipt.objects.count())
    again = intake.open_case(read_report(copy.deepcopy(body)))

    assert again == first
    assert (Case.objects.count(), Submission.objects.count(), Hold.objects.count()) == rows[:3]
    assert rows == (1, 1, 3, 1)


def test_open_case_after_the_receipt_is_forgotten_still_opens_no_second_case():
    body = make.report()
    first = intake.open_case(read_report(body))
    IntakeReceipt.objects.all().delete()

    assert intake.open_case(read_report(body)) == first
    assert (Case.objects.count(), Hold.objects.count()) == (1, 3)


def test_open_case_under_a_new_pepper_still_finds_the_case_of_the_old_one(settings):
    body = make.report()
    first = intake.open_case(read_report(body))
    settings.PEPPERS = [f"2:{'0f1e2d3c' * 8}", *settings.PEPPERS]

    assert intake.open_case(read_report(body)) == first
    assert Case.objects.count() == 1


def test_open_case_refuses_another_report_under_the_same_key():
    body = make.report()
    intake.open_case(read_report(body))
    body["files"] = [make.picture()]

    with pytest.raises(AnotherReport):
        intake.open_case(read_report(body))
    assert Hold.objects.count() == 3


def test_a_report_and_its_receipt_print_no_value():
    body = make.report()
    report = read_report(body)
    opened = intake.open_case(report)

    shown = repr(report) + repr(opened) + "".join(map(str, [*Case.objects.all(), *Submission.objects.all()]))
    secrets = [one["value"] for one in body["files"][0]["fingerprints"]]
    for secret in [*secrets, opened.number, opened.pin, body["idempotency_key"]]:
        assert secret not in shown


def test_low_quality_keeps_exact_fingerprints_and_leaves_the_similar_ones_out():
    plain = make.picture()
    plain["fingerprints"][0]["quality"] = 49

    intake.open_case(read_report(make.report(plain)))

    assert sorted(Hold.objects.values_list("type", flat=True)) == ["md5", "sha256"]


def test_add_files_numbers_on_and_puts_a_withdrawn_case_to_use_again(reporter: Reporter):
    Case.objects.filter(pk=reporter.case.pk).update(withdrawn_on="2026-01-01")

    intake.add_files(reporter.case, read_addition(addition()))

    case = Case.objects.get()
    assert [file.ordinal for file in case.submissions.all()] == [1, 2, 3]
    assert case.withdrawn_on is None


def test_add_files_again_changes_nothing(reporter: Reporter):
    body = addition()
    intake.add_files(reporter.case, read_addition(body))
    intake.add_files(reporter.case, read_addition(body))

    assert reporter.case.submissions.count() == 3


def test_add_files_refuses_what_was_added_to_another_case(reporter: Reporter, another_reporter: Reporter):
    body = addition()
    intake.add_files(another_reporter.case, read_addition(body))

    with pytest.raises(AnotherReport):
        intake.add_files(reporter.case, read_addition(body))
    assert reporter.case.submissions.count() == 2


def test_add_files_refuses_more_than_a_case_holds(reporter: Reporter):
    for _ in range(3):
        intake.add_files(reporter.case, read_addition(addition(*[make.picture() for _ in range(25)])))

    with pytest.raises(CaseFull):
        intake.add_files(reporter.case, read_addition(addition(*[make.picture() for _ in range(24)])))
    assert reporter.case.submissions.count() == 77


def test_a_report_of_many_files_takes_as_many_statements_as_one_of_one():
    counts = []
    for pictures in (1, 1, 25):  # the first one's may include what a connection asks once
        report = read_report(make.report(*[make.picture() for _ in range(pictures)]))
        with CaptureQueriesContext(connection) as queries:
            intake.open_case(report)
        counts.append(len(queries))

    assert counts[1] == counts[2]


@pytest.mark.postgresql
def test_the_servers_list_of_statements_shows_no_fingerprint():
    value = make.digest()
    connection.ensure_connection()

    hashlist.ask([Wanted("sha256", "image", value)], asker=bytes(16))

    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT query FROM pg_stat_activity WHERE pid = %s", [connection.connection.info.backend_pid])
        (shown,) = cursor.fetchone()
    other.close()
    assert shown.startswith("INSERT")
    assert value not in shown


@pytest.mark.django_db(transaction=True)
def test_a_hundred_identical_reports_at_once_open_one_case():
    body = make.report()
    answers: list[Opened | Exception] = []
    start = threading.Barrier(20)

    def send() -> None:
        start.wait()
        try:
            for _ in range(5):
                answers.append(intake.open_case(read_report(body)))
        except Exception as problem:
            answers.append(problem)
        finally:
            connection.close()

    threads = [threading.Thread(target=send) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(answers) == 100
    assert len({(one.number, one.pin) for one in answers if isinstance(one, Opened)}) == 1
    assert [one for one in answers if not isinstance(one, Opened)] == []
    assert (Case.objects.count(), Submission.objects.count(), Hold.objects.count()) == (1, 1, 3)


def test_derived_codes_use_the_whole_alphabet_evenly():
    counts = dict.fromkeys(case_numbers.ALPHABET, 0)
    digits = dict.fromkeys("0123456789", 0)
    for turn in range(2000):
        number, pin = case_numbers.derive(b"master", turn.to_bytes(32, "big"))
        for char in number[:-1]:
            counts[char] += 1
        for digit in pin:
            digits[digit] += 1
    # χ² with 31 and 9 degrees of freedom; the limits are passed by chance once in 10,000 runs, and these are fixed.
    assert sum((n - 750) ** 2 / 750 for n in counts.values()) < 68
    assert sum((n - 1600) ** 2 / 1600 for n in digits.values()) < 34
