"""What platforms give back about entries of their list: match reports and feedback. A repeat has one effect.

Each partner's writes queue behind its own row lock. So what is there is read and written without a race, and no insert
ever meets a unique index, whose error PostgreSQL would write to its log with the values in it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from matching import decisions, outcomes, pages
from matching.errors import NoSuchEntry
from matching.models import EntryOutcome, HashListEntry, ListReader, State
from matching.rows import is_shown
from partners import votes
from partners.errors import ClientIdTaken, EntryOffTheList, EntryWithheld, InvalidQuery
from partners.models import Feedback, MatchReport, Opinion, Partner
from takeitdown.errors import Refused

STILL_TO_DO = {EntryOutcome.Kind.FOUND}
PAGE = 200
_Row = TypeVar("_Row", Feedback, MatchReport)
Item = Mapping[str, str]  # the words of `record_match_report` or `record_feedback`, without partner and reader


@transaction.atomic
def record_match_report(
    *, partner: Partner, reader: ListReader, client_id: str, entry: str, outcome: str, reason: str = ""
) -> tuple[MatchReport, bool]:
    """Keep what became of a match on `entry` (32 hex); returns the report and whether it is new.

    A report that says what was done closes the oldest open `found` of that entry. Raises ClientIdTaken, NoSuchEntry,
    EntryOffTheList, EntryWithheld. What was found before an entry left the list may still be closed afterwards.
    """
    _lock(partner)
    return _report(partner, reader, client_id=client_id, entry=entry, outcome=outcome, reason=reason)


@transaction.atomic
def record_match_reports(
    *, partner: Partner, reader: ListReader, items: Sequence[Item]
) -> list[tuple[MatchReport, bool] | Refused]:
    """As `record_match_report` for each of them, in their order; where that one would raise, the refusal stands."""
    _lock(partner)
    return [_reported(partner, reader, item) for item in items]


def _reported(partner: Partner, reader: ListReader, item: Item) -> tuple[MatchReport, bool] | Refused:
    try:
        return _report(partner, reader, **item)
    except Refused as refusal:  # raised before anything of this one is written
        return refusal


def _report(
    partner: Partner, reader: ListReader, *, client_id: str, entry: str, outcome: str, reason: str = ""
) -> tuple[MatchReport, bool]:
    if (earlier := MatchReport.objects.filter(partner=partner, client_id=client_id).first()) is not None:
        if (earlier.entry_id.hex, earlier.outcome, earlier.reason) != (entry, outcome, reason):
            raise ClientIdTaken
        return earlier, False
    acts = outcome not in STILL_TO_DO
    row, as_shown = pages.entry_row(reader, entry)
    opened = MatchReport.objects.open().filter(partner=partner, entry=row).order_by("received_at", "pk").first()
    if not (acts and opened):
        _refuse_unless_shown(as_shown)
    now = timezone.now()
    if acts and opened:
        MatchReport.objects.filter(pk=opened.pk).update(acted_at=now)
    report = MatchReport.objects.create(
        partner=partner,
        client_id=client_id,
        entry=row,
        outcome=outcome,
        reason=reason,
        received_at=now,
        acted_at=now if acts else None,
    )
    outcomes.record(entry=row, reader=reader, kind=outcome, at=now)
    return report, True


@transaction.atomic
def record_feedback(
    *, partner: Partner, reader: ListReader, client_id: str, entry: str, opinion: str, reason: str = ""
) -> tuple[Feedback, bool]:
    """Keep what a person at the platform thinks of `entry` (32 hex); returns it and whether it is new.

    One opinion for each partner and entry, whichever of its keys was used: a later one supersedes it. In the same
    transaction the votes on the entry are counted anew, and what follows from them is asked for (`partners.votes`).
    Raises ClientIdTaken, NoSuchEntry, EntryOffTheList, EntryWithheld.
    """
    _lock(partner)
    words = {"client_id": client_id, "opinion": opinion, "reason": reason}
    if (earlier := _said_before(partner, entry=entry, **words)) is not None:
        return earlier, False
    row = _hold(reader, entry)
    given, over_cap = _give(partner, reader, row, **words)
    votes.settle(row, reader.hash_list)
    if over_cap:
        decisions.review_over_cap(row)
    return given, True


def record_feedbacks(
    *, partner: Partner, reader: ListReader, items: Sequence[Item]
) -> list[tuple[Feedback, bool] | Refused]:
    """As `record_feedback` for each of them, in their order; where that one would raise, the refusal stands.

    As many as can be are kept in one transaction, which waits for no entry: whoever holds many and waits for one more
    may wait for ever. The first whose entry somebody else holds ends it, and is kept in a transaction of its own.
    """
    answers: list[tuple[Feedback, bool] | Refused] = []
    while left := items[len(answers) :]:
        answers += _record_beginning(partner, reader, left) or [_record_alone(partner, reader, left[0])]
    return answers


def _record_alone(partner: Partner, reader: ListReader, item: Item) -> tuple[Feedback, bool] | Refused:
    try:
        return record_feedback(partner=partner, reader=reader, **item)
    except Refused as refusal:
        return refusal


@transaction.atomic
def _record_beginning(
    partner: Partner, reader: ListReader, items: Sequence[Item]
) -> list[tuple[Feedback, bool] | Refused]:
    """The first of `items`, up to the first whose entry is not free. Votes on an entry are counted once, at the end."""
    _lock(partner)
    sitting = _Sitting(partner, reader, items)
    answers = []
    for item in items:
        if (answer := sitting.take(item)) is None:
            break
        answers.append(answer)
    sitting.settle()
    return answers


class _Sitting:
    """One locked platform's opinions of one transaction, on entries that nobody else holds."""

    def __init__(self, partner: Partner, reader: ListReader, items: Sequence[Item]) -> None:
        self.partner, self.reader = partner, reader
        rows = decisions.lock_free({UUID(item["entry"]) for item in items})
        self.free = {row.pk.hex: row for row in rows if row.hash_list_id == reader.hash_list_id}
        used = Feedback.objects.filter(partner=partner, client_id__in={item["client_id"] for item in items})
        self.used = set(used.values_list("client_id", flat=True))
        self.moved: dict[UUID, HashListEntry] = {}
        self.over_cap: dict[UUID, HashListEntry] = {}

    def take(self, item: Item) -> tuple[Feedback, bool] | Refused | None:
        """As `record_feedback`, but for the votes; None where somebody holds the entry, or the list has none such."""
        try:
            if item["client_id"] in self.used and (earlier := _said_before(self.partner, **item)):
                return earlier, False
            row = self.free.get(item["entry"])
            return (self._give(_shown(row, self.reader), item), True) if row else None
        except Refused as refusal:  # raised before anything of this one is written
            return refusal

    def _give(self, row: HashListEntry, item: Item) -> Feedback:
        words = {name: word for name, word in item.items() if name != "entry"}
        given, over_cap = _give(self.partner, self.reader, row, **words)
        self.used.add(given.client_id)
        self.moved[row.pk] = row
        if over_cap:
            self.over_cap[row.pk] = row
        return given

    def settle(self) -> None:
        """Count the votes on what was spoken of, and ask for what follows from them."""
        votes.settle_all(self.moved.values(), self.reader.hash_list)
        for row in self.over_cap.values():
            decisions.review_over_cap(row)


