"""Adding, proving, testing, changing and ending webhooks; signatures that another implementation verifies."""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from standardwebhooks import Webhook, WebhookVerificationError

from partners import signatures, webhooks
from partners.errors import (
    AddressRefused,
    ChallengeOpen,
    NoListForKey,
    PartnerNotActive,
    TooManyTries,
    TooManyWebhooks,
    WebhookRemoved,
)
from partners.models import Delivery, Environment, Membership, Mode, Partner, PartnerState, Role, WebhookEndpoint
from takeitdown.accounts.models import Account
from takeitdown.approvals import decide
from takeitdown.approvals.models import ApprovalRequest
from takeitdown.audit.models import AuditEvent
from takeitdown.benchmarks.receivers import Authority
from tests.partners.conftest import Platform
from tests.partners.inbox import Inbox, open_loopback, opened, secret_of

pytestmark = pytest.mark.django_db
MASTER = "00" * 31 + "01"
ENGINEER, COLLEAGUE = "engineer@platform.example", "colleague@platform.example"


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def inbox(authority: Authority, settings: Any) -> Iterator[Inbox]:
    open_loopback(settings, authority)
    with opened(authority) as inbox:
        yield inbox


@pytest.fixture
def other_inbox(authority: Authority) -> Iterator[Inbox]:
    with opened(authority) as inbox:
        yield inbox


@pytest.fixture
def members(platform: Platform) -> None:
    for email, role in (
        (ENGINEER, Role.ENGINEER),
        (COLLEAGUE, Role.OWNER),
        ("reader@platform.example", Role.READ_ONLY),
    ):
        account = Account.objects.create_user(email=email, password="long enough, and never used")
        Membership.objects.create(account=account, partner=platform.partner, role=role)


def add(platform: Platform, url: str, **changes: Any) -> WebhookEndpoint:
    wanted = {"environment": Environment.LIVE, "url": url, "mode": Mode.PING, "by": ENGINEER, **changes}
    return webhooks.add(platform.partner, **wanted)


# --- signatures ---------------------------------------------------------------------------------------------------


def test_a_secret_is_hkdf_of_the_master_the_endpoint_and_the_version():
    endpoint = uuid.UUID(bytes=bytes(range(16)))
    secret = signatures.secret(MASTER, endpoint, 1)
    # RFC 5869 by hand: extract, then one block of expand.
    extracted = hmac.new(endpoint.bytes, bytes.fromhex(MASTER), hashlib.sha256).digest()
    block = hmac.new(extracted, b"tid webhook secret v1\x01", hashlib.sha256).digest()

    assert secret == "whsec_" + base64.b64encode(block).decode()
    others = [signatures.secret(MASTER, endpoint, 2), signatures.secret(MASTER, uuid.UUID(int=1), 1)]
    assert len({secret, *others, signatures.secret("11" * 32, endpoint, 1)}) == 4


def altered_headers(headers: dict[str, str]) -> Iterator[dict[str, str]]:
    """One letter of id or time another one, or one bit of each byte of the signature."""
    for name in ("webhook-id", "webhook-timestamp"):
        for place, letter in enumerate(headers[name]):
            yield {**headers, name: headers[name][:place] + chr(ord(letter) ^ 1) + headers[name][place + 1 :]}
    mac = base64.b64decode(headers["webhook-signature"].removeprefix("v1,"))
    for place, byte in enumerate(mac):
        flipped = mac[:place] + bytes([byte ^ 1]) + mac[place + 1 :]
        yield {**headers, "webhook-signature": "v1," + base64.b64encode(flipped).decode()}


def test_another_implementation_verifies_what_we_sign():
    secret = signatures.secret(MASTER, uuid.UUID(int=7), 1)
    now = int(timezone.now().timestamp())
    body = b'{"type":"list.head","list":"production","epoch":1,"seq":2}'
    headers = signatures.headers([secret], "msg_1", now, body)

    assert Webhook(secret).verify(body, headers) == {"type": "list.head", "list": "production", "epoch": 1, "seq": 2}
    for altered in altered_headers(headers):
        with pytest.raises((WebhookVerificationError, ValueError)):
            Webhook(secret).verify(body, altered)
    for place in range(len(body)):
        with pytest.raises((WebhookVerificationError, ValueError)):
            Webhook(secret).verify(body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :], headers)


