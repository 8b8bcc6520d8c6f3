"""What the list declines."""

from __future__ import annotations

from takeitdown.errors import Refused


class ResyncNeeded(Refused):
    """The reader's position is not one this list can go on from (LIST.md §4); `latest` is the newest head."""

    code = "resync"
    status = 409
    default_detail = "Take a snapshot: this position can't be continued."

    def __init__(self, reason: str, latest: str) -> None:
        super().__init__(reason=reason, latest=latest)


class ListNotReady(Refused):
    """The list has no signed head yet: the sequencer has never run."""

    code = "list_not_ready"
    status = 503
    default_detail = "The list isn't signed yet. Try again in a minute."
    retry_after = 60


class Diverged(Refused):
    """The reader's set hash is not the one of that position."""

    code = "diverged"
    status = 409
    default_detail = "Your set hash is not the one of this position. Take a snapshot."


class NoSuchEntry(Refused):
    code = "no_such_entry"
    status = 404
    default_detail = "There is no such entry on your list."


class DecisionNoLongerFits(Refused):
    """The entry has moved on since the page was shown, or somebody else was quicker."""

    code = "decision_no_longer_fits"
    status = 409
    default_detail = "This entry has changed meanwhile, so nothing was done. Look at it again."


class NotFrozen(Refused):
    code = "not_frozen"
    status = 409
    default_detail = "Additions are not frozen (any more)."
