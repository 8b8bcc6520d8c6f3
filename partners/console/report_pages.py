"""What the platform gave back: match reports and feedback, to read, filter and take away; and its disputes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from typing import Any

from django import forms
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext_lazy

from matching.models import EntryOutcome
from partners.console import exports
from partners.console.doors import door
from partners.console.page import page
from partners.console.paging import page_of
from partners.models import Feedback, MatchReport, Membership, Opinion, Partner, Role
from takeitdown.audit.models import record

ANY = ("", gettext_lazy("any"))


class PeriodForm(forms.Form):
    """From one day to another, both included, in UTC."""

    since = forms.DateField(label=gettext_lazy("From"), required=False, widget=forms.DateInput(attrs={"type": "date"}))
    until = forms.DateField(label=gettext_lazy("Until"), required=False, widget=forms.DateInput(attrs={"type": "date"}))

    def within(self, field: str) -> dict[str, Any]:
        """Look-ups on `field` for the period that was chosen."""
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        found = {f"{field}__gte": _moment(since, time.min)} if since else {}
        return found | ({f"{field}__lte": _moment(until, time.max)} if until else {})


class MatchFilter(PeriodForm):
    """Which match reports to show."""

    outcome = forms.ChoiceField(
        label=gettext_lazy("What became of it"), choices=[ANY, *EntryOutcome.Kind.choices], required=False
    )

    def chosen(self, partner: Partner) -> QuerySet[MatchReport]:
        """The platform's reports, newest first; all of them where the form holds nonsense."""
        mine = MatchReport.objects.filter(partner=partner).order_by("-pk")
        if not self.is_valid():
            return mine
        outcome = self.cleaned_data["outcome"]
        return mine.filter(**self.within("received_at"), **({"outcome": outcome} if outcome else {}))


class FeedbackFilter(PeriodForm):
    """Which opinions to show."""

    opinion = forms.ChoiceField(label=gettext_lazy("Opinion"), choices=[ANY, *Opinion.choices], required=False)

    def chosen(self, partner: Partner) -> QuerySet[Feedback]:
        """The platform's opinions, newest first; all of them where the form holds nonsense."""
        mine = Feedback.objects.filter(partner=partner).order_by("-pk")
        if not self.is_valid():
            return mine
        opinion = self.cleaned_data["opinion"]
        return mine.filter(**self.within("given_at"), **({"opinion": opinion} if opinion else {}))


@door(GET=Role.READ_ONLY, POST=Role.REVIEWER)
def match_reports(request: HttpRequest, member: Membership) -> HttpResponseBase:
    """GET /console/reports/, filtered; POST the same filter: as a CSV file."""
    form = MatchFilter(request.POST if request.method == "POST" else request.GET)
    chosen = form.chosen(member.partner)
    if request.method == "POST":
        _note_export(member, "match reports", form)
        header = ("client_id", "entry", "outcome", "reason", "received_at", "acted_at")
        return exports.download("match-reports.csv", header, _match_rows(chosen))
    return page(request, member, "reports.html", {"form": form, "rows": page_of(chosen, request)})


@door(GET=Role.READ_ONLY, POST=Role.REVIEWER)
def feedback(request: HttpRequest, member: Membership) -> HttpResponseBase:
    """GET /console/feedback/, filtered; POST the same filter: as a CSV file."""
    form = FeedbackFilter(request.POST if request.method == "POST" else request.GET)
    chosen = form.chosen(member.partner)
    if request.method == "POST":
        _note_export(member, "feedback", form)
        header = ("client_id", "entry", "opinion", "reason", "given_at", "superseded_at", "counts")
        return exports.download("feedback.csv", header, _feedback_rows(chosen))
    return page(request, member, "feedback.html", {"form": form, "rows": page_of(chosen, request)})


@door(GET=Role.READ_ONLY)
def disputes(request: HttpRequest, member: Membership) -> HttpResponse:
    """GET /console/disputes/: what the platform disputes now, and how many others agree with it or not.

    Others are counted by company (`Partner.group`), as the list counts them, and never named.
    """
    others = Q(entry__feedback__superseded_at=None, entry__feedback__counts=True) & ~Q(
        entry__feedback__partner__group=member.partner.group
    )
    mine = (
        Feedback.objects.current()
        .filter(partner=member.partner, opinion=Opinion.DISPUTE)
        .select_related("entry")
        .annotate(
            also_dispute=_companies(others & Q(entry__feedback__opinion=Opinion.DISPUTE)),
            agree=_companies(others & Q(entry__feedback__opinion=Opinion.AGREE)),
        )
        .order_by("-pk")
    )
    return page(request, member, "disputes.html", {"rows": page_of(mine, request)})


def _companies(which: Q) -> Count:
    return Count("entry__feedback__partner__group", filter=which, distinct=True)


def _moment(day: date, end: time) -> datetime:
    return datetime.combine(day, end, tzinfo=UTC)


def _match_rows(chosen: QuerySet[MatchReport]) -> Iterator[tuple[Any, ...]]:
    for row in chosen.iterator(chunk_size=500):
        moments = (_written(row.received_at), _written(row.acted_at))
        yield (row.client_id, row.entry_id.hex, row.outcome, row.reason, *moments)


def _feedback_rows(chosen: QuerySet[Feedback]) -> Iterator[tuple[Any, ...]]:
    for row in chosen.iterator(chunk_size=500):
        moments = (_written(row.given_at), _written(row.superseded_at))
        yield (row.client_id, row.entry_id.hex, row.opinion, row.reason, *moments, "yes" if row.counts else "no")


def _written(moment: datetime | None) -> str:
    return timezone.localtime(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else ""


def _note_export(member: Membership, what: str, form: PeriodForm) -> None:
    chosen = {name: str(value) for name, value in form.cleaned_data.items() if value} if form.is_valid() else {}
    record(
        actor=member.account.email,
        action=f"exported {what}",
        target=f"partners.partner:{member.partner.pk}",
        within=f"partner:{member.partner.code}",
        **chosen,
    )
