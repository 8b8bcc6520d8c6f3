"""How often somebody may try a PIN at one case number: five times freely, then slower, ten times in any 24 hours.

A number without a case is counted like one with a case, so the budget tells nobody which numbers exist. Nothing here
is permanent: whoever holds the right code gets in again within a day.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from django.db import transaction
from django.utils import timezone

from submissions import peppers
from submissions.models import GuessBudget

FREE: Final = 5
PER_DAY: Final = 10
DAY_MINUTES: Final = 24 * 60


def wait_minutes(minutes: Sequence[int], now: int) -> int:
    """How long until the next guess is evaluated, given when the evaluated ones of late were. Pure.

    After the fifth: 1 minute, then 2, 4, 8, 16; after the tenth: until the first of them is a day old.
    """
    recent = _within_a_day(minutes, now)
    if len(recent) < FREE:
        return 0
    if len(recent) >= PER_DAY:
        return recent[-PER_DAY] + DAY_MINUTES - now
    return max(0, recent[-1] + (1 << (len(recent) - FREE)) - now)


def _within_a_day(minutes: Sequence[int], now: int) -> list[int]:
    return [minute for minute in minutes if minute > now - DAY_MINUTES]


@transaction.atomic
def charge(number: str) -> int | None:
    """Pay for one guess before it is evaluated; its minute, or None when it may not be evaluated now.

    The row is locked, so 200 guesses at once are counted one after another.
    """
    at = timezone.now()
    now = _minute(at)
    budget = _locked(number, at)
    allowed = wait_minutes(budget.minutes, now) <= 0
    budget.minutes = [*_within_a_day(budget.minutes, now), *([now] if allowed else [])]
    budget.last_on = at.date()
    budget.save(update_fields=["minutes", "last_on"])  # written when refused as well: the same work
    return now if allowed else None


@transaction.atomic
def refund(number: str, minute: int) -> None:
    """A right PIN was no guess. Only this one is given back: the wrong ones before it still count."""
    budget = _locked(number, timezone.now())
    if minute in budget.minutes:
        budget.minutes.remove(minute)
        budget.save(update_fields=["minutes"])


def _locked(number: str, at: datetime) -> GuessBudget:
    key = peppers.newest().of_guess(number)
    GuessBudget.objects.bulk_create([GuessBudget(number_hash=key, last_on=at.date())], ignore_conflicts=True)
    return GuessBudget.objects.select_for_update().get(number_hash=key)


def _minute(at: datetime) -> int:
    return int(at.timestamp()) // 60
