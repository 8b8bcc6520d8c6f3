"""Who takes part, how fresh their copies are and how soon they decide: what everybody may know."""

from __future__ import annotations

import statistics
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, timedelta

from django.core.cache import cache
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext_lazy

from matching.models import EntryOutcome
from partners.models import MatchReport, Partner, PartnerState

FEWEST = 5  # decided matches; below it a median would speak of single pictures
LOOKED_AT = 20_000  # of the newest decided matches, all platforms together
KEPT_SECONDS = 600
DAY, HOUR = timedelta(days=1), timedelta(hours=1)
_KEY = "partners.public.medians"


@dataclass(frozen=True)
class TakingPart:
    """One platform as the public page shows it; words, never a position, a time or a count."""

    name: str
    website: str
    freshness: str | Promise
    decides: str | Promise


def platforms() -> list[TakingPart]:
    """Every platform that reads the production list and may be named, by name. Medians are up to ten minutes old."""
    rows = Partner.objects.filter(state=PartnerState.PRODUCTION, reader__is_public=True).select_related("reader")
    medians = _medians()
    return [
        TakingPart(row.name, row.website, freshness(row.reader.reached_on), decides(medians.get(row.pk)))
        for row in rows
        if row.reader
    ]


def freshness(reached_on: date | None) -> str | Promise:
    """When a copy last held everything, to the day."""
    if reached_on is None:
        return _("has not confirmed a copy yet")
    days = (timezone.localdate() - reached_on).days
    if days <= 0:
        return _("today")
    return _("yesterday") if days == 1 else ngettext_lazy("%d day ago", "%d days ago", days) % days


def decides(median: timedelta | None) -> str | Promise:
    """The median time from `found` to a decision, rounded up; a dash where too few were decided."""
    if median is None:
        return _("too few to tell")
    if median < DAY:
        hours = max(1, -(-median // HOUR))
        return ngettext_lazy("within %d hour", "within %d hours", hours) % hours
    days = -(-median // DAY)
    return ngettext_lazy("within %d day", "within %d days", days) % days


def _medians() -> dict[int, timedelta]:
    """By partner, where at least five matches were decided. Kept ten minutes; counted anew while Redis is away."""
    kept: dict[int, timedelta] | None = cache.get(_KEY)
    if kept is None:
        kept = _counted()
        cache.set(_KEY, kept, KEPT_SECONDS)
    return kept


def _counted() -> dict[int, timedelta]:
    decided = MatchReport.objects.filter(outcome=EntryOutcome.Kind.FOUND, acted_at__isnull=False).order_by("-pk")
    took: dict[int, list[float]] = defaultdict(list)
    for partner, received_at, acted_at in decided.values_list("partner", "received_at", "acted_at")[:LOOKED_AT]:
        if acted_at is not None:
            took[partner].append((acted_at - received_at).total_seconds())
    return {
        partner: timedelta(seconds=statistics.median(times)) for partner, times in took.items() if len(times) >= FEWEST
    }
