"""What the reporter's side may say to the list: ask, and release. It never reads it.

A look-up here, or a unique index hit, would tell by its reply or its time what is listed. So asking only inserts, and
the sequencer does the rest after commit.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.utils import timezone

from matching.models import PRODUCTION, HashList, Hold
from matching.setsum import SetSum


@dataclass(frozen=True)
class Wanted:
    """A value somebody wants listed: type, media and its committed text (`signal_types.committed(…).decode()`)."""

    type: str
    media: str
    value: str


def production() -> HashList:
    """The list that platforms act on."""
    return HashList.objects.get(name=PRODUCTION)


def open_list(name: str) -> HashList:
    """The list of that name; a new one is empty, and unreadable until the sequencer signs its first head."""
    return HashList.objects.get_or_create(name=name, defaults={"chain": b"", "set_sum": bytes(SetSum())})[0]


def _production_id() -> int:
    """Its key alone: the row carries 2 KiB that only the sequencer needs."""
    return HashList.objects.values_list("pk", flat=True).get(name=PRODUCTION)


def ask(wanted: Sequence[Wanted], *, asker: bytes, hash_list: HashList | None = None) -> list[Hold]:
    """Insert one hold for each value, in the caller's transaction, and return them in the same order.

    `asker` is 16 bytes that are the same for each call of one case: the window counts cases by it and forgets it at
    publication. The same value asked for twice is two holds.
    """
    ready_at = timezone.now() + timedelta(seconds=settings.ANONYMITY_SECONDS)
    list_id = hash_list.pk if hash_list else _production_id()
    holds = [
        Hold(hash_list_id=list_id, type=w.type, media=w.media, value=w.value, asker=asker, ready_at=ready_at)
        for w in wanted
    ]
    return Hold.objects.bulk_create(holds)


def release(hold_ids: Iterable[uuid.UUID]) -> int:
    """Take holds back, in the caller's transaction; returns how many stood until now. Repeating is harmless.

    The sequencer publishes a tombstone for each entry that nobody stands behind any more. Removals never wait.
    """
    return Hold.objects.standing().filter(pk__in=list(hold_ids)).update(released_on=timezone.localdate(), pending=True)
