"""Opt-in keys: see, create, rotate, revoke."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from partners import keys
from partners.console.doors import door
from partners.console.overview import verifier_keys
from partners.console.page import page
from partners.models import ApiKey, Environment, Membership, Partner, PartnerState, Role, Scope


class NewKeyForm(forms.Form):
    """What a key is for. Which lists it may open depends on how far the platform has come."""

    environment = forms.ChoiceField(label=gettext_lazy("Opens"), widget=forms.RadioSelect)
    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=60,
        help_text=gettext_lazy("Where it is used: “ingest, Frankfurt”. Only your members and our staff see it."),
    )
    scopes = forms.MultipleChoiceField(
        label=gettext_lazy("May"),
        choices=Scope.choices,
        initial=[Scope.LIST_READ, Scope.FEEDBACK_WRITE],
        widget=forms.CheckboxSelectMultiple,
    )
    days = forms.IntegerField(
        label=gettext_lazy("Days it is valid"),
        min_value=1,
        max_value=keys.LONGEST_LIFE.days,
        initial=180,
        help_text=gettext_lazy("365 at most. Rotate it before it ends: both keys then work for a week."),
    )

    def __init__(self, partner: Partner, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(Environment.TEST, _("your sandbox: harmless test pictures"))]
        if partner.state == PartnerState.PRODUCTION:
            choices.insert(0, (Environment.LIVE, _("the production list")))
        field = self.fields["environment"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices
        field.initial = choices[0][0]


@door(GET=Role.READ_ONLY)
def show_keys(request: HttpRequest, member: Membership) -> HttpResponse:
    """GET /console/keys/"""
    now = timezone.now()
    rows = list(ApiKey.objects.filter(partner=member.partner))
    context = {
        "live": [key for key in rows if key.is_live(now)],
        "ended": [key for key in rows if not key.is_live(now)],
        "verifier_keys": verifier_keys(),
    }
    return page(request, member, "keys.html", context)


@door(GET=Role.ENGINEER, POST=Role.ENGINEER, fresh=True)
def new_key(request: HttpRequest, member: Membership) -> HttpResponse:
    """GET, POST /console/keys/new/: the answer to the form shows the key's text, once."""
    form = NewKeyForm(member.partner, request.POST or None)
    if not form.is_valid():
        return page(request, member, "new_key.html", {"form": form})
    issued = keys.issue(
        member.partner,
        environment=form.cleaned_data["environment"],
        scopes=form.cleaned_data["scopes"],
        name=form.cleaned_data["name"],
        by=member.account.email,
        lifetime=timedelta(days=form.cleaned_data["days"]),
    )
    return page(request, member, "key_issued.html", {"issued": issued, "verifier_keys": verifier_keys()})


@door(GET=Role.ENGINEER, POST=Role.ENGINEER, fresh=True)
def rotate_key(request: HttpRequest, member: Membership, key_id: str) -> HttpResponse:
    """GET, POST /console/keys/<id>/rotate/: a successor; the old key goes on for a week."""
    key = get_object_or_404(ApiKey, partner=member.partner, key_id=key_id)
    if request.method != "POST":
        return page(request, member, "rotate_key.html", {"key": key, "overlap_days": keys.OVERLAP.days})
    issued = keys.rotate(key, by=member.account.email)
    return page(request, member, "key_issued.html", {"issued": issued, "old": key, "verifier_keys": verifier_keys()})


@door(GET=Role.ENGINEER, POST=Role.ENGINEER, fresh=True)
def revoke_key(request: HttpRequest, member: Membership, key_id: str) -> HttpResponse:
    """GET, POST /console/keys/<id>/revoke/: it opens nothing from this moment on."""
    key = get_object_or_404(ApiKey, partner=member.partner, key_id=key_id)
    if request.method != "POST":
        return page(request, member, "revoke_key.html", {"key": key})
    keys.revoke(ApiKey.objects.filter(pk=key.pk), by=member.account.email)
    messages.success(request, _("%(key)s is revoked. It opens nothing any more.") % {"key": key.prefix})
    return redirect("console:keys")
