"""The platforms' pages without a login: what they say, what they refuse, and that a link alone confirms nothing."""

from __future__ import annotations

import re
import time
from datetime import timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core import mail
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page

from matching.models import HashListEntry, ListReader
from partners import applications, invitations, onboarding, terms
from partners.models import Application, Invitation, MatchReport, Partner, PartnerState
from partners.public import taking_part
from takeitdown.accounts.models import Account
from tests import make
from tests.partners.conftest import new_platform, publish

FORM = {
    "organisation": "Birch Ltd",
    "service": "Birch",
    "website": "birch.example",
    "contact_email": "ada@birch.example",
    "security_email": "security@birch.example",
    "on_a_match": "Two reviewers look at it within an hour.\nThey may hide it meanwhile.",
    "terms": "on",
}
PASSWORD = "correct horse battery"
db = pytest.mark.django_db
committed = pytest.mark.django_db(transaction=True)


@pytest.fixture
def client() -> Client:
    """Like a browser: forms need their token."""
    return Client(enforce_csrf_checks=True)


@pytest.fixture
def steady_cache(settings: Any) -> None:
    """A cache in this process: on a busy machine ours gives up on Redis after a quarter of a second, as it should."""
    backend = "django.core.cache.backends.locmem.LocMemCache"
    one = {"BACKEND": backend, "LOCATION": str(time.monotonic_ns())}
    settings.CACHES = {"default": one, "limits": one}


def fill_in(client: Client, path: str, form: dict[str, str]) -> Any:
    """Open the page, take its form's token along, post."""
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', client.get(path).content.decode())
    assert token is not None
    return client.post(path, {**form, "csrfmiddlewaretoken": token[1]})


def link(kind: str) -> str:
    found = re.search(rf"http://localhost:8000(/en/platforms/{kind}/[\w-]+/)", str(mail.outbox[-1].body))
    assert found is not None
    return found[1]


@db
@pytest.mark.parametrize("path", ["", "terms/", f"terms/{terms.CURRENT}/", "apply/sent/", "welcome/"])
@pytest.mark.parametrize("language", ["en", "ar"])
def test_pages_are_english_and_set_no_cookie(client, path, language):
    response = client.get(f"/{language}/platforms/{path}")

    assert (response.status_code, response["Content-Language"]) == (200, "en")
    assert not response.cookies
    html = response.content.decode()
    assert '<html lang="en"' in html
    assert not re.search(r"\sstyle=|\son\w+=|javascript:|<style", html)


@db
def test_there_are_no_terms_but_ours(client):
    assert client.get("/en/platforms/terms/2020-01/").status_code == 404


# --- who takes part ---------------------------------------------------------------------------------------------


@db
def test_the_page_names_who_may_be_named_with_freshness_and_medians_of_five(client, sequencer, production):
    def decided(code: str, count: int, days: int) -> None:
        partner = Partner.objects.get(code=code)
        now = timezone.now()
        for number in range(count):
            MatchReport.objects.create(
                partner=partner, client_id=str(number), entry=entry, outcome="found",
                received_at=now - timedelta(hours=number + 2), acted_at=now,
            )  # fmt: skip
        ListReader.objects.filter(partner=partner).update(reached_on=timezone.localdate() - timedelta(days=days))

    (entry,) = publish(sequencer)
    for code in ("five-decided", "four-decided", "hidden", "suspended", "new"):
        new_platform(production, code)
    decided("five-decided", 5, 0)
    decided("four-decided", 4, 3)
    Partner.objects.filter(code="new").update(name="<b>new</b>")
    ListReader.objects.filter(name="hidden").update(is_public=False)
    Partner.objects.filter(code="suspended").update(state=PartnerState.SUSPENDED)

    html = client.get("/en/platforms/").content.decode()

    rows = re.findall(r'<tr><th scope="row" dir="auto">(.*?)</th><td>(.*?)</td><td>(.*?)</td></tr>', html)
    assert rows == [
        ("&lt;b&gt;new&lt;/b&gt;", "has not confirmed a copy yet", "too few to tell"),
        ("five-decided", "today", "within 4 hours"),
        ("four-decided", "3 days ago", "too few to tell"),
    ]


@pytest.mark.parametrize(
    ("median", "words"),
    [
        (None, "too few to tell"),
        (timedelta(0), "within 1 hour"),
        (timedelta(hours=1), "within 1 hour"),
        (timedelta(hours=1, seconds=1), "within 2 hours"),
        (timedelta(hours=24), "within 1 day"),
        (timedelta(hours=49), "within 3 days"),
    ],
)
def test_medians_are_rounded_up_in_words(median, words):
    assert str(taking_part.decides(median)) == words


