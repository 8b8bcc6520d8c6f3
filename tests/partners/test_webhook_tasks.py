"""The bell and its timetable: what waits in the broker, where, and for how long."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone
from kombu.exceptions import OperationalError
from redis import Redis

from partners import delivery, tasks, webhooks
from partners.models import Environment, Mode, WebhookEndpoint
from takeitdown.celery import app
from tests.partners.conftest import Platform, publish

pytestmark = pytest.mark.django_db


@pytest.fixture
def broker() -> Iterator[Redis]:
    with Redis(unix_socket_path=str(settings.REDIS_SOCKETS / "broker.sock")) as broker:
        broker.flushall()
        yield broker
        broker.flushall()


def waiting(broker: Redis, queue: str) -> list[dict[str, Any]]:
    return [json.loads(message) for message in broker.lrange(queue, 0, -1)]


def test_a_bell_carries_an_id_and_nothing_else_and_waits_in_a_queue_of_its_own(platform: Platform, sequencer, broker):
    wanted = {"environment": Environment.LIVE, "url": "https://hooks.platform.example/in", "mode": Mode.PING.value}
    endpoint = webhooks.add(platform.partner, by="tests", **wanted)
    WebhookEndpoint.objects.update(confirmed_at=endpoint.next_attempt_at)
    publish(sequencer)

    assert (tasks.follow_heads(), tasks.follow_heads()) == (1, 0)

    (message,) = waiting(broker, "webhooks")
    assert json.loads(base64.b64decode(message["body"]))[0] == [str(endpoint.pk)]
    assert message["headers"]["expires"]
    assert waiting(broker, "default") == []
    text = json.dumps(message) + base64.b64decode(message["body"]).decode()
    assert not [word for word in ("hooks.platform", "whsec_", platform.text) if word in text]


def test_the_timetable_follows_heads_each_second_and_leaves_no_heap():
    entry = app.conf.beat_schedule["follow heads"]

    assert (entry["task"], entry["schedule"]) == (tasks.follow_heads.name, 1.0)
    assert entry["options"]["expires"] <= 15
    for task in (tasks.follow_heads, tasks.deliver_webhook):
        assert app.amqp.router.route({}, task.name)["queue"].name == "webhooks"
    assert app.conf.beat_schedule["forget deliveries"]["task"] == tasks.forget_deliveries.name


def test_a_broker_that_is_away_loses_no_news(platform: Platform, sequencer):
    """The bell fails; the row still says that it is behind, and is rung for once the wait is over."""
    wanted = {"environment": Environment.LIVE, "url": "https://hooks.platform.example/in", "mode": Mode.PING.value}
    endpoint = webhooks.add(platform.partner, by="tests", **wanted)
    WebhookEndpoint.objects.update(confirmed_at=endpoint.next_attempt_at)
    publish(sequencer)

    def ring_in_vain(endpoint_id: str) -> None:
        raise OperationalError

    with pytest.raises(OperationalError):
        delivery.follow_heads(ring_in_vain)
    WebhookEndpoint.objects.update(leased_until=timezone.now())
    rung: list[str] = []
    assert delivery.follow_heads(rung.append) == 1
    assert rung == [str(endpoint.pk)]
