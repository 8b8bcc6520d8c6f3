"""The console's pages."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from matching.models import SigningKey


@require_safe
def opens_later(request: HttpRequest) -> HttpResponse:
    """Says kindly that the console comes with a later version, what works by API, and which key to pin."""
    current = SigningKey.objects.filter(valid_until__gt=timezone.now()).values_list("verifier", flat=True)
    return render(request, "partners/console_opens_later.html", {"verifier_keys": list(current)})
