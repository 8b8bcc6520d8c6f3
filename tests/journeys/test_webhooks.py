"""Pushed updates from end to end: Celery's own worker and beat, receivers on TLS that lose, delay, double and reorder
with the published client behind them, and a worker that is killed in the middle of a delivery.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from takeitdown_client.http import UrlTransport
from takeitdown_client.notes import VerifierKey
from takeitdown_client.portal import Portal
from takeitdown_client.receive import take, verify
from takeitdown_client.store import Store
from takeitdown_client.sync import Synchroniser

from matching.models import ListHead
from matching.sequencer import Sequencer
from partners import webhooks
from partners.models import Delivery, Environment, Mode, WebhookEndpoint
from takeitdown.benchmarks import beside
from takeitdown.benchmarks.receivers import Answer, Authority
from tests.partners.conftest import Platform, new_platform, publish, withdraw
from tests.partners.inbox import Inbox, Received, open_loopback, opened, secret_of

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True), pytest.mark.timeout(170)]
WITHIN_SECONDS = 60
Messages = list[dict[str, Any]]
Line = Callable[[Messages, int], Messages]


def true(messages: Messages, turn: int) -> Messages:
    return messages


def losing(messages: Messages, turn: int) -> Messages:
    """Every other one is lost after it was answered."""
    return messages[turn % 2 :: 2]


def delaying(messages: Messages, turn: int) -> Messages:
    """Nothing in the first turns, then all of it, late."""
    return messages if turn % 3 == 2 else []


def doubling(messages: Messages, turn: int) -> Messages:
    return [message for message in messages for _ in range(3)]


def reordering(messages: Messages, turn: int) -> Messages:
    return messages[::-1]


@dataclass
class Machine:
    """A platform: where its webhooks arrive, over what kind of line, and the client that acts upon them."""

    platform: Platform
    inbox: Inbox
    line: Line
    store: Any
    synchroniser: Any
    endpoint: WebhookEndpoint
    secrets: list[str]
    taken: int = 0
    turn: int = 0
    kept_back: Messages = field(default_factory=list)

    def act(self) -> None:
        """Verify what arrived since, with the client's own code too, and do what the line lets through."""
        arrived = self.inbox.received[self.taken :]
        self.taken += len(arrived)
        self.kept_back += [verify(one.headers, one.body, self.secrets) for one in arrived]
        through = self.line(self.kept_back, self.turn)
        if through or self.line is not delaying:
            self.kept_back = []
        self.turn += 1
        for message in through:
            take(self.synchroniser, message)

    def set_hash(self) -> bytes:
        return bytes(self.store.copy().sum.set_hash())

    @property
    def kinds(self) -> set[str]:
        return {message["type"] for message in self.inbox.messages}


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def machine_of(
    authority: Authority, sequencer: Sequencer, live_server: Any, settings: Any, tmp_path: Path
) -> Iterator[Callable[..., Machine]]:
    open_loopback(settings, authority)
    with ExitStack() as stack:

        def make(name: str, line: Line, mode: Mode = Mode.PING) -> Machine:
            platform = new_platform(ListHead.objects.get().hash_list, name)
            inbox = stack.enter_context(opened(authority))
            store: Any = Store(tmp_path / name, create=True)
            stack.callback(store.close)
            verifier = VerifierKey.parse(sequencer.signers[0].verifier)
            store.set_up(url=live_server.url, list_name="production", verifier_key=verifier)
            synchroniser = Synchroniser(store, Portal(UrlTransport(live_server.url), key=platform.text))
            endpoint = webhooks.add(
                platform.partner, environment=Environment.LIVE, url=inbox.url, mode=mode.value, by="tests"
            )
            assert any(webhooks.challenge(endpoint).succeeded for _ in range(3))  # a busy machine may miss one
            inbox.received.clear()
            return Machine(platform, inbox, line, store, synchroniser, endpoint, [secret_of(endpoint)])

        yield make


