"""Opening a case with number and PIN, and staying in it for a while."""

from __future__ import annotations

import uuid
from typing import TypeVar

from django.conf import settings
from django.core import signing
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.utils.crypto import constant_time_compare

from submissions import case_numbers, guesses, peppers
from submissions.errors import CaseNotFound
from submissions.models import Case

COOKIE = "visit"
IDLE_SECONDS = 20 * 60
_signer = signing.TimestampSigner(salt="submissions.access")
AnyResponse = TypeVar("AnyResponse", bound=HttpResponseBase)


def unlock_case(*, number: str, pin: str) -> Case:
    """The case behind what somebody typed. Raises MistypedNumber or MistypedPin for what can't be a code at all.

    Raises CaseNotFound, with the same work done, for an unknown number, a wrong PIN, too many guesses, a deleted case.
    """
    number, pin = case_numbers.read_number(number), case_numbers.read_pin(pin)
    charged = guesses.charge(number)
    # Three columns and no model: what is found must not cost measurably more than what is not.
    row = _under_any_pepper(number).values_list("pk", "pin_hash", "pepper_version").first()
    case_id, kept, version = row or (None, bytes(32), peppers.newest().version)  # nobody's PIN hashes to zeros
    fits = constant_time_compare(bytes(kept), _pepper(version).of_pin(number, pin))
    if case_id is None or not fits or charged is None:
        raise CaseNotFound
    guesses.refund(number, charged)
    return _at_newest_pepper(Case.objects.get(pk=case_id), number, pin)


def find(number: str) -> Case | None:
    """The case with that number, under whichever live pepper it is kept."""
    return _under_any_pepper(number).first()


def _under_any_pepper(number: str) -> QuerySet[Case]:
    return Case.objects.filter(number_hash__in=[pepper.of_number(number) for pepper in peppers.live()])


def _pepper(version: int) -> peppers.Pepper:
    return next(pepper for pepper in peppers.live() if pepper.version == version)


def _at_newest_pepper(case: Case, number: str, pin: str) -> Case:
    """Rotation happens at a person's next visit: only then are number and PIN here to be hashed anew."""
    newest = peppers.newest()
    if case.pepper_version != newest.version:
        case.number_hash, case.pin_hash = newest.of_number(number), newest.of_pin(number, pin)
        case.pepper_version = newest.version
        case.save(update_fields=["number_hash", "pin_hash", "pepper_version"])
    return case


def remember(case: Case, response: AnyResponse) -> AnyResponse:
    """Keep the case open in this browser for twenty minutes from now: one signed cookie, no session row.

    Its path is the whole site because files are added through `/api/reports/add/`. It ends with the browser, too.
    """
    response.set_cookie(
        COOKIE,
        _signer.sign(case.pk.hex),
        max_age=IDLE_SECONDS,
        secure=settings.HTTPS,
        httponly=True,
        samesite="Strict",
    )
    return response


def remembered(request: HttpRequest) -> Case | None:
    """The case this browser opened within the last twenty minutes."""
    try:
        signed = request.COOKIES.get(COOKIE, "")
        case_id = uuid.UUID(_signer.unsign(signed, max_age=IDLE_SECONDS))
    except (signing.BadSignature, ValueError):
        return None
    return Case.objects.filter(pk=case_id).first()


def forget(response: AnyResponse) -> AnyResponse:
    """Close the case in this browser."""
    response.delete_cookie(COOKIE, samesite="Strict")
    return response
