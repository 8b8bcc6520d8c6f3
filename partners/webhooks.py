"""The addresses that a platform wants told: added, proven by a challenge, tested, changed, paused, removed.

What goes to them by itself is `delivery`'s.
"""

from __future__ import annotations

import hmac
import json
import secrets
from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from matching.models import ListReader
from partners import outbound, sending
from partners.errors import ChallengeOpen, NoListForKey, PartnerNotActive, TooManyTries, TooManyWebhooks, WebhookRemoved
from partners.models import Delivery, Environment, Membership, Mode, Partner, PartnerState, Role, WebhookEndpoint
from partners.sending import BUSY_WITH_A_PERSON, Answered, Attempt, secrets_of
from takeitdown.approvals import decide, kinds
from takeitdown.approvals.models import ApprovalRequest, payload_hash
from takeitdown.audit.models import record

__all__ = [
    "add", "allow_address", "challenge", "pause", "pending_address", "propose_address", "remove", "replay", "resume",
    "rotate_secret", "secrets_of", "send_test",
]  # fmt: skip
ADDRESS: Final = "partners.webhook_address"
MOST: Final = 5
OVERLAP: Final = timedelta(hours=24)
ALLOWED_FOR: Final = timedelta(hours=24)
TRIES_A_MINUTE: Final = 10
_ARMED: Final[dict[str, Any]] = {"failures": 0, "failing_since": None, "disabled_at": None, "disabled_because": ""}
_FROM_THE_START: Final[dict[str, Any]] = {"acked_epoch": 0, "acked_seq": 0, "lease": "", "leased_until": None}


@transaction.atomic
def add(partner: Partner, *, environment: str, url: str, mode: str, by: str) -> WebhookEndpoint:
    """A new address for the production list (`live`) or the sandbox (`test`). It is told nothing before its challenge.

    Raises AddressRefused, TooManyWebhooks, PartnerNotActive, NoListForKey.
    """
    place = outbound.check_url(url)
    row = Partner.objects.select_for_update(no_key=True).get(pk=partner.pk)  # two at once must not both be the fifth
    reader = _reader(row, environment)
    if WebhookEndpoint.objects.filter(partner=row, removed_at=None).count() >= MOST:
        raise TooManyWebhooks
    endpoint = WebhookEndpoint.objects.create(partner=row, reader=reader, url=place.url, mode=Mode(mode).value)
    _record(endpoint, by, "added a webhook", url=place.url, mode=endpoint.mode, environment=environment)
    return endpoint


def _reader(partner: Partner, environment: str) -> ListReader:
    live = Environment(environment) == Environment.LIVE
    if partner.state != PartnerState.PRODUCTION and (live or partner.state != PartnerState.SANDBOX):
        raise PartnerNotActive
    reader = partner.reader if live else partner.sandbox_reader
    if reader is None:
        raise NoListForKey(gettext("There is no such list for your organisation yet."))
    return reader


# --- proving and testing an address ---------------------------------------------------------------------------------


def challenge(endpoint: WebhookEndpoint) -> Delivery:
    """Send a random word; the address that answers with it is confirmed, and hears of the list from now on.

    Where another address was allowed for this webhook, that one is asked, and takes over by its answer. Takes up to
    five seconds: call it outside any transaction. What went wrong stands in the delivery. Repeating is harmless.
    Raises WebhookRemoved, TooManyTries.
    """
    row = _row(endpoint)
    _refuse_too_many(row)
    url = pending_address(row) or row.url
    word = secrets.token_urlsafe(24)
    message = sending.one_off(Delivery.Kind.CHALLENGE, {"type": "webhook.challenge", "challenge": word})
    attempt = sending.send(row, message, url=url, wants_body=True, limits=BUSY_WITH_A_PERSON)
    wrong = "" if attempt.failure or _echoed(attempt, word) else str(Answered.WRONG_ECHO.value)
    with transaction.atomic():
        delivery = sending.note(row, message, attempt, failure=wrong)
        if delivery.succeeded:
            _confirm(row, url)
    return delivery