def feedback_on(partner: Partner, entry: HashListEntry) -> Feedback | None:
    """What `partner` says about `entry` now."""
    said = Feedback.objects.current().filter(partner=partner, entry=entry)
    return said.select_related("partner", "entry").first()


def feedback_given(reader: ListReader, partner: Partner, *, after: str = "", only_open: bool = False) -> list[Feedback]:
    """What `partner` said about entries of that list, oldest first, up to PAGE of it; `after` is a client id.

    With `only_open` its present disputes of entries that are listed or in quarantine: what is not settled. Raises
    InvalidQuery for an id it never used.
    """
    rows = Feedback.objects.filter(partner=partner, entry__hash_list_id=reader.hash_list_id)
    if only_open:
        undecided = [State.LISTED, State.QUARANTINED]
        rows = rows.current().filter(opinion=Opinion.DISPUTE, entry__state__in=undecided)
    return list(_past(rows, Feedback.objects.filter(partner=partner), after).select_related("entry", "partner"))


def matches_reported(
    reader: ListReader, partner: Partner, *, after: str = "", only_open: bool = False
) -> list[MatchReport]:
    """What `partner` reported about entries of that list, as `feedback_given`; open are those whose clock runs."""
    rows = MatchReport.objects.filter(partner=partner, entry__hash_list_id=reader.hash_list_id)
    return list(_past(rows.open() if only_open else rows, MatchReport.objects.filter(partner=partner), after))


