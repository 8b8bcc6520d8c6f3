"""A person's own case: opening it, what became of it, withdrawing."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec

from django.conf import settings
from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from submissions import access, messages, status, traces, withdrawal
from submissions.forms import MessageForm, UnlockForm
from submissions.models import Case, Message
from submissions.origin import guarded_form
from submissions.padding import padded_page
from takeitdown import limits
from takeitdown.errors import Refused

P = ParamSpec("P")
CaseView = Callable[Concatenate[HttpRequest, Case, P], HttpResponse]
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def for_open_case(view: CaseView[P]) -> View[P]:
    """Hand the view the case that this browser has open, and keep it open; without one, the door is closed."""

    @wraps(view)
    def inner(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        case = access.remembered(request)
        if case is None:
            closed = {"form": UnlockForm(), "closed": True}
            return padded_page(render(request, "submissions/unlock_case.html", closed, status=403))
        return access.remember(case, padded_page(view(request, case, *args, **kwargs)))

    return inner


@guarded_form
@require_http_methods(["GET", "HEAD", "POST"])
def unlock_case(request: HttpRequest) -> HttpResponse:
    """Number and PIN, by POST alone: in an address they would stay in the browser's history."""
    if request.GET:
        raise BadRequest
    form = UnlockForm(request.POST or None)
    if form.is_valid():
        try:
            limits.check(request, group="unlock", rate=settings.UNLOCK_RATE)
            case = access.unlock_case(**form.cleaned_data)
        except Refused as refusal:
            form.add_error(None, gettext(refusal.detail))
        else:
            return access.remember(case, redirect("submissions:case"))  # one signed cookie, no session row
    return padded_page(render(request, "submissions/unlock_case.html", {"form": form}))


@require_safe
@for_open_case
def show_case(request: HttpRequest, case: Case) -> HttpResponse:
    """What became of each file at each platform, in words."""
    context = {"case": case, "lines": status.of_case(case), "answered": messages.staff_had_the_last_word(case)}
    return render(request, "submissions/case.html", context)


@guarded_form
@require_http_methods(["GET", "HEAD", "POST"])
@for_open_case
def withdraw_file(request: HttpRequest, case: Case, ordinal: int) -> HttpResponse:
    """One file: say what happens, then do it. Files of another case can't even be named here."""
    submission = get_object_or_404(case.submissions, ordinal=ordinal)
    if request.method == "POST":
        withdrawal.withdraw_submission(submission)
        return redirect("submissions:case")
    return render(request, "submissions/withdraw.html", {"submission": submission})


@guarded_form
@require_http_methods(["GET", "HEAD", "POST"])
@for_open_case
def withdraw_all(request: HttpRequest, case: Case) -> HttpResponse:
    """Every file of the case: say what happens, then do it."""
    if request.method == "POST":
        withdrawal.withdraw_case(case)
        return redirect("submissions:case")
    return render(request, "submissions/withdraw.html", {"submission": None})


@guarded_form
@require_http_methods(["GET", "HEAD", "POST"])
@for_open_case
def show_messages(request: HttpRequest, case: Case) -> HttpResponse:
    """What was written so far, and a place to write. A message that tells who somebody is comes back, marked."""
    form = MessageForm(request.POST or None)
    marked: list[traces.Part] = []
    if form.is_valid():
        text = form.cleaned_data["text"]
        try:
            messages.write_to_staff(case, text)
        except Refused as refusal:
            form.add_error("text", gettext(refusal.detail))
            marked = traces.parts(text) if refusal.code == "trace_in_message" else []
        else:
            return redirect("submissions:messages")
    context = {"form": form, "marked": marked, "conversation": Message.objects.of(case)}
    return render(request, "submissions/messages.html", context)


@guarded_form
@require_POST
def close_case(request: HttpRequest) -> HttpResponse:
    """Leave the case, stay on the site."""
    return access.forget(redirect("submissions:home"))
