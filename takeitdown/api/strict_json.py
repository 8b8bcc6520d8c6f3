"""JSON bodies from strangers: only JSON, only so large, only so deep."""

from __future__ import annotations

import codecs
import json
from typing import Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest
from rest_framework.parsers import BaseParser

from takeitdown.errors import Refused

MAX_DEPTH = 32


class MalformedJson(Refused):
    code = "malformed_json"
    status = 400
    default_detail = "The body is not the JSON this address takes: UTF-8, no repeated names, no NaN, not nested deeply."


class BodyTooLarge(Refused):
    code = "body_too_large"
    status = 413
    default_detail = "The body is larger than this address takes."


class WrongContentType(Refused):
    code = "wrong_content_type"
    status = 415
    default_detail = "Send the body as application/json."


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise MalformedJson
    return members


def _no_constant(name: str) -> Any:
    raise MalformedJson


def _bounded_int(digits: str) -> int:
    if len(digits) > 19:
        raise MalformedJson
    return int(digits)


def _finite_float(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise MalformedJson
    return value


def _deepest(text: str) -> int:
    """How deep brackets nest in JSON text, strings skipped: checked before Python's parser recurses."""
    depth = deepest = 0
    in_string = escaped = False
    for char in text:
        if in_string:
            if escaped:
                escaped = False
            elif char == "\\":
                escaped = True
            elif char == '"':
                in_string = False
        elif char == '"':
            in_string = True
        elif char in "[{":
            depth += 1
            deepest = max(deepest, depth)
            if deepest > MAX_DEPTH:
                break
        elif char in "]}":
            depth -= 1
    return deepest


def read_json(body: bytes) -> Any:
    """Parse a hostile body as strict JSON. Raises MalformedJson.

    UTF-8 without a byte order mark; no repeated names, NaN, Infinity, numbers past 19 digits, nesting past 32 levels,
    lone surrogates or NUL characters: each of them is a 500 or a lie further down.
    """
    if body.startswith(codecs.BOM_UTF8):
        raise MalformedJson
    try:
        text = body.decode("utf-8")
        # Only a body with that many brackets can nest that deep; the slow count is for those.
        if text.count("[") + text.count("{") > MAX_DEPTH and _deepest(text) > MAX_DEPTH:
            raise MalformedJson
        parsed = json.loads(
            text,
            object_pairs_hook=_no_repeats,
            parse_constant=_no_constant,
            parse_int=_bounded_int,
            parse_float=_finite_float,
        )
        if "\\u" in text:
            whole = json.dumps(parsed, ensure_ascii=False)
            whole.encode("utf-8")  # a lone surrogate cannot be encoded
            if "\\u0000" in whole:
                raise MalformedJson
        return parsed
    except (ValueError, RecursionError):
        raise MalformedJson from None


def json_body(request: HttpRequest, *, at_most: int) -> Any:
    """The strict JSON of a plain Django request, read only when its declared length fits.

    Raises WrongContentType, BodyTooLarge, MalformedJson.
    """
    check_content_type(request.META.get("CONTENT_TYPE", ""))
    if request.META.get("HTTP_CONTENT_ENCODING", "identity").lower() != "identity":
        raise WrongContentType("Send the body uncompressed.")
    try:
        declared = int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        raise MalformedJson from None
    if declared > at_most:
        raise BodyTooLarge
    try:
        body = request.body
    except RequestDataTooBig:
        raise BodyTooLarge from None
    except OSError:  # the sender went away, or its chunks never ended
        raise MalformedJson from None
    if len(body) > at_most:
        raise BodyTooLarge
    return read_json(body)


def check_content_type(header: str) -> None:
    """Raise WrongContentType unless it is application/json, in UTF-8 if it says a charset at all."""
    kind, _, parameters = header.partition(";")
    if kind.strip().lower() != "application/json":
        raise WrongContentType
    charset = parameters.strip().lower().replace('"', "")
    if charset and charset not in {"charset=utf-8", "charset=utf8"}:
        raise WrongContentType


class StrictJSONParser(BaseParser):
    """DRF's way to `read_json`."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: str | None = None, parser_context: Any = None) -> Any:
        request = parser_context["request"]
        return json_body(getattr(request, "_request", request), at_most=settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
