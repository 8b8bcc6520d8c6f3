"""Following heads and telling endpoints: who is due, who may hold a row, what a failure means and when it is over."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.db import connection
from django.utils import timezone

from matching import epochs, pages
from matching.models import ListReader
from partners import delivery, retrying, webhooks
from partners.models import Delivery, Environment, Mode, PagesRead, Partner, PartnerState, WebhookEndpoint
from partners.sending import Attempt
from takeitdown.benchmarks.receivers import Authority
from tests.partners.conftest import Platform, publish, withdraw
from tests.partners.inbox import Inbox, open_loopback, opened, secret_of

pytestmark = pytest.mark.django_db
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


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


class Clock:
    """Time that a test turns by hand."""

    def __init__(self) -> None:
        self.now = timezone.now()

    def turn(self, by: timedelta) -> None:
        self.now += by


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(timezone, "now", lambda: clock.now)
    return clock


@pytest.fixture
def middling(monkeypatch: pytest.MonkeyPatch) -> None:
    """Waits without chance: exactly the table."""
    monkeypatch.setattr("random.random", lambda: 0.5)


def confirmed(platform: Platform, inbox: Inbox, **changes: Any) -> WebhookEndpoint:
    """A webhook that hears of the production list from now on; its challenge is not kept in the inbox."""
    wanted = {"environment": Environment.LIVE, "mode": Mode.PING, **changes}
    endpoint = webhooks.add(platform.partner, url=inbox.url, by="tests", **wanted)
    assert any(webhooks.challenge(endpoint).succeeded for _ in range(3))  # a busy machine may miss the five seconds
    inbox.received.clear()
    return endpoint


def work() -> list[Delivery]:
    """What one second does: ring, and answer each ring."""
    rung: list[str] = []
    delivery.follow_heads(rung.append)
    sent = [delivery.deliver(endpoint_id) for endpoint_id in rung]
    return [one for one in sent if one is not None]


def row(endpoint: WebhookEndpoint) -> WebhookEndpoint:
    return WebhookEndpoint.objects.get(pk=endpoint.pk)


# --- following ----------------------------------------------------------------------------------------------------


def test_a_ping_says_where_the_list_stands_and_no_more(platform, inbox, sequencer, production):
    endpoint = confirmed(platform, inbox)
    publish(sequencer, 3)
    production.refresh_from_db()

    (sent,) = work()

    expected = {"type": "list.head", "list": "production", "epoch": production.epoch, "seq": 3}
    assert [arrived.verified_by(secret_of(endpoint)) for arrived in inbox.received] == [expected]
    assert (sent.kind, sent.status, sent.failure, sent.epoch, sent.seq) == ("ping", 204, "", production.epoch, 3)
    assert len(inbox.received[0].body) <= 1024
    assert work() == []
    assert (row(endpoint).acked_epoch, row(endpoint).acked_seq) == (production.epoch, 3)


def test_many_changes_are_one_message(platform, inbox, sequencer):
    confirmed(platform, inbox)
    for _ in range(5):
        publish(sequencer)

    assert len(work()) == 1
    assert [message["seq"] for message in inbox.messages] == [5]
    publish(sequencer)
    work()
    assert [message["seq"] for message in inbox.messages] == [5, 6]
    assert len({arrived.headers["webhook-id"] for arrived in inbox.received}) == 2


def test_looking_for_news_is_two_queries_however_many_endpoints(
    platform, another_platform, inbox, other_inbox, sequencer, django_assert_num_queries
):
    confirmed(platform, inbox)
    confirmed(another_platform, other_inbox)
    confirmed(another_platform, other_inbox)
    publish(sequencer)
    assert len(work()) == 3

    with django_assert_num_queries(2):
        assert work() == []


def test_a_new_epoch_is_told(platform, inbox, sequencer, production):
    confirmed(platform, inbox)
    publish(sequencer, 3)
    work()
    epochs.begin_after_restore(sequencer, production)
    production.refresh_from_db()

    assert len(work()) == 1
    assert inbox.messages[-1]["epoch"] == production.epoch


def test_nobody_hears_who_should_not(platform, another_platform, inbox, other_inbox, sequencer):
    theirs = confirmed(another_platform, other_inbox)
    endpoint = confirmed(platform, inbox)
    for field in ("paused_at", "disabled_at", "removed_at"):
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(**{field: timezone.now()})
        publish(sequencer)
        assert [sent.endpoint_id for sent in work()] == [theirs.pk]
        WebhookEndpoint.objects.filter(pk=endpoint.pk).update(**{field: None})
    for state in (PartnerState.SANDBOX, PartnerState.SUSPENDED, PartnerState.LEFT):
        Partner.objects.filter(pk=platform.partner.pk).update(state=state)
        publish(sequencer)
        assert [sent.endpoint_id for sent in work()] == [theirs.pk]

    assert inbox.received == []


def test_a_platform_suspended_between_bell_and_delivery_hears_nothing(platform, inbox, sequencer):
    endpoint = confirmed(platform, inbox)
    publish(sequencer)
    rung: list[str] = []
    delivery.follow_heads(rung.append)
    Partner.objects.update(state=PartnerState.SUSPENDED)

    assert [delivery.deliver(endpoint_id) for endpoint_id in rung] == [None]
    assert inbox.received == []
    Partner.objects.update(state=PartnerState.PRODUCTION)
    assert len(work()) == 1
    assert row(endpoint).leased_until is None


def test_a_webhook_of_the_sandbox_hears_of_the_sandbox_alone(platform, inbox, sequencer, sandbox):
    reader = ListReader.objects.create(hash_list=sandbox, name="platform")
    Partner.objects.update(sandbox_reader=reader, state=PartnerState.SANDBOX)
    confirmed(platform, inbox, environment=Environment.TEST)
    publish(sequencer)
    work()
    publish(sequencer, hash_list=sandbox)
    work()

    assert {message["list"] for message in inbox.messages} == {"sandbox-platform"}


# --- the lease ------------------------------------------------------------------------------------------------------


def test_bells_are_not_rung_twice_for_one_wait(platform, inbox, sequencer, clock):
    confirmed(platform, inbox)
    publish(sequencer)
    rung: list[str] = []
    assert [delivery.follow_heads(rung.append) for _ in range(3)] == [1, 0, 0]
    clock.turn(timedelta(seconds=16))

    assert delivery.follow_heads(rung.append) == 1  # the message was lost: ring again
    assert [delivery.deliver(endpoint_id) is not None for endpoint_id in rung] == [True, False]
    assert len(inbox.received) == 1


def test_a_dead_worker_is_waited_for_half_a_minute(platform, inbox, sequencer, clock):
    endpoint = confirmed(platform, inbox)
    publish(sequencer)
    delivery.follow_heads(lambda endpoint_id: None)
    assert delivery.claim(str(endpoint.pk)) is not None  # and dies

    clock.turn(timedelta(seconds=29))
    assert work() == []
    clock.turn(timedelta(seconds=2))
    assert len(work()) == 1


def test_a_stray_bell_neither_doubles_nor_hurries_a_delivery(platform, inbox, sequencer, clock, middling):
    endpoint = confirmed(platform, inbox)
    publish(sequencer)
    delivery.follow_heads(lambda endpoint_id: None)
    assert delivery.claim(str(endpoint.pk)) is not None
    assert delivery.deliver(str(endpoint.pk)) is None  # somebody has it
    clock.turn(timedelta(seconds=31))
    inbox.statuses(500)
    assert [sent.failure for sent in work()] == ["status"]

    clock.turn(timedelta(seconds=4))
    assert delivery.deliver(str(endpoint.pk)) is None  # its wait is not over
    clock.turn(timedelta(seconds=1))
    assert delivery.deliver(str(endpoint.pk)) is not None
    assert delivery.deliver(str(endpoint.pk)) is None  # there is nothing to tell


def test_who_lost_the_lease_writes_nothing(platform, inbox, sequencer, clock):
    endpoint = confirmed(platform, inbox)
    publish(sequencer)
    delivery.follow_heads(lambda endpoint_id: None)
    slow = delivery.claim(str(endpoint.pk))
    assert slow is not None
    held = WebhookEndpoint.objects.select_related("partner", "reader__hash_list").get(pk=endpoint.pk)
    message = delivery.compose(held)
    clock.turn(timedelta(seconds=31))
    work()
    before = row(endpoint)

    for failure in ("", "too_slow"):
        attempt = Attempt(10, failure, None)
        assert delivery.settle(held, slow, message, attempt) is None
    after = row(endpoint)

    assert (after.acked_seq, after.failures, after.lease) == (before.acked_seq, 0, "")
    assert Delivery.objects.filter(kind="ping").count() == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_of_many_workers_one_delivers(platform, inbox, sequencer):
    endpoint = confirmed(platform, inbox)
    for seq in range(1, 4):
        publish(sequencer)
        delivery.follow_heads(lambda endpoint_id: None)
        start = threading.Barrier(8)

        def race(start: threading.Barrier = start) -> None:
            start.wait()
            delivery.deliver(str(endpoint.pk))
            connection.close()

        threads = [threading.Thread(target=race) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert [message["seq"] for message in inbox.messages] == list(range(1, seq + 1))

    assert inbox.most_at_once == 1


# --- deltas ---------------------------------------------------------------------------------------------------------


def test_a_delta_is_the_very_page_of_a_pull(platform, inbox, sequencer, production):
    endpoint = confirmed(platform, inbox, mode=Mode.DELTA)
    first, *_rest = publish(sequencer, 3)
    work()
    withdraw(sequencer, first)
    publish(sequencer, 2)
    production.refresh_from_db()
    page = pages.after(ListReader.objects.get(pk=platform.reader.pk), epoch=production.epoch, after=3)

    (sent,) = work()

    assert [message["type"] for message in inbox.messages] == ["list.head", "list.delta"]
    assert inbox.received[1].verified_by(secret_of(endpoint)) == {"type": "list.delta", **page}
    assert (sent.kind, sent.seq, row(endpoint).acked_seq) == ("delta", 6, 6)
    assert [(read.pages, read.changes) for read in PagesRead.objects.all()] == [(1, 3)]


def test_what_is_too_much_for_a_delta_is_a_ping(platform, inbox, sequencer, production):
    endpoint = confirmed(platform, inbox, mode=Mode.DELTA)
    publish(sequencer)
    work()
    publish(sequencer, 101)  # too many
    work()
    publish(sequencer, 99)  # more than 20 kB
    work()
    publish(sequencer)
    WebhookEndpoint.objects.update(acked_seq=50)  # in the middle of a batch: no head there to go on from
    work()
    publish(sequencer)
    webhooks.replay(endpoint, by="tests")
    work()

    assert [message["type"] for message in inbox.messages] == ["list.head"] * 5
    publish(sequencer, 20)
    work()
    assert inbox.messages[-1]["type"] == "list.delta"
    assert len(inbox.received[-1].body) <= 20_000


def test_a_delta_shows_what_its_reader_may_see(platform, another_platform, inbox, other_inbox, sequencer):
    ListReader.objects.filter(pk=another_platform.reader.pk).update(trust_floor=2)
    for who, where in ((platform, inbox), (another_platform, other_inbox)):
        confirmed(who, where, mode=Mode.DELTA)
    publish(sequencer)
    work()
    publish(sequencer)
    work()

    assert "value" in inbox.messages[-1]["changes"][0]
    assert "value" not in other_inbox.messages[-1]["changes"][0]


# --- failures -------------------------------------------------------------------------------------------------------


def test_the_table_of_waits_is_kept_and_ends_after_120_hours(platform, inbox, sequencer, clock, middling):
    endpoint = confirmed(platform, inbox)
    Partner.objects.update(contact_email="ops@platform.example")
    publish(sequencer)
    inbox.statuses(*[500] * 20)
    begun, tried = clock.now, []
    while WebhookEndpoint.objects.active().exists():
        (sent,) = work()
        tried.append(clock.now - begun)
        assert sent.failure == "status"
        clock.turn(row(endpoint).next_attempt_at - clock.now - timedelta(seconds=0.5))
        assert work() == []
        clock.turn(timedelta(seconds=0.5))

    waits = [later - earlier for earlier, later in itertools.pairwise(tried)]
    table = [5 * MINUTE / 60, MINUTE / 2, 5 * MINUTE, 30 * MINUTE, *[n * HOUR for n in (2, 5, 10, 14, 20, 24, 24)]]
    assert waits == [*table, 120 * HOUR - sum(table, timedelta())]
    assert (row(endpoint).disabled_because, row(endpoint).failures) == ("failing", len(tried))


def test_giving_up_is_told_by_mail_and_a_good_test_arms_again(
    platform, inbox, sequencer, clock, django_capture_on_commit_callbacks
):
    endpoint = confirmed(platform, inbox)
    Partner.objects.update(contact_email="ops@platform.example")
    publish(sequencer)
    WebhookEndpoint.objects.update(failing_since=clock.now - 121 * HOUR, failures=11)
    inbox.statuses(500)
    with django_capture_on_commit_callbacks(execute=True):
        work()

    assert [(sent.to, sent.subject) for sent in mail.outbox] == [
        (["ops@platform.example"], "A webhook of platform on Take It Down is switched off")
    ]
    assert inbox.url in mail.outbox[0].body
    publish(sequencer)
    assert work() == []
    assert webhooks.send_test(endpoint, by="tests").succeeded
    assert [sent.succeeded for sent in work()] == [True]
    assert inbox.messages[-1]["seq"] == 2  # what it missed follows at once


def test_a_mail_server_that_is_away_keeps_nothing_from_being_written(
    platform, inbox, sequencer, monkeypatch, django_capture_on_commit_callbacks
):
    endpoint = confirmed(platform, inbox)
    Partner.objects.update(contact_email="not an address")
    publish(sequencer)
    inbox.statuses(410)
    with django_capture_on_commit_callbacks(execute=True):
        work()

    assert row(endpoint).disabled_because == "gone"


def test_410_ends_it_at_once_even_if_200_follows(platform, inbox, sequencer):
    endpoint = confirmed(platform, inbox)
    publish(sequencer)
    inbox.statuses(410, 200)

    assert [sent.status for sent in work()] == [410]
    assert (row(endpoint).disabled_because, work()) == ("gone", [])


def test_a_success_between_failures_begins_the_table_anew(platform, inbox, sequencer, clock, middling):
    endpoint = confirmed(platform, inbox)
    for _ in range(3):
        publish(sequencer)
        inbox.statuses(500, 200)
        work()
        assert (row(endpoint).failures, row(endpoint).next_attempt_at) == (1, clock.now + timedelta(seconds=5))
        clock.turn(timedelta(seconds=5))
        work()
        assert (row(endpoint).failures, row(endpoint).failing_since) == (0, None)


def test_retries_say_the_same_under_the_same_id(platform, inbox, sequencer, clock):
    confirmed(platform, inbox)
    publish(sequencer)
    inbox.statuses(503, 502)
    for _ in range(3):
        work()
        clock.turn(MINUTE)

    assert len({(arrived.headers["webhook-id"], arrived.body) for arrived in inbox.received}) == 1
    assert len({delivery.message_id for delivery in Delivery.objects.exclude(kind="challenge")}) == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("60", 60), ("0", 5), ("86400", 86_400), ("86401", 86_400), ("1" + "0" * 18, 86_400), ("-1", 5), ("1.5", 5),
        ("soon", 5), ("", 5), ("1e3", 5), ("٣", 5), ("Wed, 21 Oct 2015 07:28:00 GMT", 5), ("Wed, 99 Foo 2015", 5),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400), ("60, 90", 5), ("\x00", 5), ("2147483648", 86_400),
    ],
)  # fmt: skip
def test_retry_after_is_honoured_within_a_day_and_nonsense_ignored(header, seconds):
    now = datetime(2026, 3, 4, 10, 11, 12, tzinfo=UTC)
    asked = retrying.asked_for(header, now)

    later = retrying.next_attempt(now, failing_since=now, failures=1, draw=0.5, asked=asked)

    assert later == now + timedelta(seconds=seconds)


def test_retry_after_reaches_the_row(platform, inbox, sequencer, clock, middling):
    endpoint = confirmed(platform, inbox)
    publish(sequencer)
    inbox.answers = [(503, {"Retry-After": "3600"}, b"")]
    work()

    assert row(endpoint).next_attempt_at == clock.now + HOUR


def test_waits_are_spread_by_a_fifth_and_capped():
    waits = [retrying.wait(failures, draw=draw) for failures in (1, 5, 10, 99) for draw in (0.0, 1.0)]

    assert waits[:2] == [timedelta(seconds=4), timedelta(seconds=6)]
    assert waits[2:4] == [1.6 * HOUR, 2.4 * HOUR]
    assert waits[4:6] == waits[6:8] == [19.2 * HOUR, 28.8 * HOUR]


def test_a_connection_that_is_cut_counts_as_failure(platform, sequencer, authority, settings, inbox):
    endpoint = confirmed(platform, inbox)
    WebhookEndpoint.objects.update(url="https://localhost:1/")
    publish(sequencer)
    settings.OUTBOUND_TEST_NETWORKS = ["127.0.0.0/8:1-65535", "::1/128:1-65535"]

    (sent,) = work()

    assert (sent.status, sent.failure, row(endpoint).failures) == (None, "no_connection", 1)


def test_an_address_that_turned_inside_is_not_connected_to_any_more(platform, inbox, sequencer, settings):
    confirmed(platform, inbox)
    publish(sequencer)
    settings.OUTBOUND_TEST_NETWORKS = []

    assert [sent.failure for sent in work()] == ["address_refused"]
    assert inbox.received == []


def test_the_log_keeps_thirty_days(platform, inbox, sequencer, clock):
    confirmed(platform, inbox)
    publish(sequencer)
    work()
    Delivery.objects.update(attempted_at=clock.now)
    clock.turn(timedelta(days=30))
    assert delivery.forget_deliveries() == 0
    clock.turn(MINUTE)
    assert delivery.forget_deliveries() == 2


def test_nothing_that_was_sent_is_kept(platform, inbox, sequencer):
    """No body, no header, no secret: ids, numbers and a word for what went wrong."""
    confirmed(platform, inbox, mode=Mode.DELTA)
    publish(sequencer)
    work()
    (entry,) = publish(sequencer)
    work()

    kept = json.dumps(list(Delivery.objects.values()), default=str) + json.dumps(
        list(WebhookEndpoint.objects.values()), default=str
    )
    assert entry.value is not None
    assert entry.value in json.dumps(inbox.messages)
    assert entry.value not in kept
    assert "whsec_" not in kept


def test_a_failing_endpoint_of_one_platform_delays_no_other(platform, another_platform, inbox, other_inbox, sequencer):
    confirmed(platform, inbox)
    theirs = confirmed(another_platform, other_inbox)
    inbox.statuses(*[500] * 3)
    for _ in range(3):
        publish(sequencer)
        work()

    assert [message["seq"] for message in other_inbox.messages] == [1, 2, 3]
    assert row(theirs).failures == 0


def test_lists_are_followed_apart(platform, inbox, sequencer, sandbox):
    confirmed(platform, inbox)
    work()
    publish(sequencer, hash_list=sandbox)

    assert work() == []
