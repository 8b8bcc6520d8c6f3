"""Forms may be sent by our own pages only.

There is no CSRF cookie, because no cookie may be set before a case is open. Browsers say themselves
where a request comes from: `Sec-Fetch-Site`, and `Origin` with every POST. No browser leaves out both; what does is a
program, which carries nobody's cookie (it is SameSite=Strict besides).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, cast
from urllib.parse import urlsplit

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, P], HttpResponse]


def is_ours(request: HttpRequest) -> bool:
    """Whether nothing says that another site made the browser send this."""
    site = request.META.get("HTTP_SEC_FETCH_SITE")
    origin = request.META.get("HTTP_ORIGIN")
    if site is not None and site != "same-origin":
        return False
    return origin is None or urlsplit(origin).netloc == request.get_host()  # `Origin: null` has no host


def guarded_form(view: View[P]) -> View[P]:
    """A page whose POST must come from our own pages; 403 otherwise. It takes the place of Django's CSRF cookie."""

    @csrf_exempt
    @wraps(view)
    def inner(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if request.method == "POST" and not is_ours(request):
            raise PermissionDenied
        return view(request, *args, **kwargs)

    return cast(View[P], inner)
