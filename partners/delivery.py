"""Telling platforms that their list moved: who is behind, one message at a time for each, and what a failure means.

The rows are the queue. `follow_heads` looks each second who is behind and rings; a message that is lost, late or
doubled changes nothing, for whoever comes takes the row by a lease first, and only the lease's holder writes.
"""

from __future__ import annotations

import hashlib
import logging
import random
import secrets
from collections import defaultdict
from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from matching import pages
from matching.errors import ResyncNeeded
from partners import mail, reading, retrying, sending
from partners.models import Delivery, Mode, PartnerState, WebhookEndpoint
from partners.models.webhook import WebhookEndpointQuerySet
from partners.sending import Attempt, Message
from takeitdown.audit.models import record
from takeitdown.errors import Refused

log = logging.getLogger("takeitdown.webhooks")
LEASE: Final = timedelta(seconds=30)  # an attempt takes ten at most
RUNG_FOR: Final = timedelta(seconds=15)  # nobody came by then: the message was lost, ring again
MOST_AT_ONCE: Final = 500
DELTA_CHANGES: Final = 100
DELTA_BYTES: Final = 20_000
KEPT: Final = timedelta(days=30)
GONE: Final = 410


# --- who is behind ------------------------------------------------------------------------------------------------


def follow_heads(ring: Callable[[str], object]) -> int:
    """Note which heads moved, and ring for each endpoint that should hear of one; returns how many.

    `ring` gets the endpoint's id as text. An endpoint for which was rung is left alone for 15 seconds.
    """
    _raise_desired()
    rung = 0
    for endpoint_id in list(_due().values_list("pk", flat=True)[:MOST_AT_ONCE]):
        free = WebhookEndpoint.objects.filter(_nobody_has_it(), pk=endpoint_id)
        if free.update(lease="", leased_until=timezone.now() + RUNG_FOR):
            ring(str(endpoint_id))
            rung += 1
    return rung


def _raise_desired() -> None:
    """One query, that finds nothing as long as nothing moved."""
    there = {"desired_epoch": F("reader__hash_list__epoch"), "desired_seq": F("reader__hash_list__seq")}
    behind = WebhookEndpoint.objects.active().filter(reader__hash_list__epoch__gt=0).exclude(**there)
    moved: dict[tuple[int, int], list[Any]] = defaultdict(list)
    for pk, epoch, seq in behind.values_list("pk", "reader__hash_list__epoch", "reader__hash_list__seq"):
        moved[epoch, seq].append(pk)
    for (epoch, seq), ids in moved.items():
        WebhookEndpoint.objects.filter(pk__in=ids).update(desired_epoch=epoch, desired_seq=seq)


def _due() -> WebhookEndpointQuerySet:
    """Those to ring for, of platforms that may read the list in question."""
    production = Q(partner__state=PartnerState.PRODUCTION)
    testing = Q(partner__state=PartnerState.SANDBOX, partner__sandbox_reader=F("reader"))
    return WebhookEndpoint.objects.due().filter(production | testing).order_by("next_attempt_at")


def _nobody_has_it() -> Q:
    return Q(leased_until=None) | Q(leased_until__lte=timezone.now())


# --- one delivery ---------------------------------------------------------------------------------------------------


def deliver(endpoint_id: str) -> Delivery | None:
    """Tell one endpoint the newest head, if it is due and nobody is at it. None where there was nothing to do."""
    lease = claim(endpoint_id)
    if lease is None:
        return None
    endpoint = WebhookEndpoint.objects.select_related("partner", "reader__hash_list").get(pk=endpoint_id)
    if not _may_read(endpoint):
        _held(endpoint, lease).update(lease="", leased_until=None)
        return None
    message = compose(endpoint)
    return settle(endpoint, lease, message, sending.send(endpoint, message))


def claim(endpoint_id: str) -> str | None:
    """Take an endpoint for half a minute; the lease's token, or None. Of two at once one gets it.

    Conditions on the row's own columns only: they are looked at again once a competitor's update is through.
    """
    now, lease = timezone.now(), secrets.token_hex(16)
    rung_for = Q(lease="", leased_until__gt=now)
    behind = Q(desired_epoch__gt=F("acked_epoch")) | Q(desired_epoch=F("acked_epoch"), desired_seq__gt=F("acked_seq"))
    row = WebhookEndpoint.objects.active().filter(behind, rung_for | _nobody_has_it(), pk=endpoint_id)
    return lease if row.filter(next_attempt_at__lte=now).update(lease=lease, leased_until=now + LEASE) else None


def _held(endpoint: WebhookEndpoint, lease: str) -> WebhookEndpointQuerySet:
    return WebhookEndpoint.objects.filter(pk=endpoint.pk, lease=lease)


def _may_read(endpoint: WebhookEndpoint) -> bool:
    """Asked at the last moment: a platform may have been suspended since it was rung for."""
    partner = endpoint.partner
    testing = partner.state == PartnerState.SANDBOX and partner.sandbox_reader_id == endpoint.reader_id
    return partner.state == PartnerState.PRODUCTION or testing


