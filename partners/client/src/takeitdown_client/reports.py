"""What goes back to the portal: match reports and feedback. Written to the outbox first, so that none is ever lost.

Counts and outcomes only: there is no member for an address, an account or a picture, and there never will be.
"""

import re
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from .errors import ClientFailure, InvalidInput, KeyNotAccepted, NotAllowed
from .portal import FEEDBACK_PATH, REPORTS_PATH, Portal
from .store import Letter, Store

AT_ONCE = 100  # what the portal takes in one request
OUTCOMES = ("found", "removed", "declined", "not_a_match", "blocked")
OPINIONS = ("agree", "dispute")
REASONS = ("harmless", "adult", "not_sexual", "widely_published", "other")


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of the outbox: delivered now, still waiting, refused for good."""

    delivered: int
    waiting: int
    refused: int


class Reports:
    """One client's reports."""

    def __init__(self, store: Store, portal: Portal, *, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._portal = portal
        self._clock = clock

    def report(self, entry: str, *, outcome: str, reason: str = "") -> str:
        """Put a match report into the outbox. Returns its client id, which makes repeating it harmless."""
        if outcome not in OUTCOMES:
            raise InvalidInput(f"The outcome is one of: {', '.join(OUTCOMES)}.")
        if (reason in REASONS) != (outcome == "declined"):
            raise InvalidInput(f"Declined, and only declined, has a reason: {', '.join(REASONS)}.")
        body = {"entry": entry_id(entry).hex(), "outcome": outcome} | ({"reason": reason} if reason else {})
        return self._post(REPORTS_PATH, body)

    def feedback(self, entry: str, opinion: str, *, reason: str = "") -> str:
        """Put an opinion into the outbox. A dispute also leaves the entry out on this side, at once."""
        if opinion not in OPINIONS:
            raise InvalidInput("The opinion is agree or dispute.")
        if (reason in REASONS) != (opinion == "dispute"):
            raise InvalidInput(f"A dispute, and only a dispute, has a reason: {', '.join(REASONS)}.")
        id = entry_id(entry)
        with self._store.transaction():
            if opinion == "dispute":
                self._store.leave_out(id, reason=reason, at=int(self._clock()))
            else:
                self._store.take_back_in(id)
            body = {"entry": id.hex(), "opinion": opinion} | ({"reason": reason} if reason else {})
            return self._post(FEEDBACK_PATH, body)

    def deliver(self) -> Delivery:
        """Send what waits, up to a hundred at once, oldest first of each kind: match reports, then opinions.

        A refusal is kept for a person to read; trouble on the way ends the round.
        """
        delivered = 0
        for path, letters in self._batches():
            try:
                refusals = self._portal.post_reports(path, [letter.body for letter in letters])
            except (KeyNotAccepted, NotAllowed):
                break
            except ClientFailure:
                for letter in letters:
                    self._store.not_delivered(letter.client_id)
                break
            delivered += self._put_away(letters, refusals)
        left = self._store.outbox()
        refused = sum(bool(letter.refusal) for letter in left)
        return Delivery(delivered, len(left) - refused, refused)

    def _batches(self) -> Iterator[tuple[str, list[Letter]]]:
        waiting = [letter for letter in self._store.outbox() if not letter.refusal]
        for path in (REPORTS_PATH, FEEDBACK_PATH):
            letters = [letter for letter in waiting if letter.path == path]
            for start in range(0, len(letters), AT_ONCE):
                yield path, letters[start : start + AT_ONCE]

    def _put_away(self, letters: Sequence[Letter], refusals: Sequence[str]) -> int:
        """Returns how many the portal took."""
        for letter, refusal in zip(letters, refusals, strict=True):
            if refusal:
                self._store.not_delivered(letter.client_id, refusal=refusal)
            else:
                self._store.delivered(letter.client_id)
        return sum(not refusal for refusal in refusals)

    def _post(self, path: str, body: dict[str, str]) -> str:
        client_id = str(uuid.uuid4())
        self._store.post(client_id, path, {"client_id": client_id, **body}, at=int(self._clock()))
        return client_id


def entry_id(text: str) -> bytes:
    """16 bytes from 32 lowercase hex digits. Raises InvalidInput."""
    if not re.fullmatch(r"[0-9a-f]{32}", text):
        raise InvalidInput("An entry is 32 lowercase hex digits, as `match` shows it.")
    return bytes.fromhex(text)
