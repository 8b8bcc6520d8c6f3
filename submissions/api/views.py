"""What the report page posts: plain Django views, without sessions, cookies of their own or DRF."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from submissions import access, case_numbers, intake, padding, reports
from submissions.errors import CaseClosed, FromElsewhere, PostOnly
from submissions.origin import is_ours
from takeitdown import limits
from takeitdown.api.problems import PROBLEM, problem_members
from takeitdown.api.strict_json import json_body
from takeitdown.errors import Refused

ApiView = Callable[[HttpRequest], HttpResponse]


def intake_view(view: ApiView) -> ApiView:
    """POST from our own page only, and every refusal a problem document of the same length as a success."""

    @csrf_exempt
    @wraps(view)
    def inner(request: HttpRequest) -> HttpResponse:
        try:
            if request.method != "POST":
                raise PostOnly
            if not is_ours(request):
                raise FromElsewhere
            limits.check(request, group="intake", rate=settings.INTAKE_RATE)
            return view(request)
        except Refused as refusal:
            return _problem(refusal)

    return inner


def _problem(refusal: Refused) -> HttpResponse:
    reply = padding.intake_reply(problem_members(refusal), status=refusal.status, content_type=PROBLEM)
    if retry_after := getattr(refusal, "retry_after", None):
        reply["Retry-After"] = str(retry_after)
    if refusal.status == PostOnly.status:
        reply["Allow"] = "POST"
    return reply


def _body(request: HttpRequest) -> object:
    return json_body(request, at_most=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


@intake_view
def open_case(request: HttpRequest) -> HttpResponse:
    """POST /api/reports/: a new case."""
    opened = intake.open_case(reports.read_report(_body(request)))
    members = {"case_number": case_numbers.written(opened.number), "pin": opened.pin}
    return padding.intake_reply(members, status=201)


@intake_view
def add_files(request: HttpRequest) -> HttpResponse:
    """POST /api/reports/add/: more files for the case that this browser has open."""
    case = access.remembered(request)
    if case is None:
        raise CaseClosed
    intake.add_files(case, reports.read_addition(_body(request)))
    return access.remember(case, padding.intake_reply({"added": True}, status=201))
