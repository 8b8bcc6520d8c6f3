"""Webhooks as an engineer handles them, against a receiver that listens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from partners import webhooks
from partners.models import Role, WebhookEndpoint
from takeitdown.approvals.models import ApprovalRequest
from takeitdown.benchmarks.receivers import Authority
from tests.partners.console.conftest import browser_of, member_of
from tests.partners.console.test_pages import first, text_of
from tests.partners.inbox import Inbox, open_loopback, opened

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def inbox(authority: Authority, settings: Any) -> Iterator[Inbox]:
    open_loopback(settings, authority)
    with opened(authority) as inbox:
        yield inbox


@pytest.fixture
def hook(screen: Any, inbox: Inbox) -> WebhookEndpoint:
    """A webhook as the form makes it."""
    screen.post("/console/webhooks/new/", {"url": inbox.url, "environment": "live", "mode": "ping"})
    return WebhookEndpoint.objects.get()


def test_a_webhook_is_added_proven_tested_paused_and_removed(screen, hook, inbox, engineer):
    there = f"/console/webhooks/{hook.pk}/"
    secret = first(r"whsec_[A-Za-z0-9+/=_-]+", screen.get(f"{there}secret/").content.decode())
    assert secret == webhooks.secrets_of(hook)[0]
    assert secret not in screen.get(there).content.decode()
    assert "Has not answered its challenge yet" in text_of(screen.get("/console/webhooks/"))

    assert "answered its challenge" in text_of(screen.post(f"{there}challenge/", follow=True))
    assert "test message arrived" in text_of(screen.post(f"{there}test/", follow=True))
    inbox.statuses(500)
    failed = text_of(screen.post(f"{there}test/", follow=True))
    assert "It did not arrive: another status than 2xx" in failed
    assert " 500 " in failed

    assert "Paused." in text_of(screen.post(f"{there}pause/", follow=True))
    assert "It goes on" in text_of(screen.post(f"{there}resume/", follow=True))
    assert screen.post(f"{there}nonsense/").status_code == 404
    screen.post(f"{there}remove/")
    assert screen.get(there).status_code == 404


@pytest.mark.parametrize("url", ["http://hooks.example/", "https://127.0.0.1/", "https://localhost/", "nonsense", ""])
def test_an_address_that_may_not_be_is_explained_in_the_form(screen, url):
    answer = screen.post("/console/webhooks/new/", {"url": url, "environment": "live", "mode": "ping"})

    assert answer.status_code == 200
    assert b"errorlist" in answer.content
    assert not WebhookEndpoint.objects.exists()


def test_rotating_shows_both_secrets_while_both_sign(screen, hook):
    old = webhooks.secrets_of(hook)[0]

    shown = screen.post(f"/console/webhooks/{hook.pk}/secret/", follow=True).content.decode()

    hook.refresh_from_db()
    assert old in shown
    assert webhooks.secrets_of(hook)[0] in shown
    assert webhooks.secrets_of(hook)[0] != old


def test_another_address_takes_a_second_member(screen, hook, inbox, engineer, platform):
    new = f"{inbox.url}/other"
    screen.post(f"/console/webhooks/{hook.pk}/address/", {"url": new})
    asked = ApprovalRequest.objects.get()
    there = f"/console/webhooks/requests/{asked.pk}/"

    assert "somebody else has to decide" in text_of(screen.get(there))
    assert screen.post(there, {"allow": "yes"}).status_code == 403
    hook.refresh_from_db()
    assert hook.url == inbox.url

    colleague = browser_of(member_of(platform.partner, Role.OWNER).account)
    assert new in text_of(colleague.get(there))
    colleague.post(there, {"allow": "yes"})
    hook.refresh_from_db()
    assert hook.url == new


def test_a_refused_address_changes_nothing(screen, hook, inbox, platform):
    screen.post(f"/console/webhooks/{hook.pk}/address/", {"url": f"{inbox.url}/other"})
    there = f"/console/webhooks/requests/{ApprovalRequest.objects.get().pk}/"
    colleague = browser_of(member_of(platform.partner, Role.OWNER).account)

    colleague.post(there, {"refuse": "yes"})

    hook.refresh_from_db()
    assert hook.url == inbox.url
    assert ApprovalRequest.objects.get().allowed is False
    assert colleague.get(there).status_code == 404


def test_webhooks_and_requests_of_another_platform_are_not_there(screen, hook, inbox, another_platform):
    screen.post(f"/console/webhooks/{hook.pk}/address/", {"url": f"{inbox.url}/other"})
    stranger = browser_of(member_of(another_platform.partner, Role.OWNER).account)
    asked = ApprovalRequest.objects.get()

    for there in (f"{hook.pk}", f"{hook.pk}/secret", f"{hook.pk}/address", f"{hook.pk}/remove", f"requests/{asked.pk}"):
        assert stranger.get(f"/console/webhooks/{there}/").status_code == 404, there
    assert stranger.post(f"/console/webhooks/requests/{asked.pk}/", {"allow": "yes"}).status_code == 404
    assert stranger.post(f"/console/webhooks/{hook.pk}/test/").status_code == 404
