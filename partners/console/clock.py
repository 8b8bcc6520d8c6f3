"""The 48-hour clock: from a report `found` to what was decided. This service's measure, not the law's."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from matching.models import EntryOutcome, ListReader
from partners import reports
from partners.console.doors import door
from partners.console.page import page
from partners.models import MatchReport, Membership, Partner, Reason, Role
from takeitdown.audit.models import record

ALLOWED = timedelta(hours=48)
SHOWN = 200  # of the oldest ones; the rest follow as these are closed


@dataclass(frozen=True)
class Clock:
    """One report that waits for a decision."""

    report: MatchReport
    now: datetime

    @property
    def ends_at(self) -> datetime:
        return self.report.received_at + ALLOWED

    @property
    def is_late(self) -> bool:
        return self.now >= self.ends_at

    @property
    def hours_left(self) -> int:
        """Whole hours still to go; past the end, whole hours since."""
        return int(abs(self.ends_at - self.now).total_seconds() // 3600)


class DecisionForm(forms.Form):
    """What the platform did about a match."""

    outcome = forms.ChoiceField(
        label=gettext_lazy("What was decided"),
        choices=[
            (EntryOutcome.Kind.REMOVED, gettext_lazy("found and removed")),
            (EntryOutcome.Kind.DECLINED, gettext_lazy("left up, because it is …")),
            (EntryOutcome.Kind.NOT_A_MATCH, gettext_lazy("reviewed: not a match")),
        ],
    )
    reason = forms.ChoiceField(
        label=gettext_lazy("Why it was left up"),
        choices=[("", gettext_lazy("(only where it was left up)")), *Reason.choices],
        required=False,
    )

    def clean(self) -> dict[str, str]:
        said: dict[str, str] = super().clean() or {}
        left_up = said.get("outcome") == EntryOutcome.Kind.DECLINED
        if left_up and not said.get("reason"):
            self.add_error("reason", _("Choose why it was left up."))
        return said if left_up else {**said, "reason": ""}


def open_clocks(partner: Partner) -> list[Clock]:
    """What was found and not decided, the oldest first, 200 at most."""
    now = timezone.now()
    found = MatchReport.objects.open().filter(partner=partner).order_by("received_at", "pk")
    return [Clock(report, now) for report in found[:SHOWN]]


@door(GET=Role.READ_ONLY)
def clock(request: HttpRequest, member: Membership) -> HttpResponse:
    """GET /console/clock/"""
    return page(request, member, "clock.html", {"clocks": open_clocks(member.partner)})


@door(GET=Role.REVIEWER, POST=Role.REVIEWER)
def decide(request: HttpRequest, member: Membership, report_id: int) -> HttpResponse:
    """GET, POST /console/clock/<id>/: say what became of one match; it is a report like those by API."""
    found = get_object_or_404(MatchReport.objects.open(), partner=member.partner, pk=report_id)
    form = DecisionForm(request.POST or None)
    reader = _reader_of(found)
    if reader is not None and form.is_valid():
        reports.record_match_report(
            partner=member.partner,
            reader=reader,
            client_id=f"console-{secrets.token_hex(8)}",
            entry=found.entry_id.hex,
            **form.cleaned_data,
        )
        record(
            actor=member.account.email,
            action="decided a match",
            target=f"partners.matchreport:{found.pk}",
            within=f"partner:{member.partner.code}",
            outcome=form.cleaned_data["outcome"],
        )
        messages.success(request, _("Noted. The clock of this match has stopped."))
        return redirect("console:clock")
    return page(request, member, "decide.html", {"form": form, "clock": Clock(found, timezone.now())})


def _reader_of(report: MatchReport) -> ListReader | None:
    """The platform's reader of the list the entry is on."""
    readers = (report.partner.reader, report.partner.sandbox_reader)
    return next((reader for reader in readers if reader and reader.hash_list_id == report.entry.hash_list_id), None)
