"""What stands there when a form comes from a login that is over, or from another site."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from takeitdown import site_pages

OF_ACCOUNTS = ("/accounts/", "/admin/", "/console/")


def stale_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """CSRF_FAILURE_VIEW: 403, and what to do next. Nothing of the form was used."""
    if request.path_info.startswith(OF_ACCOUNTS):
        return render(request, "account/stale_form.html", status=403)
    return site_pages.forbidden(request)
