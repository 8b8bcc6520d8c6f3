"""How much feedback a second platforms can give over HTTP, while the sequencer carries out what follows from it."""

from __future__ import annotations

import contextlib
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from typing import Any, Final

from django.conf import settings
from django.db import connections

from matching import hashlist
from matching.hashlist import Wanted
from matching.models import EntryDecision, EntryReview, HashListEntry, ListReader, State, Trust
from partners import keys
from partners.models import Environment, Feedback, Partner, PartnerState, Scope
from takeitdown.benchmarks import intake_load, intake_portal, scratch
from takeitdown.benchmarks.intake_cpu import Meter
from takeitdown.database import from_url

PLATFORMS: Final = 40
WARM_UP: Final = 200
QUIET_WITHIN_SECONDS: Final = 60
BATCH: Final = 100
DISPUTES_A_PLATFORM: Final = 45  # below its cap of a day, so that each of them counts
Figures = dict[str, Any]
Opinion = dict[str, str]


def run(size: int | None = None) -> Figures:
    """`size` opinions of forty platforms on a fifth as many entries, 4,000 by default, as fast as gunicorn takes them:
    first one a request, then as many by other platforms on other entries, up to a hundred a request.

    A fresh PostgreSQL, two fresh Redis, production's settings, two workers and a running sequencer. What sends the
    opinions runs on the same cores: its share of them is among the figures.
    """
    size = size or 4_000
    with intake_portal.opened() as portal, _same_tables(portal.environment):
        alone = _opinions(portal.environment, "platform", size + WARM_UP)
        together = _opinions(portal.environment, "other", size)
        with _sequencer(portal.environment) as sequencer:
            processes = {**portal.processes, "sequencer": [sequencer]}
            intake_load.send_all(portal.port, [_request(key, one) for key, one in alone[:WARM_UP]])
            singly = _measured(portal.port, processes, [_request(key, one) for key, one in alone[WARM_UP:]], size)
            batched = _measured(portal.port, processes, _batches(together), size)
        return {
            "opinions": size,
            **singly,
            **{f"batched_{name}": figure for name, figure in batched.items()},
            **_what_came_of_it(),
            **scratch.facts(),
            "database": "postgresql",
            "workers": intake_portal.WORKERS,
            "connections": intake_load.CONNECTIONS,
        }


def _measured(port: int, processes: dict[str, list[int]], requests: list[bytes], opinions: int) -> Figures:
    """What so many opinions in these requests took, until the list says what follows from them."""
    with Meter(processes) as meter:
        answers = intake_load.send_all(port, requests)
    settled = _wait_until_settled()
    hundredths = statistics.quantiles(answers.took_ms, n=100)
    return {
        "opinions_a_second": round(opinions / answers.seconds, 1),
        "requests": len(requests),
        "p50_ms": round(hundredths[49], 1),
        "p99_ms": round(hundredths[98], 1),
        "longest_ms": round(max(answers.took_ms), 1),
        "statuses": dict(answers.statuses),
        "settled_after_the_last_one_s": round(settled, 2),
        "share_of_the_cores_in_percent": meter.shares(),
        "cpu_ms_an_opinion": meter.milliseconds(over=opinions),
        "bound_by": meter.bound_by(),
    }


table = scratch.rows_of


@contextlib.contextmanager
def _same_tables(environment: dict[str, str]) -> Iterator[None]:
    """This process, too, uses the portal's database until the block ends."""
    usual = connections.databases["default"]
    connections.databases["default"] = {**usual, **from_url(environment["DATABASE_URL"])}
    del connections["default"]
    try:
        yield
    finally:
        connections.close_all()
        connections.databases["default"] = usual
        del connections["default"]


