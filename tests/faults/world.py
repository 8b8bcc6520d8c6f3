"""A portal with its people and its platforms, driven step by step by dice. Not a test: what the tests drive."""

from __future__ import annotations

import random
import time
import uuid
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import models
from takeitdown_client.errors import ClientFailure
from takeitdown_client.notes import VerifierKey
from takeitdown_client.portal import Portal
from takeitdown_client.store import Store
from takeitdown_client.sync import Synchroniser

from matching import epochs, hashlist, signing, snapshots
from matching.hashlist import Wanted
from matching.ledger import Ledger
from matching.models import (
    BenignHash,
    DecisionKind,
    EntryDecision,
    HashList,
    HashListEntry,
    Hold,
    ListChange,
    ListHead,
    ListReader,
)
from matching.notes import Signer
from matching.sequencer import Sequencer
from partners import keys
from partners.models import ApiKey, Environment, Partner, PartnerState, Scope, SnapshotDownload
from tests import make
from tests.faults.wire import FaultyWire

LIST_TABLES: list[type[models.Model]] = [
    HashList,
    HashListEntry,
    Hold,
    ListChange,
    ListHead,
    EntryDecision,
    BenignHash,
]


class Crash(Exception):
    """The platform's process died here."""


class Platform:
    """One partner with the reference client, whose process may die at any of its named points."""

    def __init__(
        self, name: str, folder: Path, dice: random.Random, kind: type[Synchroniser], *, floor: int = 1
    ) -> None:
        reader = ListReader.objects.create(
            hash_list=hashlist.production(), name=name, is_public=True, trust_floor=floor
        )
        partner = Partner.objects.create(code=name, name=name, group=name, state=PartnerState.PRODUCTION, reader=reader)
        self.key = keys.issue(
            partner, environment=Environment.LIVE, scopes=[Scope.LIST_READ, Scope.FEEDBACK_WRITE], name="t", by="test"
        ).text
        self.reader = reader
        self.folder = folder / name
        self.dice = dice
        self.kind = kind
        self.wire = FaultyWire(dice)
        self.snapshots = 0
        self.crash_rate = 0.0
        self.skew = 0
        self.went_back: list[tuple[Any, Any]] = []
        self._reached: tuple[int, int] = (0, 0)
        self.store = Store(self.folder, create=True)

    def pin(self, verifier: str) -> None:
        self.store.set_up(
            url="https://portal.example", list_name="production", verifier_key=VerifierKey.parse(verifier)
        )

    def _at(self, point: str) -> None:
        if self.dice.random() < self.crash_rate:
            raise Crash(point)

    def sync(self) -> str:
        """One sync; returns "ok", or the name of what kept it. After a crash the store is opened anew from its file."""
        synchroniser = self.kind(
            self.store, Portal(self.wire, key=self.key), clock=lambda: time.time() + self.skew, at=self._at
        )
        try:
            outcome = synchroniser.sync()
            result = "ok"
            self.snapshots += outcome.snapshots
        except ClientFailure as failure:
            result = type(failure).__name__
        except Crash:
            self.store.close()
            self.store = Store(self.folder)
            result = "crash"
        self._watch()
        return result

    def _watch(self) -> None:
        """The third oracle: what the copy stands at never goes back."""
        head = self.store.copy().head
        position = head.position if head else (0, 0)
        if position < self._reached:
            self.went_back.append((self._reached, position))
        self._reached = max(self._reached, position)

    def rows(self) -> dict[str, tuple[int, Any]]:
        return {row.id.hex(): (row.trust, row.value) for row in self.store.rows()}


