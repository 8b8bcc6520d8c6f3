"""Fingerprints of what is known to be harmless: two people change them."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from matching import deeds, signal_types
from matching.models import BenignHash
from takeitdown.audit.admin import ReadOnlyAdmin
from takeitdown.errors import Refused


class HarmlessForm(forms.Form):
    """One fingerprint of something public."""

    type = forms.ChoiceField(
        label=_("signal type"), choices=[(t, t) for t in sorted(signal_types.SIGNAL_TYPES) if t != signal_types.VPDQ]
    )
    value = forms.CharField(label=_("fingerprint"), max_length=64)
    reason = forms.CharField(
        label=_("what it is"),
        max_length=200,
        help_text=_("Something public: a logo, a work of art, a news photograph. Never a person's private picture."),
    )


@admin.register(BenignHash)
class BenignHashAdmin(ReadOnlyAdmin):
    list_display = ("id", "type", "reason", "added_on")
    list_filter = ("type",)
    fields = ("type", "reason", "added_on")
    actions = ("ask_to_forget",)
    change_list_template = "admin/matching/harmless.html"

    def get_urls(self) -> list[URLPattern]:
        propose_view = self.admin_site.admin_view(self.propose_view)
        return [path("propose/", propose_view, name="matching_benignhash_propose"), *super().get_urls()]

    def has_forget_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("matching.delete_benignhash")

    def propose_view(self, request: HttpRequest) -> HttpResponse:
        """Ask for one more; a second person allows it."""
        if not request.user.has_perm("matching.add_benignhash"):
            raise PermissionDenied
        form = HarmlessForm(request.POST or None)
        if form.is_valid():
            try:
                deeds.propose_harmless(**form.cleaned_data, by=request.user.get_username())
            except Refused as refusal:
                form.add_error("value", gettext(refusal.detail))
            else:
                messages.success(request, gettext("A second person has to allow it now."))
                return HttpResponseRedirect(reverse("admin:matching_benignhash_changelist"))
        context: dict[str, Any] = {**self.admin_site.each_context(request), "title": _("Call a fingerprint harmless")}
        return TemplateResponse(request, "admin/matching/form.html", {**context, "form": form, "button": _("Ask")})

    @admin.action(description=_("Ask to call them harmless no longer"), permissions=["forget"])
    def ask_to_forget(self, request: HttpRequest, queryset: QuerySet[BenignHash]) -> None:
        try:
            deeds.propose_harmless_no_more(list(queryset[: deeds.ENTRIES_AT_ONCE + 1]), by=request.user.get_username())
        except ValueError:
            self.message_user(request, _("Nothing was done: choose 200 at most."), messages.ERROR)
        except Refused as refusal:
            self.message_user(request, refusal.detail, messages.ERROR)
        else:
            self.message_user(request, _("A second person has to allow it now."), messages.SUCCESS)
