"""A platform's own list to practise on: harmless pictures that stay, and spare ones that may be withdrawn at will.

It follows the rules of the production list and is signed by the same key; its epoch and numbers are its own, so one
platform's tombstones never touch another's test (LIST.md §6).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from matching import hashlist
from matching.hashlist import Wanted
from matching.models import HashList, HashListEntry, Hold, ListReader, State
from matching.signal_types import IMAGE, MD5, PDQ, SHA256
from partners import picture_archive
from partners.errors import NoListForKey, TombstoneQuotaReached, TombstonesNotReady
from partners.models import Partner
from partners.test_pictures import making
from partners.test_pictures.drawing import draw
from partners.test_pictures.making import Original
from takeitdown.audit.models import record

MOST_AT_ONCE = 20
SPARE_PICTURES = 8  # asked for together; three entries each
FEW = 24  # spare entries; below it new ones are asked for, so that the next call finds them published
TOMBSTONES_A_DAY = 300
DAY = timedelta(days=1)


@transaction.atomic
def open_sandbox(partner: Partner) -> ListReader:
    """The reader of `partner`'s sandbox list, made and filled where it is missing. Repeating repairs and adds nothing.

    The sequencer signs the list's first head and publishes the pictures within a second or so.
    """
    row = Partner.objects.select_for_update(no_key=True).get(pk=partner.pk)
    if row.sandbox_reader is None:
        hash_list = hashlist.open_list(f"sandbox-{row.code}")
        row.sandbox_reader = ListReader.objects.create(hash_list=hash_list, name=row.name)
        row.save(update_fields=["sandbox_reader"])
        record(actor="portal", action="opened a sandbox", target=hash_list.name, within=f"partner:{row.code}")
    fill(row.sandbox_reader.hash_list)
    partner.sandbox_reader = row.sandbox_reader
    return row.sandbox_reader


@transaction.atomic
def withdraw_some(partner: Partner, *, count: int, by: str) -> list[str]:
    """Take `count` (1 to 20) spare entries off the sandbox list; returns their ids, 32 hex each. Again takes others.

    The sequencer publishes the tombstones; new spare entries are asked for where few are left. Raises NoListForKey,
    TombstonesNotReady while the list is still being filled, TombstoneQuotaReached.
    """
    row = Partner.objects.select_for_update(no_key=True).get(pk=partner.pk)
    if row.sandbox_reader is None:
        raise NoListForKey
    hash_list = row.sandbox_reader.hash_list
    _refuse_past_quota(hash_list, count)
    chosen = list(_spare(hash_list)[: max(1, min(count, MOST_AT_ONCE))])
    if len(chosen) < count:
        raise TombstonesNotReady
    hashlist.release(_standing(hash_list).filter(entry__in=chosen).values_list("pk", flat=True))
    fill(hash_list)
    ids = [entry.pk.hex for entry in chosen]
    record(
        actor=by, action="withdrew sandbox entries", target=hash_list.name, within=f"partner:{row.code}", entries=ids
    )
    return ids


def fill(hash_list: HashList) -> None:
    """Ask for what a sandbox lacks: the test pictures, and spare entries where few are left. Repeating adds nothing."""
    listed = {value for pair in _standing(hash_list).values_list("value", "entry__value") for value in pair if value}
    for original in picture_archive.originals():
        _ask(hash_list, (wanted for wanted in _wishes(original) if wanted.value not in listed))
    if len(listed - _test_values()) < FEW:
        for _ in range(SPARE_PICTURES):
            _ask(hash_list, _wishes(making.hashes_of(draw(secrets.token_hex(16), width=160, height=120))))


def pictures_by_entry(reader: ListReader) -> dict[str, int]:
    """Which test picture each listed entry of the sandbox speaks of: entry id (32 hex) → number from 0."""
    numbers = {
        wanted.value: number
        for number, original in enumerate(picture_archive.originals())
        for wanted in _wishes(original)
    }
    entries = HashListEntry.objects.listed().filter(hash_list_id=reader.hash_list_id, value__in=numbers)
    return {pk.hex: numbers[value] for pk, value in entries.values_list("pk", "value") if value}


def _ask(hash_list: HashList, wanted: Iterable[Wanted]) -> None:
    # Each picture asks by itself: so many askers close the anonymity window at once.
    if missing := list(wanted):
        hashlist.ask(missing, asker=secrets.token_bytes(16), hash_list=hash_list)


def _wishes(picture: Original) -> list[Wanted]:
    return [
        Wanted(PDQ, IMAGE, picture.pdq),
        Wanted(MD5, IMAGE, picture.md5),
        Wanted(SHA256, IMAGE, picture.sha256),
    ]


def _test_values() -> set[str]:
    return {wanted.value for original in picture_archive.originals() for wanted in _wishes(original)}


def _standing(hash_list: HashList) -> QuerySet[Hold]:
    return Hold.objects.standing().filter(hash_list=hash_list)


def _spare(hash_list: HashList) -> QuerySet[HashListEntry]:
    """Published entries that may go, in no meaningful order: ids are random."""
    listed = HashListEntry.objects.listed().filter(hash_list=hash_list, pk__in=_standing(hash_list).values("entry"))
    return listed.exclude(value__in=_test_values()).order_by("pk")


def _refuse_past_quota(hash_list: HashList, count: int) -> None:
    lately = HashListEntry.objects.filter(hash_list=hash_list, state=State.GONE, changed_at__gt=timezone.now() - DAY)
    if lately.count() + count > TOMBSTONES_A_DAY:
        raise TombstoneQuotaReached
