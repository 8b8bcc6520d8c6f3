"""Requests that wait for a second person: what exactly will happen, who asked, and the two buttons."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.utils.formats import date_format
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from takeitdown.accounts import second_factor
from takeitdown.approvals import decide, kinds
from takeitdown.approvals.models import EXPIRES_AFTER, ApprovalRequest
from takeitdown.audit.admin import ReadOnlyAdmin
from takeitdown.errors import Refused


class StillOpen(admin.SimpleListFilter):
    """What waits, unless somebody wants to see the rest."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("waiting", _("waiting")), ("over", _("decided or expired"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[ApprovalRequest]) -> QuerySet[ApprovalRequest]:
        still = ApprovalRequest.objects.open().values("pk")
        if self.value() == "over":
            return queryset.exclude(pk__in=still)
        return queryset.filter(pk__in=still) if self.value() == "waiting" else queryset


@admin.register(ApprovalRequest)
class ApprovalRequestAdmin(ReadOnlyAdmin):
    """Each room registers what its kinds do (`approvals.kinds`). Deciding is a POST of its own, behind this page."""

    list_display = ("what", "requester", "asked_at", "state", "decided_by")
    list_filter = (StillOpen, "allowed")
    fields = ("what", "exactly", "requester", "asked_at", "expires_at", "state", "decided_by", "decided_at")
    readonly_fields = fields
    ordering = ("-asked_at",)
    change_form_template = "admin/approvals/approvalrequest/decide.html"

    def get_urls(self) -> list[URLPattern]:
        decide_view = self.admin_site.admin_view(self.decide_view)
        ours = [path("<int:request_id>/decide/", decide_view, name="approvals_approvalrequest_decide")]
        return [*ours, *super().get_urls()]

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        asked = ApprovalRequest.objects.open().filter(pk=object_id).first() if object_id.isdecimal() else None
        context = {"asked": asked, "why_not": _why_not(asked, request.user.get_username()) if asked else ""}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **context})

    @method_decorator(require_POST)
    def decide_view(self, request: HttpRequest, request_id: int) -> HttpResponse:
        """Allow or refuse, carry out what is allowed, and back to the queue with a word on how it went.

        Allowing takes a second factor shown within the last five minutes: a machine left alone opens nothing.
        """
        asked = get_object_or_404(ApprovalRequest, pk=request_id)
        if not self.has_view_permission(request, asked):
            raise PermissionDenied
        allow = request.POST.get("answer") == "allow"
        if not allow and request.POST.get("answer") != "refuse":
            self.message_user(request, gettext("Press one of the two buttons."), messages.WARNING)
            return HttpResponseRedirect(reverse("admin:approvals_approvalrequest_change", args=[request_id]))
        if allow and not second_factor.shown_lately(request):
            self.message_user(request, gettext("Show your second factor once more, then press again."), messages.INFO)
            here = reverse("admin:approvals_approvalrequest_change", args=[request_id])
            there = reverse(second_factor.page_to_show_one(request))
            return HttpResponseRedirect(f"{there}?{urlencode({'next': here})}")
        try:
            decide.settle(request_id, approver=request.user.get_username(), allow=allow)
        except Refused as refusal:
            self.message_user(request, gettext(refusal.detail), messages.ERROR)
            return HttpResponseRedirect(reverse("admin:approvals_approvalrequest_change", args=[request_id]))
        done = gettext("Allowed and carried out.") if allow else gettext("Refused. Nothing was changed.")
        self.message_user(request, done, messages.SUCCESS)
        return HttpResponseRedirect(reverse("admin:approvals_approvalrequest_changelist"))

    @admin.display(description=_("what"), ordering="kind")
    def what(self, asked: ApprovalRequest) -> str:
        known = kinds.get(asked.kind)
        return str(known.label) if known else asked.kind

    @admin.display(description=_("exactly this will happen"))
    def exactly(self, asked: ApprovalRequest) -> str:
        known = kinds.get(asked.kind)
        return known.describe(asked.payload) if known else gettext("This version does not know what was asked for.")

    @admin.display(description=_("expires at"))
    def expires_at(self, asked: ApprovalRequest) -> str:
        return date_format(timezone.localtime(asked.asked_at + EXPIRES_AFTER), "DATETIME_FORMAT")

    @admin.display(description=_("state"))
    def state(self, asked: ApprovalRequest) -> str:
        if asked.allowed is not None:
            return gettext("allowed") if asked.allowed else gettext("refused")
        return gettext("waiting") if asked.is_open else gettext("expired")


def _why_not(asked: ApprovalRequest, who: str) -> str:
    """Why this person can't decide that request, or "" where they can."""
    known = kinds.get(asked.kind)
    if known is None:
        return gettext("This version of the portal does not know this kind of request.")
    if asked.requester == who:
        return gettext("You asked for this. Somebody else has to decide.")
    return "" if known.may(asked.payload, who) else gettext("Your role does not include deciding this.")
