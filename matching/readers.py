"""Who has read how far: written when a platform acknowledges, read by the case page and the public pages."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from matching.errors import Diverged, ResyncNeeded
from matching.models import ListHead, ListReader
from takeitdown.audit.models import record


def public() -> list[ListReader]:
    """The platforms that may be named, by name."""
    return list(ListReader.objects.public().order_by("name"))


def reached(reader: ListReader, *, epoch: int, seq: int, set_hash: str) -> None:
    """Note that `reader` holds a copy at (epoch, seq) with that set hash (64 hex).

    Raises ResyncNeeded where no such head is, Diverged (and notes it for staff) where the set hash is another one.
    `reached_on` moves when the copy holds everything that was listed before today. Repeating is harmless; an older
    position than the one noted is believed, for it is what the platform says it has.
    """
    heads = ListHead.objects.filter(hash_list_id=reader.hash_list_id, epoch=epoch)
    head = heads.filter(seq=seq).first()
    if head is None:
        raise ResyncNeeded("unknown_position", ListHead.objects.newest(reader.hash_list).note)
    if bytes(head.set_hash).hex() != set_hash:
        ListReader.objects.filter(pk=reader.pk).update(diverged_at=timezone.now())
        raise Diverged
    later = heads.filter(seq__gt=seq).order_by("seq").first()
    today = timezone.localdate()
    reader.epoch, reader.seq, reader.diverged_at = epoch, seq, None
    of_today = later is None or timezone.localdate(later.issued_at) >= today
    if of_today and epoch == reader.hash_list.epoch:
        reader.reached_on = today
    reader.save(update_fields=["epoch", "seq", "diverged_at", "reached_on"])


@transaction.atomic
def set_trust_floor(reader: ListReader, floor: int, *, by: str) -> bool:
    """Show `reader` only rows from that trust on, as agreed with it; returns whether that is new.

    Rows it has already are shown otherwise from now on, and no page of changes would say so: it is told to take a whole
    copy before it reads on (`took_whole_copy`).
    """
    others = ListReader.objects.filter(pk=reader.pk).exclude(trust_floor=floor)
    changed = bool(others.update(trust_floor=floor, resync_since=timezone.now()))
    if changed:
        record(actor=by, action="set a trust floor", target=f"matching.listreader:{reader.pk}", floor=floor)
    return changed


def took_whole_copy(reader: ListReader) -> None:
    """`reader`, as it was when the copy was begun, has received one to the last byte: it may read changes again."""
    if reader.resync_since is not None:
        ListReader.objects.filter(pk=reader.pk, resync_since=reader.resync_since).update(resync_since=None)