def _echoed(attempt: Attempt, word: str) -> bool:
    try:
        answer = json.loads(attempt.reply.body) if attempt.reply else None
    except (ValueError, RecursionError):
        return False
    echo = answer.get("challenge") if isinstance(answer, dict) else None
    return isinstance(echo, str) and hmac.compare_digest(echo.encode("utf-8", "replace"), word.encode())


def _confirm(row: WebhookEndpoint, url: str) -> None:
    """The address answered. Nothing happens where the row has moved to another address meanwhile."""
    now = timezone.now()
    unchanged = WebhookEndpoint.objects.filter(pk=row.pk, url=row.url, removed_at=None)
    if row.confirmed_at is not None and row.url == url:
        unchanged.update(next_attempt_at=now, **_ARMED)
    # What an answer from the old address would write is void with the lease: the new one begins at the start.
    elif unchanged.update(url=url, confirmed_at=now, next_attempt_at=now, **_ARMED, **_FROM_THE_START):
        _record(row, "challenge", "confirmed a webhook's address", url=url)


def send_test(endpoint: WebhookEndpoint, *, by: str) -> Delivery:
    """Send `{"type": "webhook.test"}`; a 2xx arms a webhook again that was disabled. Takes up to five seconds.

    Raises WebhookRemoved, ChallengeOpen, TooManyTries.
    """
    row = _row(endpoint)
    if row.confirmed_at is None:
        raise ChallengeOpen
    _refuse_too_many(row)
    message = sending.one_off(Delivery.Kind.TEST, {"type": "webhook.test"})
    attempt = sending.send(row, message, limits=BUSY_WITH_A_PERSON)
    with transaction.atomic():
        delivery = sending.note(row, message, attempt)
        _record(row, by, "tested a webhook", delivered=delivery.succeeded)
        if delivery.succeeded:
            WebhookEndpoint.objects.filter(pk=row.pk, url=row.url).update(next_attempt_at=timezone.now(), **_ARMED)
    return delivery


def _refuse_too_many(row: WebhookEndpoint) -> None:
    """Nobody makes us knock at a stranger's door as often as they like."""
    by_hand = [Delivery.Kind.TEST, Delivery.Kind.CHALLENGE]
    lately = timezone.now() - timedelta(minutes=1)
    tries = Delivery.objects.filter(endpoint__partner=row.partner_id, kind__in=by_hand, attempted_at__gt=lately)
    if tries.count() >= TRIES_A_MINUTE:
        raise TooManyTries


# --- another address: two people and a challenge --------------------------------------------------------------------


def propose_address(endpoint: WebhookEndpoint, *, url: str, by: str) -> ApprovalRequest:
    """Ask that this webhook go to another address; somebody else has to allow it within a day.

    The old address goes on. Raises AddressRefused, WebhookRemoved, decide.MayNotAsk.
    """
    row = _row(endpoint)
    place = outbound.check_url(url)
    payload = {"partner": row.partner.code, "endpoint": row.pk.hex, "was": row.url, "url": place.url}
    return decide.ask(requester=by, kind=ADDRESS, payload=payload, within=_within(row))


def allow_address(request_id: int, *, by: str) -> Delivery:
    """Allow it, then send the new address its challenge; it takes over once it has answered one (see `challenge`).

    Returns the delivery of the challenge. Raises decide.NotYoursToDecide, decide.NoLongerOpen, TooManyTries.
    """
    request = ApprovalRequest.objects.filter(pk=request_id, kind=ADDRESS).first()
    within = f"partner:{request.payload.get('partner')}" if request else ""
    return challenge(decide.settle(request_id, approver=by, allow=True, kind=ADDRESS, within=within))


def pending_address(endpoint: WebhookEndpoint) -> str:
    """The address that was allowed within a day and has not answered yet; empty where there is none."""
    allowed = ApprovalRequest.objects.filter(
        kind=ADDRESS, allowed=True, decided_at__gt=timezone.now() - ALLOWED_FOR, payload__endpoint=endpoint.pk.hex
    )
    request = allowed.order_by("-decided_at").first()
    if request is None or request.payload_hash != payload_hash(request.payload):
        return ""
    return str(request.payload["url"]) if request.payload["was"] == endpoint.url else ""


