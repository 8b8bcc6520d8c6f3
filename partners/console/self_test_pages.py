"""The self-test: begin a run, see how it went, take test entries off the sandbox list on demand."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from partners import sandbox, self_tests
from partners.api.guide import worded
from partners.console.doors import door
from partners.console.page import page
from partners.models import Membership, Role, SelfTest

FINDINGS = (
    ("missed", gettext_lazy("Missed")),
    ("wrong", gettext_lazy("Matched with another picture")),
    ("decoys", gettext_lazy("Matched, though not on the list")),
    ("withdrawn", gettext_lazy("Matched with an entry that is not on the list")),
)
SHOWN = 40  # findings of one kind; the file with all of them comes by API


class TombstonesForm(forms.Form):
    """How many entries to take off."""

    count = forms.IntegerField(
        label=gettext_lazy("How many entries"), min_value=1, max_value=sandbox.MOST_AT_ONCE, initial=3
    )


@door(GET=Role.READ_ONLY, POST=Role.ENGINEER)
def self_test(request: HttpRequest, member: Membership) -> HttpResponse:
    """GET, POST /console/self-test/: POST begins a run; one that was open is closed as abandoned."""
    if request.method == "POST":
        self_tests.begin(member.partner, by=member.account.email)
        messages.success(request, _("The run is open. Your client takes it from here."))
        return redirect("console:self_test")
    run = self_tests.latest(member.partner)
    context = {
        "run": run,
        "stage": self_tests.stage(run) if run else "",
        "advice": [worded(sentence) for sentence in self_tests.advice(run)] if run else [],
        "findings": _findings(run) if run else [],
        "certificate": self_tests.certificate(member.partner),
        "earlier": SelfTest.objects.filter(partner=member.partner)[1:10],
        "tombstones_form": TombstonesForm(),
    }
    return page(request, member, "self_test.html", context)


@door(POST=Role.ENGINEER)
def withdraw_entries(request: HttpRequest, member: Membership) -> HttpResponse:
    """POST /console/self-test/tombstones/: takes spare entries off the sandbox list, to try dropping them."""
    form = TombstonesForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Choose a number from 1 to %(most)d.") % {"most": sandbox.MOST_AT_ONCE})
        return redirect("console:self_test")
    gone = sandbox.withdraw_some(member.partner, count=form.cleaned_data["count"], by=member.account.email)
    text = ngettext("%d entry leaves your sandbox list.", "%d entries leave your sandbox list.", len(gone)) % len(gone)
    messages.success(request, f"{text} {_('Your next pull removes what you hold of it.')}")
    return redirect("console:self_test")


def _findings(run: SelfTest) -> list[tuple[str, int, list[dict[str, object]]]]:
    """What to look at: a heading, how many there are, the first of them."""
    kinds = [(str(heading), run.result.get(name) or []) for name, heading in FINDINGS]
    return [(heading, len(found), found[:SHOWN]) for heading, found in kinds if found]