@db
def test_the_page_needs_as_many_queries_for_three_platforms_as_for_one(
    client, production, steady_cache, django_assert_max_num_queries
):
    for code in ("one", "two", "three"):
        new_platform(production, code)
    with django_assert_max_num_queries(2):
        client.get("/en/platforms/")
    with django_assert_max_num_queries(1):  # medians are kept for ten minutes
        client.get("/en/platforms/")


# --- applying ---------------------------------------------------------------------------------------------------


@committed
def test_an_application_goes_its_way_by_links_and_buttons(client):
    response = fill_in(client, "/en/platforms/apply/", FORM)

    assert (response.status_code, response["Location"]) == (302, "/en/platforms/apply/sent/")
    (kept,) = Application.objects.all()
    assert (kept.website, kept.on_a_match) == ("https://birch.example", FORM["on_a_match"])
    path = link("application")
    assert "Yes, this is my address" in client.get(path).content.decode()
    assert Application.objects.get().email_verified_at is None  # a mail scanner opened the link
    assert client.post(path).status_code == 403  # without the form's token
    assert fill_in(client, path, {})["Location"] == path
    html = client.get(path).content.decode()
    assert "Our staff are reading it." in html
    assert "within an hour" in html
    onboarding.refuse(Application.objects.get(), reason="Say who <reviews>.", by="staff@example.org")
    assert "Say who &lt;reviews&gt;." in client.get(path).content.decode()


@committed
def test_known_and_unknown_applicants_read_the_same(client):
    fill_in(client, "/en/platforms/apply/", FORM)
    applications.confirm_email(link("application").split("/")[-2])
    Partner.objects.create(name="Oak", code="oak", group="oak", contact_email="bea@oak.example")

    answers = [
        fill_in(client, "/en/platforms/apply/", form)
        for form in (FORM, {**FORM, "service": "Oak", "contact_email": "bea@oak.example"}, {**FORM, "service": "New"})
    ]

    assert {(answer.status_code, answer["Location"], answer.content) for answer in answers} == {
        (302, "/en/platforms/apply/sent/", b"")
    }


@db
@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("organisation", ""),
        ("organisation", " \t "),
        ("organisation", "a" * 81),
        ("organisation", "Birch\u202egnp.exe"),
        ("service", "Birch\x00"),
        ("service", "Birch\x1b[2J"),
        ("website", "javascript:alert(1)"),
        ("website", "ftp://birch.example/"),
        ("website", "http://"),
        ("contact_email", "ada@birch.example\nBcc: eve@evil.example"),
        ("contact_email", "ada"),
        ("contact_email", "ada@birch.example, eve@evil.example"),
        ("security_email", ""),
        ("on_a_match", "a" * 2001),
        ("terms", ""),
    ],
)
def test_what_is_wrong_is_marked_and_what_is_right_stays(client, name, value):
    response = fill_in(client, "/en/platforms/apply/", {**FORM, name: value})

    assert response.status_code == 400
    assert list(response.context["form"].errors) == [name]
    html = response.content.decode()
    assert 'role="alert"' in html
    assert 'aria-invalid="true"' in html
    if name != "organisation":
        assert 'value="Birch Ltd"' in html
    assert (Application.objects.count(), mail.outbox) == (0, [])


@committed
def test_a_mail_server_that_is_away_is_said_and_the_form_sent_again_works(client, settings):
    working = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1  # nobody listens there

    response = fill_in(client, "/en/platforms/apply/", FORM)

    assert (response.status_code, response["Retry-After"]) == (503, "120")
    assert "We kept your application" in response.content.decode()
    assert 'value="Birch Ltd"' in response.content.decode()
    settings.EMAIL_BACKEND = working
    assert fill_in(client, "/en/platforms/apply/", FORM).status_code == 302
    assert client.get(link("application")).status_code == 200


@committed
def test_a_flood_is_slowed_and_nobodys_mailbox_is_filled(client, steady_cache, monkeypatch):
    one_window = int(time.time()) + 3600  # an hour that turns during the test would begin new counts
    monkeypatch.setattr("django_ratelimit.core._get_window", lambda value, period: one_window)
    for number in range(10):
        assert fill_in(client, "/en/platforms/apply/", {**FORM, "service": f"Birch {number}"}).status_code == 302

    response = fill_in(client, "/en/platforms/apply/", FORM)

    assert response.status_code == 429
    assert int(response["Retry-After"]) > 0
    assert len(mail.outbox) == Application.objects.count() == 4


