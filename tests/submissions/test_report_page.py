"""The reporter's pages in a real browser, from a photograph to its withdrawal."""

from __future__ import annotations

import json

import pytest
from playwright.sync_api import BrowserContext, Route

from submissions import demonstration
from submissions.models import Case, Submission
from tests.submissions.conftest import Reporter
from tests.submissions.visit import BEST, FILE_NAME, Visit, photograph


def test_from_a_photograph_to_its_withdrawal(visit: Visit, context: BrowserContext):
    page = visit.page
    visit.open("")
    page.click("text=Start")
    page.click("text=Go on")
    page.click("text=None of these. Go on.")
    page.click("text=Me. I am under 18.")
    page.click("text=The picture or video is on this device.")
    page.wait_for_selector("text=your browser has just refused it")
    context.set_offline(True)  # fingerprinting needs no network
    visit.pick((FILE_NAME, photograph(1)), ("notes.jpg", b"no picture"), (FILE_NAME, photograph(1)))
    shown = page.inner_text("[data-json]")
    assert visit.posts() == []
    context.set_offline(False)
    number, pin = visit.send()

    (post,) = visit.posts()
    assert post.post_data == shown
    body = json.loads(shown)
    assert sorted(body) == ["about", "files", "idempotency_key", "statement"]
    assert [[one["type"] for one in file["fingerprints"]] for file in body["files"]] == [["pdq", "md5", "sha256"]]
    assert FILE_NAME not in page.content() + shown
    assert context.cookies() == []
    assert page.url.endswith("/en/pick/a/")

    page.click("[data-go=typed]")
    page.fill("#typed-number", number.lower().replace("-", " "))
    page.fill("#typed-pin", "0")
    page.click("text=Check my code")
    assert page.inner_text("#typed-pin-wrong").startswith("This is not the PIN")
    page.fill("#typed-pin", pin)
    page.click("text=Check my code")
    page.wait_for_selector("text=Your code is right.")
    page.click("text=Open my case")
    page.fill("[name=number]", number.lower().replace("-", " "))
    page.fill("[name=pin]", pin)
    page.click("main button")
    page.wait_for_selector("text=Picture 1")
    assert [cookie["name"] for cookie in context.cookies()] == ["visit"]
    page.click("text=Take this one off the list")
    page.click("text=Yes, take it off the list")
    page.wait_for_selector("text=You have withdrawn everything")
    assert Submission.objects.active().count() == 0
    page.click("text=Close my case in this browser")
    page.wait_for_selector("text=I have a code")
    assert context.cookies() == []


def test_an_edited_copy_joins_the_open_case(visit: Visit):
    visit.open("pick/a/")
    visit.pick((FILE_NAME, photograph(2)))
    number, pin = visit.send()
    visit.open("code/")
    visit.page.fill("[name=number]", number)
    visit.page.fill("[name=pin]", pin)
    visit.page.click("main button")
    visit.page.click("text=Add a file or an edited copy")
    visit.pick((FILE_NAME, photograph(3)))
    visit.page.click("[data-go=statement]")
    visit.page.check("#statement")
    visit.page.click("[data-send-now]")
    visit.page.click("text=To my case")
    visit.page.wait_for_selector("h2:text('Picture 2')")
    assert Case.objects.count() == 1


def test_a_lost_reply_costs_nothing(visit: Visit):
    tries: list[str] = []

    def lose_the_first_reply(route: Route) -> None:
        tries.append(json.loads(route.request.post_data or "{}")["idempotency_key"])
        if len(tries) == 1:
            route.fetch()  # it arrives, and the answer is lost
            route.abort()
        else:
            route.continue_()

    visit.page.route("**/api/reports/", lose_the_first_reply)
    visit.open("pick/b/")
    visit.pick((FILE_NAME, photograph(4)))
    visit.send()

    assert len(tries) == 2
    assert len(set(tries)) == 1
    assert Case.objects.count() == 1
    visit.complaints.clear()  # the browser notes the reply we cut off


def test_back_goes_one_step_back_and_keeps_the_files(visit: Visit):
    visit.open("pick/a/")
    visit.pick((FILE_NAME, photograph(5)))
    visit.page.go_back()
    visit.page.wait_for_selector("text=Fingerprint ready")
    visit.page.click("[data-back] button")
    visit.page.wait_for_selector("[data-step=before]:visible")
    visit.page.click("[data-go=files]")
    visit.page.click("text=Remove")
    assert visit.page.locator("[data-enough]").is_hidden()
    assert visit.page.locator("[data-list] li").count() == 0


@pytest.mark.parametrize(("language", "width", "scheme"), [("es", 320, "light"), ("ar", 1280, "dark")])
def test_axe_finds_nothing_on_any_page_in_any_state(
    visit: Visit, reporter: Reporter, language: str, width: int, scheme: str
):
    demonstration.seed()
    page = visit.page
    visit.language = language
    found: dict[str, list[str]] = {}

    def look(name: str) -> None:
        found[name] = visit.faults(BEST)

    def press(form: str = "main form") -> None:
        page.click(f"{form} button")

    page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
    page.set_viewport_size({"width": width, "height": 640})
    for path in ("", "helping/", "quick/", "now/x/", "now/x/1/", "now/c/2/", "adults/", "have/c/", "link/a/",
                 "other/c/", "made/c/", "check/", "help/", "taking-part/", "case/",
                 "nothing/"):  # fmt: skip
        visit.open(path)
        look(path)
    visit.complaints.clear()  # the browser notes the two that are closed or not there
    visit.open("pick/c/")
    look("before")
    visit.pick((FILE_NAME, photograph(6)), ("notes.jpg", b"no picture"))
    page.go_back()
    page.wait_for_selector("[data-step=files]:visible")
    look("files")
    page.go_forward()
    look("check")
    page.click("[data-go=statement]")
    page.click("[data-send-now]")
    look("statement, not ticked")
    page.go_back()
    page.wait_for_selector("[data-step=check]:visible")
    visit.send()
    look("code")
    assert page.locator(".languages a:visible").count() == 0  # another language would lose the code
    page.click("[data-go=typed]")
    press("[data-typed]")
    look("typed")
    page.click("[data-step=typed] [data-go=now]")
    look("now")
    visit.open("code/")
    press()
    look("nothing typed")
    page.fill("[name=number]", reporter.number)
    page.fill("[name=pin]", reporter.pin)
    press()
    page.wait_for_url("**/case/")
    look("case")
    visit.follow("case/messages/")
    look("no messages")
    page.fill("textarea", "My number is 202 555 0147")
    press()
    page.wait_for_selector("mark")
    look("a message that came back")
    visit.open("case/withdraw/1/")
    look("withdraw")
    visit.open("case/more/")
    look("more")
    assert {name: faults for name, faults in found.items() if faults} == {}
