"""The bytes of LIST.md §9: this side's arithmetic, and this side's whole pages, against the published vectors."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from matching import commitments, epochs, notes, pages, snapshots
from matching.batch import Batch
from matching.ledger import Ledger
from matching.models import HashList, HashListEntry, ListReader, RemovalReason, State
from matching.notes import Signer
from matching.resolution import digest_of
from matching.sequencer import Sequencer
from matching.setsum import SetSum

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "list.json").read_text())
SAID = VECTORS["vectors"]
STAMP = datetime(2026, 3, 4, 10, 11, 12, tzinfo=UTC)
EPOCH = 1767225600


def published(index: int) -> dict[str, Any]:
    """Change `index` of page 1, with what its withheld rows hide (LIST.md §9)."""
    change = dict(VECTORS["page1"]["changes"][index])
    if index == 1:
        change |= {"type": "md5", "media": "video", "value": "0123456789abcdef0123456789abcdef"}
    if index == 3:
        change |= {"type": "pdq", "media": "image", "value": "0f0f" * 16}
    return change


def nonce(number: int) -> bytes:
    import hashlib

    return hashlib.sha256(f"nonce{number}".encode()).digest()[:16]


def committed_text(value: str | list[str]) -> str:
    return value if isinstance(value, str) else "\n".join(value)


def test_notes_verifier_key_is_the_published_one() -> None:
    assert Signer("portal.example", bytes(range(32))).verifier == SAID["verifier"]


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_commitment_of_each_row_is_the_published_one(number: int) -> None:
    row = published(number - 1)
    made = commitments.commitment(
        nonce=nonce(number), type=row["type"], media=row["media"], value=committed_text(row["value"]).encode()
    )
    assert made.hex() == SAID[f"commitment {number}"]


def test_chain_and_set_come_out_after_each_change() -> None:
    total = SetSum()
    assert total.digest().hex() == SAID["set empty"]
    chain = commitments.first_link(
        origin="portal.example", list_name="production", epoch=EPOCH, seq=0, live=0, set_hash=total.digest()
    )
    assert chain.hex() == SAID["chain 0"]
    ids = [bytes.fromhex(published(index)["id"]) for index in range(4)]
    proofs = [bytes.fromhex(SAID[f"commitment {number}"]) for number in (1, 2, 3, 4)]
    log = [(1, 1, i, p) for i, p in zip(ids, proofs, strict=True)] + [
        (2, 2, ids[0], proofs[0]),
        (3, 1, ids[1], proofs[1]),
    ]
    for seq, (op, detail, entry_id, proof) in enumerate(log, start=1):
        chain = commitments.next_link(chain, seq=seq, op=op, detail=detail, entry_id=entry_id, commitment=proof)
        assert chain.hex() == SAID[f"chain {seq}"]
    for entry_id, proof in zip(ids, proofs, strict=True):
        total.add(entry_id, 1, proof)
    assert total.digest().hex() == SAID["set 4"]
    total.remove(ids[0], 1, proofs[0]).add(ids[0], 2, proofs[0]).remove(ids[1], 1, proofs[1])
    assert total.digest().hex() == SAID["set 6"]


def test_note_of_the_second_epoch_is_the_published_one() -> None:
    state = notes.HeadState(
        "portal.example",
        "production",
        1767312000,
        6,
        bytes.fromhex(SAID["chain at epoch start"]),
        bytes.fromhex(SAID["set 6"]),
        3,
    )
    text = notes.head_text(state, notes.Statement(6, STAMP, STAMP + timedelta(days=1)))
    note = Signer("portal.example", bytes(range(32))).sign(text)
    assert note == SAID["note epoch 2"]
    assert notes.open_note(note, SAID["verifier"]) == text
    assert notes.open_note(note.replace("live 3", "live 4"), SAID["verifier"]) is None


@pytest.fixture
def vector_list(db: None, tmp_path: Path, settings: Any) -> tuple[Sequencer, ListReader]:
    """The list of LIST.md §9 in our tables, written by our sequencer's own numbering and signing."""
    settings.LIST_ORIGIN = "portal.example"
    settings.SNAPSHOT_DIR = tmp_path
    settings.MIN_WAIT_SECONDS = 60
    moment = {"now": datetime.fromtimestamp(EPOCH, UTC)}
    sequencer = Sequencer(
        [Signer("portal.example", bytes(range(32)))], Ledger(tmp_path / "ledger"), clock=lambda: moment["now"]
    )
    production = epochs.ensure_list(sequencer)
    reader = ListReader.objects.create(hash_list=production, name="Us")
    other = ListReader.objects.create(hash_list=production, name="Somebody else")
    moment["now"] = STAMP
    entries = [_entry(production, number, canary_for=other if number == 4 else None) for number in (1, 2, 3, 4)]
    adds = Batch()
    for entry in entries:
        adds.add(entry)
    sequencer._number(production, adds, STAMP)
    _update_and_withdraw(sequencer, production, entries)
    return sequencer, reader


def _entry(production: HashList, number: int, canary_for: ListReader | None) -> HashListEntry:
    row = published(number - 1)
    value = committed_text(row["value"])
    return HashListEntry.objects.create(
        pk=UUID(hex=row["id"]),
        hash_list=production,
        type=row["type"],
        media=row["media"],
        value=value,
        value_digest=digest_of(value),
        nonce=nonce(number),
        commitment=bytes.fromhex(SAID[f"commitment {number}"]),
        state=State.LISTED,
        canary_for=canary_for,
        changed_at=STAMP,
    )


def _update_and_withdraw(sequencer: Sequencer, production: HashList, entries: list[HashListEntry]) -> None:
    second = Batch()
    entries[0].trust = 2
    entries[0].save()
    second.update(entries[0], was=1)
    second.remove(entries[1], RemovalReason.WITHDRAWN, was=1)
    HashListEntry.objects.filter(pk=entries[1].pk).update(state=State.GONE, value=None, nonce=None, value_digest=None)
    sequencer._number(production, second, STAMP)


def without_wait(page: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in page.items() if name != "min_wait_seconds"}


def test_pages_are_byte_for_byte_the_published_ones(
    vector_list: tuple[Sequencer, ListReader], monkeypatch: pytest.MonkeyPatch
) -> None:
    _sequencer, reader = vector_list
    monkeypatch.setattr(pages, "MAX_CHANGES", 4)
    assert without_wait(pages.after(reader)) == VECTORS["page1"]
    assert without_wait(pages.after(reader, epoch=EPOCH, after=4)) == VECTORS["page2"]


@pytest.mark.django_db(transaction=True)
def test_snapshot_is_the_published_one_but_for_its_epoch(vector_list: tuple[Sequencer, ListReader]) -> None:
    _sequencer, reader = vector_list
    reader.hash_list.refresh_from_db()
    snapshot = snapshots.build(reader.hash_list)
    lines = gzip.decompress(snapshot.path.read_bytes() + snapshots.tail(snapshot, reader)).decode().splitlines()
    said = VECTORS["snapshot"]
    assert sorted(lines[1:-1]) == sorted(said[1:-1])
    assert lines[-1] == said[-1]
    assert json.loads(lines[0]) == {"head": VECTORS["page2"]["head"]}
