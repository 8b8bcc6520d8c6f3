"""The life of an entry as rules (LIST.md §7): what votes ask for, and what a decision makes of an entry. Pure.

States and decisions are the words of `State` and `DecisionKind`, trust is the number of `Trust`. What a vote is, and
whose vote counts, is the business of those who collect them; here they are two numbers.
"""

from __future__ import annotations

from typing import Final, NamedTuple

HELD: Final = "held"
LISTED: Final = "listed"
QUARANTINED: Final = "quarantined"
REFUSED: Final = "refused"
UNVERIFIED: Final = 1
CONFIRMED: Final = 2

CONFIRM: Final = "confirm"
UNCONFIRM: Final = "unconfirm"
QUARANTINE: Final = "quarantine"
RESTORE: Final = "restore"
REFUSE: Final = "refuse"

DISPUTED: Final = "disputed"
"""The cause for which people look at an entry that some dispute and others agree with."""

DISPUTES_TO_QUARANTINE: Final = 2
CAP: Final = 50
CAP_PER_THOUSAND_ROWS: Final = 1
CHANGES_OF_MIND_A_DAY: Final = 3


class Votes(NamedTuple):
    """How many independent groups agree with an entry and how many dispute it; each group is in one of the two."""

    agreements: int
    disputes: int


class Standing(NamedTuple):
    """Where an entry is, and how far it is trusted."""

    state: str
    trust: int


class Ruling(NamedTuple):
    """What follows from votes: a decision or None, and whether people have to look."""

    decision: str | None
    people_look: bool = False


def ruling(votes: Votes, standing: Standing) -> Ruling:
    """What the votes ask for. One agreement confirms; two disputes quarantine, unless there is an agreement: then
    people look. Votes move only what is listed: whatever left the list comes back by people alone.
    """
    if standing.state != LISTED:
        return Ruling(None)
    if votes.agreements == 0 and votes.disputes >= DISPUTES_TO_QUARANTINE:
        return Ruling(QUARANTINE)
    contested = votes.agreements > 0 and votes.disputes >= DISPUTES_TO_QUARANTINE
    wanted = CONFIRMED if votes.agreements else UNVERIFIED
    if wanted == standing.trust:
        return Ruling(None, contested)
    return Ruling(CONFIRM if wanted == CONFIRMED else UNCONFIRM, contested)


def after(decision: str, standing: Standing) -> Standing | None:
    """What a decision makes of an entry that stands there; None where it does not fit any more."""
    state, trust = standing
    if decision in {CONFIRM, UNCONFIRM} and state == LISTED:
        wanted = CONFIRMED if decision == CONFIRM else UNVERIFIED
        return Standing(LISTED, wanted) if wanted != trust else None
    if decision == QUARANTINE and state == LISTED:
        return Standing(QUARANTINED, UNVERIFIED)
    if decision == RESTORE and state in {QUARANTINED, HELD}:
        return Standing(LISTED, UNVERIFIED)
    if decision == REFUSE and state in {LISTED, QUARANTINED, HELD}:
        return Standing(REFUSED, trust)
    return None


def disputes_a_day(live: int) -> int:
    """How many entries one platform's disputes may move a day, on a list of so many rows: 50, or one in a thousand."""
    return max(CAP, live * CAP_PER_THOUSAND_ROWS // 1000)
