"""The portal goes away between "ready" and the code: nothing has to be picked again, and there is one case."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Route

from submissions.models import Case
from tests.submissions.own_portal import OwnPortal
from tests.submissions.visit import FILE_NAME, Visit, photograph

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


@pytest.fixture
def portal(tmp_path: Path) -> Iterator[OwnPortal]:
    portal = OwnPortal(tmp_path)
    portal.start()
    yield portal
    portal.kill()


@pytest.mark.slow
def test_a_server_killed_before_its_reply_gives_the_same_code_afterwards(portal: OwnPortal, context: BrowserContext):
    lost: list[dict[str, str]] = []
    sent: list[str] = []

    def kill_before_the_reply(route: Route) -> None:
        sent.append(route.request.post_data or "")
        if lost:
            return route.continue_()
        lost.append(route.fetch().json())
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
    number, pin = visit.page.inner_text("[data-number]"), visit.page.inner_text("[data-pin]")
    portal.kill()
    portal.start()
    once_more = portal.post("/api/reports/", sent[0].encode(), {"Content-Type": "application/json"})

    (first,), again = lost, json.loads(once_more.body)
    assert once_more.status == 201
    assert {(one["case_number"], one["pin"]) for one in (first, again)} == {(number, pin.replace(" ", ""))}
    assert portal.count("submissions_case") == 1
    kept = b"".join(path.read_bytes() for path in portal.database.parent.glob("portal.sqlite3*"))
    assert [secret for secret in (number, number.replace("-", ""), first["pin"]) if secret.encode() in kept] == []
