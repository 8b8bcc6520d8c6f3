"""How a row looks to one reader: shown with its value, or withheld (LIST.md §4, §6)."""

from __future__ import annotations

from typing import Any, Protocol
from uuid import UUID

from matching import signal_types
from matching.models import ListChange, ListReader, Op, RemovalReason, State, Trust

TRUST_NAMES = {int(Trust.UNVERIFIED): "unverified", int(Trust.CONFIRMED): "confirmed"}
REASON_NAMES = {int(reason): reason.label for reason in RemovalReason}


Bytes = bytes | memoryview  # SQLite gives the one, PostgreSQL the other


class Entry(Protocol):
    """What a row needs of an entry: a HashListEntry, or a plain tuple of its columns where there are millions."""

    @property
    def id(self) -> UUID: ...
    @property
    def type(self) -> str: ...
    @property
    def media(self) -> str: ...
    @property
    def value(self) -> str | None: ...
    @property
    def nonce(self) -> Bytes | None: ...
    @property
    def commitment(self) -> Bytes: ...
    @property
    def canary_for_id(self) -> int | None: ...


COLUMNS = ("id", "type", "media", "value", "nonce", "commitment", "canary_for_id", "trust")


def is_shown(entry: Entry, reader: ListReader, trust: int) -> bool:
    """Whether `reader` sees the value at that trust: not erased, nobody else's canary, not below its floor."""
    return (
        entry.value is not None
        and trust >= reader.trust_floor
        and (entry.canary_for_id is None or entry.canary_for_id == reader.pk)
    )


def listed_row(entry: Entry, reader: ListReader, trust: int) -> dict[str, Any]:
    """`id`, `trust`, and either type, media, value, nonce or the commitment alone."""
    if entry.value is None or entry.nonce is None or not is_shown(entry, reader, trust):
        return withheld_row(entry, trust)
    return {
        "id": entry.id.hex,
        "trust": TRUST_NAMES[trust],
        "type": entry.type,
        "media": entry.media,
        "value": signal_types.from_committed(entry.type, entry.value),
        "nonce": bytes(entry.nonce).hex(),
    }


def withheld_row(entry: Entry, trust: int) -> dict[str, Any]:
    """The row without its value: it still counts in both hashes."""
    return {"id": entry.id.hex, "trust": TRUST_NAMES[trust], "commitment": bytes(entry.commitment).hex()}


def change_row(change: ListChange, reader: ListReader) -> dict[str, Any]:
    """One change of a page. An `add` of an entry that left since is withheld from that moment on."""
    if change.op == Op.REMOVE:
        return {
            "seq": change.seq,
            "op": "remove",
            "id": change.entry_id.hex,
            "reason": REASON_NAMES[change.detail],
            "commitment": bytes(change.commitment).hex(),
        }
    if change.entry.state == State.LISTED:
        row = listed_row(change.entry, reader, change.detail)
    else:  # quarantined since: nobody is to match with it meanwhile
        row = withheld_row(change.entry, change.detail)
    return {"seq": change.seq, "op": Op(change.op).label, **row}
