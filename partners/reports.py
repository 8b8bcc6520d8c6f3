"""What platforms give back about entries of their list: match reports and feedback. A repeat has one effect.

Each partner's writes queue behind its own row lock. So what is there is read and written without a race, and no insert
ever meets a unique index, whose error PostgreSQL would write to its log with the values in it.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from matching import outcomes, pages
from matching.models import EntryOutcome, HashListEntry, ListReader
from partners.errors import ClientIdTaken, EntryOffTheList, EntryWithheld
from partners.models import Feedback, MatchReport, Partner

STILL_TO_DO = {EntryOutcome.Kind.FOUND}


@transaction.atomic
def record_match_report(
    *, partner: Partner, reader: ListReader, client_id: str, entry: str, outcome: str, reason: str = ""
) -> tuple[MatchReport, bool]:
    """Keep what became of a match on `entry` (32 hex); returns the report and whether it is new.

    A report that says what was done closes the oldest open `found` of that entry. Raises ClientIdTaken, NoSuchEntry,
    EntryOffTheList, EntryWithheld. What was found before an entry left the list may still be closed afterwards.
    """
    _lock(partner)
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

    One opinion for each partner and entry, whichever of its keys was used: a later one supersedes it. Raises
    ClientIdTaken, NoSuchEntry, EntryOffTheList, EntryWithheld. It changes no trust by itself.
    """
    _lock(partner)
    if (earlier := Feedback.objects.filter(partner=partner, client_id=client_id).first()) is not None:
        if (earlier.entry_id.hex, earlier.opinion, earlier.reason) != (entry, opinion, reason):
            raise ClientIdTaken
        return earlier, False
    row, as_shown = pages.entry_row(reader, entry)
    _refuse_unless_shown(as_shown)
    now = timezone.now()
    Feedback.objects.current().filter(partner=partner, entry=row).update(superseded_at=now)
    given = Feedback.objects.create(
        partner=partner, client_id=client_id, entry=row, opinion=opinion, reason=reason, given_at=now
    )
    return given, True


def feedback_on(partner: Partner, entry: HashListEntry) -> Feedback | None:
    """What `partner` says about `entry` now."""
    return Feedback.objects.current().filter(partner=partner, entry=entry).first()


def _lock(partner: Partner) -> None:
    # Not the key itself: rows that only point at the partner may still be inserted meanwhile.
    Partner.objects.select_for_update(no_key=True).get(pk=partner.pk)


def _refuse_unless_shown(row: dict[str, Any]) -> None:
    if not row["listed"]:
        raise EntryOffTheList
    if "value" not in row:
        raise EntryWithheld
