"""Pages that belong to no room: the way to a language, errors that lead somewhere, health."""

from __future__ import annotations

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.views.decorators.http import require_safe

from takeitdown.api.problems import problem_response
from takeitdown.errors import Refused


@require_safe
def to_language(request: HttpRequest) -> HttpResponse:
    """`/` leads to the home page in the best of our languages."""
    with translation.override(getattr(request, "preferred_language", "en")):
        return HttpResponseRedirect(reverse("submissions:home"))


@require_safe
def live(request: HttpRequest) -> HttpResponse:
    """Whether the process answers at all."""
    return HttpResponse("ok", content_type="text/plain")


@require_safe
def ready(request: HttpRequest) -> HttpResponse:
    """Whether reports can be taken: the database answers."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return JsonResponse({"database": "away"}, status=503, headers={"Retry-After": "5"})
    return JsonResponse({"database": "ok"})


def _wants_json(request: HttpRequest) -> bool:
    return request.path_info.startswith("/api/")


class _Status(Refused):
    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status  # type: ignore[misc]
        self.code = code  # type: ignore[misc]


def _error(request: HttpRequest, status: int, code: str, detail: str) -> HttpResponse:
    if _wants_json(request):
        return problem_response(_Status(status, code, detail))
    with _language_of(request):
        return render(request, f"{status}.html", status=status)


def _language_of(request: HttpRequest) -> translation.override:
    """That of the address, or where no page was found the reader's. Never what an earlier request left in this thread:
    an error may come before any middleware has chosen.
    """
    chosen = translation.get_language_from_path(request.path_info)
    if chosen is None and request.resolver_match is None:
        chosen = getattr(request, "preferred_language", settings.LANGUAGE_CODE)
    return translation.override(chosen or settings.LANGUAGE_CODE)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _error(request, 400, "bad_request", "This request can't be understood.")


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _error(request, 403, "forbidden", "This is not allowed.")


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _error(request, 404, "not_found", "There is nothing at this address.")


def server_error(request: HttpRequest) -> HttpResponse:
    """A bug or an outage. A database that is away is an honest 503: nothing was lost, try again soon."""
    import sys

    away = isinstance(sys.exc_info()[1], DatabaseError)
    status, code = (503, "try_again_soon") if away else (500, "our_fault")
    detail = "Nothing was lost. Try again in a few seconds."
    if _wants_json(request):
        response: HttpResponse = problem_response(_Status(status, code, detail))
    else:
        with _language_of(request):
            response = render(request, "500.html", {"away": away}, status=status)
    if away:
        response["Retry-After"] = "5"
    return response
