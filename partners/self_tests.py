"""The self-test: a platform matches harmless pictures against its sandbox list, and drops what is withdrawn meanwhile.

begin → it sends what it found (`answer`) → we withdraw three entries → it acknowledges a copy without them
(`note_acknowledged`) → `judge`. A run that passes is the platform's certificate: dated, with figures.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from matching.models import ListChange, ListReader, Op
from partners import judging, picture_archive, sandbox
from partners.errors import NoListForKey, NoSelfTestOpen, SelfTestQuotaReached, UnknownTestFile
from partners.models import Partner, SelfTest
from takeitdown.audit.models import record

TOMBSTONES = 3
RUNS_A_DAY = 100
TIME_TO_ANSWER = A_DAY = timedelta(hours=24)
TIME_TO_DROP = timedelta(seconds=judging.SECONDS_TO_DROP)
ABANDONED = "abandoned"


@transaction.atomic
def begin(partner: Partner, *, by: str) -> SelfTest:
    """Open a run. A run that is still open is closed as abandoned: there is one at a time.

    Raises NoListForKey without a sandbox, PicturesBeingMade while the archive is not there yet, SelfTestQuotaReached.
    """
    row = _lock(partner)
    reader = _reader(row)
    picture_archive.archive()
    if SelfTest.objects.filter(partner=row, begun_at__gt=timezone.now() - A_DAY).count() >= RUNS_A_DAY:
        raise SelfTestQuotaReached
    sandbox.fill(reader.hash_list)
    for earlier in _open_runs(row):
        _close(earlier, [ABANDONED])
    run = SelfTest.objects.create(partner=row)
    _note(run, "began a self-test", by=by)
    return run


@transaction.atomic
def answer(self_test: SelfTest, matches: Mapping[str, Sequence[str]], *, by: str = "self-test") -> SelfTest:
    """Take what a platform found: file names to entry ids (32 hex); files that matched nothing may be left out.

    Then withdraws three entries of its sandbox, which starts the clock. Once a run. Raises NoSelfTestOpen,
    UnknownTestFile, and what `sandbox.withdraw_some` raises.
    """
    partner = _lock(self_test.partner)
    run = _open_runs(partner).filter(pk=self_test.pk, answered_at=None).first()
    if run is None:
        raise NoSelfTestOpen
    files = picture_archive.archive().key.files
    if set(matches) - {file.name for file in files}:
        raise UnknownTestFile
    pictures = sandbox.pictures_by_entry(_reader(partner))
    numbers = {name: [pictures.get(entry, judging.NOT_LISTED) for entry in found] for name, found in matches.items()}
    found = asdict(judging.compare(files, numbers))
    run.result = {"files": len(files), **found, "diverged": 0, "dropped_after_seconds": None, "faults": []}
    run.tombstones = sandbox.withdraw_some(partner, count=TOMBSTONES, by="self-test")
    run.answered_at = run.withdrawn_at = timezone.now()
    run.save()
    _note(run, "answered a self-test", by=by, caught=found["caught"], to_catch=found["to_catch"])
    return run


def note_acknowledged(partner: Partner, *, epoch: int, seq: int) -> None:
    """`partner` proved that its sandbox copy at (epoch, seq) equals ours; closes the run if that is without the
    withdrawn entries. One small query where no run waits for it.
    """
    if not _waiting_runs(partner).exists():
        return
    with transaction.atomic():
        row = _lock(partner)
        run = _waiting_runs(row).first()
        if run is None or not _are_removed(run, _reader(row), epoch, seq):
            return
        run.dropped_at = timezone.now()
        run.result["dropped_after_seconds"] = _seconds(run.withdrawn_at, run.dropped_at)
        judge(run)


def note_diverged(partner: Partner) -> None:
    """`partner` acknowledged another set than ours while a run waits: its copy may still hold what was withdrawn."""
    if not _waiting_runs(partner).exists():
        return
    with transaction.atomic():
        run = _waiting_runs(_lock(partner)).first()
        if run is not None:
            run.result["diverged"] += 1
            run.save(update_fields=["result"])


@transaction.atomic
def judge(self_test: SelfTest) -> SelfTest:
    """Close an answered run that dropped the tombstones or is out of time; leaves any other as it is."""
    if self_test.judged_at or self_test.withdrawn_at is None:
        return self_test
    if self_test.dropped_at is None and timezone.now() < self_test.withdrawn_at + TIME_TO_DROP:
        return self_test
    _close(self_test, judging.faults(self_test.result))
    if self_test.passed:
        Partner.objects.filter(pk=self_test.partner_id).update(certified_at=self_test.judged_at)
    return self_test


def close_overdue() -> int:
    """Judge runs whose hour is over, abandon those nobody answered for a day; returns how many. For the sweep."""
    now = timezone.now()
    silent = Q(answered_at=None, begun_at__lt=now - TIME_TO_ANSWER)
    late = Q(dropped_at=None, withdrawn_at__lt=now - TIME_TO_DROP)
    overdue = SelfTest.objects.filter(silent | late, judged_at=None)
    closed = 0
    for run in overdue.select_related("partner"):
        with transaction.atomic():
            open_run = _open_runs(_lock(run.partner)).filter(pk=run.pk).first()
            if open_run is not None:
                _close(open_run, [ABANDONED]) if open_run.answered_at is None else judge(open_run)
                closed += 1
    return closed


# --- what is said about a run -----------------------------------------------------------------------------------


def latest(partner: Partner) -> SelfTest | None:
    """The newest run, open or judged."""
    return SelfTest.objects.filter(partner=partner).order_by("-begun_at", "-pk").first()


def certificate(partner: Partner) -> SelfTest | None:
    """The newest run that passed."""
    return SelfTest.objects.filter(partner=partner, passed=True).order_by("-judged_at").first()


def stage(run: SelfTest) -> str:
    """`answers`, `acknowledgement`, `passed`, `failed` or `abandoned`."""
    if run.judged_at is None:
        return "answers" if run.answered_at is None else "acknowledgement"
    if run.passed:
        return "passed"
    return ABANDONED if ABANDONED in run.result.get("faults", []) else "failed"


def advice(run: SelfTest) -> list[str]:
    """What an engineer should know and do now, one sentence or two each."""
    result = run.result
    match stage(run):
        case "answers":
            return [_("Match every file of the archive against your sandbox list, then send what you found.")]
        case "acknowledgement" if result["diverged"]:
            return [_fault_advice("diverged")]
        case "acknowledgement":
            return [
                _("Three entries were withdrawn just now. Pull, drop them, and acknowledge your copy within an hour.")
            ]
        case "passed":
            return [_("Passed. This run is your certificate.")]
    return [_fault_advice(fault) for fault in result.get("faults", [])]


def _fault_advice(fault: str) -> str:
    return {
        ABANDONED: _("This run was left: another one was begun, or no answers came within a day. Begin a new one."),
        "missed": _(
            "Too many copies within 31 bits were missed. Look at `missed`: edits that fail together point at one step "
            "(scaling, colour, format); if nearly all fail, compare your PDQ with the published test vectors."
        ),
        "wrong": _(
            "Some files matched another picture than the one they were made from. PDQ matches at a distance of 31 bits "
            "or less, and MD5 and SHA-256 only when equal."
        ),
        "decoys": _(
            "Pictures that are not on the list matched. Check your threshold: 31 bits of 256, counted over all of them."
        ),
        "withdrawn": _(
            "Some matches name entries that are not test pictures on your list, perhaps because they were withdrawn. "
            "Match only with rows of your present copy."
        ),
        "diverged": _(
            "Your copy adds up to another set hash than ours: it probably still holds what was withdrawn. Take "
            "a snapshot, match without them from then on, and acknowledge again."
        ),
        "not_dropped": _(
            "No copy without the withdrawn entries was acknowledged within an hour. Pull at least every few minutes, "
            "and acknowledge after each pull."
        ),
    }[fault]


# --- rows -------------------------------------------------------------------------------------------------------


def _lock(partner: Partner) -> Partner:
    row = Partner.objects.select_for_update(no_key=True, of=("self",)).select_related("sandbox_reader__hash_list")
    return row.get(pk=partner.pk)


def _reader(partner: Partner) -> ListReader:
    if partner.sandbox_reader is None:
        raise NoListForKey
    return partner.sandbox_reader


def _open_runs(partner: Partner) -> QuerySet[SelfTest]:
    return SelfTest.objects.filter(partner=partner, judged_at=None).order_by("-begun_at")


def _waiting_runs(partner: Partner) -> QuerySet[SelfTest]:
    return _open_runs(partner).filter(withdrawn_at__isnull=False, dropped_at=None)


def _are_removed(run: SelfTest, reader: ListReader, epoch: int, seq: int) -> bool:
    """Whether the removals of all its tombstones lie at or before a position."""
    removed = ListChange.objects.filter(hash_list_id=reader.hash_list_id, op=Op.REMOVE, entry__in=run.tombstones)
    known = removed.filter(Q(epoch__lt=epoch) | Q(epoch=epoch, seq__lte=seq))
    return known.values("entry").distinct().count() == len(run.tombstones)


def _close(run: SelfTest, faults: list[str]) -> None:
    run.result["faults"] = faults
    run.passed, run.judged_at = not faults, timezone.now()
    run.save()
    _note(run, "passed the self-test" if run.passed else "did not pass the self-test", faults=faults)


def _note(run: SelfTest, action: str, *, by: str = "self-test", **detail: Any) -> None:
    target = f"partners.selftest:{run.pk.hex}"
    record(actor=by, action=action, target=target, within=f"partner:{run.partner.code}", **detail)


def _seconds(start: datetime | None, end: datetime) -> float:
    assert start is not None
    return round((end - start).total_seconds(), 1)
