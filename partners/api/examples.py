"""Examples of the API's description: the vectors of LIST.md §9, so that they are true to the byte."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiExample

ENTRY_ID = "f3436f50b2f7f1613ad142dbce1d2480"
CLIENT_ID = "ticket-48213-1"
SET_HASH = "5896a303b47447f30b59e8d9e80855a1961f365ce5ab0813ba289d0682760c64"
NOTE = """tid-head/1
portal.example production
epoch 1767225600
seq 6
chain eaa314ce52e679b73c40a9c95da660b287a98d0adb3540101af47b3696ee89af
set 5896a303b47447f30b59e8d9e80855a1961f365ce5ab0813ba289d0682760c64
live 3
floor 0
issued 2026-03-04T10:11:12Z
expires 2026-03-05T10:11:12Z
audit 0 0000000000000000000000000000000000000000000000000000000000000000

— portal.example OsxDR8S5GgZ+4HV6deY6tC9+TL8KW+a+ytqBtgXlh8WMSGq+8Hwbz3ffYiZTcOXOA1CGtnIkgynWAwdK0tRNAUQbLAo=
"""
VERIFIER = "portal.example+3acc4347+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
SHOWN = {
    "id": ENTRY_ID,
    "trust": "confirmed",
    "type": "pdq",
    "media": "image",
    "value": "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22",
    "nonce": "0a78009591722cc84825ca95ee7ffa52",
}
REMOVAL = {
    "seq": 6,
    "op": "remove",
    "id": "b459afddb3a09621ee29b78b3968e566",
    "reason": "withdrawn",
    "commitment": "ed57320daecb259c03a767c5459358af6d7fa9c688f23ec3fa8b8b003a8bb433",
}

HEAD = OpenApiExample("A head", {"head": NOTE, "min_wait_seconds": 60}, response_only=True)
CHANGES = OpenApiExample(
    "A page of two changes",
    {
        "from_seq": 4,
        "changes": [{"seq": 5, "op": "update", **SHOWN}, REMOVAL],
        "head": NOTE,
        "latest": NOTE,
        "min_wait_seconds": 60,
    },
    response_only=True,
)
ACKNOWLEDGEMENT = OpenApiExample(
    "A copy at change 6", {"epoch": 1767225600, "seq": 6, "set": SET_HASH}, request_only=True
)
ENTRY = OpenApiExample(
    "A listed entry",
    {
        **SHOWN,
        "listed": True,
        "your_feedback": {"opinion": "agree", "reason": "", "given_on": "2026-03-04", "counted": True},
    },
    response_only=True,
)
KEYS = OpenApiExample(
    "One key",
    f"tid-keys/1\nportal.example\nkey {VERIFIER} from 2026-01-01T00:00:00Z until 2028-01-01T00:00:00Z\n\n— …\n",
    response_only=True,
)
MATCH_REPORT = OpenApiExample(
    "Found, not decided yet", {"client_id": CLIENT_ID, "entry": ENTRY_ID, "outcome": "found"}, request_only=True
)
FEEDBACK = OpenApiExample(
    "A dispute",
    {"client_id": "review-977", "entry": ENTRY_ID, "opinion": "dispute", "reason": "harmless"},
    request_only=True,
)
MATCH_REPORT_BATCH = OpenApiExample(
    "Two of a day's reports",
    {
        "items": [
            {"client_id": CLIENT_ID, "entry": ENTRY_ID, "outcome": "found"},
            {"client_id": "ticket-48213-2", "entry": ENTRY_ID, "outcome": "removed"},
        ]
    },
    request_only=True,
)
FEEDBACK_BATCH = OpenApiExample(
    "Two of a day's opinions",
    {
        "items": [
            {"client_id": "review-977", "entry": ENTRY_ID, "opinion": "dispute", "reason": "harmless"},
            {"client_id": "review-978", "entry": REMOVAL["id"], "opinion": "agree"},
        ]
    },
    request_only=True,
)
