"""Pages that anybody may open. They set no cookie and know nothing about who asks."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_safe

from matching import readers
from submissions import access, help, served_scripts
from submissions.origin import is_ours


def page(request: HttpRequest, name: str, **context: Any) -> HttpResponse:
    """One of the templates in `submissions/`."""
    return render(request, f"submissions/{name}.html", context)


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """What this does, for how many platforms, and what it can't do."""
    return page(request, "home", platforms=readers.public())


@require_safe
def helping(request: HttpRequest) -> HttpResponse:
    """For a parent, a friend, a teacher."""
    return page(request, "helping")


@require_safe
def help_page(request: HttpRequest) -> HttpResponse:
    """People to talk to, what to do when somebody threatens, platforms' own forms."""
    return page(request, "help", countries=help.countries(), removal_pages=help.removal_pages())


@require_safe
def platforms(request: HttpRequest) -> HttpResponse:
    """Which platforms take part, in the reporter's language; the platforms' own pages are elsewhere."""
    return page(request, "platforms", platforms=readers.public())


@require_safe
def check_yourself(request: HttpRequest) -> HttpResponse:
    """How anybody can see with the browser's own tools that the picture stays, and which scripts we serve."""
    return page(request, "check_yourself", scripts=served_scripts.digests())


@csrf_exempt  # closing a case needs no cookie, and from elsewhere it does nothing worse than log somebody out
@require_http_methods(["GET", "HEAD", "POST"])
def leave(request: HttpRequest) -> HttpResponse:
    """Close the case in this browser, clear what the browser keeps of us, go to the neutral page.

    The script posts here in the background while it is already leaving, so a slow server never holds anybody up.
    """
    if request.method == "POST":
        response = HttpResponse(status=204 if is_ours(request) else 403)
        return _cleared(response) if response.status_code == 204 else response
    return _cleared(redirect(settings.LEAVE_TO))


def _cleared(response: HttpResponse) -> HttpResponse:
    response["Clear-Site-Data"] = '"cache", "cookies", "storage"'
    return access.forget(response)
