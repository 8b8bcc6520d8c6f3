"""The reference client against the real server, over HTTP: two implementations of LIST.md that must agree."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as portal_settings

from matching import readers
from matching.models import DecisionKind, EntryDecision, EntryOutcome, HashListEntry, ListHead, ListReader
from partners import keys
from partners.models import ApiKey, Feedback, MatchReport, SnapshotDownload
from tests.partners.conftest import Platform, new_platform, publish, withdraw

sys.path.insert(0, str(Path(portal_settings.BASE_DIR) / "partners" / "client" / "src"))

from takeitdown_client.errors import KeyNotAccepted
from takeitdown_client.http import UrlTransport
from takeitdown_client.notes import VerifierKey
from takeitdown_client.portal import Portal
from takeitdown_client.reports import Reports
from takeitdown_client.store import Store
from takeitdown_client.sync import Synchroniser

pytestmark = pytest.mark.django_db(transaction=True)


class Machine:
    """A platform's client with a directory of its own."""

    def __init__(self, platform: Platform, base: str, verifier: str, folder: Path) -> None:
        self.store: Any = Store(folder, create=True)
        self.store.set_up(url=base, list_name="production", verifier_key=VerifierKey.parse(verifier))
        self.portal: Any = Portal(UrlTransport(base), key=platform.text)
        self.reports: Any = Reports(self.store, self.portal)

    def sync(self) -> Any:
        return Synchroniser(self.store, self.portal).sync()

    def values(self) -> set[str]:
        return {value for _id, value in self.store.values_of("pdq")}


@pytest.fixture
def machine_of(live_server: Any, sequencer: Any, tmp_path: Path) -> Iterator[Callable[[Platform], Machine]]:
    with ExitStack() as stack:

        def make(platform: Platform) -> Machine:
            folder = tmp_path / platform.partner.code
            machine = Machine(platform, live_server.url, sequencer.signers[0].verifier, folder)
            stack.callback(machine.store.close)
            return machine

        yield make


def listed() -> set[str | None]:
    return set(HashListEntry.objects.listed().values_list("value", flat=True))


def test_client_follows_additions_trust_and_withdrawals(platform, sequencer, machine_of):
    machine = machine_of(platform)
    first, second, *_rest = publish(sequencer, 5)
    assert machine.sync().added == 5

    EntryDecision.objects.create(entry=first, kind=DecisionKind.CONFIRM)
    withdraw(sequencer, second)
    outcome = machine.sync()

    assert (outcome.updated, outcome.removed, outcome.snapshots, outcome.acknowledged) == (1, 1, 0, True)
    assert machine.values() == listed()
    assert second.value not in machine.values()
    reader, head = ListReader.objects.get(pk=platform.reader.pk), ListHead.objects.latest("seq")
    assert (reader.seq, reader.diverged_at) == (head.seq, None)
    assert machine.store.alarms() == []


def test_client_that_missed_the_floor_heals_by_one_snapshot(platform, sequencer, production, machine_of):
    machine = machine_of(platform)
    publish(sequencer, 2)
    machine.sync()
    gone = publish(sequencer, 3)[0]
    withdraw(sequencer, gone)
    production.refresh_from_db()
    production.floor = production.seq
    production.save(update_fields=["floor"])

    outcome = machine.sync()

    assert (outcome.snapshots, outcome.acknowledged) == (1, True)
    assert machine.values() == listed()
    assert SnapshotDownload.objects.count() == 1


def test_canaries_and_trust_floors_leave_every_copy_provable(
    production, platform, another_platform, sequencer, machine_of
):
    careful = new_platform(production, "careful", trust_floor=2)
    canary, confirmed, *_rest = publish(sequencer, 30)
    HashListEntry.objects.filter(pk=canary.pk).update(canary_for=platform.reader)
    EntryDecision.objects.create(entry=confirmed, kind=DecisionKind.CONFIRM)
    sequencer.run_until_idle()
    machines = {who.partner.code: machine_of(who) for who in (platform, another_platform, careful)}

    outcomes = [machine.sync() for machine in machines.values()]

    assert [outcome.acknowledged for outcome in outcomes] == [True] * 3
    assert len({outcome.head.set_hash for outcome in outcomes}) == 1
    assert machines["platform"].values() == listed()
    assert machines["another-platform"].values() == listed() - {canary.value}
    assert machines["careful"].values() == {confirmed.value}


def test_a_lowered_floor_shows_the_client_what_it_lacked_after_one_snapshot(
    production, sequencer, machine_of, settings
):
    settings.SNAPSHOTS_PER_DAY = 1
    careful = new_platform(production, "careful", trust_floor=2)
    machine = machine_of(careful)
    publish(sequencer, 3)
    careful.snapshot()  # the one of the day
    assert machine.sync().snapshots == 0
    assert machine.values() == set()

    readers.set_trust_floor(careful.reader, 1, by="staff")
    publish(sequencer)
    outcome = machine.sync()

    assert (outcome.snapshots, outcome.acknowledged, machine.values()) == (1, True, listed())
    publish(sequencer)
    assert machine.sync().snapshots == 0
    assert machine.store.alarms() == []


def test_client_delivers_reports_and_feedback_once(platform, sequencer, machine_of):
    machine = machine_of(platform)
    entry = publish(sequencer)[0]
    machine.sync()

    machine.reports.report(entry.pk.hex, outcome="found")
    machine.reports.report(entry.pk.hex, outcome="declined", reason="adult")
    machine.reports.feedback(entry.pk.hex, "dispute", reason="harmless")
    assert machine.reports.deliver().delivered == 3
    assert machine.reports.deliver().delivered == 0

    assert list(MatchReport.objects.order_by("pk").values_list("outcome", flat=True)) == ["found", "declined"]
    assert not MatchReport.objects.open().exists()
    assert Feedback.objects.get().reason == "harmless"
    assert EntryOutcome.objects.get().kind == "declined"
    assert machine.portal.entry(entry.pk.hex)["your_feedback"]["opinion"] == "dispute"


def test_client_learns_the_keys_and_stops_with_a_revoked_one(platform, sequencer, machine_of):
    machine = machine_of(platform)
    publish(sequencer)
    machine.sync()

    assert machine.portal.keys().startswith("tid-keys/1\n")
    keys.revoke(ApiKey.objects.filter(partner=platform.partner), by="tests")

    with pytest.raises(KeyNotAccepted):
        machine.sync()
    assert len(machine.values()) == 1