def test_a_message_of_one_endpoint_is_not_good_at_another(platform, inbox, other_inbox):
    mine, other = add(platform, inbox.url), add(platform, other_inbox.url)
    webhooks.challenge(mine)

    assert inbox.received[0].verified_by(secret_of(mine))["type"] == "webhook.challenge"
    with pytest.raises(WebhookVerificationError):
        inbox.received[0].verified_by(secret_of(other))


# --- adding and proving ---------------------------------------------------------------------------------------------


def test_a_new_webhook_hears_nothing_until_it_answers_its_challenge(platform, inbox):
    endpoint = add(platform, inbox.url)
    assert list(WebhookEndpoint.objects.active()) == []

    delivery = webhooks.challenge(endpoint)

    assert (delivery.kind, delivery.status, delivery.failure) == ("challenge", 200, "")
    assert list(WebhookEndpoint.objects.active()) == [endpoint]
    assert inbox.received[0].headers["webhook-id"] == delivery.message_id


@pytest.mark.parametrize(
    ("answer", "failure"),
    [
        ((200, {}, b'{"challenge":"something else"}'), "wrong_echo"),
        ((200, {}, b'{"challenge":17}'), "wrong_echo"),
        ((200, {}, b'["challenge"]'), "wrong_echo"),
        ((200, {}, b"\xff\xfe"), "wrong_echo"),
        ((200, {}, b"[" * 1000), "wrong_echo"),
        ((200, {}, b""), "wrong_echo"),
        ((404, {}, b""), "status"),
        ((302, {"Location": "https://127.0.0.1/"}, b""), "status"),
    ],
)
def test_a_wrong_answer_to_a_challenge_confirms_nothing(platform, inbox, answer, failure):
    inbox.answers = [answer]
    endpoint = add(platform, inbox.url)

    assert webhooks.challenge(endpoint).failure == failure
    assert list(WebhookEndpoint.objects.active()) == []


@pytest.mark.parametrize("change", [{"url": "https://elsewhere.example/"}, {"removed_at": timezone.now()}])
def test_an_answer_confirms_only_what_was_asked(platform, inbox, monkeypatch, change):
    """The row moves on between the question and the answer."""
    endpoint = add(platform, inbox.url)

    def word(length: int) -> str:
        WebhookEndpoint.objects.update(**change)
        return "word"

    monkeypatch.setattr("secrets.token_urlsafe", word)
    assert webhooks.challenge(endpoint).succeeded

    endpoint.refresh_from_db()
    assert endpoint.confirmed_at is None


def test_an_address_inside_is_refused_when_added(platform, settings):
    settings.OUTBOUND_TEST_NETWORKS = []
    for url in ("http://good.example/", "https://localhost/", "https://10.0.0.1/", "https://good.example/?key=1"):
        with pytest.raises(AddressRefused):
            add(platform, url)
    assert not WebhookEndpoint.objects.exists()


def test_an_organisation_has_five_webhooks_at_most(platform, another_platform):
    five = [add(platform, f"https://hooks{number}.example/") for number in range(5)]

    with pytest.raises(TooManyWebhooks):
        add(platform, "https://hooks6.example/")
    add(another_platform, "https://hooks.example/")
    webhooks.remove(five[0], by=ENGINEER)
    add(platform, "https://hooks6.example/")


def test_only_an_open_platform_with_that_list_adds_a_webhook(platform):
    with pytest.raises(NoListForKey):
        add(platform, "https://hooks.example/", environment=Environment.TEST)
    Partner.objects.update(state=PartnerState.SANDBOX)
    with pytest.raises(PartnerNotActive):
        add(platform, "https://hooks.example/")
    Partner.objects.update(state=PartnerState.SUSPENDED)
    with pytest.raises(PartnerNotActive):
        add(platform, "https://hooks.example/", environment=Environment.TEST)


