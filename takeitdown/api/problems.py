"""Problem documents (RFC 9457): one shape for everything an address declines."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, JsonResponse
from rest_framework import exceptions, status
from rest_framework.response import Response

from takeitdown.errors import Refused

PROBLEM = "application/problem+json"


def problem_members(refusal: Refused) -> dict[str, Any]:
    """The members of an RFC 9457 problem document."""
    return {
        "type": "about:blank",
        "title": refusal.code.replace("_", " ").capitalize(),
        "status": refusal.status,
        "code": refusal.code,
        "detail": str(refusal.detail),
        **refusal.members,
    }


def problem_response(refusal: Refused) -> JsonResponse:
    """A problem document from a plain Django view."""
    response = JsonResponse(problem_members(refusal), status=refusal.status, content_type=PROBLEM)
    retry_after = getattr(refusal, "retry_after", None)
    if retry_after:
        response["Retry-After"] = str(retry_after)
    return response


def _flat(detail: Any) -> str:
    """DRF's nested messages as one sentence list; they name fields, never values."""
    if isinstance(detail, dict):
        return " ".join(f"{name}: {_flat(value)}" for name, value in detail.items())
    if isinstance(detail, list):
        return " ".join(_flat(value) for value in detail)
    return str(detail)


class _Drf(Refused):
    """An exception of DRF or Django in our words."""

    def __init__(self, status_code: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status_code  # type: ignore[misc]
        self.code = code  # type: ignore[misc]


def _as_refused(exc: Exception) -> Refused | None:
    if isinstance(exc, Refused):
        return exc
    if isinstance(exc, Http404):
        return _Drf(404, "not_found", "There is nothing at this address.")
    if isinstance(exc, PermissionDenied):
        return _Drf(403, "forbidden", "This key may not do that.")
    if isinstance(exc, exceptions.ValidationError):
        return _Drf(400, "invalid", _flat(exc.detail))
    if isinstance(exc, exceptions.APIException):
        return _Drf(exc.status_code, str(exc.get_codes()).replace(" ", "_"), _flat(exc.detail))
    return None


def problem(exc: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's EXCEPTION_HANDLER: what we understand becomes a problem document, the rest stays a bug and rises."""
    refusal = _as_refused(exc)
    if refusal is None:
        return None
    headers = {}
    if refusal.status == status.HTTP_401_UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    if retry_after := getattr(refusal, "retry_after", None):
        headers["Retry-After"] = str(retry_after)
    return Response(problem_members(refusal), status=refusal.status, headers=headers, content_type=PROBLEM)
