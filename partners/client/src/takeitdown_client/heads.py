"""Which signed heads count: LIST.md §5, rules 1, 2 and 6. Keys, rollbacks, forks and clocks.

Each check is a method of its own, so that a test can take one away and see that something else fails.
"""

import time
from collections.abc import Callable, Iterable

from . import notes
from .errors import ClientFailure, Fork, NoteRefused, Rollback, UnknownSigner
from .notes import Head
from .portal import Portal
from .progress import NoProgress, Progress
from .store import Store, nothing

CLOCK_TOLERANCE_SECONDS = 120
STALE_SECONDS = 7 * 24 * 3600
KEYS_EVERY_SECONDS = 24 * 3600


class HeadRules:
    """What a client holds against every head it is shown.

    `clock` gives unix seconds and decides alarms only. `at` is called with the name of each point at which a crash
    would be interesting: latest_seen, page_proven, rows_written, head_written, page_stored, snapshot_fetched,
    snapshot_staged, rows_swapped, snapshot_stored, acknowledged.
    """

    def __init__(
        self,
        store: Store,
        portal: Portal,
        *,
        clock: Callable[[], float] = time.time,
        progress: Progress | None = None,
        at: Callable[[str], None] = nothing,
    ) -> None:
        self.store = store
        self.portal = portal
        self.clock = clock
        self.progress = progress or NoProgress()
        self.at = at

    def look_at_latest(self, note: str) -> Head:
        """The first look at any answer. Raises Rollback, Fork or NoteRefused: then use nothing of the answer."""
        try:
            latest = self._open_latest(note)
        except NoteRefused as failure:
            self.alarm("note_refused", failure.detail, evidence=[note[:4096]])
            raise
        self.check_rollback(latest)
        self.check_fork(latest)
        self.check_times(latest)
        self.remember(latest)
        self.at("latest_seen")
        return latest

    def open_head(self, note: str) -> Head:
        """A head of this list, signed by a pinned key before that key's end. Raises NoteRefused."""
        periods = {period.key: period for period in self.store.key_periods()}
        head, signers = notes.open_head(note, periods)
        self.check_list(head)
        if not any(head.issued <= periods[key].until for key in signers):
            raise NoteRefused("The key that signed this head had already been retired.")
        return head

    def _open_latest(self, note: str) -> Head:
        """As `open_head`, with keys not retired by now; where no pinned key signed, look for new keys once."""
        try:
            head = self.open_head(note)
        except UnknownSigner:
            if not self.learn_keys():
                raise
            head = self.open_head(note)
        notes.open_note(note, self._keys_in_use())
        return head

    def check_list(self, head: Head) -> None:
        """Line 2 names my portal and my list."""
        if (head.origin, head.list_name) != (self.store.origin, self.store.list_name):
            raise NoteRefused("This head is another list's.")

    def check_rollback(self, latest: Head) -> None:
        """Rule 2: never below the highest ever verified. A larger epoch is not a rollback."""
        highest = self.store.highest()
        if highest is None or latest.position >= highest.position:
            return
        rollback = Rollback(
            f"The portal offers epoch {latest.epoch}, change {latest.seq}; it had signed epoch {highest.epoch},"
            f" change {highest.seq}.",
            notes=(highest.note, latest.note),
        )
        self.alarm("rollback", rollback.detail, evidence=rollback.notes)
        raise rollback

    def check_fork(self, head: Head) -> None:
        """Rule 2: one position, one state."""
        known = self.store.head_at(head.position)
        if known is None or known[0] == head.state:
            return
        fork = Fork(f"Two different heads for epoch {head.epoch}, change {head.seq}.", notes=(known[1], head.note))
        self.alarm("fork", fork.detail, evidence=fork.notes)
        raise fork

    def check_times(self, latest: Head) -> None:
        """Rule 6: clocks are wrong, so time alarms and decides nothing."""
        now = self.clock()
        if now > latest.expires:
            self.alarm("expired", "The newest head has expired: nothing was signed for a day, or a clock is wrong.")
        else:
            self.store.close_alarms(at=int(now), kind="expired")
        if latest.issued > now + CLOCK_TOLERANCE_SECONDS:
            self.alarm("future", "The newest head was signed in the future: a clock is wrong, here or there.")
        else:
            self.store.close_alarms(at=int(now), kind="future")

    def watch_staleness(self) -> None:
        """Rule 6: seven days without a new head, and a person decides every match (`match` says so)."""
        if is_stale(self.store, now=self.clock()):
            self.alarm("stale", "No new head for 7 days: matching goes on, let a person decide every match.")
        else:
            self.store.close_alarms(at=int(self.clock()), kind="stale")

    def remember(self, latest: Head) -> None:
        self.store.remember_head(latest)

    def _keys_in_use(self) -> list[notes.VerifierKey]:
        """Keys whose end has not come by the time the portal's own signatures show (not by our clock)."""
        now = self.store.signed_time()
        return [period.key for period in self.store.key_periods() if period.until >= now]

    def learn_keys(self) -> bool:
        """Fetch the keys note; believe it if a pinned key in use signed it. Whether it was believed."""
        try:
            periods = notes.open_keys(self.portal.keys(), self._keys_in_use(), origin=self.store.origin)
        except ClientFailure:
            return False
        self.store.learn_keys(periods)
        self.store.set(keys_checked_at=str(int(self.clock())))
        return True

    def learn_keys_if_due(self) -> None:
        """Once a day: a new key must be learnt while the old one still signs."""
        if self.due("keys_checked_at", KEYS_EVERY_SECONDS) and not self.learn_keys():
            self.store.set(keys_checked_at=str(int(self.clock())))

    def alarm(self, kind: str, detail: str, *, evidence: Iterable[str] = ()) -> None:
        self.store.alarm(kind, detail, at=int(self.clock()), evidence=list(evidence))

    def due(self, setting: str, every_seconds: int) -> bool:
        """Whether it is that long ago; a clock that went backwards counts as due."""
        return not 0 <= self.clock() - int(self.store.setting(setting, "0")) < every_seconds


def is_stale(store: Store, *, now: float) -> bool:
    """Whether the newest verified head is older than seven days (by a clock that may be wrong)."""
    newest = store.signed_time()
    return bool(newest) and now - newest >= STALE_SECONDS
