"""What Celery does for platforms. Every task finds by itself what a lost one left undone."""

from __future__ import annotations

from celery import shared_task

from partners import applications, delivery, picture_archive, self_tests, votes
from partners.models import Partner


@shared_task(name="partners.follow_heads")  # type: ignore[untyped-decorator]
def follow_heads() -> int:
    """Each second: ring for every webhook that should hear of a newer head. Returns how many."""
    return delivery.follow_heads(lambda endpoint_id: deliver_webhook.apply_async((endpoint_id,), expires=60))


@shared_task(name="partners.deliver_webhook")  # type: ignore[untyped-decorator]
def deliver_webhook(endpoint_id: str) -> bool:
    """Tell one webhook. Whether something was sent."""
    return delivery.deliver(endpoint_id) is not None


@shared_task(name="partners.forget_deliveries")  # type: ignore[untyped-decorator]
def forget_deliveries() -> int:
    """Each night: the log of deliveries keeps 30 days."""
    return delivery.forget_deliveries()


@shared_task(name="partners.forget_applications")  # type: ignore[untyped-decorator]
def forget_applications() -> int:
    """Each night: applications whose address nobody confirmed within a week go. Returns how many."""
    return applications.forget_abandoned()


@shared_task(name="partners.recount_votes")  # type: ignore[untyped-decorator]
def recount_votes() -> int:
    """Each quarter of a minute: where a platform's votes began or ceased to count, count again. How many entries."""
    return votes.recount()


@shared_task(name="partners.make_test_pictures", soft_time_limit=100, time_limit=110)  # type: ignore[untyped-decorator]
def make_test_pictures() -> bool:
    """Four times a minute: once there is a sandbox, make the self-test's archive where it is missing. A few seconds."""
    return Partner.objects.exclude(sandbox_reader=None).exists() and picture_archive.make_if_missing()


@shared_task(name="partners.close_self_tests")  # type: ignore[untyped-decorator]
def close_self_tests() -> int:
    """Each minute: end the self-tests whose time is over. Returns how many."""
    return self_tests.close_overdue()