def register_deeds() -> None:
    """Tell the four eyes what a change of address is."""
    decide.register(ADDRESS, _allow, _describe, label=_("Change the address of a webhook"), may=_may)


def _allow(payload: dict[str, Any], by: str) -> WebhookEndpoint:
    endpoint = WebhookEndpoint.objects.filter(pk=payload["endpoint"], url=payload["was"], removed_at=None).first()
    if endpoint is None:
        raise decide.NoLongerOpen
    return endpoint


def _describe(payload: dict[str, Any]) -> str:
    return gettext("Webhooks of {partner} go to {url} instead of {was}, once {url} has answered a challenge.").format(
        **payload
    )


_staff = kinds.staff_with("partners.change_partner")


def _may(payload: dict[str, Any], who: str) -> bool:
    """Owners and engineers of that platform, and staff."""
    roles = [Role.OWNER, Role.ENGINEER]
    members = Membership.objects.filter(account__email=who, account__is_active=True, role__in=roles)
    return members.filter(partner__code=payload["partner"]).exists() or _staff(payload, who)


# --- the rest of its life ---------------------------------------------------------------------------------------------


@transaction.atomic
def rotate_secret(endpoint: WebhookEndpoint, *, by: str) -> str:
    """A new secret, which is returned; the one before signs beside it for 24 hours. One before that ends at once.

    Raises WebhookRemoved.
    """
    row = _row(endpoint)
    until = timezone.now() + OVERLAP
    WebhookEndpoint.objects.filter(pk=row.pk).update(secret_version=F("secret_version") + 1, old_secret_until=until)
    _record(row, by, "rotated a webhook's secret")
    endpoint.refresh_from_db()
    return secrets_of(endpoint)[0]


@transaction.atomic
def replay(endpoint: WebhookEndpoint, *, by: str) -> None:
    """Tell the newest head again, within a second or two. Raises WebhookRemoved, ChallengeOpen."""
    row = _row(endpoint)
    if row.confirmed_at is None:
        raise ChallengeOpen
    WebhookEndpoint.objects.filter(pk=row.pk).update(acked_epoch=0, acked_seq=0, next_attempt_at=timezone.now())
    _record(row, by, "replayed a webhook")


@transaction.atomic
def pause(endpoint: WebhookEndpoint, *, by: str) -> None:
    """Send nothing until `resume`. Repeating is harmless. Raises WebhookRemoved."""
    row = _row(endpoint)
    if WebhookEndpoint.objects.filter(pk=row.pk, paused_at=None).update(paused_at=timezone.now()):
        _record(row, by, "paused a webhook")


@transaction.atomic
def resume(endpoint: WebhookEndpoint, *, by: str) -> None:
    """Go on: it hears at once of what it missed. Repeating is harmless. Raises WebhookRemoved."""
    row = _row(endpoint)
    paused = WebhookEndpoint.objects.filter(pk=row.pk, paused_at__isnull=False)
    if paused.update(paused_at=None, next_attempt_at=timezone.now()):
        _record(row, by, "resumed a webhook")


@transaction.atomic
def remove(endpoint: WebhookEndpoint, *, by: str) -> None:
    """End it for good; its log stays for its 30 days. Repeating is harmless."""
    if WebhookEndpoint.objects.filter(pk=endpoint.pk, removed_at=None).update(removed_at=timezone.now()):
        _record(endpoint, by, "removed a webhook")


def _row(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    """The row as it is now. Raises WebhookRemoved."""
    row = WebhookEndpoint.objects.select_related("partner").get(pk=endpoint.pk)
    if row.removed_at is not None:
        raise WebhookRemoved
    return row


def _within(endpoint: WebhookEndpoint) -> str:
    return f"partner:{endpoint.partner.code}"


def _record(endpoint: WebhookEndpoint, by: str, action: str, **detail: Any) -> None:
    target = f"partners.webhookendpoint:{endpoint.pk.hex}"
    record(actor=by, action=action, target=target, within=_within(endpoint), **detail)
