"""One signed message to one address, and what became of it."""

from __future__ import annotations

import json
import secrets as randomness
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from partners import outbound, signatures
from partners.models import Delivery, WebhookEndpoint
from partners.outbound import LIMITS, Failure, Limits, Reply, SendFailed

BUSY_WITH_A_PERSON: Final = Limits(total_seconds=5.0)
"""For what somebody waits for on a page."""


class Answered(models.TextChoices):
    """Why an answer that did come does not count; beside `outbound.Failure` in `Delivery.failure`."""

    STATUS = "status", _("another status than 2xx")
    WRONG_ECHO = "wrong_echo", _("the challenge did not come back")


@dataclass(frozen=True)
class Message:
    """What is sent: its kind (Delivery.Kind), its `webhook-id`, its JSON, and the head it speaks of (0, 0: none)."""

    kind: str
    id: str
    body: bytes
    epoch: int = 0
    seq: int = 0
    changes: int = 0


@dataclass(frozen=True)
class Attempt:
    """How it went. `failure` is a word of `Failure` or `Answered`, empty for a 2xx; `reply` is what came, if any."""

    took_ms: int
    failure: str
    reply: Reply | None


def secrets_of(endpoint: WebhookEndpoint) -> list[str]:
    """The secrets that sign now, newest first: two while an overlap after a rotation lasts."""
    versions = [endpoint.secret_version]
    until = endpoint.old_secret_until
    if endpoint.secret_version > 1 and until is not None and until > timezone.now():
        versions.append(endpoint.secret_version - 1)
    return [signatures.secret(settings.WEBHOOK_MASTER, endpoint.pk, version) for version in versions]


def one_off(kind: str, members: Mapping[str, Any]) -> Message:
    """A message that is sent once, with a random id."""
    return Message(kind, f"msg_{randomness.token_hex(16)}", encoded(members))


def encoded(members: Mapping[str, Any]) -> bytes:
    """Compact JSON in UTF-8."""
    return json.dumps(members, separators=(",", ":"), ensure_ascii=False).encode()


def send(
    endpoint: WebhookEndpoint, message: Message, *, url: str = "", wants_body: bool = False, limits: Limits = LIMITS
) -> Attempt:
    """Sign and send once, to the endpoint's address or to `url`. Opens no transaction and writes nothing."""
    headers = signatures.headers(secrets_of(endpoint), message.id, int(time.time()), message.body)
    begun = time.monotonic()
    reply, failure = None, ""
    try:
        reply = outbound.post(url or endpoint.url, message.body, headers, wants_body=wants_body, limits=limits)
    except SendFailed as failed:
        failure = str(failed.failure.value)
    else:
        failure = "" if 200 <= reply.status < 300 else str(Answered.STATUS.value)
    return Attempt(int(1000 * (time.monotonic() - begun)), failure, reply)


def note(endpoint: WebhookEndpoint, message: Message, attempt: Attempt, *, failure: str = "") -> Delivery:
    """Write an attempt into the log; `failure` wins over the attempt's own."""
    return Delivery.objects.create(
        endpoint=endpoint,
        message_id=message.id,
        kind=message.kind,
        epoch=message.epoch,
        seq=message.seq,
        took_ms=attempt.took_ms,
        status=attempt.reply.status if attempt.reply else None,
        failure=failure or attempt.failure,
    )


def in_words(delivery: Delivery) -> str:
    """What became of a delivery, for people."""
    words = dict(Failure.choices) | dict(Answered.choices)
    return str(words.get(delivery.failure, delivery.failure)) if delivery.failure else str(_("delivered"))
