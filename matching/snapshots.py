"""Whole copies of the list to start from: immutable files, one trailing part for each reader (LIST.md §4, §6).

A snapshot is a gzip of JSON lines. Its common part is a file for each (list, epoch, seq, trust floor); gzip members may
follow each other, so a second member, made for one reader, ends it: the canaries, hidden among twenty times as many
ordinary rows, and the count.
"""

from __future__ import annotations

import fcntl
import gzip
import hashlib
import itertools
import json
import os
import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from django.conf import settings

from matching.frozen_view import frozen_view
from matching.models import HashList, HashListEntry, ListChange, ListHead, ListReader, Op
from matching.rows import COLUMNS, listed_row
from takeitdown.errors import Refused

T = TypeVar("T")
ORDINARY_PER_CANARY = 20
WRITTEN_AT_ONCE = 2_000
GZIP_LEVEL = 3  # hexadecimal halves at any level; 3 is within 4 % of 9 and three times as fast
SMALL = 20_000  # a list so small is made anew in the request; a larger one by the sweep


class SnapshotBeingMade(Refused):
    """Another process is writing the file."""

    code = "snapshot_being_made"
    status = 503
    default_detail = "The snapshot is being made. Try again in a few seconds."
    retry_after = 5


@dataclass(frozen=True)
class Snapshot:
    """A common part on disk and, beside it as JSON, what its trailing parts are made of.

    `tail` maps entry ids (32 hex) to the trust they had at the head: it stands in the set hash, whatever came since.
    """

    path: Path
    head_note: str
    epoch: int
    seq: int
    common_rows: int
    tail: dict[str, int]


def _stem(hash_list: HashList, epoch: int, seq: int, floor: int) -> str:
    return f"{hash_list.name}-{epoch}-{seq}-{floor}"


def _newest_file(hash_list: HashList, floor: int) -> Snapshot | None:
    """The newest snapshot of the present epoch, not below the floor of the list."""
    found: list[tuple[int, Path]] = []
    for path in settings.SNAPSHOT_DIR.glob(f"{hash_list.name}-{hash_list.epoch}-*-{floor}.json"):
        seq = int(path.stem.split("-")[-2])
        if seq >= hash_list.floor:
            found.append((seq, path))
    for _seq, path in sorted(found, reverse=True):
        try:
            facts = json.loads(path.read_text())
        except (OSError, ValueError):
            continue  # deleted meanwhile
        return Snapshot(path.with_suffix(".gz"), **facts)
    return None


def _floors(hash_list: HashList) -> set[int]:
    """The trust floors of its readers: one common file for each."""
    return set(ListReader.objects.filter(hash_list=hash_list).values_list("trust_floor", flat=True)) or {1}


def reaches(hash_list: HashList, seq: int) -> bool:
    """Whether every kind of snapshot that readers take exists at or above `seq`."""
    newest = [_newest_file(hash_list, floor) for floor in _floors(hash_list)]
    return all(snapshot is not None and snapshot.seq >= seq for snapshot in newest)


def _shows_what_was_erased(hash_list: HashList, snapshot: Snapshot) -> bool:
    """Whether something was taken off since: its value must not be served for longer than it takes to write anew."""
    removed = ListChange.objects.filter(hash_list=hash_list, epoch=snapshot.epoch, op=Op.REMOVE)
    return removed.after(snapshot.seq).exists()


def for_reader(reader: ListReader) -> Snapshot:
    """The snapshot to serve now. Small lists and missing files are made here. Raises SnapshotBeingMade."""
    hash_list = reader.hash_list
    snapshot = _newest_file(hash_list, reader.trust_floor)
    stale = snapshot is not None and hash_list.live <= SMALL and _shows_what_was_erased(hash_list, snapshot)
    if snapshot is None or stale:
        snapshot = build(hash_list, reader.trust_floor)
    return snapshot


