"""What staff press about entries, on the page of entries and in the queue: the reason, the buttons, how it went."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ActionForm
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from matching import decisions, deeds
from matching.errors import DecisionNoLongerFits
from matching.models import DecisionKind, HashListEntry
from takeitdown.errors import Refused


class Because(models.TextChoices):
    """Why staff decide as they do. A closed list: free words would name people."""

    HARMLESS = "harmless", _("the picture is harmless")
    ADULT = "adult", _("it shows an adult")
    NOT_SEXUAL = "not sexual", _("it is not sexual")
    WIDELY_PUBLISHED = "widely published", _("it is widely published")
    DISPUTES_WRONG = "disputes are mistaken", _("the disputes are mistaken")
    FLOOD = "part of a flood", _("it is part of a flood")
    LOOKED_INTO = "being looked into", _("it is being looked into")
    OTHER = "another reason", _("another reason")


class ReasonForm(ActionForm):
    """The choice beside the list of actions."""

    because = forms.ChoiceField(label=_("because"), required=False, choices=[("", "–"), *Because.choices])


class Deciding:
    """For an admin class: decide about entries, at most 200 at a time, with a reason."""

    action_form = ReasonForm

    def has_decide_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("matching.change_hashlistentry")

    def put_in_quarantine(self, request: HttpRequest, entries: Sequence[HashListEntry]) -> None:
        """One member of staff may: platforms drop the entry within seconds, its value stays."""
        if not self._may_go_on(request, entries):
            return
        done = 0
        for entry in entries:
            try:
                decisions.decide(entry, DecisionKind.QUARANTINE, by=_who(request), because=reason_given(request))
            except DecisionNoLongerFits:
                continue
            done += 1
        text = ngettext("%d entry goes into quarantine.", "%d entries go into quarantine.", done) % done
        self._say(request, text, messages.SUCCESS if done else messages.WARNING)

    def ask_for(self, kind: str, request: HttpRequest, entries: Sequence[HashListEntry]) -> None:
        """Two have to: this one asks."""
        if not self._may_go_on(request, entries):
            return
        try:
            deeds.propose(kind, entries, because=reason_given(request), by=_who(request))
        except Refused as refusal:
            self._say(request, refusal.detail, messages.ERROR)
        else:
            self._say(request, gettext("A second person has to allow it now."), messages.SUCCESS)

    def _may_go_on(self, request: HttpRequest, entries: Sequence[HashListEntry]) -> bool:
        if len(entries) > deeds.ENTRIES_AT_ONCE:
            most = {"most": deeds.ENTRIES_AT_ONCE}
            text = gettext("Nothing was done: choose %(most)d entries at most.") % most
        elif not entries:
            text = gettext("Nothing was done: no entry among these is where that could be done.")
        elif not reason_given(request):
            text = gettext("Nothing was done: choose a reason beside the action first.")
        else:
            return True
        self._say(request, text, messages.ERROR)
        return False

    def _say(self, request: HttpRequest, text: Any, level: int) -> None:
        messages.add_message(request, level, text)


def reason_given(request: HttpRequest) -> str:
    given = request.POST.get("because", "")
    return given if given in Because.values else ""


def _who(request: HttpRequest) -> str:
    return str(request.user.get_username())
