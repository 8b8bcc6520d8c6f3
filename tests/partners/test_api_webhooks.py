"""Webhooks over the API: seen and tested by the platform they belong to, and by nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.utils import timezone

from partners import webhooks
from partners.models import Environment, Mode, WebhookEndpoint
from takeitdown.benchmarks.receivers import Authority
from tests.partners.conftest import Platform
from tests.partners.inbox import Inbox, open_loopback, opened

pytestmark = pytest.mark.django_db


@pytest.fixture
def inbox(settings: Any, tmp_path: Any) -> Iterator[Inbox]:
    authority = Authority(tmp_path)
    open_loopback(settings, authority)
    with opened(authority) as inbox:
        yield inbox


def add(platform: Platform, url: str) -> WebhookEndpoint:
    return webhooks.add(platform.partner, environment=Environment.LIVE, url=url, mode=Mode.PING.value, by="tests")


def test_each_platform_sees_how_its_own_webhooks_fare(platform, another_platform, inbox):
    mine, _theirs = add(platform, inbox.url), add(another_platform, "https://hooks.example/")

    def condition() -> str:
        (webhook,) = platform.get("webhooks/").json()["webhooks"]
        assert webhook["id"] == mine.pk.hex
        return str(webhook["condition"])

    seen = [condition()]
    webhooks.challenge(mine)
    seen.append(condition())
    for field in ("paused_at", "disabled_at"):
        WebhookEndpoint.objects.filter(pk=mine.pk).update(**{field: timezone.now()})
        seen.append(condition())
    webhooks.remove(mine, by="tests")

    assert seen == ["unconfirmed", "on", "paused", "off"]
    assert platform.get("webhooks/").json() == {"webhooks": []}


def test_a_test_says_what_became_of_it(platform, another_platform, inbox):
    mine = add(platform, inbox.url)
    assert platform.post("webhooks/tests/", {"webhook": mine.pk.hex}).json()["code"] == "challenge_open"
    webhooks.challenge(mine)
    inbox.statuses(500)

    answers = [platform.post("webhooks/tests/", {"webhook": mine.pk.hex}).json() for _ in range(2)]

    assert answers == [
        {"arrived": False, "status": 500, "failure": "status"},
        {"arrived": True, "status": 204, "failure": None},
    ]
    refused = another_platform.post("webhooks/tests/", {"webhook": mine.pk.hex})
    assert (refused.status_code, refused.json()["code"]) == (404, "no_such_webhook")
    assert len(inbox.received) == 3
