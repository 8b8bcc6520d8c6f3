"""Whatever the network, the machines and the people do, every platform ends with the portal's list.

Three oracles: copies are equal at the end; nobody took a snapshot without need; nobody's copy ever went back. The last
part takes single checks out of the reference client and shows that something here fails without each of them.
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from takeitdown_client.errors import Fork
from takeitdown_client.sync import Synchroniser

from matching.models import HashList, ListHead
from matching.verification import verify
from tests.faults.wire import GENTLE, ROUGH
from tests.faults.world import World

SCHEDULES = int(os.environ.get("SCHEDULES", "25"))
STEPS = 45
SEED = int(os.environ.get("SCHEDULE_SEED", "20261122"))

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def no_quota(settings: Any) -> None:
    settings.SNAPSHOTS_PER_DAY = 10_000
    settings.API_RATE = "1000000/m"
    settings.LIST_ORIGIN = "portal.example"


def drive(world: World, steps: dict[str, int], count: int = STEPS) -> None:
    """So many steps, drawn by weight."""
    names, weights = list(steps), list(steps.values())
    for name in world.dice.choices(names, weights, k=count):
        getattr(world, name)()


EVERYDAY = {"ask": 6, "release": 3, "decide": 3, "tick": 6, "sync": 9}


def run(folder: Path, number: int, *, kinds: tuple[str, ...], steps: dict[str, int], crashes: float = 0.0) -> World:
    world = World(SEED + number, folder / f"world-{number}")
    for platform in world.platforms:
        platform.wire.rate, platform.wire.kinds, platform.crash_rate = 0.35, kinds, crashes
        platform.skew = world.dice.choice([-86_400, 0, 0, 86_400])
    drive(world, steps)
    return world


def finish(world: World, figures: Counter[str]) -> None:
    needed = world.settle()
    assert world.differences() == []
    assert max(needed) <= 3, "more than three requests to heal"
    assert verify(HashList.objects.get()).wrong == []
    figures["schedules"] += 1
    figures["requests"] += sum(platform.wire.requests for platform in world.platforms)
    figures["faults"] += sum(platform.wire.faults.total() for platform in world.platforms)
    figures["snapshots"] += sum(platform.snapshots for platform in world.platforms)
    figures.update({f"alarm {kind}": 1 for kind in alarms(world)})
    world.close()


def alarms(world: World) -> set[str]:
    return {alarm.kind for platform in world.platforms for alarm in platform.store.alarms(closed=True)}


def report(name: str, figures: Counter[str], started: float) -> None:
    print("\n" + json.dumps({name: dict(figures), "seconds": round(time.monotonic() - started, 1), "seed": SEED}))


@pytest.mark.slow
def test_loss_delay_duplication_and_crashes_heal_without_a_snapshot(tmp_path: Path) -> None:
    """Requests and replies lost, cut or doubled, 503s, clocks a day off, the client dying anywhere."""
    figures, started = Counter[str](), time.monotonic()
    for number in range(SCHEDULES):
        world = run(tmp_path, number, kinds=GENTLE, steps=EVERYDAY, crashes=0.04)
        finish(world, figures)
    report("gentle", figures, started)
    assert figures["snapshots"] == 0
    assert figures["faults"] > 5 * SCHEDULES


@pytest.mark.postgresql
def test_garbled_and_replayed_answers_cost_at_most_a_snapshot_each(tmp_path: Path) -> None:
    figures, started = Counter[str](), time.monotonic()
    for number in range(SCHEDULES, 2 * SCHEDULES):
        world = run(tmp_path, number, kinds=ROUGH, steps=EVERYDAY)
        spoilt = sum(p.wire.faults["garbled"] + p.wire.faults["replayed"] for p in world.platforms)
        finish(world, figures)
        assert sum(platform.snapshots for platform in world.platforms) <= spoilt
    report("rough", figures, started)


@pytest.mark.postgresql
def test_compaction_and_restores_cost_one_snapshot_and_lose_no_withdrawal(tmp_path: Path) -> None:
    figures, started = Counter[str](), time.monotonic()
    steps = {**EVERYDAY, "compact": 2, "back_up": 2, "restore": 2}
    for number in range(2 * SCHEDULES, 3 * SCHEDULES):
        world = run(tmp_path, number, kinds=GENTLE, steps=steps)
        finish(world, figures)
        moves = world.compactions + world.restores
        figures["restores"] += world.restores
        for platform in world.platforms:
            assert platform.snapshots <= moves
    # Loss and rebuilding are no attack: nobody saw a rollback or a fork.
    assert {name for name in figures if name.startswith("alarm")} <= {
        "alarm resync_failed",
        "alarm future",
        "alarm expired",
    }
    report("restores", figures, started)
    assert figures["restores"] > 0


# --- attacks: what each check alone stops --------------------------------------------------------------------------


@pytest.fixture
def world(tmp_path: Path) -> World:
    """Ten entries published in two batches; nobody has synced."""
    made = World(SEED, tmp_path)
    for _batch in range(2):
        for _case in range(3):
            made.ask()
        made.tick()
    return made


def rewrite(world: World, change: Callable[[dict[str, Any]], None]) -> None:
    """Every page that reaches platform one is altered by `change` before the client reads it."""
    platform = world.platforms[0]
    honest = platform.wire.request

    def request(method: str, path: str, *rest: Any, **named: Any) -> Any:
        answer = honest(method, path, *rest, **named)
        if "changes/" in path and answer.status == 200:
            page = json.loads(answer.content())
            change(page)
            answer = type(answer)(200, {}, json.dumps(page).encode())
        return answer

    platform.wire.request = request  # type: ignore[method-assign]


def swap_two_changes(page: dict[str, Any]) -> None:
    """The same set, another order: only the chain knows."""
    first, second = page["changes"][:2]
    first["seq"], second["seq"] = second["seq"], first["seq"]
    page["changes"][:2] = [second, first]


def without(check: str) -> type[Synchroniser]:
    """The reference client with one check taken out."""
    return type("Mutant", (Synchroniser,), {check: lambda self, *args, **kwargs: None})


def sees_swapped_changes(world: World) -> bool:
    rewrite(world, swap_two_changes)
    world.platforms[0].sync()
    return any(alarm.kind == "bad_page" for alarm in world.platforms[0].store.alarms(closed=True))


def sees_a_rotten_row(world: World) -> bool:
    """A local row lost a bit; the next page proves its own changes and not the row."""
    platform = world.platforms[0]
    platform.sync()
    platform.store._db.execute("UPDATE copy SET sum = zeroblob(length(sum))")
    world.ask()
    world.tick()
    platform.sync()
    return any(alarm.kind == "bad_page" for alarm in platform.store.alarms(closed=True))


def sees_a_rollback(world: World) -> bool:
    """Yesterday's answers, all of them honest when they were given."""
    platform = world.platforms[0]
    old = ListHead.objects.order_by("seq")[1]
    platform.sync()
    rewrite(world, lambda page: page.update(latest=old.note, head=old.note, changes=[], from_seq=old.seq))
    return platform.sync() == "Rollback"