def test_trying_by_hand_is_limited_for_the_whole_organisation(platform, another_platform, inbox):
    endpoint, theirs = add(platform, inbox.url), add(another_platform, inbox.url)
    for _ in range(webhooks.TRIES_A_MINUTE):
        webhooks.challenge(endpoint)

    for refused in (lambda: webhooks.challenge(endpoint), lambda: webhooks.send_test(endpoint, by=ENGINEER)):
        with pytest.raises(TooManyTries):
            refused()
    assert webhooks.challenge(theirs).succeeded
    Delivery.objects.update(attempted_at=timezone.now() - timedelta(minutes=2))
    assert webhooks.send_test(endpoint, by=ENGINEER).succeeded


# --- testing, rotating, pausing -------------------------------------------------------------------------------------


def test_a_test_that_is_answered_arms_a_disabled_webhook_again(platform, inbox):
    endpoint = add(platform, inbox.url)
    with pytest.raises(ChallengeOpen):
        webhooks.send_test(endpoint, by=ENGINEER)
    webhooks.challenge(endpoint)
    broken = {"disabled_at": timezone.now(), "disabled_because": "failing", "failures": 12}
    WebhookEndpoint.objects.update(**broken, failing_since=timezone.now() - timedelta(hours=121))

    inbox.statuses(500)
    assert webhooks.send_test(endpoint, by=ENGINEER).failure == "status"
    assert not WebhookEndpoint.objects.active().exists()
    assert webhooks.send_test(endpoint, by=ENGINEER).succeeded

    endpoint = WebhookEndpoint.objects.active().get()
    assert (endpoint.failures, endpoint.failing_since, endpoint.disabled_because) == (0, None, "")
    assert inbox.messages[-1] == {"type": "webhook.test"}


def test_both_secrets_sign_for_a_day_after_a_rotation(platform, inbox):
    endpoint = add(platform, inbox.url)
    webhooks.challenge(endpoint)
    old = secret_of(endpoint)

    new = webhooks.rotate_secret(endpoint, by=ENGINEER)
    webhooks.send_test(endpoint, by=ENGINEER)

    assert new == secret_of(endpoint) != old
    assert [inbox.received[-1].verified_by(secret) for secret in (old, new)] == [{"type": "webhook.test"}] * 2
    WebhookEndpoint.objects.update(old_secret_until=timezone.now())
    webhooks.send_test(endpoint, by=ENGINEER)
    assert inbox.received[-1].verified_by(new) == {"type": "webhook.test"}
    with pytest.raises(WebhookVerificationError):
        inbox.received[-1].verified_by(old)


def test_pausing_resuming_removing_are_once_each_and_written_down(platform, inbox):
    endpoint = add(platform, inbox.url)
    webhooks.challenge(endpoint)
    for deed in (webhooks.pause, webhooks.resume, webhooks.replay, webhooks.remove):
        for _ in range(1 if deed is webhooks.replay else 2):
            deed(endpoint, by=ENGINEER)

    with pytest.raises(WebhookRemoved):
        webhooks.rotate_secret(endpoint, by=ENGINEER)
    with pytest.raises(WebhookRemoved):
        webhooks.challenge(endpoint)
    events = AuditEvent.objects.filter(target=f"partners.webhookendpoint:{endpoint.pk.hex}").order_by("id")
    assert [event.action.split()[0] for event in events] == [
        "added", "confirmed", "paused", "resumed", "replayed", "removed",
    ]  # fmt: skip
    assert {event.within for event in events} == {"partner:platform"}


