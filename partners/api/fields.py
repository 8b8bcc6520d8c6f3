"""Fields that take exactly what they say. DRF's own would take `"5"` for 5, ` 1` for 1, and 123 for a name."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request

from partners.errors import InvalidQuery

LARGEST = 2**63 - 1
_DIGITS = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_WHOLE_NUMBER = {"type": "integer", "format": "int64", "minimum": 0, "maximum": LARGEST}


@extend_schema_field(_WHOLE_NUMBER)
class QueryNumber(serializers.Field[int, str, int, Any]):
    """Digits of a query: no sign, no space, no leading zero, 2⁶³-1 at most."""

    default_error_messages: ClassVar = {"invalid": "Digits alone, without sign, space or leading zero, up to 2^63-1."}

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, str) or not _DIGITS.fullmatch(data) or int(data) > LARGEST:
            self.fail("invalid")
        return int(data)

    def to_representation(self, value: int) -> int:
        return value


@extend_schema_field(_WHOLE_NUMBER)
class WholeNumber(serializers.Field[int, Any, int, Any]):
    """A JSON number that is whole, not negative, 2⁶³-1 at most; `true`, `5.0` and `"5"` are none."""

    default_error_messages: ClassVar = {"invalid": "A whole number from 0 to 2^63-1."}

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int or not 0 <= data <= LARGEST:
            self.fail("invalid")
        return data

    def to_representation(self, value: int) -> int:
        return value


class Text(serializers.Field[str, Any, str, Any]):
    """A JSON string that matches a pattern as a whole: a newline at its end is part of it and does not match."""

    default_error_messages: ClassVar = {"invalid": "This is not written as it should be; see the API's description."}
    pattern = ""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str) or not re.fullmatch(self.pattern, data, re.ASCII):
            self.fail("invalid")
        return data

    def to_representation(self, value: str) -> str:
        return value


@extend_schema_field({"type": "string", "pattern": "^[0-9a-f]{32}$"})
class EntryId(Text):
    pattern = "[0-9a-f]{32}"


@extend_schema_field({"type": "string", "pattern": "^[0-9a-f]{64}$"})
class Sha256(Text):
    pattern = "[0-9a-f]{64}"


@extend_schema_field({"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$", "minLength": 1, "maxLength": 64})
class ClientId(Text):
    pattern = "[A-Za-z0-9_-]{1,64}"


class Word(serializers.ChoiceField):
    """One word of a closed list, as a JSON string. DRF's message would repeat what was sent; this one doesn't."""

    default_error_messages: ClassVar = {"invalid_choice": "One of the words that the API's description names."}

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, str):
            self.fail("invalid_choice")
        return super().to_internal_value(data)


class Body(serializers.Serializer[Any]):
    """A JSON object with these members and no others: a misspelt one would otherwise be lost without a word."""

    default_error_messages: ClassVar = {"unknown": "It takes only the members that the API's description names."}

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, dict) and set(data) - set(self.fields):
            raise serializers.ValidationError({"body": [self.error_messages["unknown"]]})
        return super().to_internal_value(data)


def read_query(request: Request, shape: type[serializers.Serializer[Any]] | None = None) -> dict[str, Any]:
    """The query's parameters by `shape`, or none at all. Raises InvalidQuery for unknown and repeated ones."""
    given = request.query_params
    known = set(shape().fields) if shape else set()
    if set(given) - known or any(len(values) != 1 for _name, values in given.lists()):
        raise InvalidQuery
    if shape is None:
        return {}
    query = shape(data=given.dict())
    query.is_valid(raise_exception=True)
    validated: dict[str, Any] = query.validated_data
    return validated
