"""A platform's whole way, without writing to anybody: from the application to a production system that drops what is
withdrawn. A real browser, the published client's own command line, a receiver that listens; staff press their buttons.
"""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core import mail
from django.db import connection
from playwright.sync_api import Browser, Page

from matching import epochs
from matching.models import HashList, SigningKey
from matching.sequencer import Sequencer
from partners import delivery
from partners.models import Partner
from takeitdown.accounts.models import Account
from takeitdown.benchmarks.receivers import Authority
from tests.partners.conftest import archive, publish, withdraw  # noqa: F401  archive is a fixture
from tests.partners.console.conftest import PASSWORD, browser_of
from tests.partners.inbox import Inbox, open_loopback, opened
from tests.submissions.visit import Visit
from tests.test_staff_login import code_of

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300), pytest.mark.django_db(transaction=True)]
CLIENT = Path(settings.BASE_DIR) / "partners" / "client" / "src"
OWNER = "owner@example-video.example"
FORM = {
    "organisation": "Example Video Ltd",
    "service": "Example Video",
    "website": "https://video.example/",
    "contact_email": OWNER,
    "security_email": "security@example-video.example",
    "on_a_match": "Two people review it within a day, remove it, and tell the uploader how to object.",
}


def link_to(address: str) -> str:
    """The link in the newest mail to `address`."""
    text = next(str(one.body) for one in reversed(mail.outbox) if one.to == [address])
    found = re.search(r"http://\S+", text)
    assert found, text
    return found[0]


@contextlib.contextmanager
def sequencing(sequencer: Sequencer) -> Iterator[None]:
    """A sequencer at work beside the test, as in production; what it raises fails the test."""
    stop, failures = threading.Event(), []

    def work() -> None:
        try:
            while not stop.wait(0.1):
                epochs.begin_new_lists(sequencer)
                sequencer.run_until_idle()
        except BaseException as failure:
            failures.append(failure)
        finally:
            connection.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    assert failures == []


class Machine:
    """The platform's machine: the client's command line, with a directory for one list."""

    def __init__(self, folder: Path, *, url: str, key: str, hash_list: str) -> None:
        self.environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(CLIENT), "HOME": str(folder)}
        self.folder = folder / hash_list
        verifier = SigningKey.objects.get().verifier
        self.run("init", "--url", url, "--key", key, "--verifier-key", verifier, "--list", hash_list)

    def run(self, *words: str, expect: int = 0) -> str:
        command = [sys.executable, "-m", "takeitdown_client", "--dir", str(self.folder), *words]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=200, check=False)
        assert done.returncode == expect, done.stdout + done.stderr
        return done.stdout


@pytest.fixture
def visit(live_server: Any, browser: Browser, settings: Any) -> Iterator[Visit]:
    settings.PUBLIC_URL = live_server.url
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield Visit(context, live_server.url)
    context.close()


class Staff:
    """A member of staff who has logged in, in a browser of their own."""

    def __init__(self, browser: Browser, url: str, email: str) -> None:
        account = Account.objects.create_superuser(email, PASSWORD)
        cookie = browser_of(account).cookies[settings.SESSION_COOKIE_NAME].value
        context = browser.new_context()
        context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": cookie, "url": url}])
        self.page, self.url = context.new_page(), url

    def press(self, there: str, button: str) -> None:
        """Open a page of case management and press a button of it."""
        self.page.goto(f"{self.url}/admin/{there}")
        self.page.click(f"button:text-is('{button}')")
        self.page.wait_for_selector(".messagelist .success")


def new_key(page: Page, url: str, name: str, opens: str) -> str:
    page.goto(f"{url}/console/keys/new/")
    page.check(f"input[value={opens}]")
    page.fill("[name=name]", name)
    page.click("main form button")
    return page.inner_text("[data-key]").strip()


def waiting_request(staff: Staff) -> str:
    staff.page.goto(f"{staff.url}/admin/approvals/approvalrequest/?state=waiting")
    link = staff.page.get_attribute("#result_list tbody tr th a", "href")
    assert link
    return link.removeprefix("/admin/")


