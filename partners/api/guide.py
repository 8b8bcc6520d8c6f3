"""The API's description as facts a page can show: operations, tables of members, examples. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

_CODE = re.compile(r"`([^`]+)`")
Schema = dict[str, Any]


@dataclass(frozen=True)
class Member:
    """One parameter, or one member of a JSON object."""

    name: str
    kind: SafeString
    required: bool
    about: SafeString


@dataclass(frozen=True)
class Table:
    """The members of one JSON object, under its name."""

    name: str
    members: list[Member]


@dataclass(frozen=True)
class Answer:
    status: str
    about: str
    media: str


@dataclass(frozen=True)
class Operation:
    """One method of one address."""

    id: str
    method: str
    path: str
    summary: str
    about: SafeString
    parameters: list[Member]
    takes: list[Table]
    gives: list[Table]
    answers: list[Answer]
    curl: str
    example: str


def worded(text: str) -> SafeString:
    """Escaped text in which `this` becomes code."""
    return mark_safe(_CODE.sub(r"<code>\1</code>", escape(text)))  # noqa: S308  escaped first


class Guide:
    """Reads one OpenAPI document; `base` is the portal's public address."""

    def __init__(self, schema: Schema, base: str) -> None:
        self.schema = schema
        self.base = base

    def operations(self, tag: str) -> list[Operation]:
        """The operations of one tag, in the order of the document."""
        return [
            self._operation(path, method, facts)
            for path, methods in self.schema["paths"].items()
            for method, facts in methods.items()
            if tag in facts["tags"]
        ]

    def _operation(self, path: str, method: str, facts: Schema) -> Operation:
        body = facts.get("requestBody", {}).get("content", {}).get("application/json", {})
        good = next(answer for status, answer in facts["responses"].items() if status.startswith("2"))
        contents: Schema = good.get("content", {})
        media = next(iter(contents), "")
        content: Schema = contents.get(media, {})
        return Operation(
            id=facts["operationId"],
            method=method.upper(),
            path=path,
            summary=facts["summary"],
            about=worded(facts["description"]),
            parameters=[self._parameter(parameter) for parameter in facts.get("parameters", [])],
            takes=list(self._tables(body.get("schema", {}))),
            gives=list(self._tables(content.get("schema", {}))) if media == "application/json" else [],
            answers=[_answer(status, answer) for status, answer in sorted(facts["responses"].items())],
            curl=self._curl(path, method, _example(body)),
            example=_written(_example(content)),
        )

    def _parameter(self, facts: Schema) -> Member:
        where = {"query": "query", "path": "address", "header": "header"}[facts["in"]]
        kind = mark_safe(f"{where}, {self._kind(facts['schema'])}")  # noqa: S308  both are ours
        return Member(facts["name"], kind, facts.get("required", False), worded(facts.get("description", "")))

    def _resolved(self, schema: Schema) -> tuple[str, Schema]:
        if "allOf" in schema and len(schema["allOf"]) == 1:
            schema = schema["allOf"][0]
        name = schema.get("$ref", "").rpartition("/")[2]
        return name, self.schema["components"]["schemas"][name] if name else schema

    def _tables(self, schema: Schema, seen: frozenset[str] = frozenset()) -> Iterator[Table]:
        """The object itself, then every object it speaks of, each once."""
        name, facts = self._resolved(schema)
        for choice in facts.get("oneOf", []):
            yield from self._tables(choice, seen)
        if facts.get("type") == "array":
            yield from self._tables(facts["items"], seen)
        if "properties" not in facts or name in seen:
            return
        required = facts.get("required", [])
        yield Table(
            _spaced(name),
            [
                Member(member, self._kind(said), member in required, worded(said.get("description", "")))
                for member, said in facts["properties"].items()
            ],
        )
        for said in facts["properties"].values():
            yield from self._tables(said, seen | {name})

    def _kind(self, schema: Schema) -> SafeString:
        """What a value is, in a few words."""
        name, facts = self._resolved(schema)
        if "oneOf" in facts:
            words = " or ".join(self._kind(choice) for choice in facts["oneOf"])
        elif "enum" in facts:
            words = " · ".join(f"<code>{escape(str(word))}</code>" for word in facts["enum"] if word)
        elif facts.get("type") == "array":
            words = f"array of {self._kind(facts['items'])}"
        elif "properties" in facts:
            words = escape(_spaced(name).lower())
        else:
            words = escape(_PLAIN.get(facts.get("format", ""), _PLAIN.get(facts.get("type", ""), "")))
            if "pattern" in facts:
                words += f" <code>{escape(facts['pattern'])}</code>"
        return mark_safe(words + (" or null" if facts.get("nullable") else ""))  # noqa: S308  escaped piece by piece

    def _curl(self, path: str, method: str, body: Any) -> str:
        path = path.replace("{entry_id}", "f3436f50b2f7f1613ad142dbce1d2480")
        lines = [f'curl -sS "{self.base}{path}"', '  -H "Authorization: Bearer $TAKEITDOWN_KEY"']
        if method == "post":
            lines += ["  -H 'Content-Type: application/json'", f"  -d '{json.dumps(body)}'"]
        if path in _SAVED_AS:
            lines.append(f"  --fail -o {_SAVED_AS[path]}")
        return " \\\n".join(lines)


_SAVED_AS = {
    "/api/v1/hash-list/snapshot/": "hash-list.jsonl.gz",
    "/api/v1/self-test/pictures/": "test-pictures.zip",
}
_PLAIN = {"integer": "whole number", "int64": "whole number", "string": "text", "boolean": "true or false"}
_PLAIN |= {"number": "number", "object": "object"}
_PLAIN |= {"date": "date", "date-time": "UTC time"}


def _spaced(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).removesuffix("Request").removesuffix(" Body")


def _answer(status: str, facts: Schema) -> Answer:
    return Answer(status, facts.get("description", ""), next(iter(facts.get("content", {})), ""))


def _example(content: Schema) -> Any:
    return next((example["value"] for example in content.get("examples", {}).values()), None)


def _written(example: Any) -> str:
    if example is None or isinstance(example, str):
        return example or ""
    return json.dumps(example, indent=2, ensure_ascii=False)
