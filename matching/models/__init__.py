"""The hash list's tables: the only bridge between reporters and platforms."""

from matching.models.change import ListChange, ListHead, Op, RemovalReason
from matching.models.entry import (
    BenignHash,
    DecisionKind,
    EntryDecision,
    EntryOutcome,
    EntryReview,
    HashListEntry,
    ReviewCause,
    State,
    Trust,
)
from matching.models.hash_list import PRODUCTION, AdditionsInHour, HashList, KeysNote, SigningKey
from matching.models.hold import Hold
from matching.models.reader import ListReader

__all__ = [
    "PRODUCTION",
    "AdditionsInHour",
    "BenignHash",
    "DecisionKind",
    "EntryDecision",
    "EntryOutcome",
    "EntryReview",
    "HashList",
    "HashListEntry",
    "Hold",
    "KeysNote",
    "ListChange",
    "ListHead",
    "ListReader",
    "Op",
    "RemovalReason",
    "ReviewCause",
    "SigningKey",
    "State",
    "Trust",
]
