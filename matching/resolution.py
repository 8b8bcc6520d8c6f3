"""What a tick decides: releases, decisions and wishes become planned changes (LIST.md §6, §7).

Each function runs inside the sequencer's transaction, writes the rows it resolves and plans what becomes public.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from matching import commitments, floods, trust
from matching.batch import Batch, size_of_shown
from matching.models import (
    PRODUCTION,
    BenignHash,
    DecisionKind,
    EntryDecision,
    EntryReview,
    HashList,
    HashListEntry,
    Hold,
    RemovalReason,
    ReviewCause,
    State,
    Trust,
)

_shuffle = secrets.SystemRandom().shuffle


def digest_of(value: str) -> bytes:
    """What the unique index holds in place of a value: SHA-256, 32 bytes."""
    return hashlib.sha256(value.encode()).digest()


# --- releases ---------------------------------------------------------------------------------------------------


def released_holds(hash_list: HashList) -> QuerySet[Hold]:
    return Hold.objects.pending().released().filter(hash_list=hash_list)


def resolve_releases(hash_list: HashList, batch: Batch) -> list[UUID]:
    """Settle holds that were taken back; entries nobody stands behind any more go. Returns the holds settled.

    Skips rows another transaction has locked: one that stays open for an hour must not stop the list.
    """
    holds = list(released_holds(hash_list).select_for_update(skip_locked=True).order_by("pk")[: batch.room()])
    ids = [hold.pk for hold in holds]
    # A hold released before publication leaves no trace: its value goes here.
    Hold.objects.filter(pk__in=ids).update(pending=False, value=None, asker=None, ready_at=None, canary_for=None)
    abandoned = list(_abandoned(hold.entry_id for hold in holds if hold.entry_id))
    for entry in abandoned:
        if entry.state == State.LISTED:
            batch.remove(entry, RemovalReason.WITHDRAWN, was=entry.trust)
    _erase(abandoned, State.GONE)
    batch.touched = batch.touched or bool(ids)
    return ids


def _abandoned(entry_ids: Iterable[UUID]) -> QuerySet[HashListEntry]:
    wanted = set(entry_ids)
    standing = set(Hold.objects.standing().filter(entry__in=wanted).values_list("entry_id", flat=True))
    return HashListEntry.objects.filter(pk__in=wanted - standing).exclude(state__in=[State.GONE, State.REFUSED])


def _erase(entries: Iterable[HashListEntry], state: State) -> None:
    """Value and nonce go in the transaction that publishes the removal. The commitment stays: the log is provable.

    Nobody has to look at them any more, either.
    """
    ids = [entry.pk for entry in entries]
    HashListEntry.objects.filter(pk__in=ids).update(state=state, value=None, value_digest=None, nonce=None)
    EntryReview.objects.open().filter(entry__in=ids).update(closed_at=timezone.now())


# --- decisions --------------------------------------------------------------------------------------------------


def carry_out_decisions(hash_list: HashList, batch: Batch) -> None:
    """Apply what trust rules and staff decided, oldest first; a decision that no longer fits is dropped."""
    waiting = EntryDecision.objects.filter(entry__hash_list=hash_list).select_related("entry").order_by("pk")
    # Locked, so that whoever counts votes meanwhile sees which decisions are on their way and which may be replaced.
    waiting = waiting.select_for_update(skip_locked=True, of=("self",))
    entries: dict[UUID, HashListEntry] = {}
    done: list[int] = []
    for decision in waiting[: batch.room()]:
        entry = entries.get(decision.entry_id, decision.entry)
        if batch.changes and size_of_shown(entry.value or "") > batch.bytes_left():
            break  # the next batch takes it
        entries[entry.pk] = entry
        _carry_out(DecisionKind(decision.kind), entry, batch)
        done.append(decision.pk)
    for entry in entries.values():
        entry.save(update_fields=["state", "trust", "restored_at"])
    _erase([entry for entry in entries.values() if entry.state == State.REFUSED], State.REFUSED)
    EntryDecision.objects.filter(pk__in=done).delete()
    batch.touched = batch.touched or bool(done)


def _carry_out(kind: DecisionKind, entry: HashListEntry, batch: Batch) -> None:
    before = trust.Standing(entry.state, entry.trust)
    becomes = trust.after(kind, before)
    if becomes is None:
        return
    entry.state, entry.trust = becomes
    if before.state == becomes.state:
        batch.update(entry, was=before.trust)
    elif becomes.state == State.LISTED:
        entry.restored_at = timezone.now() if before.state == State.QUARANTINED else None
        batch.add(entry)
    elif before.state == State.LISTED:
        refused = becomes.state == State.REFUSED
        reason = RemovalReason.REMOVED if refused else RemovalReason.QUARANTINED
        batch.remove(entry, reason, was=before.trust)
    if becomes.state == State.REFUSED:
        _move_to_harmless(entry)


def _move_to_harmless(entry: HashListEntry) -> None:
    value = entry.value or ""
    BenignHash.objects.get_or_create(
        type=entry.type,
        value_digest=digest_of(value),
        defaults={"value": value, "reason": "refused by staff"},
    )


# --- wishes -----------------------------------------------------------------------------------------------------


def waiting_wishes(hash_list: HashList) -> QuerySet[Hold]:
    """Holds that wait for their window to close."""
    return Hold.objects.pending().standing().filter(hash_list=hash_list, entry=None)


def window_is_closed(hash_list: HashList, now: datetime) -> bool:
    """Additions wait for enough cases or enough time, so that publication does not say who reported when."""
    waiting = waiting_wishes(hash_list)
    if waiting.filter(ready_at__lte=now).exists():
        return True
    cases = waiting.filter(canary_for=None).values("asker")  # a canary hides among people, it isn't one
    return cases.distinct()[: settings.ANONYMITY_CASES].count() >= settings.ANONYMITY_CASES


def resolve_wishes(hash_list: HashList, batch: Batch, now: datetime) -> None:
    """Publish the window: every waiting hold finds or makes its entry; new entries are listed in shuffled order."""
    if batch.room() <= 0 or not window_is_closed(hash_list, now):
        return
    _close_window(hash_list, now)
    # Only what was in the window: a hold that arrives meanwhile waits for company of its own. Keys are random.
    ready = waiting_wishes(hash_list).filter(ready_at__lte=now).select_for_update(skip_locked=True).order_by("pk")
    resolved, fresh = _resolve(hash_list, list(ready[: batch.room()]), batch.bytes_left(), now)
    HashListEntry.objects.bulk_create(fresh)
    if hash_list.name == PRODUCTION:  # nobody looks into sandboxes
        held = [EntryReview(entry=entry, cause=ReviewCause.HELD) for entry in fresh if entry.state == State.HELD]
        EntryReview.objects.bulk_create(held)
    floods.count(hash_list, len(fresh), now)
    _settle(resolved)
    listed = [entry for entry in fresh if entry.state == State.LISTED]
    _shuffle(listed)
    for entry in listed:
        batch.add(entry)
    batch.touched = batch.touched or bool(resolved)


def _close_window(hash_list: HashList, now: datetime) -> None:
    """Everything that waits now is ready, also what this batch has no room for. Rows locked elsewhere are passed by."""
    early = waiting_wishes(hash_list).filter(ready_at__gt=now).select_for_update(skip_locked=True)
    ids = list(early.values_list("pk", flat=True))
    for start in range(0, len(ids), 5_000):
        Hold.objects.filter(pk__in=ids[start : start + 5_000]).update(ready_at=now)


def _resolve(
    hash_list: HashList, holds: list[Hold], bytes_left: int, now: datetime
) -> tuple[list[Hold], list[HashListEntry]]:
    """The holds that found an entry, and the entries made for them, within so many bytes of a page."""
    entries, harmless = _existing(hash_list, holds), _harmless(holds)
    resolved: list[Hold] = []
    fresh: list[HashListEntry] = []
    for hold in holds:
        key = (hold.type, hold.media, digest_of(hold.value or ""))
        if key not in entries:
            bytes_left -= size_of_shown(hold.value or "")
            if bytes_left < 0 and resolved:
                break  # the next batch takes it
            held = bool(hash_list.additions_frozen_at) or (hold.type, key[2]) in harmless
            entries[key] = _new_entry(hold, now, held=held)
            fresh.append(entries[key])
        hold.entry = entries[key]
        resolved.append(hold)
    return resolved, fresh


_Key = tuple[str, str, bytes]


def _existing(hash_list: HashList, holds: list[Hold]) -> dict[_Key, HashListEntry]:
    digests = [digest_of(hold.value or "") for hold in holds]
    found = HashListEntry.objects.filter(hash_list=hash_list, value_digest__in=digests)
    return {(entry.type, entry.media, bytes(entry.value_digest or b"")): entry for entry in found}


def _harmless(holds: list[Hold]) -> set[tuple[str, bytes]]:
    digests = [digest_of(hold.value or "") for hold in holds]
    rows = BenignHash.objects.filter(value_digest__in=digests).values_list("type", "value_digest")
    return {(type, bytes(digest)) for type, digest in rows}


def _new_entry(hold: Hold, now: datetime, *, held: bool) -> HashListEntry:
    value, nonce = hold.value or "", secrets.token_bytes(16)
    return HashListEntry(
        hash_list_id=hold.hash_list_id,
        type=hold.type,
        media=hold.media,
        value=value,
        value_digest=digest_of(value),
        nonce=nonce,
        commitment=commitments.commitment(nonce=nonce, type=hold.type, media=hold.media, value=value.encode("ascii")),
        state=State.HELD if held else State.LISTED,
        trust=Trust.UNVERIFIED,
        canary_for_id=hold.canary_for_id,
        changed_at=now,
    )


def _settle(holds: list[Hold]) -> None:
    """Each hold points at its entry from now on and forgets what it asked for, and for whom.

    `bulk_update` compiles one CASE of all rows for every column, 2.3 s for 500 holds; this takes 10 ms.
    """
    meta = Hold._meta
    key, entry = meta.pk, meta.get_field("entry")
    pairs = [
        (entry.get_db_prep_save(hold.entry_id, connection), key.get_db_prep_value(hold.pk, connection))
        for hold in holds
    ]
    with connection.cursor() as cursor:
        cursor.executemany(f"UPDATE {meta.db_table} SET entry_id = %s WHERE id = %s", pairs)  # noqa: S608  our own name
    hour = timezone.now().replace(minute=0, second=0, microsecond=0)
    rows = Hold.objects.filter(pk__in=[hold.pk for hold in holds])
    rows.update(value=None, asker=None, ready_at=None, canary_for=None, pending=False, resolved_hour=hour)
