"""The OpenAPI schema, which also says how each route declines."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from drf_spectacular.openapi import AutoSchema

from takeitdown.api.problems import PROBLEM


class ProblemAwareSchema(AutoSchema):
    """OpenAPI that also says how each route declines, so that clients and fuzzers know what to expect."""

    DECLINES: ClassVar[dict[str, str]] = {
        "400": "The request is malformed.",
        "401": "No key, or not a valid one.",
        "403": "The key lacks the scope, or the partner is suspended.",
        "404": "Nothing is there.",
        "405": "Another method is needed.",
        "406": "Only JSON is served.",
        "409": "It does not fit what is there.",
        "413": "The body is too large.",
        "415": "The body is not application/json.",
        "429": "Too many requests; see Retry-After.",
    }

    def _get_response_bodies(self, direction: Literal["request", "response"] = "response") -> dict[str, Any]:
        responses: dict[str, Any] = super()._get_response_bodies(direction)
        schema = {
            "type": "object",
            "required": ["type", "title", "status", "code", "detail"],
            "properties": {
                "type": {"type": "string"},
                "title": {"type": "string"},
                "status": {"type": "integer"},
                "code": {"type": "string"},
                "detail": {"type": "string"},
            },
        }
        for code, description in self.DECLINES.items():
            responses.setdefault(code, {"description": description, "content": {PROBLEM: {"schema": schema}}})
        return responses
