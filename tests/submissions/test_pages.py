"""Every page a reporter sees: leaves no trace, loads nothing foreign, works without JavaScript, has its Exit."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.test import Client

from submissions import demonstration
from submissions.models import Case, Helpline, RemovalPage
from submissions.padding import PAGE_BYTES
from submissions.urls import urlpatterns
from tests import make
from tests.submissions.conftest import Reporter

pytestmark = pytest.mark.django_db

OPEN_TO_ALL = ["", "helping/", "quick/", "now/x/", "now/c/",
               *(f"now/{who}/{card}/" for who in "xc" for card in (1, 2, 3)),
               "start/", "adults/", *(f"{step}/{answer}/" for step in ("have", "link", "other", "made", "pick")
                                      for answer in "abc"),
               "check/", "help/", "taking-part/", "code/", "case/", "case/withdraw/",
               "case/withdraw/1/", "nothing/"]  # fmt: skip
OF_A_CASE = ["case/", "case/more/", "case/messages/", "case/withdraw/", "case/withdraw/1/"]


def unlocked(client: Client, reporter: Reporter) -> Client:
    response = client.post("/en/code/", reporter.code)
    assert (response.status_code, response["Location"]) == (302, "/en/case/")
    return client


def check_page(html: str) -> None:
    """What holds for every page."""
    assert "data-exit" in html
    assert re.search(r'<a class="exit" href="(https://|/en/leave/)', html)
    assert re.search(r'href="/en/help/"', html)
    title = re.search(r"<title>(.*?)</title>", html)
    assert title is not None
    assert not re.search("nude|take it down|sex|picture|case", title[1], re.IGNORECASE)
    assert not re.search(r"\sstyle=|\son\w+=|javascript:|<style", html)
    for attributes in re.findall(r"<script([^>]*)>", html):
        assert 'src="/static/' in attributes or 'type="application/json"' in attributes
    for address in re.findall(r'<(?:link|img|script|iframe|source)[^>]*(?:href|src)="([^"]*)"', html):
        assert address.startswith("/static/")


@pytest.mark.parametrize("path", OPEN_TO_ALL)
def test_pages_open_without_a_cookie_and_set_none(client: Client, path: str):
    demonstration.seed()
    response = client.get(f"/en/{path}")

    assert not response.cookies
    assert "no-store" in response["Cache-Control"]
    assert response["X-Frame-Options"] == "DENY"
    assert "Set-Cookie" not in response.headers
    check_page(response.content.decode())


@pytest.mark.parametrize("path", OF_A_CASE)
def test_pages_of_a_case_open_after_unlocking(client: Client, reporter: Reporter, path: str):
    response = unlocked(client, reporter).get(f"/en/{path}")
    assert response.status_code == 200
    check_page(response.content.decode())
    assert list(client.cookies) == ["visit"]
    assert 'href="/en/leave/"' in response.content.decode()


def test_every_address_is_tried_here():
    paths = {str(pattern.pattern) for pattern in urlpatterns}
    tried = {*OPEN_TO_ALL, *OF_A_CASE, "pick/", "leave/", "case/close/"}
    assert {re.sub("<[^>]*>", "_", path) for path in paths} == {
        re.sub("(?<=/)[abcx123](?=/)", "_", path) for path in tried if path != "nothing/"
    }


@pytest.mark.parametrize(
    "path", ["pick/d/", "pick/me_under_18/", "have/x/", "now/a/", "now/x/4/", f"case/withdraw/{10**30}/"]
)
def test_unknown_answers_lead_nowhere(client: Client, reporter: Reporter, path: str):
    assert unlocked(client, reporter).get(f"/en/{path}").status_code == 404


def test_home_names_the_platforms(client: Client):
    from matching.models import ListReader

    for name, is_public in (("Chirp", True), ("Hidden", False)):
        ListReader.objects.create(hash_list=make.production_list(), name=name, is_public=is_public)
    html = client.get("/en/").content.decode()
    assert "1 platform takes part" in html
    assert "Chirp" in html
    assert "Hidden" not in html


def test_a_code_in_an_address_is_refused(client: Client, reporter: Reporter):
    assert client.get("/en/code/", reporter.code).status_code == 400
    assert client.post(f"/en/code/?number={reporter.number}", reporter.code).status_code == 400
    assert client.get(f"/en/case/{reporter.number}/").status_code == 404


@pytest.mark.usefixtures("clock")  # a minute that ends within would let one guess more be evaluated: the right one
def test_one_answer_for_all_that_does_not_open(client: Client, reporter: Reporter, another_reporter: Reporter):
    wrong_pin = f"{(int(reporter.pin) + 1) % 10**8:08d}"
    stranger = "0" * 13  # its check character fits, and nobody has it
    codes = [{"number": reporter.number, "pin": wrong_pin}] * 11 + [reporter.code]
    codes += [{"number": stranger, "pin": wrong_pin}, {"number": another_reporter.number, "pin": reporter.pin}]
    pages = []
    for code in codes:
        response = client.post("/en/code/", code)
        assert not response.cookies
        html = response.content.decode()
        pages.append((response.status_code, html.replace(code["number"], "").split("<!--")[0], len(response.content)))
    assert len({page[:2] for page in pages}) == 1
    assert {length for *_, length in pages} == {PAGE_BYTES}
    assert wrong_pin not in pages[0][1]


@pytest.mark.parametrize("language", ["en", "es", "ar"])
def test_pages_of_a_case_have_one_length(client: Client, reporter: Reporter, language: str):
    unlocked(client, reporter)
    lengths = {len(client.get(f"/{language}/case/").content)}
    client.post(f"/{language}/case/withdraw/1/")
    lengths.add(len(client.get(f"/{language}/case/").content))
    client.post(f"/{language}/case/withdraw/")
    lengths.add(len(client.get(f"/{language}/case/").content))
    lengths.add(len(client.get(f"/{language}/case/withdraw/1/").content))
    client.cookies.clear()
    lengths.add(len(client.get(f"/{language}/case/").content))
    assert lengths == {PAGE_BYTES}


def test_withdrawing_takes_two_steps_and_may_repeat(client: Client, reporter: Reporter, another_reporter: Reporter):
    unlocked(client, reporter)
    assert "Yes, take it off" in client.get("/en/case/withdraw/1/").content.decode()
    assert reporter.case.submissions.active().count() == 2

    for _ in range(2):
        assert client.post("/en/case/withdraw/1/")["Location"] == "/en/case/"
    assert [file.ordinal for file in reporter.case.submissions.active()] == [2]
    assert another_reporter.case.submissions.active().count() == 2

    for _ in range(2):
        client.post("/en/case/withdraw/")
    assert "You have withdrawn everything" in client.get("/en/case/").content.decode()
    assert Case.objects.filter(withdrawn_on=None).count() == 1


@pytest.mark.parametrize("path", ["code/", "case/withdraw/", "case/withdraw/1/", "case/messages/", "case/close/"])
@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_forms_of_other_sites_do_nothing(client: Client, reporter: Reporter, path: str, headers: dict[str, str]):
    unlocked(client, reporter)
    response = client.post(f"/en/{path}", reporter.code, headers=headers)
    assert response.status_code == 403
    assert reporter.case.submissions.active().count() == 2
    check_page(response.content.decode())


def test_our_own_forms_need_no_csrf_cookie(reporter: Reporter):
    client = Client(enforce_csrf_checks=True)
    unlocked(client, reporter)
    assert client.post("/en/case/withdraw/1/", headers={"Origin": "http://testserver"}).status_code == 302


def test_leaving_closes_the_case(client: Client, reporter: Reporter):
    response = unlocked(client, reporter).get("/en/leave/")
    assert response["Location"] == settings.LEAVE_TO
    assert client.get("/en/case/").status_code == 403


def test_closing_the_case_keeps_the_person_here(client: Client, reporter: Reporter):
    assert unlocked(client, reporter).post("/en/case/close/")["Location"] == "/en/"
    assert client.get("/en/case/").status_code == 403


def test_the_picking_page_says_what_needs_javascript(client: Client):
    html = client.get("/en/pick/a/").content.decode()
    assert re.search(r"<noscript>.*needs JavaScript.*</noscript>", html, re.DOTALL)
    assert 'data-about="me_under_18"' in html


def test_a_tenth_of_a_megabyte_of_cookies_opens_nothing(client: Client):
    client.cookies["visit"] = "x" * 100_000
    assert client.get("/en/case/").status_code == 403


def test_demonstration_rows_are_made_once(client: Client):
    demonstration.seed()
    counts = (Helpline.objects.count(), RemovalPage.objects.count())
    Helpline.objects.filter(name="Childline").update(phone="changed by staff")
    demonstration.seed()
    assert (Helpline.objects.count(), RemovalPage.objects.count()) == counts
    assert "changed by staff" in client.get("/en/help/").content.decode()
