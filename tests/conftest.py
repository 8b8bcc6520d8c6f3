"""What every test stands on: two embedded Redis, a throwaway PostgreSQL, a Chromium. The rooms add their own cast."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from pytest_django.live_server_helper import LiveServer

from matching import epochs, signing
from matching.ledger import Ledger
from matching.models import HashList
from matching.notes import Signer
from matching.sequencer import Sequencer
from takeitdown import embedded_redis, limits
from tests.chromium import FLAGS, chromium_path
from tests.postgres import PostgresCluster

VECTOR_SEED = bytes(range(32))  # the signing key of LIST.md §9
IN_CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}
BROWSER = {"browser", "browser_type", "context", "page"}
TURNS_WITHIN_SECONDS = 4.0
DATABASE = {"db", "transactional_db", "live_server", "postgres_cluster"}


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "database: set by itself on what touches the database; nothing else runs on PostgreSQL, it would only repeat",
    )


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what drives a browser or touches the database. On SQLite, leave out (not skip) what needs PostgreSQL."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if BROWSER & fixtures:
            item.add_marker("browser")
        if DATABASE & fixtures or item.get_closest_marker("django_db") or item.get_closest_marker("postgresql"):
            item.add_marker("database")
    if settings.DATABASES["default"]["ENGINE"].endswith("postgresql"):
        return
    left_out = [item for item in items if item.get_closest_marker("postgresql")]
    if left_out:
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(scope="session", autouse=True)
def redis_servers() -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    """Broker and limits, real servers on sockets in this run's own folder."""
    with embedded_redis.both(sockets=settings.REDIS_SOCKETS, data=settings.VAR) as servers:
        yield servers


@pytest.fixture(autouse=True)
def fresh_limits(redis_servers: dict[str, subprocess.Popen[bytes]], monkeypatch: pytest.MonkeyPatch) -> None:
    """No test inherits the counts of the one before it, nor a breaker that it tripped; no window ends within one."""
    limits.LimitsCache._open_until = 0.0
    limits._local._counts.clear()
    cache.clear()
    begun = time.time()
    monkeypatch.setattr("django_ratelimit.core.time", SimpleNamespace(time=lambda: begun))


@pytest.fixture(autouse=True)
def not_at_the_turn_of_the_hour() -> None:
    """Tests say "today" and "this hour" more than once: whoever would start just before the hour ends waits for it."""
    left = 3600 - time.time() % 3600
    if left < TURNS_WITHIN_SECONDS:
        time.sleep(left)


@pytest.fixture
def postgres_cluster() -> Iterator[PostgresCluster]:
    """A PostgreSQL of one's own to crash and restart: `.url`, `.start()`, `.stop()`, `.kill()`."""
    with PostgresCluster.temporary() as cluster:
        yield cluster


@pytest.fixture
def sequencer(db: None, tmp_path: Path, settings: Any) -> Sequencer:
    """A sequencer of `portal.example` that the test drives by hand, with an empty, signed production list."""
    settings.LIST_ORIGIN = "portal.example"
    settings.SNAPSHOT_DIR = tmp_path / "snapshots"
    made = Sequencer([Signer("portal.example", VECTOR_SEED)], Ledger(tmp_path / "withdrawals.ledger"))
    epochs.ensure_list(made)
    signing.publish_keys(made.origin, made.signers)
    return made


@pytest.fixture
def production(sequencer: Sequencer) -> HashList:
    return HashList.objects.get(name="production")


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """Playwright drives the machine's Chromium. Without one, browser tests skip; in CI that is a failure."""
    path = chromium_path()
    if path is None:
        message = "Chromium is missing: install it (Debian: apt-get install chromium)."
        pytest.fail(message) if IN_CI else pytest.skip(message)
    return {**browser_type_launch_args, "executable_path": path, "args": FLAGS}


class LiveServerWithOurStatics(LiveServer):
    """Django's test server would answer /static/ itself, past our middleware: the worker would lack its policy."""

    def start(self) -> None:
        self.thread.static_handler = lambda application: application  # type: ignore[assignment]
        super().start()


@pytest.fixture(scope="session")
def live_server() -> Iterator[LiveServer]:
    """The portal in a thread of this process, at http://localhost:<port> (passkeys and clipboards want that name)."""
    server = LiveServerWithOurStatics("localhost")
    yield server
    server.stop()


@pytest.fixture
def repository() -> Path:
    """The top folder."""
    return Path(settings.BASE_DIR)