def compose(endpoint: WebhookEndpoint) -> Message:
    """What to say: that the list stands at its head, or, where that was asked for and is little, the changes to it."""
    return _delta(endpoint) or _ping(endpoint)


def _ping(endpoint: WebhookEndpoint) -> Message:
    hash_list = endpoint.reader.hash_list
    members = {"type": "list.head", "list": hash_list.name, "epoch": hash_list.epoch, "seq": hash_list.seq}
    kind = Delivery.Kind.PING
    id = _message_id(endpoint, kind, hash_list.epoch, hash_list.seq)
    return Message(kind, id, sending.encoded(members), hash_list.epoch, hash_list.seq)


def _delta(endpoint: WebhookEndpoint) -> Message | None:
    """The very page that a pull would answer, if the endpoint wants it, holds its beginning, and it is small."""
    hash_list = endpoint.reader.hash_list
    missing = hash_list.seq - endpoint.acked_seq
    if endpoint.mode != Mode.DELTA or endpoint.acked_epoch != hash_list.epoch or not 0 < missing <= DELTA_CHANGES:
        return None
    try:
        page = pages.after(endpoint.reader, epoch=endpoint.acked_epoch, after=endpoint.acked_seq)
    except ResyncNeeded:
        return None
    body = sending.encoded({"type": "list.delta", **page})
    changes = page["changes"]
    if not 0 < len(changes) <= DELTA_CHANGES or len(body) > DELTA_BYTES:
        return None
    kind, seq = Delivery.Kind.DELTA, changes[-1]["seq"]
    return Message(kind, _message_id(endpoint, kind, hash_list.epoch, seq), body, hash_list.epoch, seq, len(changes))


def _message_id(endpoint: WebhookEndpoint, kind: str, epoch: int, seq: int) -> str:
    """The same for each try to say the same thing."""
    return "msg_" + hashlib.sha256(f"{endpoint.pk.hex} {kind} {epoch} {seq}".encode()).hexdigest()[:32]


# --- what follows ---------------------------------------------------------------------------------------------------


@transaction.atomic
def settle(endpoint: WebhookEndpoint, lease: str, message: Message, attempt: Attempt) -> Delivery | None:
    """Write down what became of an attempt, while the lease is still ours; None, and nothing written, otherwise."""
    after = _succeeded(message) if not attempt.failure else _failed(endpoint, attempt)
    if not _held(endpoint, lease).update(lease="", leased_until=None, **after):
        return None
    if message.kind == Delivery.Kind.DELTA and not attempt.failure:
        reading.count_page(endpoint.reader, changes=message.changes)
    if because := after.get("disabled_because"):
        _tell(endpoint, because)
    return sending.note(endpoint, message, attempt)


def _succeeded(message: Message) -> dict[str, Any]:
    return {
        "acked_epoch": message.epoch,
        "acked_seq": message.seq,
        "failures": 0,
        "failing_since": None,
        "next_attempt_at": timezone.now(),
    }


def _failed(endpoint: WebhookEndpoint, attempt: Attempt) -> dict[str, Any]:
    now = timezone.now()
    failures, since = endpoint.failures + 1, endpoint.failing_since or now
    asked = retrying.asked_for(attempt.reply.retry_after, now) if attempt.reply else None
    draw = random.random()  # noqa: S311  spreads the load, hides nothing
    later = retrying.next_attempt(now, failing_since=since, failures=failures, draw=draw, asked=asked)
    after: dict[str, Any] = {"failures": failures, "failing_since": since}
    if attempt.reply and attempt.reply.status == GONE:
        return {**after, "disabled_at": now, "disabled_because": "gone"}
    if later is None:
        return {**after, "disabled_at": now, "disabled_because": "failing"}
    return {**after, "next_attempt_at": later}


def _tell(endpoint: WebhookEndpoint, because: str) -> None:
    """Say to the platform's contact and to its members that a webhook was switched off."""
    partner = endpoint.partner
    record(
        actor="portal",
        action="disabled a webhook",
        target=f"partners.webhookendpoint:{endpoint.pk.hex}",
        within=f"partner:{partner.code}",
        because=because,
    )
    if partner.contact_email:
        context = {"partner": partner.name, "url": endpoint.url, "gone": because == "gone"}
        transaction.on_commit(lambda: _mail(partner.contact_email, context))


def _mail(to: str, context: dict[str, Any]) -> None:
    try:
        mail.send(to=to, template="webhook_disabled", context=context)
    except (Refused, ValidationError):
        log.warning("Nobody could be told by mail that a webhook was switched off; the console shows it.")


def forget_deliveries() -> int:
    """Delete what was tried more than 30 days ago; returns how many."""
    return Delivery.objects.filter(attempted_at__lt=timezone.now() - KEPT).delete()[0]
