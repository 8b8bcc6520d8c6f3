"""Whose feedback counts, how often, and for how much: votes on entries (LIST.md §7).

A vote is a platform's present opinion. Platforms of one group have one vote together, and it is their newest. An
opinion is always kept; whether it counts is decided when it is given (`Feedback.counts`: the daily cap, and how often
a platform may change its mind) and when votes are counted (the platform's state, feedback set aside by staff, and what
staff have settled since).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from matching import decisions, hashlist, trust
from matching.models import PRODUCTION, HashList, HashListEntry, State
from partners.models import Feedback, Opinion, Partner, PartnerState
from takeitdown.audit.models import record

DAY = timedelta(days=1)
COUNTED_AT_ONCE = 200
OPINIONS_A_DAY = 25  # on one entry; whoever says more is not deciding anything, and nobody reads them all
# Whose votes move the production list. In a sandbox there is its owner alone.
VOTERS = (PartnerState.PRODUCTION,)
SANDBOX_VOTERS = (PartnerState.PRODUCTION, PartnerState.SANDBOX)
IN_FORCE = Q(state__in=VOTERS, feedback_suspended_at=None)


def in_force(partner: Partner) -> bool:
    """Whether this platform's opinions count at present, wherever they are about."""
    return partner.state in SANDBOX_VOTERS and partner.feedback_suspended_at is None


def counts_now(given: Feedback) -> bool:
    """Whether this very opinion is among those that are counted at present."""
    return given.counts and given.superseded_at is None and in_force(given.partner) and not _settled(given, given.entry)


# --- when it is given -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Admission:
    """Whether an opinion counts, if not, whether the daily cap is why, and whether there was one of late before it."""

    counts: bool
    over_cap: bool = False
    supersedes: bool = True


def admit(partner: Partner, entry: HashListEntry, opinion: str, hash_list: HashList, now: datetime) -> Admission:
    """Whether `opinion` of a locked partner on an entry counts. Saying the same again costs nothing."""
    own = Feedback.objects.filter(Q(given_at__gt=now - DAY) | Q(superseded_at=None), partner=partner, entry=entry)
    newest_first = list(own.order_by("-given_at", "-pk")[:OPINIONS_A_DAY])
    if newest_first and (last := newest_first[0]).opinion == opinion and last.counts and not _settled(last, entry):
        return Admission(True)
    changes = _changes_of_mind([opinion, *(one.opinion for one in newest_first)])
    if changes > trust.CHANGES_OF_MIND_A_DAY or len(newest_first) == OPINIONS_A_DAY:
        return Admission(False)
    if opinion == Opinion.DISPUTE and _spent(partner, entry, hash_list, now):
        return Admission(False, over_cap=hash_list.name == PRODUCTION, supersedes=bool(newest_first))
    return Admission(True, supersedes=bool(newest_first))


def _settled(given: Feedback, entry: HashListEntry) -> bool:
    return entry.restored_at is not None and given.given_at <= entry.restored_at


def _changes_of_mind(opinions: Sequence[str]) -> int:
    return sum(one != other for one, other in pairwise(opinions))


def _spent(partner: Partner, entry: HashListEntry, hash_list: HashList, now: datetime) -> bool:
    """Whether the partner's disputes of the last 24 hours have used up what they may move on this list."""
    cap = trust.disputes_a_day(hash_list.live)
    disputes = Feedback.objects.filter(partner=partner, opinion=Opinion.DISPUTE, counts=True, given_at__gt=now - DAY)
    others = disputes.filter(entry__hash_list=hash_list).exclude(entry=entry)
    return others.values("entry").distinct()[:cap].count() >= cap


# --- when votes are counted -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Count:
    """The votes on one entry, and when the newest dispute was given."""

    votes: trust.Votes
    disputed_at: datetime | None = None


