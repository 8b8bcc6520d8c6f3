"""The list as the platform sees it: how large, and whether one fingerprint is on it."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from matching import pages, rows, signal_types
from matching.models import HashListEntry, ListReader, Trust
from partners import reports
from partners.console.charts import Chart, Series
from partners.console.doors import door
from partners.console.freshness import copies
from partners.console.overview import readers_of
from partners.console.page import page
from partners.models import Environment, MatchReport, Membership, Opinion, Partner, Reason, Role
from takeitdown import limits
from takeitdown.audit.models import record
from takeitdown.errors import Refused

LOOKUP_RATE = "60/m"  # of one address; whoever needs more holds the list and looks there


class LookUpForm(forms.Form):
    """One fingerprint, as the list writes it."""

    environment = forms.ChoiceField(label=gettext_lazy("On"))
    type = forms.ChoiceField(
        label=gettext_lazy("Type"), choices=[(name, name) for name in signal_types.SIGNAL_TYPES if name != "vpdq"]
    )
    kind = forms.ChoiceField(
        label=gettext_lazy("Of"),
        choices=[("image", gettext_lazy("an image")), ("video", gettext_lazy("a video"))],
    )
    value = forms.CharField(
        label=gettext_lazy("Fingerprint"),
        max_length=200,
        help_text=gettext_lazy("Lowercase hex digits: 64 for pdq and sha256, 32 for md5, 16 for phash."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "class": "hex"}),
    )

    def __init__(self, partner: Partner, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(copy.environment, Environment(copy.environment).label) for copy in copies(partner)]
        field = self.fields["environment"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices

    def clean(self) -> dict[str, str]:
        said: dict[str, str] = super().clean() or {}
        if {"type", "kind", "value"} <= said.keys():
            try:
                signal_types.check(said["type"], said["kind"], said["value"])
            except Refused as refusal:
                self.add_error("value", refusal.detail)
        return said


class OpinionForm(forms.Form):
    """What a person at the platform thinks of an entry, after looking at a match."""

    opinion = forms.ChoiceField(
        label=gettext_lazy("After looking at a match"),
        choices=[
            (Opinion.AGREE, gettext_lazy("we agree: it belongs on the list")),
            (Opinion.DISPUTE, gettext_lazy("we dispute it: it does not belong on the list")),
        ],
        widget=forms.RadioSelect,
    )
    reason = forms.ChoiceField(
        label=gettext_lazy("Why it does not belong there"),
        choices=[("", gettext_lazy("(only for a dispute)")), *Reason.choices],
        required=False,
    )

    def clean(self) -> dict[str, str]:
        said: dict[str, str] = super().clean() or {}
        disputes = said.get("opinion") == Opinion.DISPUTE
        if disputes and not said.get("reason"):
            self.add_error("reason", _("Choose why it does not belong on the list."))
        return said if disputes else {**said, "reason": ""}


@dataclass(frozen=True)
class Shown:
    """An entry as the platform sees it; `row` is that of LIST.md §4."""

    entry: HashListEntry
    reader: ListReader
    row: dict[str, Any]


@door(GET=Role.READ_ONLY, POST=Role.REVIEWER)
def show_list(request: HttpRequest, member: Membership) -> HttpResponse:
    """GET, POST /console/list/: figures; with POST also whether a fingerprint is listed to this platform.

    The fingerprint stands in the form's body, in no address and no log.
    """
    form = LookUpForm(member.partner, request.POST or None)
    context: dict[str, Any] = {"form": form, "charts": _charts(member.partner)}
    if request.method == "POST":
        limits.check(request, group="console-look-up", rate=LOOKUP_RATE)
        if form.is_valid():
            context |= {"looked": True, "found": _look_up(member, **form.cleaned_data)}
    return page(request, member, "list.html", context)


@door(GET=Role.READ_ONLY, POST=Role.REVIEWER)
def entry(request: HttpRequest, member: Membership, entry_id: UUID) -> HttpResponse:
    """GET, POST /console/list/<id>/: one entry, what we said about it; with POST an opinion of a person."""
    shown = _entry_of(member.partner, entry_id)
    form = OpinionForm(request.POST or None)
    if form.is_valid():
        _give_opinion(member, shown, form.cleaned_data)
        messages.success(request, _("Noted. A later opinion of your organisation replaces this one."))
        return redirect("console:entry", entry_id=entry_id)
    context = {
        "shown": shown,
        "form": form,
        "ours": reports.feedback_on(member.partner, shown.entry),
        "matches": MatchReport.objects.filter(partner=member.partner, entry=shown.entry).order_by("-received_at")[:20],
    }
    return page(request, member, "entry.html", context)


def _give_opinion(member: Membership, shown: Shown, said: dict[str, str]) -> None:
    reports.record_feedback(
        partner=member.partner,
        reader=shown.reader,
        client_id=f"console-{secrets.token_hex(8)}",
        entry=shown.entry.pk.hex,
        **said,
    )
    record(
        actor=member.account.email,
        action="gave feedback",
        target=f"matching.hashlistentry:{shown.entry.pk.hex}",
        within=f"partner:{member.partner.code}",
        **said,
    )


def _entry_of(partner: Partner, entry_id: UUID) -> Shown:
    """An entry of one of the platform's lists, as shown there; anything else is Http404."""
    for reader in readers_of(partner):
        try:
            entry, row = pages.entry_row(reader, entry_id.hex)
        except Refused:
            continue
        return Shown(entry, reader, row)
    raise Http404


def _look_up(member: Membership, *, environment: str, type: str, kind: str, value: str) -> HashListEntry | None:
    """The listed entry of that value, if the platform is shown it. What is withheld from it looks like nothing."""
    partner = member.partner
    reader = partner.reader if environment == Environment.LIVE else partner.sandbox_reader
    record(
        actor=member.account.email,
        action="looked up a fingerprint",
        target=f"partners.partner:{partner.pk}",
        within=f"partner:{partner.code}",
        type=type,
        environment=environment,
    )
    if reader is None:
        return None
    digest = hashlib.sha256(signal_types.committed(type, value)).digest()
    listed = HashListEntry.objects.listed().filter(hash_list_id=reader.hash_list_id)
    found = listed.filter(type=type, media=kind, value_digest=digest).first()
    return found if found and rows.is_shown(found, reader, found.trust) else None


def _charts(partner: Partner) -> list[tuple[str, int, Chart]]:
    """For each list: its name, how many rows it has, and a chart of them by type and trust."""
    return [(str(Environment(copy.environment).label), *_counted(copy.reader)) for copy in copies(partner)]


def _counted(reader: ListReader) -> tuple[int, Chart]:
    listed = HashListEntry.objects.listed().filter(hash_list_id=reader.hash_list_id)
    counted = listed.values("type", "media", "trust").annotate(rows=Count("pk")).order_by("type", "media")
    counts = {(row["type"], row["media"], row["trust"]): row["rows"] for row in counted}
    kinds = sorted({(type_, media) for type_, media, _trust in counts})
    series = [Series(str(trust.label), [counts.get((*kind, trust), 0) for kind in kinds]) for trust in Trust]
    chart = Chart(
        id=f"list-{reader.pk}",
        title=_("Rows by type and trust"),
        labels=[f"{type_}, {media}" for type_, media in kinds],
        series=series,
        unit=_("rows"),
    )
    return sum(counts.values()), chart
