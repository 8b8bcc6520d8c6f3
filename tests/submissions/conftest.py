"""The cast of the reporter's side."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from unittest import mock

import pytest
from django.conf import settings
from django.utils import timezone, translation
from playwright.sync_api import Browser, BrowserContext
from pytest_django.live_server_helper import LiveServer

from matching.models import HashList
from submissions import access, case_numbers, intake, reports
from submissions.models import Case
from tests import make
from tests.device import built_worker
from tests.submissions.visit import Visit


@pytest.fixture(autouse=True)
def production(request: pytest.FixtureRequest) -> HashList | None:
    """The list exists: the sequencer made it long ago. Pure tests have no database and no list."""
    marker = request.node.get_closest_marker("django_db")
    wanted = {"db", "transactional_db", "live_server"} & set(request.fixturenames)
    if marker is None and not wanted:
        return None
    transactional = bool(wanted - {"db"}) or (marker is not None and marker.kwargs.get("transaction"))
    request.getfixturevalue("transactional_db" if transactional else "db")
    return make.production_list()


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    """No test inherits the language that the last request of the one before left in this thread."""
    with translation.override("en"):
        yield


@dataclass
class Reporter:
    """Somebody with a case and the slip of paper that opens it."""

    case: Case
    number: str
    pin: str

    @property
    def code(self) -> dict[str, str]:
        return {"number": self.number, "pin": self.pin}


def new_reporter(pictures: int = 2) -> Reporter:
    opened = intake.open_case(reports.read_report(make.report(*[make.picture() for _ in range(pictures)])))
    case = access.find(opened.number)
    assert case is not None
    return Reporter(case=case, number=case_numbers.written(opened.number), pin=opened.pin)


@pytest.fixture
def reporter(db: None) -> Reporter:
    return new_reporter()


@pytest.fixture
def another_reporter(db: None) -> Reporter:
    """Noise: whatever is done to one case must leave this one alone."""
    return new_reporter()


class Clock:
    """A `timezone.now` that stands still until it is moved on."""

    def __init__(self) -> None:
        self.now = timezone.now().replace(hour=9, minute=0, second=0, microsecond=0)

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **span: float) -> None:
        self.now += timedelta(**span)


@pytest.fixture
def clock() -> Iterator[Clock]:
    clock = Clock()
    with mock.patch("django.utils.timezone.now", clock):
        yield clock


@pytest.fixture(scope="session")
def worker() -> None:
    """The hashing worker, where the portal serves it from."""
    folder = Path(settings.VAR) / "static-built"
    if not folder.exists() and built_worker(folder) is None:
        message = "The worker is not built: install Node and run npm ci in submissions/browser, or run the set-up."
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)


@pytest.fixture
def context(worker: None, browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 360, "height": 740}, accept_downloads=True)
    yield context
    context.close()


@pytest.fixture
def visit(context: BrowserContext, live_server: LiveServer) -> Iterator[Visit]:
    visit = Visit(context, live_server.url)
    yield visit
    assert visit.complaints == []
    assert {request.url.split("/")[2] for request in visit.requests if request.url.startswith("http")} <= {
        live_server.url.split("/")[2]
    }
