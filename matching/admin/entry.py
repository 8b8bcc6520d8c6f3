"""Entries as staff see them, and the page that finds one."""

from __future__ import annotations

import re
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext_lazy as _

from matching import deeds
from matching.admin.deciding import Deciding
from matching.models import HashListEntry, State
from matching.resolution import digest_of
from takeitdown.audit.admin import ReadOnlyAdmin
from takeitdown.audit.models import record

_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)


class FindForm(forms.Form):
    """What staff were given: a fingerprint, or an entry's id. It is sent in a body, never in an address."""

    what = forms.CharField(
        label=_("fingerprint, or id of an entry"),
        max_length=60_000,  # a video's frames, one a line
        widget=forms.Textarea(attrs={"rows": 3, "autocomplete": "off", "spellcheck": "false"}),
    )

    def clean_what(self) -> str:
        lines = (line.strip() for line in self.cleaned_data["what"].lower().splitlines())
        return "\n".join(line for line in lines if line)


def find(what: str) -> list[HashListEntry]:
    """Entries with that value, on whatever list, or with that id. Values of withdrawn ones are erased."""
    found = Q(value_digest=digest_of(what))
    bare = what.replace("-", "")
    if _ID.fullmatch(bare):
        found |= Q(pk=bare)
    return list(HashListEntry.objects.filter(found).select_related("hash_list").order_by("hash_list_id", "pk")[:20])


@admin.register(HashListEntry)
class HashListEntryAdmin(Deciding, ReadOnlyAdmin):
    """Statistics of an entry, never its value: a perceptual hash is sensitive."""

    list_display = ("id", "hash_list", "type", "media", "state", "trust", "changed_at")
    list_filter = ("hash_list", "state", "trust", "type")
    fields = ("id", "hash_list", "type", "media", "state", "trust", "changed_at", "restored_at")
    list_select_related = ("hash_list",)
    show_full_result_count = False
    ordering = ("-changed_at",)
    actions = ("quarantine", "ask_to_restore", "ask_to_refuse")
    change_list_template = "admin/matching/entries.html"

    def get_urls(self) -> list[URLPattern]:
        find_view = self.admin_site.admin_view(self.find_view)
        return [path("find/", find_view, name="matching_find"), *super().get_urls()]

    def find_view(self, request: HttpRequest) -> HttpResponse:
        """A form that leads to an entry by its random id. Each search is in the audit log, without what was sought."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = FindForm(request.POST or None)
        found: list[HashListEntry] = []
        if form.is_valid():
            found = find(form.cleaned_data["what"])
            record(actor=request.user.get_username(), action="looked for an entry", found=len(found))
            if len(found) == 1:
                return HttpResponseRedirect(reverse("admin:matching_hashlistentry_change", args=[found[0].pk]))
            if not found:
                form.add_error("what", _("No entry has this fingerprint or id now."))
        context: dict[str, Any] = {**self.admin_site.each_context(request), "title": _("Find an entry")}
        return TemplateResponse(request, "admin/matching/find.html", {**context, "form": form, "found": found})

    @admin.action(description=_("Quarantine selected entries"), permissions=["decide"])
    def quarantine(self, request: HttpRequest, queryset: QuerySet[HashListEntry]) -> None:
        self.put_in_quarantine(request, list(queryset.filter(state=State.LISTED)[: deeds.ENTRIES_AT_ONCE + 1]))

    @admin.action(description=_("Ask to put selected entries on the list"), permissions=["decide"])
    def ask_to_restore(self, request: HttpRequest, queryset: QuerySet[HashListEntry]) -> None:
        off = queryset.filter(state__in=[State.HELD, State.QUARANTINED])
        self.ask_for(deeds.RESTORE, request, list(off[: deeds.ENTRIES_AT_ONCE + 1]))

    @admin.action(description=_("Ask to refuse selected entries for good"), permissions=["decide"])
    def ask_to_refuse(self, request: HttpRequest, queryset: QuerySet[HashListEntry]) -> None:
        undecided = queryset.filter(state__in=[State.LISTED, State.HELD, State.QUARANTINED])
        self.ask_for(deeds.REFUSE, request, list(undecided[: deeds.ENTRIES_AT_ONCE + 1]))
