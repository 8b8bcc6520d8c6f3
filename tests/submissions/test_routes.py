"""Each way through the screens, on a phone and on a desk; with keys alone; and without JavaScript."""

from __future__ import annotations

from itertools import pairwise

import pytest
from playwright.sync_api import Browser, BrowserContext, Page
from pytest_django.live_server_helper import LiveServer

from submissions import demonstration, messages
from submissions.models import Case
from tests.submissions.conftest import Reporter
from tests.submissions.visit import FILE_NAME, Visit, photograph

# Where each click leads, from the first page on.
ROUTES = {
    "under 18": ["quick/", "now/x/", "start/", "have/a/", "pick/a/"],
    "threatened, 18 now": ["quick/", "now/x/", "now/x/1/", "start/", "have/b/", "pick/b/"],
    "money, only a link": ["quick/", "now/x/", "now/x/2/", "start/", "have/a/", "link/a/", "pick/a/"],
    "found after all": ["quick/", "now/x/", "start/", "have/a/", "other/a/", "pick/a/"],
    "hurting, a fake": ["quick/", "now/x/", "now/x/3/", "start/", "have/a/", "made/a/", "pick/a/"],
    "18 in it": ["quick/", "now/x/", "start/", "adults/", "have/b/"],
    "a helper": ["helping/", "now/c/", "now/c/3/", "have/c/", "pick/c/"],
}


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("width", [360, 1280])
def test_every_route_leads_to_something_that_works(
    worker: None, visit: Visit, context: BrowserContext, width: int, language: str
):
    demonstration.seed()
    visit.language = language
    visit.page.set_viewport_size({"width": width, "height": 740})
    visit.open("")
    at, faults = "", {"": visit.faults()}
    walked: set[tuple[str, str]] = set()
    for link in [link for route in ROUTES.values() for link in pairwise(["", *route])]:
        if link in walked:  # pages remember nothing: a way that routes share is walked once
            continue
        walked.add(link)
        here, there = link
        if at != here:
            visit.open(here)
        visit.follow(there)
        at = there
        if there not in faults:
            if there.startswith("pick/"):
                visit.page.wait_for_selector("[data-go=files]:visible")
            faults[there] = visit.faults()
    assert {path: found for path, found in faults.items() if found} == {}
    assert set(faults) == {"", *(path for route in ROUTES.values() for path in route)}
    assert context.cookies() == []
    assert visit.posts() == []


def test_a_helper_reads_words_of_their_own_and_gets_a_code(visit: Visit):
    visit.open("helping/")
    for answer in ("Start for a child I help", "None of these", "is on this device"):
        visit.page.locator("main").get_by_text(answer).click()
    visit.page.wait_for_selector("text=together with the young person")
    visit.pick((FILE_NAME, photograph(9)))
    visit.page.click("[data-go=statement]")
    visit.page.wait_for_selector("text=This is the child I help")
    visit.page.check("#statement")
    visit.page.click("[data-send-now]")
    visit.page.wait_for_selector("[data-qr] svg path")
    assert Case.objects.get().about == "child_i_help"


def tab_to(page: Page, words: str) -> None:
    """Tab until what says `words` has the focus, and see that it shows."""
    for _ in range(40):
        page.keyboard.press("Tab")
        seen = page.evaluate(
            """() => {
              const here = document.activeElement;
              const label = here.labels?.[0] ?? here;
              const styles = [here, label].map((element) => getComputedStyle(element).outlineStyle);
              return {words: (label.innerText || "").trim(), visible: styles.some((style) => style !== "none")};
            }"""
        )
        assert seen["visible"], seen
        if words in seen["words"]:
            return
    raise AssertionError(f"Tab never reached “{words}”")


def test_with_keys_alone(browser: Browser, worker: None, live_server: LiveServer):
    context = browser.new_context(forced_colors="active", reduced_motion="reduce")
    visit = Visit(context, live_server.url)
    page = visit.page
    visit.open("have/a/")
    assert page.evaluate("getComputedStyle(document.documentElement).scrollBehavior") == "auto"
    tab_to(page, "is on this device")
    page.keyboard.press("Enter")
    page.wait_for_selector("[data-go=files]:visible")
    focused = []

    def go(words: str, step: str) -> None:
        tab_to(page, words)
        page.keyboard.press("Enter")
        page.wait_for_selector(f"[data-step={step}]:visible")
        focused.append(page.evaluate("document.activeElement.innerText"))

    go("Go on", "files")
    tab_to(page, "Pick from this device")
    page.set_input_files("#files", {"name": "a.jpg", "mimeType": "image/jpeg", "buffer": photograph(10)})
    page.wait_for_selector("[data-enough]:visible")
    go("Go on", "check")
    go("Go on", "statement")
    tab_to(page, "Send the fingerprints")
    page.keyboard.press("Enter")
    assert page.evaluate("[document.activeElement.id, document.activeElement.getAttribute('aria-invalid')]") == [
        "statement",
        "true",
    ]
    page.keyboard.press("Space")
    go("Send the fingerprints", "code")
    go("I have kept my code", "typed")
    tab_to(page, "Case number")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.getAttribute('aria-describedby')") == "typed-number-wrong"
    go("Skip this", "now")

    assert focused == [
        "Pick pictures or videos",
        "This is what will be sent",
        "Good to know before you send",
        "Sent. This is your code.",
        "Do you have it right?",
        "What happens now",
    ]
    context.close()


def test_all_but_fingerprinting_works_without_javascript(browser: Browser, live_server: LiveServer, reporter: Reporter):
    context = browser.new_context(java_script_enabled=False)
    visit = Visit(context, live_server.url)
    page = visit.page
    visit.open("")
    for words in ("Start", "Go on", "None of these", "Me. I am under 18", "is on this device"):
        page.locator("main").get_by_text(words).first.click()
    assert "Making the fingerprint needs JavaScript" in page.inner_text("noscript")
    visit.open("code/")
    page.fill("[name=number]", reporter.number)
    page.fill("[name=pin]", reporter.pin)
    page.click("main button")
    page.click("text=Messages")
    page.fill("textarea", "My number is 202 555 0147")
    page.click("text=Send the message")
    assert page.inner_text("mark") == "202 555 0147"
    page.fill("textarea", "Why is it still up?")
    page.click("text=Send the message")
    page.wait_for_selector("section >> text=Why is it still up?")
    messages.answer(reporter.case, "We asked them.")
    visit.open("case/")
    page.wait_for_selector("text=There is an answer for you.")
    page.click("text=Take everything off the list")
    page.click("text=Yes, take everything off the list")
    page.wait_for_selector("text=You have withdrawn everything")
    page.click("text=Close my case in this browser")
    page.wait_for_selector("text=I have a code")
    context.close()