@db
@pytest.mark.parametrize("kind", ["application", "invitation"])
@pytest.mark.parametrize("token", ["x", "%00", "%FF", "é", "a" * 5000])
def test_links_that_nobody_sent_open_nothing(client, kind, token):
    response = client.get(f"/en/platforms/{kind}/{token}/")

    assert response.status_code == 404
    assert "This does not work" in response.content.decode()


# --- being invited ----------------------------------------------------------------------------------------------


@committed
def test_an_invited_person_chooses_a_password_and_logs_in(client):
    partner = Partner.objects.create(name="Birch & Sons", code="birch", group="birch")
    invitations.invite(partner, email="ada@birch.example", role="engineer", by="staff@example.org")
    path = link("invitation")
    assert "Act for Birch &amp; Sons" in client.get(path).content.decode()
    assert not Account.objects.exists()

    weak = fill_in(client, path, {"password": "password1234", "again": "password1234"})
    differs = fill_in(client, path, {"password": PASSWORD, "again": PASSWORD + "."})
    assert (weak.status_code, differs.status_code) == (400, 400)
    assert PASSWORD not in differs.content.decode()
    assert fill_in(client, path, {"password": PASSWORD, "again": PASSWORD})["Location"] == "/en/platforms/welcome/"

    assert Account.objects.get().membership.role == "engineer"
    assert client.get(path).status_code == 404
    assert Client().login(email="ada@birch.example", password=PASSWORD)


@committed
def test_an_address_of_staff_is_told_so_behind_the_link(client):
    Account.objects.create_user("staff@example.org", is_staff=True)
    partner = Partner.objects.create(name="Birch", code="birch", group="birch")
    invitations.invite(partner, email="staff@example.org", role="owner", by="x")

    response = fill_in(client, link("invitation"), {"password": PASSWORD, "again": PASSWORD})

    assert response.status_code == 409
    assert "Ask to be invited with another address." in response.content.decode()
    assert Invitation.objects.open().count() == 1


# --- in a browser -----------------------------------------------------------------------------------------------


def test_from_the_form_to_the_status_page(live_server, page: Page, tmp_path: Path, settings: Any):
    make.production_list()
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    settings.EMAIL_FILE_PATH = tmp_path
    settings.PUBLIC_URL = live_server.url
    page.set_viewport_size({"width": 320, "height": 640})
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    faults: dict[str, Any] = {}
    axe = Axe()

    def look(name: str) -> None:
        wide = page.evaluate("document.documentElement.scrollWidth")
        found = [one["id"] for one in axe.run(page, options={"resultTypes": ["violations"]}).response["violations"]]
        faults[name] = [*found, *([f"{wide} px wide"] if wide > 320 else [])]

    page.goto(f"{live_server.url}/en/")
    page.click("text=I run a platform")
    look("home")
    page.click("text=Read the terms")
    look("terms")
    page.go_back()
    page.click("text=Apply to take part")
    page.click("main button")
    look("form with errors")
    complaints.clear()  # the browser notes the 400
    for name, value in FORM.items():
        if name != "terms":
            page.fill(f"[name={name}]", value)
    page.check("[name=terms]")
    page.emulate_media(color_scheme="dark")
    look("form in the dark")
    page.click("main button")
    look("sent")
    (file,) = tmp_path.iterdir()
    sent = message_from_bytes(file.read_bytes())
    assert (sent["Subject"], sent["Auto-Submitted"]) == (
        "Confirm your e-mail address for Take It Down",
        "auto-generated",
    )
    address = re.search(r"http://\S+/application/\S+", str(sent.get_payload()))
    assert address is not None
    page.goto(address[0])
    look("to confirm")
    page.click("text=Yes, this is my address")
    page.wait_for_selector("text=Our staff are reading it.")
    look("status")
    partner = Partner.objects.create(name="Birch", code="birch", group="birch")
    invitations.invite(partner, email="ada@birch.example", role="owner", by="x")
    newest = max(tmp_path.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    address = re.search(r"http://\S+/invitation/\S+", newest.read_text())
    assert address is not None
    page.goto(address[0])
    look("invitation")
    page.fill("[name=password]", PASSWORD)
    page.fill("[name=again]", PASSWORD)
    page.click("main button")
    page.wait_for_selector("text=Your account is ready")
    look("welcome")

    assert faults == {name: [] for name in faults}
    assert complaints == []
    assert len(faults) == 9
    assert HashListEntry.objects.count() == 0
