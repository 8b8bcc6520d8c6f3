"""Leaving fast: covered at once, somewhere neutral, the case closed, whatever our server does meanwhile."""

from __future__ import annotations

import time

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import BrowserContext, Page

from submissions import demonstration
from tests.submissions.conftest import Reporter
from tests.submissions.visit import Visit

OVERLAY_MS = 100
TRIES = 3  # a busy machine may hold up one of them
# From the deed to the second frame after it: then the white page has certainly been painted.
MEASURE = """() => new Promise((done) => {
  addEventListener("%s", () => {
    const begun = performance.now();
    requestAnimationFrame(() => requestAnimationFrame(() => {
      const empty = document.documentElement.classList.contains("left") && !document.body.children.length;
      done(empty ? performance.now() - begun : -1);
    }));
  }, { capture: true });
  %s
})"""
CLICK = MEASURE % ("click", "document.querySelector('[data-exit]').click();")
PRESS = "document.dispatchEvent(new KeyboardEvent('keydown', {key: 'Shift'}));"
SHIFT = MEASURE % ("keydown", PRESS * 3)


@pytest.fixture
def neutral(context: BrowserContext) -> None:
    """Stands for the neutral page, which no test may really visit."""
    context.route(f"{settings.LEAVE_TO}**", lambda route: route.fulfill(body="news"))


def unlock(page: Page, url: str, reporter: Reporter) -> None:
    page.goto(f"{url}/en/code/")
    page.fill("[name=number]", reporter.number)
    page.fill("[name=pin]", reporter.pin)
    page.click("main button")
    page.wait_for_selector("text=Picture 1")


def test_three_times_shift_leaves_and_typing_does_not(visit: Visit, neutral: None):
    visit.open("help/")
    for key in ("Shift", "a", "Shift", "Shift"):
        visit.page.keyboard.press(key)
    assert visit.page.url.endswith("/en/help/")
    visit.page.keyboard.press("Shift")
    visit.page.wait_for_url(settings.LEAVE_TO)
    visit.requests.clear()


@pytest.mark.parametrize("deed", [CLICK, SHIFT], ids=["Exit", "Shift"])
def test_the_page_is_covered_at_once(visit: Visit, context: BrowserContext, deed: str):
    context.route(f"{settings.LEAVE_TO}**", lambda route: None)  # the neutral page takes its time
    demonstration.seed()
    took = []
    for _ in range(TRIES):
        visit.open("help/")
        took.append(visit.page.evaluate(deed))
    print(f"covered after {min(took):.0f} ms, at worst {max(took):.0f} ms")
    assert min(took) >= 0, "a frame came that still showed the page"
    assert min(took) <= OVERLAY_MS, took
    visit.requests.clear()


def test_leaving_closes_the_case_and_clears_what_the_browser_keeps(
    visit: Visit, context: BrowserContext, neutral: None, reporter: Reporter
):
    unlock(visit.page, visit.url, reporter)
    assert [cookie["name"] for cookie in context.cookies()] == ["visit"]
    visit.page.click("[data-exit]")
    visit.page.wait_for_url(settings.LEAVE_TO)
    deadline = time.monotonic() + 5
    while context.cookies() and time.monotonic() < deadline:
        visit.page.wait_for_timeout(50)
    assert context.cookies() == []
    visit.page.go_back()
    assert "Picture 1" not in visit.page.content()
    visit.requests.clear()
    visit.complaints.clear()


def test_a_portal_that_is_away_holds_nobody_up(
    visit: Visit, context: BrowserContext, neutral: None, reporter: Reporter
):
    unlock(visit.page, visit.url, reporter)
    context.route("**/en/leave/", lambda route: None)  # it never answers
    visit.page.click("[data-exit]")
    visit.page.wait_for_url(settings.LEAVE_TO, timeout=10_000)
    visit.requests.clear()


def test_without_the_script_exit_is_a_link_that_does_the_same(client: Client, reporter: Reporter):
    client.post("/en/code/", reporter.code)
    reply = client.get("/en/leave/")
    assert (reply.status_code, reply["Location"]) == (302, settings.LEAVE_TO)
    assert reply["Clear-Site-Data"] == '"cache", "cookies", "storage"'
    assert reply.cookies["visit"]["max-age"] == 0


@pytest.mark.django_db
def test_another_site_cannot_close_a_case(client: Client):
    reply = client.post("/en/leave/", headers={"Origin": "https://evil.example"})
    assert (reply.status_code, bool(reply.cookies)) == (403, False)
