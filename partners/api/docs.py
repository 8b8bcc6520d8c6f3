"""The API's description for programs, and the same as a page for people."""

from __future__ import annotations

import functools
import json
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from drf_spectacular.generators import SchemaGenerator

import matching.errors
import matching.snapshots
import partners.errors
import takeitdown.limits
from partners.api.guide import Guide
from takeitdown.errors import Refused

SPEAK_OF_ERRORS = (partners.errors, matching.errors, matching.snapshots, takeitdown.limits)


@functools.cache
def schema() -> dict[str, Any]:
    """The OpenAPI description, made once: it changes with the code alone."""
    made: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
    return made


@functools.cache
def _written() -> bytes:
    return json.dumps(schema(), ensure_ascii=False, indent=2).encode()


@require_safe
def description(request: HttpRequest) -> HttpResponse:
    """GET /api/schema/: OpenAPI 3 as JSON."""
    return HttpResponse(_written(), content_type="application/json")


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """GET /api/: the same, to read: quick start, each address with tables and examples, every code of refusal."""
    guide = Guide(schema(), settings.PUBLIC_URL)
    context = {
        "base": settings.PUBLIC_URL,
        "groups": [
            ("The list", guide.operations("hash list")),
            ("Giving back", guide.operations("giving back")),
            ("Webhooks", guide.operations("webhooks")),
            ("The self-test", guide.operations("self-test")),
        ],
        "refusals": _refusals(),
        "min_wait_seconds": settings.MIN_WAIT_SECONDS,
        "snapshots_per_day": settings.SNAPSHOTS_PER_DAY,
    }
    return render(request, "partners/api_docs.html", context)


@functools.cache
def _refusals() -> list[type[Refused]]:
    """Every refusal a platform's machine may meet, by status."""
    found = {
        refusal
        for module in SPEAK_OF_ERRORS
        for refusal in vars(module).values()
        if isinstance(refusal, type) and issubclass(refusal, Refused) and refusal.__module__ == module.__name__
    }
    return sorted(found - {partners.errors.KeyNotLive}, key=lambda refusal: (refusal.status, refusal.code))
