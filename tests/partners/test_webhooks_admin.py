"""Webhooks as staff see them."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from partners import webhooks
from partners.models import Delivery, Environment, Mode, WebhookEndpoint
from takeitdown.accounts.models import Account
from takeitdown.audit.models import AuditEvent
from tests.partners.conftest import Platform

pytestmark = pytest.mark.django_db


def logged_in(monkeypatch: pytest.MonkeyPatch, *permissions: str) -> Client:
    """Staff with these permissions alone, past the second factor."""
    monkeypatch.setattr("takeitdown.staff_site.used_a_second_factor", lambda request: True)
    account = Account.objects.create_user("staff@example.org", is_staff=True)
    account.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(account)
    return client


def page(model: str) -> str:
    return reverse(f"admin:partners_{model}_changelist")


def add(platform: Platform, count: int = 1) -> WebhookEndpoint:
    """A webhook with one delivery that failed."""
    url = f"https://hooks{count}.platform.example/"
    wanted = {"environment": Environment.LIVE, "url": url, "mode": Mode.PING.value, "by": "tests"}
    endpoint = webhooks.add(platform.partner, **wanted)
    Delivery.objects.create(endpoint=endpoint, message_id="msg_1", kind="ping", failure="bad_certificate")
    return endpoint


def test_pages_show_facts_in_words_with_as_many_queries_for_three_as_for_one(platform, monkeypatch):
    staff = logged_in(monkeypatch, "view_webhookendpoint", "view_delivery")
    add(platform)
    counts = []
    for count in (1, 3):
        while WebhookEndpoint.objects.count() < count:
            add(platform, WebhookEndpoint.objects.count() + 1)
        with CaptureQueriesContext(connection) as queries:
            text = "".join(staff.get(page(model)).content.decode() for model in ("webhookendpoint", "delivery"))
        counts.append(len(queries))

    assert counts[0] == counts[1]
    assert "waits for its challenge" in text
    assert "the certificate is not valid for this name" in text
    assert "whsec_" not in text


def test_staff_may_stop_a_webhook_and_not_change_it(platform, monkeypatch):
    staff = logged_in(monkeypatch, "view_webhookendpoint", "change_webhookendpoint")
    endpoint = add(platform)
    WebhookEndpoint.objects.update(confirmed_at=timezone.now())

    staff.post(page("webhookendpoint"), {"action": "pause", "_selected_action": [str(endpoint.pk)]})
    change = reverse("admin:partners_webhookendpoint_change", args=[endpoint.pk])
    assert staff.get(change).status_code == 200
    assert staff.post(change, {"url": "https://evil.example/"}).status_code == 403

    endpoint.refresh_from_db()
    assert endpoint.paused_at is not None
    assert endpoint.url == "https://hooks1.platform.example/"
    event = AuditEvent.objects.latest("id")
    assert (event.actor, event.action, event.within) == ("staff@example.org", "paused a webhook", "partner:platform")


def test_who_may_only_look_cannot_stop_one(platform, monkeypatch):
    staff = logged_in(monkeypatch, "view_webhookendpoint")
    endpoint = add(platform)

    staff.post(page("webhookendpoint"), {"action": "pause", "_selected_action": [str(endpoint.pk)]})

    endpoint.refresh_from_db()
    assert endpoint.paused_at is None
