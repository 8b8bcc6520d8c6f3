"""Every form that a page shows, posted by a real browser with the headers it sends: none is refused."""

from __future__ import annotations

from collections.abc import Callable
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from django.test import Client
from django.urls import resolve
from playwright.sync_api import Page, Response

from submissions import demonstration
from tests.submissions.conftest import Reporter
from tests.submissions.test_pages import unlocked
from tests.submissions.visit import Visit

FIRST = ["/en/", "/en/pick/a/", "/en/code/", "/en/case/", "/accounts/login/"]
Form = tuple[str, str]  # method, name of the view that takes it


class Found(HTMLParser):
    """The links and forms of a page."""

    def __init__(self, address: str, html: str) -> None:
        super().__init__()
        self.address = address
        self.links: set[str] = set()
        self.forms: set[Form] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attributes}
        if tag == "a" and given.get("href", "").startswith("/"):
            self.links.add(urlsplit(given["href"]).path)
        if tag == "form":
            action = urlsplit(urljoin(self.address, given.get("action", ""))).path
            self.forms.add((given.get("method", "get").lower(), resolve(action).view_name))


def forms_on_all_pages(client: Client) -> set[Form]:
    """Crawled link by link, through the reporter's pages and the login. `leave` would close the case; other languages
    have the same pages; the platforms' have tests of their own.
    """
    waiting, seen, forms = list(FIRST), set(FIRST), set()
    while waiting:
        address = waiting.pop()
        response = client.get(address, follow=True)
        if not response["Content-Type"].startswith("text/html"):
            continue
        found = Found(response.request["PATH_INFO"], response.content.decode())
        forms |= found.forms
        new = {link for link in found.links if is_for_reporters(link)} - seen
        seen |= new
        waiting += sorted(new)
    assert len(seen) > 30
    return forms


def is_for_reporters(link: str) -> bool:
    return link.startswith("/en/") and link != "/en/leave/" and resolve(link).app_names == ["submissions"]


def unlock(visit: Visit, reporter: Reporter) -> None:
    visit.open("code/")
    visit.page.fill("[name=number]", reporter.number)
    visit.page.fill("[name=pin]", reporter.pin)
    visit.page.click("main form button")


def write(visit: Visit, reporter: Reporter) -> None:
    visit.open("case/messages/")
    visit.page.fill("textarea", "Why is it still up?")
    visit.page.click("main form button")


def withdraw_one(visit: Visit, reporter: Reporter) -> None:
    visit.open("case/withdraw/1/")
    visit.page.click("main form button")


def withdraw_all(visit: Visit, reporter: Reporter) -> None:
    visit.open("case/withdraw/")
    visit.page.click("main form button")


def close(visit: Visit, reporter: Reporter) -> None:
    visit.open("case/")
    visit.page.click("main form button")


def log_in(visit: Visit, reporter: Reporter) -> None:
    visit.page.goto(f"{visit.url}/accounts/login/")
    visit.page.fill("[name=login]", "nobody@example.org")
    visit.page.fill("[name=password]", "a wrong password")
    visit.page.click("main form button[type=submit]")


def passkey(visit: Visit, reporter: Reporter) -> None:
    """Without an authenticator: what the script would fill in is missing, and the answer says so."""
    visit.page.goto(f"{visit.url}/accounts/login/")
    visit.page.evaluate("document.getElementById('mfa_login').submit()")


# In the order in which one visit can post them all; what a browser is told.
POSTS: dict[str, tuple[Callable[[Visit, Reporter], None], int]] = {
    "submissions:unlock_case": (unlock, 302),
    "submissions:messages": (write, 302),
    "submissions:withdraw_file": (withdraw_one, 302),
    "submissions:withdraw_all": (withdraw_all, 302),
    "submissions:close_case": (close, 302),
    "account_login": (log_in, 200),
    "mfa_login_webauthn": (passkey, 302),
}
STAYS_ON_THE_PAGE = {("dialog", "submissions:pick")}  # the code typed back: the script compares, nothing is sent


def answer_to(page: Page, act: Callable[[], None]) -> Response:
    with page.expect_response(lambda response: response.request.method == "POST") as waiting:
        act()
    page.wait_for_load_state()
    return waiting.value


def test_every_form_is_posted_by_a_real_browser_and_none_is_refused(visit: Visit, reporter: Reporter, client: Client):
    demonstration.seed()
    forms = forms_on_all_pages(client) | forms_on_all_pages(unlocked(client, reporter))
    assert forms == {("post", name) for name in POSTS} | STAYS_ON_THE_PAGE

    answers = {}
    for act, _status in POSTS.values():
        answer = answer_to(visit.page, lambda act=act: act(visit, reporter))  # type: ignore[misc]
        answers[resolve(urlsplit(answer.url).path).view_name] = answer.status
    assert answers == {name: status for name, (_act, status) in POSTS.items()}


def test_the_code_typed_back_is_sent_nowhere(visit: Visit):
    """Not even by its form alone, before a script compares: it would stand in the address and in the history."""
    visit.open("pick/a/")
    visit.page.wait_for_selector("[data-go=files]:visible")
    visit.page.evaluate("document.querySelector('[data-typed]').closest('section').hidden = false")
    visit.page.fill("#typed-number", "0000-0000-0000-0")
    visit.page.click("[data-typed] button")
    assert visit.page.url == f"{visit.url}/en/pick/a/"
    assert visit.posts() == []
    assert not any("typed" in request.url for request in visit.requests)
