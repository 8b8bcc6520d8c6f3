"""Canaries: entries shown to one reader alone, so that a leaked copy tells whose it was (LIST.md §6).

A canary goes to the list the way everything does: as a wish that waits for company and is shuffled among the additions
of real people. It has its own wish, so taking it back is a withdrawal like any other.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from matching import hashlist, signal_types
from matching.models import HashListEntry, Hold, ListReader
from matching.resolution import digest_of
from takeitdown.audit.models import record

ENOUGH = 8  # that many make sure of a whole copy, whatever is left out of it at random
AT_MOST = 64
JOIN_WITHIN = timedelta(hours=24)  # by then at the latest, also where no real report came to hide among


def draw() -> str:
    """A PDQ that no picture has, and that looks like one: 128 of its 256 bits are set, by chance, in no pattern."""
    while True:
        bits = [1] * signal_types.PDQ_ONES + [0] * (signal_types.PDQ_BITS - signal_types.PDQ_ONES)
        secrets.SystemRandom().shuffle(bits)
        value = f"{int(''.join(map(str, bits)), 2):064x}"
        try:
            signal_types.check(signal_types.PDQ, signal_types.IMAGE, value)
        except signal_types.InvalidFingerprint:
            continue  # by chance a pattern after all
        return value


@transaction.atomic
def seed(reader: ListReader, *, count: int = ENOUGH, by: str, within: timedelta = JOIN_WITHIN) -> list[Hold]:
    """Have `count` canaries listed for `reader`, with the next additions or after `within` at the latest.

    Each call adds as many. Raises ValueError outside 1–64.
    """
    if not 1 <= count <= AT_MOST:
        raise ValueError(f"1 to {AT_MOST} canaries at a time")
    holds = [
        Hold(
            hash_list_id=reader.hash_list_id,
            type=signal_types.PDQ,
            media=signal_types.IMAGE,
            value=draw(),
            asker=secrets.token_bytes(16),
            ready_at=timezone.now() + within,
            canary_for=reader,
        )
        for _ in range(count)
    ]
    record(actor=by, action="seeded canaries", target=f"matching.listreader:{reader.pk}", count=count)
    return Hold.objects.bulk_create(holds)


@transaction.atomic
def retire(reader: ListReader, *, by: str) -> int:
    """Take a reader's canaries off the list; returns how many. Leaks of copies made before can't be traced any more."""
    wishes = Hold.objects.standing().filter(entry__canary_for=reader) | Hold.objects.standing().filter(
        canary_for=reader
    )
    retired = hashlist.release(list(wishes.values_list("pk", flat=True)))
    if retired:
        record(actor=by, action="retired canaries", target=f"matching.listreader:{reader.pk}", count=retired)
    return retired


def trace(values: Iterable[str], *, by: str) -> dict[ListReader, int]:
    """Whose canaries are among `values` (as the list publishes them), and how many of each; most first.

    Audited, without the values.
    """
    digests = [digest_of(value) for value in dict.fromkeys(values)]
    found: Counter[ListReader] = Counter()
    for start in range(0, len(digests), 5_000):
        part = HashListEntry.objects.filter(canary_for__isnull=False, value_digest__in=digests[start : start + 5_000])
        found.update(entry.canary_for for entry in part.select_related("canary_for") if entry.canary_for)
    record(actor=by, action="traced a leak", target="matching.canaries", values=len(digests), readers=len(found))
    return dict(found.most_common())


def counts() -> dict[int, int]:
    """How many canaries each reader has on its list, by the reader's number."""
    listed = HashListEntry.objects.listed().filter(canary_for__isnull=False)
    return Counter(listed.values_list("canary_for_id", flat=True))