def refresh(hash_list: HashList) -> int:
    """Make the snapshots anew whose list moved; returns how many. For the sweep; repeating costs nothing."""
    made = 0
    for floor in _floors(hash_list):
        newest = _newest_file(hash_list, floor)
        moved = newest is None or hash_list.seq - newest.seq > max(2_000, hash_list.live // 20)
        if newest is None or moved or _shows_what_was_erased(hash_list, newest):
            build(hash_list, floor)
            made += 1
    return made


def build(hash_list: HashList, floor: int = 1) -> Snapshot:
    """Write the snapshot of the newest head and delete older ones.

    Raises SnapshotBeingMade when another process is at it. Memory does not grow with the list.
    """
    settings.SNAPSHOT_DIR.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _only_one(f"{hash_list.name}-{floor}"), frozen_view():
        head = ListHead.objects.newest(hash_list)
        stem = settings.SNAPSHOT_DIR / _stem(hash_list, head.epoch, head.seq, floor)
        chosen = _choose_tail(hash_list)
        temporary = stem.with_suffix(".new")
        with temporary.open("wb") as file:
            rows = _write_common(file, hash_list, head, floor, chosen)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(stem.with_suffix(".gz"))
        facts = {
            "head_note": head.note,
            "epoch": head.epoch,
            "seq": head.seq,
            "common_rows": rows,
            "tail": chosen,
        }
        stem.with_suffix(".json.new").write_text(json.dumps(facts))
        stem.with_suffix(".json.new").replace(stem.with_suffix(".json"))
    _delete_older(hash_list, floor, keep=stem.name)
    return Snapshot(stem.with_suffix(".gz"), **facts)  # type: ignore[arg-type]


@contextmanager
def _only_one(name: str) -> Iterator[None]:
    with (settings.SNAPSHOT_DIR / f"{name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SnapshotBeingMade from None
        yield


def _choose_tail(hash_list: HashList) -> dict[str, int]:
    """Ids and trusts of all canaries and of twenty times as many ordinary rows, by chance."""
    listed = HashListEntry.objects.listed().filter(hash_list=hash_list)
    canaries = list(listed.exclude(canary_for=None).values_list("pk", "trust"))
    if not canaries:
        return {}
    # Ids are random, so a stretch of them from a random start is a random choice.
    start = random.SystemRandom().randbytes(16).hex()
    ordinary = listed.filter(canary_for=None).order_by("pk").values_list("pk", "trust")
    wanted = ORDINARY_PER_CANARY * len(canaries)
    chosen = list(ordinary.filter(pk__gte=start)[:wanted])
    chosen += ordinary.filter(pk__lt=start)[: wanted - len(chosen)]
    return {pk.hex: trust for pk, trust in canaries + chosen}


_encode = json.JSONEncoder(separators=(",", ":")).encode  # `json.dumps` would make an encoder for each row


def _line(member: dict[str, Any]) -> bytes:
    return _encode(member).encode("ascii") + b"\n"


def batched(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    """Lists of at most `size`, in order (itertools.batched comes with Python 3.12)."""
    source = iter(rows)
    while part := list(itertools.islice(source, size)):
        yield part


def _write_common(file: BinaryIO, hash_list: HashList, head: ListHead, floor: int, chosen: dict[str, int]) -> int:
    """One gzip member: the head, then every listed row that is not in the tail."""
    anybody = ListReader(hash_list=hash_list, trust_floor=floor)
    rows = 0
    listed = HashListEntry.objects.listed().filter(hash_list=hash_list).values_list(*COLUMNS, named=True)
    with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=GZIP_LEVEL, mtime=0, filename="") as member:
        member.write(_line({"head": head.note}))
        for part in batched(listed.iterator(chunk_size=WRITTEN_AT_ONCE), WRITTEN_AT_ONCE):
            kept = [entry for entry in part if entry.id.hex not in chosen]
            member.write(b"".join(_line(listed_row(entry, anybody, entry.trust)) for entry in kept))
            rows += len(kept)
    return rows


def tail(snapshot: Snapshot, reader: ListReader) -> bytes:
    """The trailing gzip member for one reader: the rows of `snapshot.tail` as it sees them, then the count.

    Values are as they are now: of one that went since the head only the commitment is shown. Ids and trusts are those
    of the head, so its set hash still comes out.
    """
    entries = HashListEntry.objects.filter(pk__in=snapshot.tail).order_by("pk") if snapshot.tail else []
    rows = [_line(listed_row(entry, reader, snapshot.tail[entry.pk.hex])) for entry in entries]
    count = _line({"rows": snapshot.common_rows + len(rows)})
    return gzip.compress(b"".join(rows) + count, GZIP_LEVEL, mtime=0)


def etag(snapshot: Snapshot, tail_part: bytes) -> str:
    """A strong validator: common file and trailing part."""
    digest = hashlib.sha256(snapshot.path.name.encode() + b"\n" + tail_part).hexdigest()
    return f'"{digest[:32]}"'


def _delete_older(hash_list: HashList, floor: int, keep: str) -> None:
    """Older files hold values that may be erased by now. A reader in the middle of one keeps its open file."""
    for path in settings.SNAPSHOT_DIR.glob(f"{hash_list.name}-*-{floor}.*"):
        parts = path.name.split(".")[0].rsplit("-", 3)
        if len(parts) == 4 and parts[0] == hash_list.name and path.name.split(".")[0] != keep:
            path.unlink(missing_ok=True)
