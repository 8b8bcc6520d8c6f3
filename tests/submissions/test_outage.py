"""The portal goes away between "ready" and the code: nothing has to be picked again, and there is one case."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen

import pytest
from django.conf import settings
from playwright.sync_api import BrowserContext, Route

from submissions.models import Case
from tests.submissions.visit import FILE_NAME, Visit, photograph

PREPARE = (
    "import django; django.setup(); from django.core.management import call_command; "
    "call_command('migrate', verbosity=0); from tests import make; make.production_list()"
)
OUTAGE_SECONDS = 30


def test_half_a_minute_without_the_database_loses_nothing(visit: Visit):
    tries: list[str | None] = []

    def answer(route: Route) -> None:
        tries.append(route.request.post_data)
        if len(tries) <= 5:  # after waits of 1, 2, 4, 8 and 15 seconds, together 30, it is back
            route.fulfill(status=503, headers={"Retry-After": "5"}, body="{}")
        else:
            route.continue_()

    visit.page.clock.install()
    visit.page.route("**/api/reports/", answer)
    visit.open("pick/a/")
    visit.pick((FILE_NAME, photograph(7)))
    visit.page.click("[data-go=statement]")
    visit.page.check("#statement")
    visit.page.click("[data-send-now]")
    visit.page.wait_for_selector("text=Nothing is lost: we try again by ourselves.")
    for _ in range(OUTAGE_SECONDS):
        visit.page.clock.run_for(1000)
        visit.page.wait_for_timeout(20)
    visit.page.wait_for_selector("[data-step=code]:visible")

    assert len(tries) == 6
    assert len(set(tries)) == 1
    assert Case.objects.count() == 1
    visit.complaints.clear()  # the browser notes each 503


class Portal:
    """A portal of its own that can be killed and started again at the same address."""

    def __init__(self, folder: Path) -> None:
        self.environment = {**os.environ, "TAKEITDOWN_VAR": str(folder), "DJANGO_SETTINGS_MODULE": "tests.settings"}
        self.database = folder / "portal.sqlite3"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"localhost:{free.getsockname()[1]}"
        subprocess.run([sys.executable, "-c", PREPARE], cwd=settings.BASE_DIR, env=self.environment, check=True)

    def start(self) -> None:
        command = [sys.executable, "-m", "gunicorn", "--log-level", "error", "--threads", "4", "-b", self.address]
        self.process = subprocess.Popen(
            [*command, "takeitdown.wsgi"], cwd=settings.BASE_DIR, env=self.environment, start_new_session=True
        )
        deadline = time.monotonic() + 20
        while True:
            try:
                urlopen(f"http://{self.address}/health/live/", timeout=5).close()
                return
            except OSError:
                assert time.monotonic() < deadline, "the portal did not start"
                time.sleep(0.1)

    def kill(self) -> None:
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def cases(self) -> int:
        with sqlite3.connect(self.database) as connection:
            return int(connection.execute("SELECT count(*) FROM submissions_case").fetchone()[0])


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[Portal]:
    portal = Portal(tmp_path)
    portal.start()
    yield portal
    portal.kill()


@pytest.mark.slow
def test_a_server_killed_before_its_reply_gives_the_same_case_number_afterwards(
    portal: Portal, context: BrowserContext
):
    lost: list[str] = []

    def kill_before_the_reply(route: Route) -> None:
        if lost:
            return route.continue_()
        lost.append(route.fetch().json()["case_number"])
        portal.kill()
        return route.abort()

    visit = Visit(context, f"http://{portal.address}")
    visit.page.route("**/api/reports/", kill_before_the_reply)
    visit.open("pick/a/")
    visit.pick((FILE_NAME, photograph(8)))
    visit.page.click("[data-go=statement]")
    visit.page.check("#statement")
    visit.page.click("[data-send-now]")
    visit.page.wait_for_selector("text=Nothing is lost: we try again by ourselves.")
    portal.start()
    visit.page.wait_for_selector("[data-step=code]:visible", timeout=30_000)

    assert [visit.page.inner_text("[data-number]")] == lost
    assert portal.cases() == 1