# --- another address --------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("members")
def test_a_new_address_takes_over_by_two_people_and_its_own_answer(platform, inbox, other_inbox):
    endpoint = add(platform, inbox.url)
    webhooks.challenge(endpoint)
    WebhookEndpoint.objects.update(acked_epoch=5, acked_seq=5, lease="somebody's", failures=3)
    request = webhooks.propose_address(endpoint, url=other_inbox.url, by=ENGINEER)
    with pytest.raises(decide.NotYoursToDecide):
        webhooks.allow_address(request.pk, by=ENGINEER)
    assert webhooks.pending_address(endpoint) == ""

    other_inbox.statuses(500)
    assert webhooks.allow_address(request.pk, by=COLLEAGUE).failure == "status"
    endpoint.refresh_from_db()
    assert (endpoint.url, webhooks.pending_address(endpoint)) == (inbox.url, other_inbox.url)
    assert list(WebhookEndpoint.objects.active()) == [endpoint]  # the old address goes on
    assert webhooks.challenge(endpoint).succeeded

    endpoint.refresh_from_db()
    assert (endpoint.url, webhooks.pending_address(endpoint)) == (other_inbox.url, "")
    assert (endpoint.acked_epoch, endpoint.acked_seq, endpoint.lease, endpoint.failures) == (0, 0, "", 0)
    with pytest.raises(decide.NoLongerOpen):
        webhooks.allow_address(request.pk, by=COLLEAGUE)


@pytest.mark.usefixtures("members")
def test_nobody_else_asks_for_or_allows_an_address(platform, another_platform, inbox):
    stranger = Account.objects.create_user(email="x@another.example", password="long enough, and never used")
    Membership.objects.create(account=stranger, partner=another_platform.partner, role=Role.OWNER)
    endpoint = add(platform, inbox.url)

    for who in ("reader@platform.example", stranger.email, "nobody@example.com"):
        with pytest.raises(decide.MayNotAsk):
            webhooks.propose_address(endpoint, url="https://hooks.example/", by=who)
    request = webhooks.propose_address(endpoint, url="https://hooks.example/", by=ENGINEER)
    for who in ("reader@platform.example", stranger.email, "nobody@example.com"):
        with pytest.raises(decide.NotYoursToDecide):
            webhooks.allow_address(request.pk, by=who)


@pytest.mark.usefixtures("members")
@pytest.mark.parametrize("spoil", ["payload", "expired", "moved", "removed", "demoted"])
def test_a_request_that_no_longer_holds_changes_nothing(platform, inbox, other_inbox, spoil):
    endpoint = add(platform, inbox.url)
    request = webhooks.propose_address(endpoint, url=other_inbox.url, by=ENGINEER)
    match spoil:
        case "payload":
            ApprovalRequest.objects.update(payload={**request.payload, "url": "https://evil.example/"})
        case "expired":
            ApprovalRequest.objects.update(asked_at=timezone.now() - timedelta(hours=24))
        case "moved":
            WebhookEndpoint.objects.update(url="https://elsewhere.example/")
        case "removed":
            webhooks.remove(endpoint, by=ENGINEER)
        case "demoted":
            Membership.objects.filter(account__email=ENGINEER).update(role=Role.READ_ONLY)

    with pytest.raises(decide.NoLongerOpen):
        webhooks.allow_address(request.pk, by=COLLEAGUE)
    assert other_inbox.received == []


@pytest.mark.usefixtures("members")
def test_an_allowed_address_that_was_altered_afterwards_is_not_asked(platform, inbox):
    endpoint = add(platform, inbox.url)
    request = webhooks.propose_address(endpoint, url="https://hooks.example/", by=ENGINEER)
    decide.settle(request.pk, approver=COLLEAGUE, allow=True)
    assert webhooks.pending_address(endpoint) == "https://hooks.example/"

    ApprovalRequest.objects.update(payload={**request.payload, "url": "https://evil.example/"})
    assert webhooks.pending_address(endpoint) == ""
    ApprovalRequest.objects.update(payload=request.payload, decided_at=timezone.now() - timedelta(hours=25))
    assert webhooks.pending_address(endpoint) == ""