def _past(rows: QuerySet[_Row], own: QuerySet[_Row], after: str) -> QuerySet[_Row]:
    """The next page. A client id is the cursor: our own numbers would tell how much everybody else says."""
    if after:
        last = own.filter(client_id=after).values_list("pk", flat=True).first()
        if last is None:
            raise InvalidQuery("You used no such client_id, so there is nothing to go on after.")
        rows = rows.filter(pk__gt=last)
    return rows.order_by("pk")[:PAGE]


def _lock(partner: Partner) -> None:
    # Not the key itself: rows that only point at the partner may still be inserted meanwhile.
    Partner.objects.select_for_update(no_key=True).values_list("pk").get(pk=partner.pk)


def _said_before(partner: Partner, *, client_id: str, entry: str, opinion: str, reason: str = "") -> Feedback | None:
    """What the partner said under that id, if it is the same. Raises ClientIdTaken where it is not."""
    # Without a join: nearly everything that is said is new, and finds nothing here.
    earlier = Feedback.objects.filter(partner=partner, client_id=client_id).first()
    if earlier is None:
        return None
    if (earlier.entry_id.hex, earlier.opinion, earlier.reason) != (entry, opinion, reason):
        raise ClientIdTaken
    earlier.partner = partner
    return earlier


def _give(
    partner: Partner,
    reader: ListReader,
    row: HashListEntry,
    *,
    client_id: str,
    opinion: str,
    reason: str = "",
) -> tuple[Feedback, bool]:
    """Write a locked partner's opinion on a held entry; returns it, and whether the daily cap alone silences it."""
    now = timezone.now()
    admission = votes.admit(partner, row, opinion, reader.hash_list, now)
    if admission.supersedes:
        Feedback.objects.current().filter(partner=partner, entry=row).update(superseded_at=now)
    given = Feedback.objects.create(
        partner=partner,
        client_id=client_id,
        entry=row,
        opinion=opinion,
        reason=reason,
        given_at=now,
        counts=admission.counts,
    )
    return given, admission.over_cap


def _hold(reader: ListReader, entry: str) -> HashListEntry:
    """A listed entry that `reader` is shown, held until the end. Raises NoSuchEntry, EntryOffTheList, EntryWithheld."""
    row = decisions.lock_of(reader, entry)
    if row is None:
        raise NoSuchEntry
    return _shown(row, reader)


def _shown(row: HashListEntry, reader: ListReader) -> HashListEntry:
    """The held row itself. Raises NoSuchEntry, EntryOffTheList, EntryWithheld."""
    if row.state != State.LISTED:
        pages.entry_row(reader, row.pk.hex)  # one that was never published looks like none
        raise EntryOffTheList
    if not is_shown(row, reader, row.trust):
        raise EntryWithheld
    return row


def _refuse_unless_shown(row: dict[str, Any]) -> None:
    if not row["listed"]:
        raise EntryOffTheList
    if "value" not in row:
        raise EntryWithheld
