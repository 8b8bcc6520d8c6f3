"""Usage: what the platform took and what it gave back, drawn."""

from __future__ import annotations

from datetime import date, timedelta

from django.db.models import Count
from django.db.models.functions import TruncDate
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from matching.models import EntryOutcome
from partners.console.charts import Chart, Series
from partners.console.doors import door
from partners.console.overview import pages_chart, readers_of
from partners.console.page import page
from partners.models import Delivery, MatchReport, Membership, PagesRead, Partner, Role, SnapshotDownload

DAYS = 30


@door(GET=Role.READ_ONLY)
def usage(request: HttpRequest, member: Membership) -> HttpResponse:
    """GET /console/usage/: the last thirty days."""
    partner = member.partner
    charts = [
        pages_chart(partner, days=DAYS),
        _changes(partner),
        _matches(partner),
        _deliveries(partner),
    ]
    taken = SnapshotDownload.objects.filter(reader__in=readers_of(partner)).order_by("-at")[:10]
    return page(request, member, "usage.html", {"charts": charts, "snapshots": taken, "days": DAYS})


def _days() -> list[date]:
    today = timezone.localdate()
    return [today - timedelta(days=back) for back in range(DAYS - 1, -1, -1)]


def _chart(id: str, title: str, unit: str, counts: dict[str, dict[date, int]]) -> Chart:
    days = _days()
    series = [Series(name, [by_day.get(day, 0) for day in days]) for name, by_day in counts.items()]
    return Chart(id=id, title=title, labels=[f"{day:%d %b}" for day in days], series=series, unit=unit)


def _changes(partner: Partner) -> Chart:
    counted = PagesRead.objects.filter(reader__in=readers_of(partner), day__gte=_days()[0])
    by_day: dict[date, int] = {}
    for row in counted:
        by_day[row.day] = by_day.get(row.day, 0) + row.changes
    return _chart("changes", _("Changes taken, by day"), _("changes"), {_("changes"): by_day})


def _matches(partner: Partner) -> Chart:
    counted = (
        MatchReport.objects.filter(partner=partner, received_at__date__gte=_days()[0])
        .annotate(day=TruncDate("received_at"))
        .values("day", "outcome")
        .annotate(reports=Count("pk"))
        .order_by("day")
    )
    counts: dict[str, dict[date, int]] = {str(kind.label): {} for kind in EntryOutcome.Kind}
    for row in counted:
        counts[str(EntryOutcome.Kind(row["outcome"]).label)][row["day"]] = row["reports"]
    return _chart("matches", _("Match reports, by day"), _("reports"), counts)


def _deliveries(partner: Partner) -> Chart:
    counted = (
        Delivery.objects.filter(endpoint__partner=partner, attempted_at__date__gte=_days()[0])
        .annotate(day=TruncDate("attempted_at"))
        .values("day", "failure")
        .annotate(attempts=Count("pk"))
        .order_by("day")
    )
    arrived, failed = _("arrived"), _("failed")
    counts: dict[str, dict[date, int]] = {arrived: {}, failed: {}}
    for row in counted:
        by_day = counts[failed if row["failure"] else arrived]
        by_day[row["day"]] = by_day.get(row["day"], 0) + row["attempts"]
    return _chart("deliveries", _("Webhook deliveries, by day"), _("attempts"), counts)