def _opinions(environment: dict[str, str], name: str, count: int) -> list[tuple[str, Opinion]]:
    """Opinions of platforms of that name on entries nobody else speaks of, each with its platform's key."""
    return _said(_entries(environment, max(50, count // 5)), _keys(name), count)


def _entries(environment: dict[str, str], count: int) -> list[str]:
    """Ids of new listed entries, from the hands of the real sequencer."""
    before = set(HashListEntry.objects.values_list("pk", flat=True))
    for part in range(4):  # cases enough to close a window
        values = [Wanted("sha256", "image", os.urandom(32).hex()) for _ in range(part, count, 4)]
        hashlist.ask(values, asker=os.urandom(16))
    once = [sys.executable, "manage.py", "run_sequencer", "--once"]
    subprocess.run(once, cwd=settings.BASE_DIR, env=environment, check=True)
    return [pk.hex for pk in HashListEntry.objects.listed().values_list("pk", flat=True) if pk not in before]


def _keys(name: str) -> list[str]:
    """One key for each of the platforms, which have nothing to do with each other."""
    production, texts = hashlist.production(), []
    for number in range(PLATFORMS):
        code = f"{name}-{number}"
        reader = ListReader.objects.create(hash_list=production, name=code, is_public=False)
        partner = Partner.objects.create(
            name=code, code=code, group=code, state=PartnerState.PRODUCTION, reader=reader, sandbox_reader=None
        )
        scopes = [Scope.FEEDBACK_WRITE]
        texts.append(keys.issue(partner, environment=Environment.LIVE, scopes=scopes, name="bench", by="bench").text)
    return texts


def _said(entries: list[str], given: list[str], count: int) -> list[tuple[str, Opinion]]:
    """One in four a dispute until a platform's cap is near, the rest agreements.

    An entry is disputed or agreed with by everybody, or else none would ever leave the list.
    """
    dice = random.Random(5)  # noqa: S311  not secrets
    harmless = set(entries[: len(entries) // 4])
    disputes = dict.fromkeys(given, 0)
    made: list[tuple[str, Opinion]] = []
    while len(made) < count:
        key, entry = dice.choice(given), dice.choice(entries)
        if entry in harmless and disputes[key] >= DISPUTES_A_PLATFORM:
            continue
        disputes[key] += entry in harmless
        opinion = {"opinion": "dispute", "reason": "harmless"} if entry in harmless else {"opinion": "agree"}
        made.append((key, {"client_id": f"review-{len(made)}", "entry": entry, **opinion}))
    return made


def _batches(said: list[tuple[str, Opinion]]) -> list[bytes]:
    """The same in requests of up to a hundred, the platforms by turns."""
    of_key: dict[str, list[Opinion]] = defaultdict(list)
    for key, opinion in said:
        of_key[key].append(opinion)
    longest = max(map(len, of_key.values()))
    return [
        _request(key, {"items": opinions[start : start + BATCH]}, "batches/")
        for start in range(0, longest, BATCH)
        for key, opinions in of_key.items()
        if start < len(opinions)
    ]


def _request(key: str, body: Any, address: str = "") -> bytes:
    """As a proxy hands it on."""
    sent = json.dumps(body).encode()
    head = (
        f"POST /api/v1/feedback/{address} HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-Proto: https\r\n"
        f"Accept: */*\r\nAuthorization: Bearer {key}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(sent)}\r\n\r\n"
    )
    return head.encode() + sent


@contextlib.contextmanager
def _sequencer(environment: dict[str, str]) -> Iterator[int]:
    command = [sys.executable, "manage.py", "run_sequencer"]
    process = subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment)
    try:
        yield process.pid
    finally:
        process.terminate()
        process.wait()


def _wait_until_settled() -> float:
    """Seconds until nothing is decided that the list does not say yet."""
    begun = time.monotonic()
    while EntryDecision.objects.exists() and time.monotonic() - begun < QUIET_WITHIN_SECONDS:
        time.sleep(0.05)
    return time.monotonic() - begun


def _what_came_of_it() -> Figures:
    listed = HashListEntry.objects.listed()
    return {
        "opinions_kept": Feedback.objects.count(),
        "of_them_counted": Feedback.objects.current().filter(counts=True).count(),
        "entries_confirmed": listed.filter(trust=Trust.CONFIRMED).count(),
        "entries_quarantined": HashListEntry.objects.filter(state=State.QUARANTINED).count(),
        "entries_for_staff": EntryReview.objects.open().count(),
    }
