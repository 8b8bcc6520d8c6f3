"""The door: what people type, guessing, peppers, the cookie."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.http import HttpResponse
from django.test import RequestFactory

from submissions import access, case_numbers, guesses, peppers
from submissions.case_numbers import MistypedNumber, MistypedPin
from submissions.errors import CaseNotFound
from submissions.models import Case, GuessBudget
from tests.submissions.conftest import Clock, Reporter, new_reporter

NUMBER, PIN = case_numbers.derive(b"master", bytes(range(32)))


def wrong(pin: str) -> str:
    return f"{(int(pin) + 1) % 10**8:08d}"


def unknown_number() -> str:
    return case_numbers.derive(b"another master", bytes(range(32)))[0]


# --- what people type ---------------------------------------------------------------------------------------------


def test_a_code_is_thirteen_characters_with_a_check_and_eight_digits():
    assert len(NUMBER) == 13
    assert case_numbers.check_character(NUMBER[:-1]) == NUMBER[-1]
    assert case_numbers.written("ABCD0123WXYZ7") == "ABCD-0123-WXYZ-7"
    assert len(PIN) == 8


@pytest.mark.parametrize(
    "typed",
    [NUMBER, NUMBER.lower(), case_numbers.written(NUMBER), f"  {NUMBER} ", "\u00a0".join(NUMBER), "–".join(NUMBER),
     f"{NUMBER}\r\n", NUMBER.replace("0", "O"), NUMBER.replace("0", "o"), NUMBER.replace("1", "l"),
     NUMBER.replace("1", "I")],
)  # fmt: skip
def test_read_number_forgives_how_it_is_written(typed: str):
    assert case_numbers.read_number(typed) == NUMBER


def test_read_number_forgives_letters_that_stand_for_digits():
    body = "01" * 6
    number = body + case_numbers.check_character(body)
    assert case_numbers.read_number(number.replace("0", "o").replace("1", "L")) == number
    assert case_numbers.read_number(number.replace("0", "O").replace("1", "i")) == number


@pytest.mark.parametrize(
    "typed",
    ["", NUMBER[:-1], NUMBER + "0", None, 7, [NUMBER], {"a": 1}, True, "0" * 10**6, "U" * 13, NUMBER[:-1] + "\u212a",
     NUMBER[:-1] + "ı", "Ａ" * 13, "１" * 13, NUMBER + "\u200b", NUMBER[:5] + "\x00" + NUMBER[6:],
     NUMBER[:5] + "_" * 8],
)  # fmt: skip
def test_read_number_refuses_what_only_looks_alike(typed: object):
    with pytest.raises(MistypedNumber):
        case_numbers.read_number(typed)


def test_every_single_slip_is_noticed():
    for place in range(13):
        for char in case_numbers.ALPHABET:
            slipped = NUMBER[:place] + char + NUMBER[place + 1 :]
            if slipped != NUMBER:
                with pytest.raises(MistypedNumber):
                    case_numbers.read_number(slipped)


@pytest.mark.parametrize("typed", [PIN, f" {PIN}", f"{PIN[:4]} {PIN[4:]}", f"{PIN[:4]}-{PIN[4:]}", f"{PIN}\u00a0"])
def test_read_pin_forgives_spaces(typed: str):
    assert case_numbers.read_pin(typed) == PIN


@pytest.mark.parametrize("digits", ["٠١٢٣٤٥٦٧٨٩", "۰۱۲۳۴۵۶۷۸۹"])
def test_codes_may_be_typed_on_an_arabic_keyboard(digits: str):
    arabic = str.maketrans("0123456789", digits)
    assert case_numbers.read_pin(PIN.translate(arabic)) == PIN
    assert case_numbers.read_pin(f"\u200f{PIN.translate(arabic)}\u200e") == PIN
    assert case_numbers.read_number(f"\u2068{NUMBER.translate(arabic)}\u2069") == NUMBER


@pytest.mark.parametrize(
    "typed",
    ["１２３４５６７８", "०१२३४५६७", "٠١٢٣٤٥٦", "1_000_00", "1234567²", "12345678" * 10**5, "", "1234567", "123456789",
     "+1234567", None, True, 12345678, ["12345678"], {"pin": 1}, "1e999999", "0x123456"],
)  # fmt: skip
def test_read_pin_refuses_what_is_no_pin(typed: object):
    with pytest.raises(MistypedPin):
        case_numbers.read_pin(typed)


# --- opening ------------------------------------------------------------------------------------------------------


def test_unlock_case_opens_ones_own_case(reporter: Reporter, another_reporter: Reporter):
    assert access.unlock_case(**reporter.code) == reporter.case
    assert access.unlock_case(**another_reporter.code) == another_reporter.case


def test_one_refusal_for_unknown_wrong_locked_and_deleted(reporter: Reporter, another_reporter: Reporter, clock: Clock):
    details = set()
    for _ in range(12):
        with pytest.raises(CaseNotFound) as caught:
            access.unlock_case(number=reporter.number, pin=wrong(reporter.pin))
        details.add((caught.value.detail, caught.value.status, caught.value.code))
    for code in (
        reporter.code,  # right, but locked by now
        {"number": unknown_number(), "pin": PIN},
        {"number": another_reporter.number, "pin": reporter.pin},
    ):
        with pytest.raises(CaseNotFound) as caught:
            access.unlock_case(**code)
        details.add((caught.value.detail, caught.value.status, caught.value.code))
    assert len(details) == 1


def test_the_same_queries_for_unknown_wrong_and_locked(reporter: Reporter):
    unknown = {"number": unknown_number(), "pin": PIN}
    bad = {"number": reporter.number, "pin": wrong(reporter.pin)}
    runs: list[list[str]] = []

    def note(execute: Callable[..., object], sql: str, *rest: object) -> object:
        runs[-1].append(re.sub(r"_x\d+", "", sql))  # savepoints are numbered
        return execute(sql, *rest)

    for code in [unknown, bad, *[bad] * 7, unknown]:  # the last of `bad` are refused by the budget
        runs.append([])
        with connection.execute_wrapper(note), pytest.raises(CaseNotFound):
            access.unlock_case(**code)

    assert all(run == runs[0] for run in runs)


def test_a_case_moves_to_the_newest_pepper_at_its_persons_visit(reporter: Reporter, settings):
    settings.PEPPERS = [f"2:{'0f1e2d3c' * 8}", *settings.PEPPERS]

    access.unlock_case(**reporter.code)

    case = Case.objects.get(pk=reporter.case.pk)
    assert case.pepper_version == 2
    settings.PEPPERS = settings.PEPPERS[:1]
    assert access.unlock_case(**reporter.code) == case


def test_a_case_stays_shut_under_another_pepper(reporter: Reporter, settings):
    settings.PEPPERS = [f"9:{'0f1e2d3c' * 8}"]
    with pytest.raises(CaseNotFound):
        access.unlock_case(**reporter.code)


def test_a_pepper_prints_no_key():
    assert peppers.newest().key.hex() not in repr(peppers.live())


# --- guessing -----------------------------------------------------------------------------------------------------


def test_wait_minutes_five_free_then_doubling_then_a_day():
    minutes: list[int] = []
    waits = []
    now = 10_000
    for _ in range(10):
        wait = guesses.wait_minutes(minutes, now)
        waits.append(wait)
        now += wait
        minutes.append(now)
    assert waits == [0, 0, 0, 0, 0, 1, 2, 4, 8, 16]
    assert guesses.wait_minutes(minutes, now) == 10_000 + guesses.DAY_MINUTES - now
    assert guesses.wait_minutes(minutes, 10_000 + guesses.DAY_MINUTES) == 0


@pytest.mark.django_db
def test_never_more_than_ten_guesses_in_any_24_hours_of_a_month(clock: Clock):
    evaluated = []
    number = unknown_number()
    begun = clock.now
    while clock.now < begun + timedelta(days=30):
        if guesses.charge(number) is not None:
            evaluated.append(clock.now)
        clock.forward(minutes=47)
    for moment in evaluated:
        assert sum(1 for other in evaluated if moment <= other < moment + timedelta(days=1)) <= 10
    assert len(evaluated) > 250  # never permanent


def test_the_right_pin_opens_again_a_day_after_somebody_elses_guesses(reporter: Reporter, clock: Clock):
    for _ in range(20):
        with pytest.raises(CaseNotFound):
            access.unlock_case(number=reporter.number, pin=wrong(reporter.pin))
        clock.forward(hours=1)
    clock.forward(days=1)
    assert access.unlock_case(**reporter.code) == reporter.case


def test_right_pins_cost_nothing_and_forgive_no_wrong_ones(reporter: Reporter, clock: Clock):
    for _ in range(4):
        with pytest.raises(CaseNotFound):
            access.unlock_case(number=reporter.number, pin=wrong(reporter.pin))
    for _ in range(30):
        access.unlock_case(**reporter.code)
    assert len(GuessBudget.objects.get().minutes) == 4


def test_guesses_at_one_case_leave_another_alone(reporter: Reporter, another_reporter: Reporter):
    for _ in range(12):
        with pytest.raises(CaseNotFound):
            access.unlock_case(number=reporter.number, pin=wrong(reporter.pin))
    assert access.unlock_case(**another_reporter.code) == another_reporter.case


def test_guesses_are_counted_for_unknown_numbers_and_cannot_be_joined_to_cases(reporter: Reporter):
    for number in (reporter.number, unknown_number()):
        with pytest.raises(CaseNotFound):
            access.unlock_case(number=number, pin=wrong(reporter.pin))
    assert GuessBudget.objects.count() == 2
    hashes = {bytes(value) for value in Case.objects.values_list("number_hash", flat=True)}
    assert not hashes & {bytes(value) for value in GuessBudget.objects.values_list("number_hash", flat=True)}


@pytest.mark.django_db(transaction=True)
def test_two_hundred_guesses_at_once_are_ten_at_most(monkeypatch):
    reporter = new_reporter()
    evaluated: list[int | None] = []
    charge = guesses.charge

    def noted(number: str) -> int | None:
        minute = charge(number)
        evaluated.append(minute)
        return minute

    monkeypatch.setattr(guesses, "charge", noted)
    start = threading.Barrier(20)

    def guess() -> None:
        start.wait()
        for _ in range(10):
            try:
                access.unlock_case(number=reporter.number, pin=wrong(reporter.pin))
            except CaseNotFound:
                continue
        connection.close()

    threads = [threading.Thread(target=guess) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(evaluated) == 200
    assert 5 <= sum(1 for minute in evaluated if minute is not None) <= 10


# --- the cookie ---------------------------------------------------------------------------------------------------


def with_cookie(value: str):
    request = RequestFactory().get("/en/case/")
    request.COOKIES[access.COOKIE] = value
    return request


def test_remember_sets_one_signed_cookie_with_the_random_id_alone(reporter: Reporter, settings):
    settings.HTTPS = True
    response = access.remember(reporter.case, HttpResponse())

    (cookie,) = response.cookies.values()
    assert cookie.value.split(":")[0] == reporter.case.pk.hex
    assert (cookie["httponly"], cookie["samesite"], cookie["secure"], cookie["max-age"]) == (True, "Strict", True, 1200)
    assert access.remembered(with_cookie(cookie.value)) == reporter.case


def test_remembered_forgets_after_twenty_minutes(reporter: Reporter, clock: Clock, monkeypatch):
    value = access.remember(reporter.case, HttpResponse()).cookies[access.COOKIE].value
    later = time.time() + 20 * 60 + 2
    monkeypatch.setattr("django.core.signing.time.time", lambda: later)
    assert access.remembered(with_cookie(value)) is None


@pytest.mark.parametrize("value", ["", "x", ":::", "0" * 10_000, "\x00", "é"])
def test_remembered_takes_no_forged_cookie(reporter: Reporter, value: str):
    assert access.remembered(with_cookie(value)) is None
    assert access.remembered(with_cookie(f"{reporter.case.pk.hex}:{value}")) is None
