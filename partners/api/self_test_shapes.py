"""The shapes of the self-test's requests and answers."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from drf_spectacular.utils import OpenApiExample, extend_schema_field
from rest_framework import serializers

from partners import picture_archive, sandbox, self_tests
from partners.api.examples import ENTRY_ID
from partners.api.fields import Body, EntryId
from partners.errors import PicturesBeingMade
from partners.models import Partner, SelfTest
from partners.test_pictures.making import FILES

ENTRIES_A_FILE = 50
STAGES = ["answers", "acknowledgement", "passed", "failed", self_tests.ABANDONED]
FAULTS = ["missed", "wrong", "decoys", "withdrawn", "diverged", "not_dropped", self_tests.ABANDONED]
_FILE_NAME = re.compile(r"[0-9]{3}\.[a-z]{3,4}", re.ASCII)
_ENTRY_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)


# --- requests ---------------------------------------------------------------------------------------------------


@extend_schema_field(
    {
        "type": "object",
        "maxProperties": FILES,
        "additionalProperties": {
            "type": "array",
            "maxItems": ENTRIES_A_FILE,
            "items": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
        },
    }
)
class Found(serializers.Field[dict[str, list[str]], Any, Any, Any]):
    """A JSON object: names of files to arrays of entry ids."""

    default_error_messages: ClassVar = {
        "invalid": f"An object of file names, each with an array of at most {ENTRIES_A_FILE} entry ids (32 hex)."
    }

    def to_internal_value(self, data: Any) -> dict[str, list[str]]:
        if not isinstance(data, dict) or len(data) > FILES:
            self.fail("invalid")
        for entries in data.values():
            if not isinstance(entries, list) or len(entries) > ENTRIES_A_FILE:
                self.fail("invalid")
            if not all(isinstance(entry, str) and _ENTRY_ID.fullmatch(entry) for entry in entries):
                self.fail("invalid")
        return data


class AnswersBody(Body):
    matches = Found(
        help_text='For each file that matched, the ids of the entries: `{"017.jpg": ["f343…"]}`. Leave out, or send '
        "an empty array for, what matched nothing."
    )


@extend_schema_field({"type": "integer", "minimum": 1, "maximum": sandbox.MOST_AT_ONCE})
class Count(serializers.Field[int, Any, int, Any]):
    """A JSON number from 1 to 20."""

    default_error_messages: ClassVar = {"invalid": f"A whole number from 1 to {sandbox.MOST_AT_ONCE}."}

    def to_internal_value(self, data: Any) -> int:
        if type(data) is not int or not 1 <= data <= sandbox.MOST_AT_ONCE:
            self.fail("invalid")
        return data


class TombstonesBody(Body):
    count = Count(help_text="How many entries to withdraw, 1 to 20.")


class BeginBody(Body):
    """Nothing: `{}`."""


# --- answers ----------------------------------------------------------------------------------------------------


class PicturesFacts(serializers.Serializer[Any]):
    ready = serializers.BooleanField(help_text="Whether the archive can be fetched; it is made once.")
    done = serializers.IntegerField(help_text="How many of its files are made.")
    of = serializers.IntegerField(help_text="How many files it has.")
    size = serializers.IntegerField(allow_null=True, help_text="Its length in bytes; null while it is being made.")
    sha256 = serializers.CharField(
        allow_null=True, help_text="Its SHA-256, 64 hex digits; null while it is being made."
    )


class FindingFacts(serializers.Serializer[Any]):
    file = serializers.CharField(help_text="Name of the file in the archive.")
    edit = serializers.CharField(help_text="What was done to the picture.")
    distance = serializers.IntegerField(
        allow_null=True, help_text="PDQ distance to its picture by our own code, in bits; null for a decoy."
    )


def _findings(help_text: str) -> Any:
    return FindingFacts(many=True, help_text=help_text)


class ResultFacts(serializers.Serializer[Any]):
    files = serializers.IntegerField(help_text="Files in the archive.")
    to_catch = serializers.IntegerField(help_text="Files that must match: 27 bits or nearer.")
    caught = serializers.IntegerField(help_text="How many of them did. 95 % are needed.")
    borderline = serializers.IntegerField(help_text="Files between 28 and 34 bits: they do not count either way.")
    borderline_caught = serializers.IntegerField(help_text="How many of those matched.")
    missed = _findings("Files that must match and did not.")
    wrong = _findings("Files that matched another picture. None may.")
    decoys = _findings("Files that matched though they are of no picture. None may.")
    withdrawn = _findings("Files matched with an entry that is no test picture's, or no longer. None may.")
    far = _findings("Files beyond 34 bits that matched their own picture: fine if you look for turned copies.")
    diverged = serializers.IntegerField(help_text="How often another set hash than ours was acknowledged meanwhile.")
    dropped_after_seconds = serializers.FloatField(
        allow_null=True, help_text="From the withdrawal to your acknowledging a copy without it; null until then."
    )
    faults = serializers.ListField(
        child=serializers.ChoiceField(choices=FAULTS), help_text="Why it did not pass; empty otherwise."
    )


class RunFacts(serializers.Serializer[Any]):
    id = EntryId(help_text="Names the run, and the certificate if it passes.")
    stage = serializers.ChoiceField(
        choices=STAGES,
        help_text="What it waits for, or how it ended. `abandoned`: another was begun, or nobody answered for a day.",
    )
    begun_at = serializers.DateTimeField(help_text="When it was begun.")
    judged_at = serializers.DateTimeField(allow_null=True, help_text="When it ended; null until then.")
    tombstones = serializers.ListField(child=EntryId(), help_text="Entries withdrawn after your answers: drop them.")
    result = ResultFacts(allow_null=True, help_text="What you caught and missed; null before your answers.")
    advice = serializers.ListField(child=serializers.CharField(), help_text="What to do now, in sentences.")


class SelfTestAnswer(serializers.Serializer[Any]):
    pictures = PicturesFacts(help_text="The archive of test pictures.")
    run = RunFacts(allow_null=True, help_text="Your newest run; null before the first.")
    certified_at = serializers.DateTimeField(allow_null=True, help_text="When you last passed; null until then.")


class TombstonesAnswer(serializers.Serializer[Any]):
    withdrawn = serializers.ListField(child=EntryId(), help_text="Their removal is in the changes within a second.")


# --- facts ------------------------------------------------------------------------------------------------------


def state_of(partner: Partner) -> dict[str, Any]:
    """What `SelfTestAnswer` describes."""
    run, passed = self_tests.latest(partner), self_tests.certificate(partner)
    return {
        "pictures": _pictures(),
        "run": run and run_facts(run),
        "certified_at": passed and passed.judged_at,
    }


def run_facts(run: SelfTest) -> dict[str, Any]:
    """What `RunFacts` describes."""
    return {
        "id": run.pk.hex,
        "stage": self_tests.stage(run),
        "begun_at": run.begun_at,
        "judged_at": run.judged_at,
        "tombstones": run.tombstones,
        "result": run.result if run.answered_at else None,
        "advice": self_tests.advice(run),
    }


def _pictures() -> dict[str, Any]:
    try:
        key = picture_archive.archive().key
    except PicturesBeingMade as refusal:
        return {"ready": False, **refusal.members, "size": None, "sha256": None}
    return {"ready": True, "done": FILES, "of": FILES, "size": key.size, "sha256": key.sha256}


# --- examples ---------------------------------------------------------------------------------------------------

_RUN = {
    "id": "5b1f0c6a2f3e4d8f9a7b6c5d4e3f2a1b",
    "stage": "acknowledgement",
    "begun_at": "2026-03-04T10:11:12Z",
    "judged_at": None,
    "tombstones": [ENTRY_ID],
    "result": {
        "files": FILES,
        "to_catch": 239,
        "caught": 238,
        "borderline": 11,
        "borderline_caught": 7,
        "missed": [{"file": "016.gif", "edit": "GIF of 128 colours", "distance": 20}],
        "wrong": [],
        "decoys": [],
        "withdrawn": [],
        "far": [],
        "diverged": 0,
        "dropped_after_seconds": None,
        "faults": [],
    },
    "advice": ["Three entries were withdrawn just now. Pull, drop them, and acknowledge your copy within an hour."],
}
STATE = OpenApiExample(
    "A run that waits for your acknowledgement",
    {
        "pictures": {
            "ready": True,
            "done": FILES,
            "of": FILES,
            "size": 8_615_728,
            "sha256": "cb74e54beace4591fe4dd737c89182b36a2e95708225832b271a2d9e3e0f4e78",
        },
        "run": _RUN,
        "certified_at": None,
    },
    response_only=True,
)
BEGIN = OpenApiExample("Nothing more is needed", {}, request_only=True)
ANSWERS = OpenApiExample("One file matched", {"matches": {"017.jpg": [ENTRY_ID]}}, request_only=True)
RUN = OpenApiExample("Answers were taken", _RUN, response_only=True)
TOMBSTONES = OpenApiExample("Two", {"count": 2}, request_only=True)
