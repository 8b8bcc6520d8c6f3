"""Readers of a list as staff see them: how far they are, what they are shown, and whose copy leaked."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import Count, Model, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext_lazy as _

from matching import canaries, deeds, readers
from matching.models import ListReader, State, Trust
from takeitdown.audit.admin import AuditedAdmin
from takeitdown.errors import Refused


class ReaderForm(forms.ModelForm):  # type: ignore[type-arg]
    """A trust floor is agreed with the platform first: what it is shown changes."""

    trust_floor = forms.TypedChoiceField(
        label=_("is shown"),
        choices=[(Trust.UNVERIFIED, _("everything")), (Trust.CONFIRMED, _("only what another platform confirmed"))],
        coerce=int,
        help_text=_("As agreed with the platform. It takes a whole copy of the list before it reads on."),
    )

    class Meta:
        model = ListReader
        fields = ("name", "is_public", "trust_floor")


class TraceForm(forms.Form):
    values = forms.CharField(
        label=_("fingerprints from the leak, one a line"),
        widget=forms.Textarea(attrs={"rows": 12, "autocomplete": "off", "spellcheck": "false"}),
    )

    def clean_values(self) -> list[str]:
        lines = (line.strip().lower() for line in self.cleaned_data["values"].splitlines())
        return [line for line in lines if line]


@admin.register(ListReader)
class ListReaderAdmin(AuditedAdmin):
    list_display = ("name", "hash_list", "is_public", "epoch", "seq", "reached_on", "diverged_at", "canaries_listed")
    list_filter = ("hash_list", "is_public", ("diverged_at", admin.EmptyFieldListFilter))
    list_select_related = ("hash_list",)
    form = ReaderForm
    fields = ("name", "is_public", "trust_floor", "hash_list", "epoch", "seq", "reached_on", "diverged_at",
              "resync_since")  # fmt: skip
    readonly_fields = ("hash_list", "epoch", "seq", "reached_on", "diverged_at", "resync_since")
    actions = ("ask_for_canaries", "ask_to_retire_canaries")
    change_list_template = "admin/matching/readers.html"

    def get_queryset(self, request: HttpRequest) -> QuerySet[ListReader]:
        listed = Count("canaries", filter=Q(canaries__state=State.LISTED))
        queryset: QuerySet[ListReader] = super().get_queryset(request)
        return queryset.annotate(canaries_now=listed)

    def get_urls(self) -> list[URLPattern]:
        trace_view = self.admin_site.admin_view(self.trace_view)
        return [path("trace/", trace_view, name="matching_listreader_trace"), *super().get_urls()]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False  # a platform's way to the list makes its reader

    def has_delete_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return False

    def has_canaries_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("matching.change_listreader")

    def save_model(self, request: HttpRequest, obj: ListReader, form: Any, change: bool) -> None:
        """Names as they are typed; the floor by its own process, which sends the reader for a new copy."""
        obj.save(update_fields=["name", "is_public"])
        readers.set_trust_floor(obj, form.cleaned_data["trust_floor"], by=request.user.get_username())

    @admin.display(description=_("canaries"))
    def canaries_listed(self, reader: ListReader) -> int:
        return int(reader.canaries_now)  # type: ignore[attr-defined]

    @admin.action(description=_("Ask for eight canaries for each"), permissions=["canaries"])
    def ask_for_canaries(self, request: HttpRequest, queryset: QuerySet[ListReader]) -> None:
        self._ask(request, queryset, deeds.propose_canaries)

    @admin.action(description=_("Ask to retire their canaries"), permissions=["canaries"])
    def ask_to_retire_canaries(self, request: HttpRequest, queryset: QuerySet[ListReader]) -> None:
        self._ask(request, queryset, deeds.propose_retirement)

    def _ask(self, request: HttpRequest, queryset: QuerySet[ListReader], propose: Any) -> None:
        for reader in queryset[:20]:
            try:
                propose(reader, by=request.user.get_username())
            except Refused as refusal:
                self.message_user(request, refusal.detail, messages.ERROR)
                return
        self.message_user(request, _("A second person has to allow it now."), messages.SUCCESS)

    def trace_view(self, request: HttpRequest) -> HttpResponse:
        """Whose canaries are in a leaked list. In the audit log, without the values."""
        if not self.has_canaries_permission(request):
            raise PermissionDenied
        form = TraceForm(request.POST or None)
        found: list[tuple[Model, int]] | None = None
        if form.is_valid():
            traced = canaries.trace(form.cleaned_data["values"], by=request.user.get_username())
            found, form = list(traced.items()), TraceForm()
        context: dict[str, Any] = {**self.admin_site.each_context(request), "title": _("Trace a leak")}
        return TemplateResponse(request, "admin/matching/trace.html", {**context, "form": form, "found": found})