def wait_until(holds: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + WITHIN_SECONDS
    while not holds():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def all_told() -> bool:
    """Every endpoint was told, and acknowledged by a 2xx, the newest head."""
    newest = ListHead.objects.order_by("-epoch", "-seq")[0]
    return not WebhookEndpoint.objects.exclude(acked_epoch=newest.epoch, acked_seq=newest.seq).exists()


def server_set_hash() -> bytes:
    return bytes(ListHead.objects.order_by("-epoch", "-seq")[0].set_hash)


def test_over_bad_lines_and_a_killed_worker_every_platform_comes_to_the_same_list(
    sequencer: Sequencer, machine_of: Callable[..., Machine], tmp_path: Path
):
    lines: list[tuple[str, Line, Mode]] = [
        ("true", true, Mode.PING),
        ("changes", true, Mode.DELTA),
        ("losing", losing, Mode.PING),
        ("delaying", delaying, Mode.DELTA),
        ("doubling", doubling, Mode.DELTA),
        ("reordering", reordering, Mode.DELTA),
    ]
    machines = [machine_of(*line) for line in lines]
    given = beside.environment()

    with ExitStack() as stack:
        stack.enter_context(beside.beat(tmp_path / "beat.log", given))
        worker = stack.enter_context(beside.webhooks_worker(tmp_path / "first.log", given))
        _rounds(sequencer, machines)
        _kill_in_mid_delivery(sequencer, machines[0], lambda: beside.end(worker))
        stack.enter_context(beside.webhooks_worker(tmp_path / "second.log", given))
        wait_until(all_told, "the second worker went on where the first was killed")

    for machine in machines:
        machine.act()
        machine.line = true  # what was kept back arrives at last
        machine.act()
    for machine in machines[2:3]:
        machine.synchroniser.sync()  # whoever loses messages polls as well: rule 7
    assert {machine.set_hash() for machine in machines} == {server_set_hash()}
    assert [alarm for machine in machines for alarm in machine.store.alarms()] == []
    assert [machine.inbox.most_at_once for machine in machines] == [1] * len(machines)
    assert machines[1].kinds == {"list.head", "list.delta"}


def _rounds(sequencer: Sequencer, machines: list[Machine]) -> None:
    """Additions and withdrawals, each told; a secret is rotated on the way, and nobody misses anything by it."""
    entries = publish(sequencer, 6)
    for turn in range(3):
        wait_until(all_told, "everybody was told")
        for machine in machines:
            machine.act()
        withdraw(sequencer, entries[turn])
        publish(sequencer, 2)
        if turn == 1:
            webhooks.rotate_secret(machines[0].endpoint, by="tests")  # the platform still has the old one
    wait_until(all_told, "everybody was told")


def _kill_in_mid_delivery(sequencer: Sequencer, machine: Machine, kill: Callable[[], None]) -> None:
    """The receiver has the request and has not answered when the worker dies; half a minute later its lease is over."""
    arrived, release, usual = threading.Event(), threading.Event(), machine.inbox.usual

    def stall(received: Received) -> Answer:
        arrived.set()
        release.wait(WITHIN_SECONDS)
        return usual(received)

    machine.inbox.usual = stall  # type: ignore[method-assign,assignment]
    before = Delivery.objects.filter(endpoint=machine.endpoint).count()
    publish(sequencer)
    assert arrived.wait(WITHIN_SECONDS)
    kill()
    machine.inbox.usual = usual  # type: ignore[method-assign]
    release.set()
    assert Delivery.objects.filter(endpoint=machine.endpoint).count() == before
    row = WebhookEndpoint.objects.get(pk=machine.endpoint.pk)
    assert row.lease
    assert row.leased_until is not None
    assert row.leased_until - timezone.now() <= timedelta(seconds=30)
    WebhookEndpoint.objects.filter(leased_until__isnull=False).update(leased_until=timezone.now())  # it passes
