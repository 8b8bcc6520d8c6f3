"""Pages for platforms without a login: what taking part means, the terms, applying, being invited.

In English whatever the address's language, until there are catalogues for platforms. They load nothing from elsewhere,
work without scripts and set no cookie before a form.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext
from django.views.decorators.http import require_http_methods, require_safe

from partners import applications, invitations, terms
from partners.mail import MailNotSent
from partners.models import Application
from partners.next_step import next_step
from partners.public import taking_part
from partners.public.forms import ApplicationForm, WelcomeForm
from takeitdown import limits
from takeitdown.errors import Refused

View = Callable[..., HttpResponse]
FROM_ONE_SOURCE, FROM_ALL = "10/h", "300/h"
TO_ONE_ADDRESS = "4/h"  # mails; past it the page says the same and nothing is sent


def in_english(view: View) -> View:
    """Render in English, and say so."""

    @wraps(view)
    def english(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        with translation.override("en"):
            response = view(request, *args, **kwargs)
        response.headers["Content-Language"] = "en"
        return response

    return english


def page(request: HttpRequest, name: str, *, status: int = 200, **context: Any) -> HttpResponse:
    """One of the templates in `partners/public/`."""
    return render(request, f"partners/public/{name}.html", context, status=status)


def refused(request: HttpRequest, refusal: Refused) -> HttpResponse:
    """What we decline, in its own sentence and with its status."""
    return page(request, "refused", status=refusal.status, refusal=refusal)


@require_safe
@in_english
def home(request: HttpRequest) -> HttpResponse:
    """What taking part means, what it takes, and who does."""
    return page(request, "home", platforms=taking_part.platforms(), fewest=taking_part.FEWEST)


@require_safe
@in_english
def terms_in_force(request: HttpRequest) -> HttpResponse:
    """The terms a platform accepts now."""
    return page(request, "terms", version=terms.CURRENT, versions=terms.VERSIONS, current=True)


@require_safe
@in_english
def terms_of_version(request: HttpRequest, version: str) -> HttpResponse:
    """The terms as they stood, for those who accepted them."""
    if version not in terms.VERSIONS:
        raise Http404
    return page(request, "terms", version=version, versions=terms.VERSIONS, current=version == terms.CURRENT)


@require_http_methods(["GET", "HEAD", "POST"])
@in_english
def apply(request: HttpRequest) -> HttpResponse:
    """The application. Whatever we know of the address or the platform, the answer is the same."""
    form = ApplicationForm(request.POST or None)
    if not form.is_valid():
        return page(request, "apply", form=form, version=terms.CURRENT, status=400 if form.is_bound else 200)
    try:
        limits.check(request, group="apply", rate=FROM_ONE_SOURCE)
        limits.check(request, group="apply-all", rate=FROM_ALL, key=lambda group, request: "all")
        if _may_mail(request, form.cleaned_data["contact_email"]):
            applications.apply(**form.stated())
    except (limits.TooManyRequests, MailNotSent) as refusal:
        form.add_error(None, _say(refusal))
        answer = page(request, "apply", form=form, version=terms.CURRENT, status=refusal.status)
        answer.headers["Retry-After"] = str(refusal.retry_after)
        return answer
    return redirect("platforms:sent")


@require_safe
@in_english
def sent(request: HttpRequest) -> HttpResponse:
    """Look into your mail. Nothing on this page depends on what was sent."""
    return page(request, "sent")


@require_http_methods(["GET", "HEAD", "POST"])
@in_english
def application(request: HttpRequest, token: str) -> HttpResponse:
    """How an application stands, behind the mail's link. Opening it confirms nothing: mail scanners open links, too."""
    try:
        found = applications.find(token)
        if request.method == "POST":
            applications.confirm_email(token)
            return redirect("platforms:application", token=token)
    except Refused as refusal:
        return refused(request, refusal)
    return page(request, "application", application=found, step=_step(found))


@require_http_methods(["GET", "HEAD", "POST"])
@in_english
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """Become a member: choose a password. The link works once."""
    form = WelcomeForm(request.POST or None)
    try:
        invited = invitations.find(token)
        if form.is_valid():
            invitations.accept(token, password=form.cleaned_data["password"])
            return redirect("platforms:welcome")
    except Refused as refusal:
        return refused(request, refusal)
    except ValidationError as weak:
        form.add_error("password", weak)
    return page(request, "invitation", form=form, invitation=invited, status=400 if form.is_bound else 200)


@require_safe
@in_english
def welcome(request: HttpRequest) -> HttpResponse:
    """The account is there: log in."""
    return page(request, "welcome")


def _may_mail(request: HttpRequest, address: str) -> bool:
    """Nobody can have us fill somebody else's mailbox."""
    try:
        limits.check(
            request, group="apply-address", rate=TO_ONE_ADDRESS, key=lambda group, request: address.strip().lower()
        )
    except limits.TooManyRequests:
        return False
    return True


def _say(refusal: limits.TooManyRequests | MailNotSent) -> str:
    if isinstance(refusal, MailNotSent):
        return gettext(
            "We kept your application, but our mail server does not answer, so you have no link yet. "
            "Wait a few minutes and send this form again."
        )
    return gettext(
        "Many applications came at once. Nothing you typed is lost: wait a little, then send the form again."
    )


def _step(found: Application) -> Any:
    return next_step(found.partner) if found.partner else None
