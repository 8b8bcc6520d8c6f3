"""Nothing acknowledged is lost and no number is missing, whoever is killed when.

Writers and two competing sequencers are real processes against a real PostgreSQL; all of them, and the database, are
killed without warning while a reader follows the log.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.postgres import PostgresCluster

SECONDS = float(os.environ.get("KILL_SECONDS", "40"))
WRITERS = 4
SEED = int(os.environ.get("KILL_SEED", "20261122"))


class Zygote:
    """The parent of everything that is killed."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.zygote"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )

    def fork(self, line: str) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=20)


@pytest.fixture
def environment(postgres_cluster: PostgresCluster, tmp_path: Path) -> dict[str, str]:
    environment = {
        **os.environ,
        "DATABASE_URL": postgres_cluster.url,
        "TAKEITDOWN_VAR": str(tmp_path),
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "SIGNING_KEY_FILE": str(tmp_path / "signing.key"),
    }
    manage = [sys.executable, "manage.py"]
    subprocess.run([*manage, "migrate", "--verbosity", "0"], check=True, env=environment, timeout=120)
    subprocess.run([*manage, "run_sequencer", "--once"], check=True, env=environment, timeout=60)
    return environment


@pytest.fixture
def zygote(environment: dict[str, str]) -> Iterator[Zygote]:
    made = Zygote(environment)
    yield made
    made.close()


class Follower:
    """A reader at a cursor: takes what lies past it and must never miss or repeat a number."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.cursor = 0
        self.gaps: list[tuple[int, int]] = []
        self.seen = 0
        self._connection: Any = None

    def follow(self) -> None:
        try:
            if self._connection is None or self._connection.closed:
                self._connection = psycopg.connect(self.url, autocommit=True, connect_timeout=2)
            sql = "SELECT seq FROM matching_listchange WHERE seq > %s ORDER BY seq LIMIT 5000"
            numbers = [row[0] for row in self._connection.execute(sql, [self.cursor])]
        except psycopg.Error:
            self._connection = None
            return
        for number in numbers:
            if number != self.cursor + 1:
                self.gaps.append((self.cursor, number))
            self.cursor = number
            self.seen += 1


def kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def run_with_faults(zygote: Zygote, cluster: PostgresCluster, follower: Follower, folder: Path) -> Counter[str]:
    """Forty seconds of killing: a sequencer, a writer, or now and then the database."""
    dice, faults, seed = random.Random(SEED), Counter[str](), 0
    sequencers = [zygote.fork("sequencer") for _ in range(2)]
    writers = [zygote.fork(f"writer {SEED + n} {folder / f'acks-{n}'}") for n in range(WRITERS)]
    end, restarts_at = time.monotonic() + SECONDS, [SECONDS * part for part in (0.25, 0.5, 0.75)]
    while time.monotonic() < end:
        follower.follow()
        time.sleep(dice.uniform(0.05, 0.4))
        seed += 1
        if restarts_at and time.monotonic() > end - SECONDS + restarts_at[0]:
            restarts_at.pop(0)
            cluster.kill()
            cluster.start()
            faults["database"] += 1
        elif dice.random() < 0.5:
            kill(sequencers.pop(dice.randrange(2)))
            sequencers.append(zygote.fork("sequencer"))
            faults["sequencer"] += 1
        else:
            victim = dice.randrange(WRITERS)
            kill(writers[victim])
            writers[victim] = zygote.fork(f"writer {SEED + 100 * seed} {folder / f'acks-{victim}'}")
            faults["writer"] += 1
    for pid in writers:
        kill(pid)
    return faults


def acknowledged(folder: Path) -> dict[str, str]:
    """Hold id → what was last said about it: asked, trying (to release), released."""
    said: dict[str, str] = {}
    for path in sorted(folder.glob("acks-*")):
        for line in path.read_text().splitlines():
            word, _, hold_id = line.partition(" ")
            if len(hold_id) == 32:  # the last line of a killed writer may be cut
                said[hold_id] = word
    return said


def wait_until_idle(url: str) -> None:
    deadline = time.monotonic() + 60
    with psycopg.connect(url, autocommit=True) as connection:
        while time.monotonic() < deadline:
            if not connection.execute("SELECT 1 FROM matching_hold WHERE pending LIMIT 1").fetchone():
                return
            time.sleep(0.1)
    pytest.fail("the sequencers left work undone")


@pytest.mark.postgresql
@pytest.mark.timeout(400)
def test_no_acknowledged_hold_is_lost_and_no_number_is_missing(
    zygote: Zygote, environment: dict[str, str], postgres_cluster: PostgresCluster, tmp_path: Path
) -> None:
    follower = Follower(postgres_cluster.url)
    faults = run_with_faults(zygote, postgres_cluster, follower, tmp_path)
    wait_until_idle(postgres_cluster.url)
    follower.follow()
    said = acknowledged(tmp_path)
    with psycopg.connect(postgres_cluster.url) as connection:
        sql = "SELECT h.id, e.state FROM matching_hold h LEFT JOIN matching_hashlistentry e ON e.id = h.entry_id"
        state = {hold_id.hex: found for hold_id, found in connection.execute(sql)}
        numbers = connection.execute("SELECT count(*), min(seq), max(seq) FROM matching_listchange").fetchone()
    assert numbers is not None
    lost = [hold for hold, word in said.items() if word == "asked" and state.get(hold) != "listed"]
    # Released before it was published: no entry at all. Released after: gone.
    kept = [hold for hold, word in said.items() if word == "released" and state.get(hold, "none") not in ("gone", None)]
    figures = {
        "acknowledged": len(said),
        "changes": numbers[0],
        "faults": dict(faults),
        "lost": len(lost),
        "not withdrawn": len(kept),
        "gaps": len(follower.gaps),
        "seed": SEED,
    }
    print("\n" + json.dumps(figures))
    assert (lost, kept, follower.gaps) == ([], [], [])
    assert numbers == (numbers[2], 1, numbers[2])
    assert follower.seen == numbers[2]
    assert sum(faults.values()) >= 1.5 * SECONDS
    assert len(said) >= 20 * SECONDS
    done = subprocess.run(
        [sys.executable, "manage.py", "verify_hash_list"], env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.postgresql
@pytest.mark.parametrize("place", ["sequencer_between_changes_and_head", "sequencer_before_commit"])
def test_a_sequencer_that_dies_inside_a_batch_leaves_nothing_of_it(environment: dict[str, str], place: str) -> None:
    """Every crash point of a tick, by name: the next one starts as if nothing had happened."""
    ask = (
        "import django; django.setup()\n"
        "from matching import hashlist; from matching.hashlist import Wanted\n"
        "hashlist.ask([Wanted('md5', 'video', 'ab' * 16)], asker=bytes(16))"
    )
    subprocess.run([sys.executable, "-c", ask], check=True, env=environment, timeout=60)
    once = [sys.executable, "manage.py", "run_sequencer", "--once"]
    died = subprocess.run(once, env={**environment, "TAKEITDOWN_DIE_AT": place}, timeout=60, check=False)
    with psycopg.connect(environment["DATABASE_URL"]) as connection:
        count = "SELECT count(*) FROM matching_listchange"
        assert (died.returncode, connection.execute(count).fetchone()) == (9, (0,))
    subprocess.run(once, check=True, env=environment, timeout=60)
    with psycopg.connect(environment["DATABASE_URL"]) as connection:
        assert connection.execute("SELECT count(*), max(seq) FROM matching_listhead").fetchone() == (2, 1)
