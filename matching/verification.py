"""Recompute everything the list ever said: chain, set hash, every signed head, every commitment."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from uuid import UUID

from django.conf import settings

from matching import commitments, notes
from matching.frozen_view import frozen_view
from matching.models import HashList, HashListEntry, ListChange, ListHead, Op, SigningKey, State
from matching.setsum import SetSum

Progress = Callable[[int], None]


@dataclass
class Findings:
    """What was wrong, in words for the log; empty when all is well."""

    changes: int = 0
    heads: int = 0
    rows: int = 0
    wrong: list[str] = field(default_factory=list)

    def expect(self, holds: bool, text: str) -> None:
        if not holds and len(self.wrong) < 100:
            self.wrong.append(text)


def verify(hash_list: HashList, progress: Progress = lambda done: None) -> Findings:
    """`recompute` in one unmoving view of the database, while the sequencer goes on."""
    with frozen_view():
        return recompute(hash_list, progress)


def recompute(hash_list: HashList, progress: Progress = lambda done: None) -> Findings:
    """Walk the present epoch from its beginning.

    What an epoch took over from before (rows listed when it began) is recomputed backwards from the live rows: the
    chain's first link commits to it.
    """
    findings = Findings()
    hash_list = HashList.objects.get(pk=hash_list.pk)
    verifiers = list(SigningKey.objects.values_list("verifier", flat=True))
    live = _check_rows(hash_list, findings)
    _walk(hash_list, live, verifiers, findings, progress)
    return findings


def _check_rows(hash_list: HashList, findings: Findings) -> SetSum:
    """Sum the live rows; each shown value must open its commitment, each tombstone must be empty."""
    total = SetSum()
    fields = ("pk", "type", "media", "value", "nonce", "commitment", "trust")
    listed = HashListEntry.objects.listed().filter(hash_list=hash_list).values_list(*fields)
    for pk, type, media, value, nonce, committed, trust in listed.iterator(chunk_size=5_000):
        findings.rows += 1
        total.add(pk.bytes, trust, bytes(committed))
        opened = commitments.commitment(
            nonce=bytes(nonce or b""), type=type, media=media, value=(value or "").encode("ascii")
        )
        findings.expect(opened == bytes(committed), f"row {pk.hex}: its value does not open its commitment")
    left = HashListEntry.objects.filter(hash_list=hash_list, state=State.GONE).exclude(value=None, nonce=None)
    findings.expect(not left.exists(), "a withdrawn entry still has its value or nonce")
    return total


def _walk(hash_list: HashList, live: SetSum, verifiers: list[str], findings: Findings, progress: Progress) -> None:
    """Forward through chain and heads with the set at each head, starting from the set the epoch began with."""
    findings.expect(live.digest() == SetSum(bytes(hash_list.set_sum)).digest(), "the set hash is not that of the rows")
    beginning, rows = _set_at_beginning(hash_list, live)
    findings.expect(rows >= 0, "more rows came than ever were")
    state = _State(hash_list, (beginning, max(0, rows)))
    heads = _heads(hash_list)
    head = next(heads, None)
    findings.expect(head is not None, "the epoch has no head")
    while head is not None and head.seq == state.seq:
        state.check(head, verifiers, findings)
        head = next(heads, None)
    changes = ListChange.objects.filter(hash_list=hash_list, epoch=hash_list.epoch).order_by("seq")
    for change in changes.iterator(chunk_size=5_000):
        findings.changes += 1
        progress(findings.changes)
        state.apply(change, findings)
        if head is not None and head.seq == change.seq:
            state.check(head, verifiers, findings)
            head = next(heads, None)
    findings.expect(head is None, "a head stands where no change is")
    same = state.seq == hash_list.seq and state.live == hash_list.live and state.chain == bytes(hash_list.chain)
    findings.expect(same, "the list's own row is not at the end of the log")


def _heads(hash_list: HashList) -> Iterator[ListHead]:
    rows = ListHead.objects.filter(hash_list=hash_list, epoch=hash_list.epoch).order_by("seq")
    return rows.iterator(chunk_size=1_000)


def _set_at_beginning(hash_list: HashList, live: SetSum) -> tuple[SetSum, int]:
    """Undo every change of the epoch from the live rows."""
    start, rows = SetSum(bytes(live)), hash_list.live
    changes = ListChange.objects.filter(hash_list=hash_list, epoch=hash_list.epoch).order_by("seq")
    fields = ("op", "detail", "was", "entry_id", "commitment")
    for op, detail, was, entry_id, committed in changes.values_list(*fields).iterator(chunk_size=5_000):
        if op != Op.REMOVE:
            start.remove(entry_id.bytes, detail, bytes(committed))
        if was is not None:
            start.add(entry_id.bytes, was, bytes(committed))
        rows += (was is not None) - (op != Op.REMOVE)
    return start, rows


class _State:
    """The list at one position, recomputed."""

    def __init__(self, hash_list: HashList, beginning: tuple[SetSum, int]) -> None:
        self.hash_list = hash_list
        self.set_sum, self.live = beginning
        self.seq = hash_list.begun_at_seq
        self.trusts: dict[UUID, int | None] = {}
        self.chain = commitments.first_link(
            origin=settings.LIST_ORIGIN,
            list_name=hash_list.name,
            epoch=hash_list.epoch,
            seq=self.seq,
            live=self.live,
            set_hash=self.set_sum.digest(),
        )

    def apply(self, change: ListChange, findings: Findings) -> None:
        findings.expect(change.seq == self.seq + 1, f"change {change.seq}: the number before it is missing")
        self.seq = change.seq
        entry_id, committed = change.entry_id.bytes, bytes(change.commitment)
        self.chain = commitments.next_link(
            self.chain,
            seq=change.seq,
            op=change.op,
            detail=change.detail,
            entry_id=entry_id,
            commitment=committed,
        )
        findings.expect(self.chain == bytes(change.chain), f"change {change.seq}: the chain is broken")
        known = self.trusts.get(change.entry_id, change.was)
        findings.expect(known == change.was, f"change {change.seq}: the row before it had another trust")
        if change.was is not None:
            self.set_sum.remove(entry_id, change.was, committed)
            self.live -= 1
        if change.op != Op.REMOVE:
            self.set_sum.add(entry_id, change.detail, committed)
            self.live += 1
        self.trusts[change.entry_id] = None if change.op == Op.REMOVE else change.detail

    def check(self, head: ListHead, verifiers: list[str], findings: Findings) -> None:
        findings.heads += 1
        state = notes.HeadState(
            settings.LIST_ORIGIN,
            self.hash_list.name,
            self.hash_list.epoch,
            self.seq,
            self.chain,
            self.set_sum.digest(),
            self.live,
        )
        texts = [text for verifier in verifiers if (text := notes.open_note(head.note, verifier)) is not None]
        findings.expect(bool(texts), f"head {head.seq}: no key of ours signed it")
        said = head.note.split("\n")[:7]
        findings.expect(said == state.lines(), f"head {head.seq}: it says something else than the log")