class World:
    """Portal, people, three platforms: two that see everything, one with a trust floor."""

    def __init__(self, seed: int, folder: Path, kind: type[Synchroniser] = Synchroniser) -> None:
        self.dice = random.Random(seed)
        self.folder = folder
        settings.SNAPSHOT_DIR = folder / "snapshots"
        clear()
        self.sequencer = Sequencer([Signer(settings.LIST_ORIGIN, bytes(range(32)))], Ledger(folder / "ledger"))
        self.list = epochs.ensure_list(self.sequencer)
        signing.publish_keys(self.sequencer.origin, self.sequencer.signers)
        self.platforms = [
            Platform("one", folder, self.dice, kind),
            Platform("two", folder, self.dice, kind),
            Platform("careful", folder, self.dice, kind, floor=2),
        ]
        for platform in self.platforms:
            platform.pin(self.sequencer.signers[0].verifier)
        self.standing: dict[uuid.UUID, str] = {}
        self.withdrawn: set[str] = set()
        self.compactions = self.restores = 0
        self._backup: tuple[dict[type[models.Model], list[Any]], dict[uuid.UUID, str]] | None = None

    # --- steps --------------------------------------------------------------------------------------------------

    def ask(self) -> None:
        """A case with one to four values; now and then one that somebody else stands behind already."""
        values = [make.pdq() for _ in range(self.dice.randint(1, 4))]
        if self.standing and self.dice.random() < 0.3:
            values[0] = self.dice.choice(sorted(self.standing.values()))
        holds = hashlist.ask([Wanted("pdq", "image", value) for value in values], asker=self.dice.randbytes(16))
        self.standing.update({hold.pk: value for hold, value in zip(holds, values, strict=True)})

    def release(self) -> None:
        if self.standing:
            hold_id = self.dice.choice(sorted(self.standing))
            hashlist.release([hold_id])
            value = self.standing.pop(hold_id)
            if value not in self.standing.values():
                self.withdrawn.add(value)

    def decide(self) -> None:
        entries = list(HashListEntry.objects.order_by("pk"))
        if entries:
            EntryDecision.objects.create(entry=self.dice.choice(entries), kind=self.dice.choice(list(DecisionKind)))

    def tick(self) -> None:
        self.sequencer.run_until_idle()

    def sync(self) -> None:
        self.dice.choice(self.platforms).sync()

    def compact(self) -> None:
        """A snapshot, and the floor moved up to it: whoever is behind has to take it."""
        self.tick()
        self.list.refresh_from_db()
        snapshots.refresh(self.list)
        self.compactions += self.sequencer.move_floor(self.list, self.list.seq)

    def back_up(self) -> None:
        rows = {table: list(table._default_manager.all()) for table in LIST_TABLES}
        self._backup = (rows, dict(self.standing))

    def restore(self) -> None:
        """The database of the last backup comes back; ledger and marks are files and stay."""
        if self._backup is None:
            return
        rows, standing = self._backup
        # What the sequencer had not seen is not in the ledger: lost with the database, a quarter of a second's worth
        unseen = set(Hold.objects.pending().released().values_list("pk", flat=True)) & set(standing)
        for table in reversed(LIST_TABLES):
            if table is not HashList:
                table._default_manager.all().delete()
        for table in LIST_TABLES:
            for row in rows[table]:
                row.save()
        later = {hold_id for hold_id in self.standing if hold_id not in standing}
        for hold_id in later:  # reported after the backup: lost with it, within the promised hour
            del self.standing[hold_id]
        self.standing.update({hold_id: standing[hold_id] for hold_id in unseen})
        self.withdrawn -= set(self.standing.values())
        self.sequencer = Sequencer(self.sequencer.signers, self.sequencer.ledger)
        epochs.begin_after_restore(self.sequencer, self.list)
        self.restores += 1

    # --- the end ------------------------------------------------------------------------------------------------

    def settle(self) -> list[int]:
        """An honest network again: each platform syncs; returns how many requests for data each needed."""
        self.tick()
        needed = []
        for platform in self.platforms:
            platform.wire.rate, platform.crash_rate, platform.skew = 0.0, 0.0, 0
            platform.wire.paths.clear()
            assert platform.sync() == "ok"
            needed.append(sum(path in {"changes", "snapshot"} for path in platform.wire.paths))
        return needed

    def differences(self) -> list[str]:
        """The first oracle: whose copy is not the list."""
        listed = {entry.pk.hex: entry for entry in HashListEntry.objects.listed()}
        wrong = []
        for platform in self.platforms:
            rows = platform.rows()
            if rows.keys() != listed.keys():
                wrong.append(f"{platform.reader.name}: other rows")
            for entry_id, (trust, value) in rows.items():
                entry = listed.get(entry_id)
                shown = entry is not None and trust >= platform.reader.trust_floor
                if entry is not None and (trust != entry.trust or (shown and value != entry.value)):
                    wrong.append(f"{platform.reader.name}: row {entry_id[:8]} differs")
                if value in self.withdrawn:
                    wrong.append(f"{platform.reader.name}: a withdrawn value is still here")
            reader = ListReader.objects.get(pk=platform.reader.pk)
            if reader.diverged_at or (reader.epoch, reader.seq) != (self._epoch_and_seq()):
                wrong.append(f"{platform.reader.name}: the portal does not know that it is equal")
            if platform.went_back:
                wrong.append(f"{platform.reader.name}: went back {platform.went_back[0]}")
        resurrected = self.withdrawn & {entry.value for entry in listed.values()}
        return wrong + (["a withdrawn value is listed"] if resurrected else [])

    def _epoch_and_seq(self) -> tuple[int, int]:
        self.list.refresh_from_db()
        return self.list.epoch, self.list.seq

    def close(self) -> None:
        for platform in self.platforms:
            platform.store.close()


def clear() -> None:
    """Empty the list's and the platforms' tables: one test runs many worlds."""
    platforms: list[type[models.Model]] = [SnapshotDownload, ApiKey, Partner]
    lists = list(reversed(LIST_TABLES))
    tables: list[type[models.Model]] = [*platforms, *lists[:-1], ListReader, HashList]
    for table in tables:
        table._default_manager.all().delete()
