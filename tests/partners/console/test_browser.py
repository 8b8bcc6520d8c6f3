"""The console in Chromium: every page for everybody, and a passkey in place of password and code."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser

from matching.models import HashList, ListHead, ListReader
from partners import demonstration, webhooks
from partners.console import urls
from partners.models import ApiKey, Delivery, Invitation, Membership, Role, SelfTest, WebhookEndpoint
from tests.partners.conftest import Platform, new_platform, publish
from tests.partners.console.conftest import PASSWORD, browser_of, member_of
from tests.submissions.visit import BEST, Visit
from tests.test_staff_login import code_of

pytestmark = pytest.mark.django_db(transaction=True)
BY_POST_ALONE = {"webhook_deed", "withdraw_entries", "login"}


@pytest.fixture
def visit(live_server: Any, browser: Browser) -> Iterator[Visit]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield Visit(context, live_server.url)
    context.close()


def enter(visit: Visit, member: Membership) -> None:
    """Log in without the pages for it."""
    value = browser_of(member.account).cookies[settings.SESSION_COOKIE_NAME].value
    visit.page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": value, "url": visit.url}])


@pytest.fixture
def busy(production: HashList, sequencer: Any) -> Platform:
    """The example platform with everything a page can show."""
    platform = new_platform(production, demonstration.EXAMPLE)
    head = ListHead.objects.newest(production)
    demonstration.write_history(publish(sequencer, 8))
    ListReader.objects.filter(pk=platform.reader.pk).update(epoch=head.epoch, seq=head.seq)
    now = timezone.now()
    hook = WebhookEndpoint.objects.create(
        partner=platform.partner, reader=platform.reader, url="https://hooks.example/list", confirmed_at=now,
        failing_since=now, failures=3,
    )  # fmt: skip
    for failure, status in [("", 204), ("status", 500), ("wrong_echo", 200)]:
        Delivery.objects.create(
            endpoint=hook, message_id="msg_1", kind=Delivery.Kind.PING, seq=3, status=status, failure=failure
        )
    missed = [{"file": "012.jpg", "edit": "turned by 90 degrees", "distance": 30}]
    SelfTest.objects.create(
        partner=platform.partner, begun_at=now - timedelta(hours=1), answered_at=now, judged_at=now, passed=False,
        result={"files": 480, "caught": 300, "to_catch": 400, "borderline": 9, "borderline_caught": 4,
                "missed": missed, "wrong": [], "decoys": [], "withdrawn": [], "far": [], "diverged": 0,
                "dropped_after_seconds": 12.5, "faults": ["missed"]},
    )  # fmt: skip
    Invitation.objects.create(
        partner=platform.partner, email="new@example.org", role=Role.REVIEWER, token_digest=bytes(32), invited_by="x"
    )
    return platform


def addresses(platform: Platform, owner: Membership) -> list[str]:
    """Every page of the console that opens by GET, with rows of this platform in it."""
    partner = platform.partner
    hook = WebhookEndpoint.objects.get(partner=partner)
    asked = webhooks.propose_address(hook, url="https://other.example/list", by=owner.account.email)
    report = partner.match_reports.filter(outcome="found").first()
    assert report
    rows = {
        "key_id": ApiKey.objects.get(partner=partner).key_id, "hook_id": hook.pk, "request_id": asked.pk,
        "entry_id": report.entry_id, "report_id": report.pk, "member_id": owner.pk,
        "invitation_id": Invitation.objects.get().pk,
    }  # fmt: skip
    return [
        reverse(f"console:{pattern.name}", kwargs={name: rows[name] for name in pattern.pattern.converters})
        for pattern in urls.urlpatterns
        if pattern.name not in BY_POST_ALONE
    ]


def test_axe_finds_nothing_on_any_page_wide_or_narrow(visit: Visit, busy: Platform) -> None:
    owner = member_of(busy.partner, Role.OWNER)
    enter(visit, owner)
    faults: dict[str, list[str]] = {}
    for number, there in enumerate(addresses(busy, owner)):
        visit.page.emulate_media(color_scheme=("light", "dark")[number % 2])
        answer = visit.page.goto(f"{visit.url}{there}")
        assert answer
        assert (answer.status, answer.url) == (200, f"{visit.url}{there}")
        for width in (1280, 360):
            visit.page.set_viewport_size({"width": width, "height": 900})
            if found := visit.faults(BEST):
                faults[f"{there} at {width}"] = found

    assert faults == {}
    assert visit.complaints == []  # Trusted Types, the policy, scripts


def test_a_passkey_opens_the_console_and_counts_as_a_fresh_second_factor(visit: Visit, platform: Platform) -> None:
    owner = member_of(platform.partner, Role.OWNER)
    enter(visit, owner)
    page = visit.page
    devtools = page.context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    device = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": True, "automaticPresenceSimulation": True,
    }  # fmt: skip
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": device})

    page.goto(f"{visit.url}/accounts/2fa/webauthn/add/")
    page.fill("[name=name]", "this laptop")
    page.check("[name=passwordless]")
    page.click("#mfa_webauthn_add")
    page.wait_for_url(lambda url: "/add/" not in url)
    page.goto(f"{visit.url}/console/")
    page.click("text=Log out")
    page.goto(f"{visit.url}/console/keys/new/")
    assert "/accounts/login/" in page.url
    page.click("#passkey_login")
    page.wait_for_url("**/console/keys/new/")

    assert page.inner_text("h1") == "Create a key"
    assert visit.complaints == []


def test_the_menu_folds_on_a_telephone_and_stands_open_without_scripts(
    visit: Visit, platform: Platform, browser: Browser
) -> None:
    reader = member_of(platform.partner, Role.READ_ONLY)
    enter(visit, reader)
    visit.page.set_viewport_size({"width": 360, "height": 800})
    visit.page.goto(f"{visit.url}/console/")
    assert not visit.page.is_visible(".menu nav")
    visit.page.click("text=Menu")
    assert visit.page.is_visible(".menu nav")

    context = browser.new_context(java_script_enabled=False, viewport={"width": 360, "height": 800})
    plain = Visit(context, visit.url)
    enter(plain, reader)
    plain.page.goto(f"{visit.url}/console/")
    assert plain.page.is_visible(".menu nav")
    context.close()


def test_password_and_code_lead_back_to_the_page_that_was_asked_for(visit: Visit, platform: Platform) -> None:
    owner = member_of(platform.partner, Role.OWNER)
    page = visit.page
    page.goto(f"{visit.url}/console/usage/")
    page.fill("[name=login]", owner.account.email)
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_selector("[name=code]")
    totp = Authenticator.objects.get(user=owner.account, type=Authenticator.Type.TOTP)
    page.fill("[name=code]", code_of(get_adapter().decrypt(totp.data["secret"]), good_for=10))
    page.press("[name=code]", "Enter")
    page.wait_for_url("**/console/usage/")

    assert page.inner_text("h1") == "Usage"
    assert visit.complaints == []