def join(page: Page, url: str, first: Staff, second: Staff) -> Partner:
    """Apply, confirm the address; two members of staff approve."""
    page.goto(f"{url}/en/platforms/apply/")
    for name, value in FORM.items():
        page.fill(f"[name={name}]", value)
    page.check("[name=terms]")
    page.click("main form button")
    page.wait_for_url("**/apply/sent/")
    page.goto(link_to(OWNER))
    page.click("text=Yes, this is my address")
    page.wait_for_selector("text=Our staff are reading it")
    first.page.goto(f"{url}/admin/partners/application/")
    application = first.page.get_attribute("#result_list tbody tr th a", "href")
    assert application
    first.press(application.removeprefix("/admin/"), "Propose to approve it")
    second.press(waiting_request(second), "Allow: do exactly this")
    return Partner.objects.get()


def log_in_and_set_up_a_second_factor(page: Page, url: str) -> None:
    """By the invitation's link: a password; at the first login an authenticator app."""
    page.goto(link_to(OWNER))
    for field in page.query_selector_all("main [type=password]"):
        field.fill(PASSWORD)
    page.click("main form button")
    page.goto(f"{url}/console/login/")
    page.fill("[name=login]", OWNER)
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url("**/totp/activate/**")
    page.fill("[name=code]", code_of(page.input_value("#authenticator_secret"), good_for=10))
    page.click("text=Switch on")
    page.click("text=I have kept them: to the console")
    page.wait_for_selector("text=Issue a sandbox key")


def pass_the_self_test(page: Page, url: str, partner: Partner, folder: Path) -> None:
    key = new_key(page, url, "tests", "test")
    Machine(folder, url=url, key=key, hash_list=f"sandbox-{partner.code}").run("self-test")
    page.goto(f"{url}/console/self-test/")
    page.wait_for_selector("text=passed the self-test of Take It Down on")


def open_production(page: Page, url: str, partner: Partner, first: Staff, second: Staff) -> None:
    first.press(f"partners/partner/{partner.pk}/change/", "Propose to open the production list")
    second.press(waiting_request(second), "Allow: do exactly this")
    page.goto(f"{url}/console/")
    page.wait_for_selector("text=Issue a production key")


def add_webhook(page: Page, url: str, inbox: Inbox) -> str:
    """Add it, take its secret, have it answer its challenge; returns the secret."""
    page.goto(f"{url}/console/webhooks/new/")
    page.fill("[name=url]", inbox.url)
    page.check("input[value=live]")
    page.click("main form button")
    secret = page.inner_text("[data-secret]").strip()
    page.click("text=Send the challenge")
    page.wait_for_selector("text=The address answered its challenge")
    return secret


@pytest.mark.usefixtures("archive")
def test_from_the_application_to_a_withdrawal_that_arrives(
    visit: Visit, browser: Browser, sequencer: Sequencer, settings: Any, tmp_path: Path
) -> None:
    page, url = visit.page, visit.url
    first, second = (Staff(browser, url, f"{name}@ncmec.example") for name in ("first", "second"))
    authority = Authority(tmp_path)
    open_loopback(settings, authority)

    with opened(authority) as inbox:
        with sequencing(sequencer):
            partner = join(page, url, first, second)
            log_in_and_set_up_a_second_factor(page, url)
            pass_the_self_test(page, url, partner, tmp_path)
            open_production(page, url, partner, first, second)
        key = new_key(page, url, "ingest", "live")
        secret = add_webhook(page, url, inbox)

        entry, _stays = publish(sequencer, 2)
        value = str(entry.value)
        machine = Machine(tmp_path, url=url, key=key, hash_list="production")
        machine.run("sync")
        assert entry.pk.hex in machine.run("match", value, "--json", expect=1)
        withdraw(sequencer, entry)
        delivery.follow_heads(lambda endpoint_id: delivery.deliver(endpoint_id))

    told = inbox.received[-1].verified_by(secret)
    assert (told["type"], told["seq"]) == ("list.head", HashList.objects.get(name="production").seq)
    machine.run("sync", "--now")
    assert entry.pk.hex not in machine.run("match", value, "--json")
    page.goto(f"{url}/console/")
    page.wait_for_selector("text=Your copy is exact: same position, same set hash.")
    assert visit.complaints == []