def count(entries: Iterable[HashListEntry], hash_list: HashList) -> dict[UUID, Count]:
    """The votes on each entry of one list, in one query."""
    settled = {entry.pk: entry.restored_at for entry in entries}
    rows = Feedback.objects.current().filter(
        entry__in=settled,
        counts=True,
        partner__feedback_suspended_at=None,
        partner__state__in=VOTERS if hash_list.name == PRODUCTION else SANDBOX_VOTERS,
    )
    opinions: dict[UUID, dict[str, tuple[str, datetime]]] = defaultdict(dict)
    for entry_id, group, opinion, given_at in rows.order_by("given_at", "pk").values_list(
        "entry_id", "partner__group", "opinion", "given_at"
    ):
        since = settled[entry_id]
        if since is None or given_at > since:
            opinions[entry_id][group.strip().casefold()] = (opinion, given_at)  # the newest of a group stays
    return {entry_id: _weigh(opinions[entry_id].values()) for entry_id in settled}


def _weigh(opinions: Iterable[tuple[str, datetime]]) -> Count:
    agreed = [at for opinion, at in opinions if opinion == Opinion.AGREE]
    disputed = [at for opinion, at in opinions if opinion == Opinion.DISPUTE]
    return Count(trust.Votes(len(agreed), len(disputed)), max(disputed, default=None))


def settle(entry: HashListEntry, hash_list: HashList) -> Count:
    """Count the votes on a locked entry of that list and ask for what follows from them; returns them."""
    counted = count([entry], hash_list)[entry.pk]
    decisions.apply_votes(entry, counted.votes, disputed_at=counted.disputed_at)
    return counted


def settle_all(entries: Iterable[HashListEntry], hash_list: HashList) -> None:
    """As `settle` for locked entries of one list: their votes are counted in one query."""
    rows = {entry.pk: entry for entry in entries}
    for entry_id, counted in (count(rows.values(), hash_list) if rows else {}).items():
        decisions.apply_votes(rows[entry_id], counted.votes, disputed_at=counted.disputed_at)


# --- when a platform's votes begin or cease to count -----------------------------------------------------------


@transaction.atomic
def set_aside(partner: Partner, *, by: str) -> None:
    """Its feedback moves no entry any more, from now on and in hindsight; what it says is still kept.

    Entries are counted anew by the sweep. Repeating changes nothing.
    """
    aside = Partner.objects.filter(pk=partner.pk, feedback_suspended_at=None)
    if aside.update(feedback_suspended_at=timezone.now()):
        record(actor=by, action="set feedback aside", target=_name(partner), within=f"partner:{partner.code}")


@transaction.atomic
def take_up(partner: Partner, *, by: str) -> None:
    """Let its feedback count again, what was kept meanwhile included. Repeating changes nothing."""
    aside = Partner.objects.filter(pk=partner.pk, feedback_suspended_at__isnull=False)
    if aside.update(feedback_suspended_at=None):
        record(actor=by, action="took feedback up again", target=_name(partner), within=f"partner:{partner.code}")


def recount() -> int:
    """Count the votes anew on entries of every platform whose votes began or ceased to count; returns how many entries.

    For the sweep. The partners' rows say by themselves who that is, so nothing is lost where a message is.
    """
    begun = Partner.objects.filter(IN_FORCE, votes_counted=False)
    ceased = Partner.objects.filter(votes_counted=True).exclude(IN_FORCE)
    return sum(_recount(partner, counts=True) for partner in begun) + sum(
        _recount(partner, counts=False) for partner in ceased
    )


def _recount(partner: Partner, *, counts: bool) -> int:
    said = Feedback.objects.current().filter(partner=partner, counts=True)
    said = said.filter(entry__state__in=[State.LISTED, State.QUARANTINED], entry__hash_list__name=PRODUCTION)
    left = list(said.values_list("entry_id", flat=True))
    done = 0
    for _again in range(3):  # a row that somebody holds is counted by them, or by us a moment later
        busy: list[UUID] = []
        for start in range(0, len(left), COUNTED_AT_ONCE):
            part = left[start : start + COUNTED_AT_ONCE]
            free = _settle_free(part)
            done += len(free)
            busy += set(part) - free
        left = busy
    if not left:
        Partner.objects.filter(pk=partner.pk).update(votes_counted=counts)
    return done


@transaction.atomic
def _settle_free(entry_ids: Sequence[UUID]) -> set[UUID]:
    entries = decisions.lock_free(entry_ids)
    settle_all(entries, hashlist.production())
    return {entry.pk for entry in entries}


def _name(partner: Partner) -> str:
    return f"partners.partner:{partner.pk}"