def sees_a_fork(world: World) -> bool:
    """A second state for a position, properly signed: the portal, or whoever has its key, shows two lists."""
    platform = world.platforms[0]
    platform.sync()
    world.list.refresh_from_db()
    world.list.live += 1
    newest = ListHead.objects.newest(world.list)
    note = world.sequencer.sign_head(world.list, bytes(newest.set_hash), newest.issued_at)
    rewrite(world, lambda page: page.update(latest=note, head=note))
    return platform.sync() == Fork.__name__


def sees_another_list(world: World) -> bool:
    """A head of a sandbox, signed by the same key, in the place of production's."""
    world.list.refresh_from_db()
    world.list.name = "sandbox-x"
    newest = ListHead.objects.newest(world.list)
    note = world.sequencer.sign_head(world.list, bytes(newest.set_hash), newest.issued_at)
    rewrite(world, lambda page: page.update(latest=note))
    return world.platforms[0].sync() == "NoteRefused"


def says_where_it_stands(world: World) -> bool:
    world.platforms[0].sync()
    return not [text for text in world.differences() if text.startswith("one: the portal")]


def keeps_a_value_that_became_withheld(world: World) -> bool:
    """Rule 4: a confirmation taken back hides the value from who wants confirmed ones; what it holds, it keeps."""
    from matching.models import DecisionKind, EntryDecision, HashListEntry

    careful, entry = world.platforms[2], HashListEntry.objects.listed()[0]
    shown = []
    for kind in (DecisionKind.CONFIRM, DecisionKind.UNCONFIRM):
        EntryDecision.objects.create(entry=entry, kind=kind)
        world.tick()
        careful.sync()
        shown.append(careful.rows()[entry.pk.hex][1])
    return shown == [entry.value, entry.value]


class CursorFirst(Synchroniser):
    """Stores where it stands, then the rows: a crash in between loses rows for good."""

    def store_page(self, copy: Any, proven: Any) -> None:
        self.store.store_page(copy, gone=[], put=[], head=proven.head, sum=proven.sum)
        self.at("rows_written")
        with self.store.transaction():
            self.store.write_rows("rows", gone=proven.gone, put=proven.put)


def survives_a_crash_between_rows_and_cursor(world: World) -> bool:
    platform = world.platforms[0]
    platform._at = _crash_once_at("rows_written")  # type: ignore[method-assign, assignment]
    platform.sync()
    world.settle()
    return not [text for text in world.differences() if text.startswith("one")]


def _crash_once_at(place: str) -> Callable[[str], None]:
    from tests.faults.world import Crash

    waiting = [place]

    def at(point: str) -> None:
        if point in waiting:
            waiting.remove(point)
            raise Crash(point)

    return at


class ForgetsTheValue(Synchroniser):
    """Takes a withheld row for one without a value."""

    def keep_value(self, old: Any, new: Any) -> Any:
        return new


SCENES: dict[str, tuple[Callable[[World], bool], type[Synchroniser]]] = {
    "chain": (sees_swapped_changes, without("check_chain")),
    "set hash": (sees_a_rotten_row, without("check_set")),
    "rollback": (sees_a_rollback, without("check_rollback")),
    "fork": (sees_a_fork, without("check_fork")),
    "list's name": (sees_another_list, without("check_list")),
    "acknowledgement": (says_where_it_stands, without("send_acknowledgement")),
    "withheld value": (keeps_a_value_that_became_withheld, ForgetsTheValue),
    "one transaction": (survives_a_crash_between_rows_and_cursor, CursorFirst),
}


@pytest.mark.parametrize("scene", SCENES)
def test_the_client_passes_and_its_mutant_does_not(world: World, tmp_path: Path, scene: str) -> None:
    """Each check is needed: with it the scene is seen through, without it not."""
    see, mutant = SCENES[scene]
    for platform in world.platforms:
        platform.kind = Synchroniser
    assert see(world)
    world.close()
    again = World(SEED, tmp_path / "mutant", mutant)
    for _case in range(4):
        again.ask()
        again.tick()
    assert not see(again)
    again.close()
