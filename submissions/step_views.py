"""The way to the code, one question a screen. Answers ride in the address; nothing is kept, no cookie is set."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from matching import readers
from submissions import access, help, page_words
from submissions.models import About
from submissions.public_views import page

# Answers are one neutral letter each: whoever sees the address learns nothing.
ANSWERS = {"a": About.ME_UNDER_18, "b": About.ME_ADULT_NOW, "c": About.CHILD_I_HELP}
HELPER = "c"
NOT_SAID_YET = "x"
CARDS = {1: "threatened", 2: "money", 3: "hurting"}


def _about(answer: str) -> About:
    if answer not in ANSWERS:
        raise Http404
    return ANSWERS[answer]


def _step(request: HttpRequest, name: str, answer: str, **context: Any) -> HttpResponse:
    """A screen that knows who the picture is about; helpers read words of their own."""
    _about(answer)
    return page(request, name, answer=answer, helper=answer == HELPER, **context)


@require_safe
def quick(request: HttpRequest) -> HttpResponse:
    """How to leave fast, and what that can't do. Said once, before anything else."""
    return page(request, "quick")


@require_safe
def now(request: HttpRequest, who: str) -> HttpResponse:
    """Are you safe right now?"""
    if who not in (NOT_SAID_YET, HELPER):
        raise Http404
    return page(request, "now", who=who, helper=who == HELPER)


@require_safe
def card(request: HttpRequest, who: str, card: int) -> HttpResponse:
    """What to do first when somebody threatens, wants money, or it is all too much."""
    if who not in (NOT_SAID_YET, HELPER) or card not in CARDS:
        raise Http404
    return page(request, "card", who=who, helper=who == HELPER, card=CARDS[card], countries=help.countries())


@require_safe
def start(request: HttpRequest) -> HttpResponse:
    """Who is in the picture."""
    return page(request, "start")


@require_safe
def to_start(request: HttpRequest) -> HttpResponse:
    return redirect("submissions:start")


@require_safe
def adults(request: HttpRequest) -> HttpResponse:
    """For pictures taken at 18 or later: another service."""
    return page(request, "adults")


@require_safe
def have(request: HttpRequest, answer: str) -> HttpResponse:
    """What do you have: the file, a link, nothing, something made with AI."""
    return _step(request, "have", answer)


@require_safe
def only_a_link(request: HttpRequest, answer: str) -> HttpResponse:
    """It is online and not on this device: platforms' own forms, the CyberTipline."""
    return _step(request, "only_a_link", answer, removal_pages=help.removal_pages())


@require_safe
def no_copy(request: HttpRequest, answer: str) -> HttpResponse:
    """Only somebody else has it: what works then."""
    return _step(request, "no_copy", answer, removal_pages=help.removal_pages())


@require_safe
def made_with_ai(request: HttpRequest, answer: str) -> HttpResponse:
    """A fake counts as well; from here on it is like any other."""
    return _step(request, "made_with_ai", answer)


@require_safe
def pick(request: HttpRequest, answer: str) -> HttpResponse:
    """Pick, fingerprint, look at what is sent, send: one page, so that the files stay in its memory."""
    about = _about(answer).value
    return _step(request, "pick", answer, about=about, adding=False, platforms=readers.public(), **_script())


@require_safe
def pick_more(request: HttpRequest) -> HttpResponse:
    """The same page for a case that is open in this browser."""
    case = access.remembered(request)
    if case is None:
        return redirect("submissions:unlock_case")
    last = case.submissions.order_by("-ordinal").values_list("ordinal", flat=True).first() or 0
    helper = case.about == About.CHILD_I_HELP
    context = {"about": case.about, "helper": helper, "adding": True, "last_ordinal": last, **_script()}
    return access.remember(case, page(request, "pick", **context))


def _script() -> dict[str, Any]:
    return {"words": page_words.report_words()}
