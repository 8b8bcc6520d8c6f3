"""Webhooks: add, prove, test, follow, change, remove."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from partners import webhooks
from partners.console.doors import door
from partners.console.page import page
from partners.console.paging import page_of
from partners.models import Delivery, Environment, Membership, Mode, Partner, PartnerState, Role, WebhookEndpoint
from partners.outbound import Failure
from partners.sending import Answered
from takeitdown.approvals import decide as four_eyes
from takeitdown.approvals import kinds
from takeitdown.approvals.models import ApprovalRequest
from takeitdown.errors import Refused


class AddressForm(forms.Form):
    """Where something is sent."""

    url = forms.CharField(
        label=gettext_lazy("Address"),
        max_length=500,
        widget=forms.URLInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
        help_text=gettext_lazy("https:// and a public name. Put no secret into it: each message is signed."),
    )


class NewWebhookForm(AddressForm):
    """A new address, for which list, and what it is sent."""

    environment = forms.ChoiceField(label=gettext_lazy("Follows"), widget=forms.RadioSelect)
    mode = forms.ChoiceField(
        label=gettext_lazy("Is sent"), choices=Mode.choices, initial=Mode.PING, widget=forms.RadioSelect
    )
    field_order = ("url", "environment", "mode")

    def __init__(self, partner: Partner, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [(Environment.TEST, _("your sandbox"))]
        if partner.state == PartnerState.PRODUCTION:
            choices.insert(0, (Environment.LIVE, _("the production list")))
        field = self.fields["environment"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = choices
        field.initial = choices[0][0]


@door(GET=Role.READ_ONLY)
def show_webhooks(request: HttpRequest, member: Membership) -> HttpResponse:
    """GET /console/webhooks/"""
    context = {
        "hooks": WebhookEndpoint.objects.filter(partner=member.partner, removed_at=None).select_related("reader"),
        "requests": _open_requests(member.partner),
        "most": webhooks.MOST,
    }
    return page(request, member, "webhooks.html", context)


@door(GET=Role.ENGINEER, POST=Role.ENGINEER, fresh=True)
def new_webhook(request: HttpRequest, member: Membership) -> HttpResponse:
    """GET, POST /console/webhooks/new/: adds the address and sends its challenge at once."""
    form = NewWebhookForm(member.partner, request.POST or None)
    if form.is_valid():
        try:
            hook = webhooks.add(member.partner, by=member.account.email, **form.cleaned_data)
        except Refused as refusal:
            form.add_error("url", refusal.detail)
        else:
            return redirect("console:webhook_secret", hook_id=hook.pk)
    return page(request, member, "new_webhook.html", {"form": form})


@door(GET=Role.READ_ONLY)
def webhook(request: HttpRequest, member: Membership, hook_id: UUID) -> HttpResponse:
    """GET /console/webhooks/<id>/: how it does, and every attempt of the last 30 days."""
    hook = _hook(member, hook_id)
    deliveries = page_of(Delivery.objects.filter(endpoint=hook).order_by("-pk"), request)
    context = {"hook": hook, "rows": deliveries, "pending": webhooks.pending_address(hook)}
    return page(request, member, "webhook.html", context)


@door(POST=Role.ENGINEER)
def webhook_deed(request: HttpRequest, member: Membership, hook_id: UUID, deed: str) -> HttpResponse:
    """POST /console/webhooks/<id>/<deed>/: challenge, test, replay, pause, resume."""
    hook, by = _hook(member, hook_id), member.account.email
    match deed:
        case "challenge":
            _tell(request, webhooks.challenge(hook), _("The address answered its challenge: it is told from now on."))
        case "test":
            _tell(request, webhooks.send_test(hook, by=by), _("The test message arrived."))
        case "replay":
            webhooks.replay(hook, by=by)
            messages.success(request, _("The newest head is on its way again."))
        case "pause":
            webhooks.pause(hook, by=by)
            messages.success(request, _("Paused. Your client goes on pulling by itself."))
        case "resume":
            webhooks.resume(hook, by=by)
            messages.success(request, _("It goes on, and hears at once of what it missed."))
        case _:
            raise Http404
    return redirect("console:webhook", hook_id=hook.pk)


@door(GET=Role.ENGINEER, POST=Role.ENGINEER, fresh=True)
def webhook_secret(request: HttpRequest, member: Membership, hook_id: UUID) -> HttpResponse:
    """GET, POST /console/webhooks/<id>/secret/: shows it; POST makes a new one, both sign for a day."""
    hook = _hook(member, hook_id)
    if request.method == "POST":
        webhooks.rotate_secret(hook, by=member.account.email)
        messages.success(request, _("There is a new secret. Both sign for a day: put the new one in place meanwhile."))
        return redirect("console:webhook_secret", hook_id=hook.pk)
    newest, *older = webhooks.secrets_of(hook)
    return page(request, member, "webhook_secret.html", {"hook": hook, "newest": newest, "older": older})


@door(GET=Role.ENGINEER, POST=Role.ENGINEER, fresh=True)
def webhook_address(request: HttpRequest, member: Membership, hook_id: UUID) -> HttpResponse:
    """GET, POST /console/webhooks/<id>/address/: asks for another one; a second person has to allow it."""
    hook = _hook(member, hook_id)
    form = AddressForm(request.POST or None)
    if form.is_valid():
        try:
            webhooks.propose_address(hook, url=form.cleaned_data["url"], by=member.account.email)
        except Refused as refusal:
            form.add_error("url", refusal.detail)
        else:
            messages.success(
                request, _("Asked for. Another engineer or owner, or our staff, may allow it within a day.")
            )
            return redirect("console:webhooks")
    return page(request, member, "webhook_address.html", {"hook": hook, "form": form})


@door(GET=Role.ENGINEER, POST=Role.ENGINEER, fresh=True)
def decide_address(request: HttpRequest, member: Membership, request_id: int) -> HttpResponse:
    """GET, POST /console/webhooks/requests/<id>/: allow or refuse what a colleague asked for."""
    asked = get_object_or_404(_open_requests(member.partner), pk=request_id)
    by = member.account.email
    if request.method != "POST":
        return page(request, member, "decide_address.html", {"asked": asked, "is_mine": asked.requester == by})
    if "allow" in request.POST:
        _tell(request, webhooks.allow_address(asked.pk, by=by), _("The new address answered and has taken over."))
    else:
        within = f"partner:{member.partner.code}"
        four_eyes.settle(asked.pk, approver=by, allow=False, kind=webhooks.ADDRESS, within=within)
        messages.success(request, _("Refused. The old address goes on."))
    return redirect("console:webhooks")


@door(GET=Role.ENGINEER, POST=Role.ENGINEER, fresh=True)
def remove_webhook(request: HttpRequest, member: Membership, hook_id: UUID) -> HttpResponse:
    """GET, POST /console/webhooks/<id>/remove/"""
    hook = _hook(member, hook_id)
    if request.method != "POST":
        return page(request, member, "remove_webhook.html", {"hook": hook})
    webhooks.remove(hook, by=member.account.email)
    messages.success(request, _("The webhook is removed. Your client goes on pulling by itself."))
    return redirect("console:webhooks")


def _hook(member: Membership, hook_id: UUID) -> WebhookEndpoint:
    hooks = WebhookEndpoint.objects.select_related("reader__hash_list", "partner")
    return get_object_or_404(hooks, partner=member.partner, removed_at=None, pk=hook_id)


def _open_requests(partner: Partner) -> Any:
    open_ones = ApprovalRequest.objects.open().filter(kind=webhooks.ADDRESS, payload__partner=partner.code)
    return open_ones.order_by("asked_at")


def describe(asked: ApprovalRequest) -> str:
    """What is asked for, in a sentence."""
    known = kinds.get(asked.kind)
    return known.describe(asked.payload) if known else ""


def failure_says(failure: str) -> str:
    """A delivery's failure in words; "" for one that arrived."""
    words = {**dict(Failure.choices), **dict(Answered.choices)}
    return str(words.get(failure, failure))


def _tell(request: HttpRequest, delivery: Delivery, good: str) -> None:
    if delivery.succeeded:
        messages.success(request, good)
        return
    why = failure_says(delivery.failure)
    messages.error(request, _("It did not arrive: %(why)s. The log below says more.") % {"why": why})
