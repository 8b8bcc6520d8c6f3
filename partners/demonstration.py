"""Two platforms for trying the portal out, a member of one, and some history so that its console is not empty."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from matching.models import EntryOutcome, HashListEntry
from partners import keys, onboarding, sandbox, terms
from partners.models import (
    ApiKey,
    Environment,
    Feedback,
    MatchReport,
    Membership,
    Opinion,
    PagesRead,
    Partner,
    Reason,
    Role,
    Scope,
)
from takeitdown.accounts.models import Account

PLATFORMS = {"example-platform": "Example Platform", "sample-social": "Sample Social"}
EXAMPLE = "example-platform"
KEY_NAME = "demonstration"
# Pages with changes taken on each of the last days, today last; then matches: days ago, outcome.
PAGES = (3, 4, 2, 6, 3, 1, 2, 5, 4, 7, 3, 2, 4, 1)
MATCHES = (
    (12, "blocked"), (11, "blocked"), (11, "removed"), (9, "blocked"), (8, "removed"), (7, "not_a_match"),
    (6, "blocked"), (5, "declined"), (4, "removed"), (3, "blocked"), (2, "found"), (1, "found"),
)  # fmt: skip


@transaction.atomic
def seed(*, rotate: bool = False) -> str:
    """Make two platforms that read the production list, and for the first one a key and a sandbox to test in.

    Returns the key's text when it issues one: the first time, when no live one is left, or with `rotate`, which revokes
    what was there (its text is lost). Otherwise "". Repeating changes nothing else. The production list must be there.
    """
    example, *_others = [_platform(code, name) for code, name in PLATFORMS.items()]
    if example.sandbox_reader is None:
        sandbox.open_sandbox(example)
    ours = ApiKey.objects.filter(partner=example, name=KEY_NAME)
    if rotate:
        keys.revoke(ours, by="demonstration")
    if ours.live().exists():
        return ""
    scopes = [Scope.LIST_READ, Scope.FEEDBACK_WRITE]
    return keys.issue(example, environment=Environment.LIVE, scopes=scopes, name=KEY_NAME, by="demonstration").text


def _platform(code: str, name: str) -> Partner:
    """The platform of that code, made with its public reader where it is missing."""
    partner, made = Partner.objects.get_or_create(code=code, defaults={"name": name, "group": code})
    if made:
        onboarding.open_production(partner, named_in_public=True)
    return partner


@transaction.atomic
def make_owner(account: Account) -> None:
    """Let `account` own the example platform, which accepts the terms by it. Repeating changes nothing."""
    example = Partner.objects.get(code=EXAMPLE)
    Membership.objects.get_or_create(account=account, defaults={"partner": example, "role": Role.OWNER})
    terms.accept(example, by=account.email)


@transaction.atomic
def write_history(entries: list[HashListEntry]) -> None:
    """Two weeks in which the example platform pulled, matched some of `entries` and disputed one. Not to be repeated.

    It moves no entry and tells no reporter anything: these matches never happened.
    """
    example = Partner.objects.get(code=EXAMPLE)
    assert example.reader is not None
    today, now = timezone.localdate(), timezone.now()
    for back, pages in enumerate(reversed(PAGES)):
        PagesRead.objects.get_or_create(
            reader=example.reader, day=today - timedelta(days=back), defaults={"pages": pages, "changes": pages * 9}
        )
    for number, (days_ago, outcome) in enumerate(MATCHES):
        at = now - timedelta(days=days_ago, hours=2)
        MatchReport.objects.create(
            partner=example,
            client_id=f"ticket-{48200 + number}",
            entry=entries[number % len(entries)],
            outcome=outcome,
            reason=Reason.ADULT if outcome == EntryOutcome.Kind.DECLINED else "",
            received_at=at,
            acted_at=None if outcome == EntryOutcome.Kind.FOUND else at,
        )
    Feedback.objects.create(
        partner=example, client_id="review-977", entry=entries[-1], opinion=Opinion.DISPUTE, reason=Reason.HARMLESS
    )
