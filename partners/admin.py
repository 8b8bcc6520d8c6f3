"""The platforms' side as staff see it: facts, and the processes they may press."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from partners import keys, onboarding
from partners.models import (
    ApiKey,
    Feedback,
    MatchReport,
    Membership,
    PagesRead,
    Partner,
    PartnerState,
    Scope,
    SnapshotDownload,
)
from partners.models.key import ApiKeyQuerySet
from takeitdown.audit.admin import AuditedAdmin, ReadOnlyAdmin


@admin.register(Partner)
class PartnerAdmin(AuditedAdmin):
    """Putting a platform into production gives it a reader of the production list, named in public or not."""

    list_display = ("name", "state", "group", "reaches", "exact", "created_on")
    list_filter = ("state", ("reader__diverged_at", admin.EmptyFieldListFilter))
    list_select_related = ("reader",)
    fields = ("name", "code", "group", "state", "reader", "sandbox_reader", "created_on")
    readonly_fields = ("reader", "sandbox_reader", "created_on")

    def get_readonly_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        return [*self.readonly_fields, "code"] if obj else self.readonly_fields

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Partner, form: Any, change: bool) -> None:
        super().save_model(request, obj, form, change)
        if obj.state == PartnerState.PRODUCTION:
            onboarding.open_production(obj, named_in_public=False)

    @admin.display(description=_("change reached"))
    def reaches(self, partner: Partner) -> str:
        return f"{partner.reader.epoch}/{partner.reader.seq}" if partner.reader else "–"

    @admin.display(description=_("copy is exact"), boolean=True)
    def exact(self, partner: Partner) -> bool | None:
        return partner.reader.diverged_at is None if partner.reader and partner.reader.reached_on else None


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    list_display = ("account", "partner", "role", "since")
    list_filter = ("role",)
    list_select_related = ("account", "partner")


class IssueForm(forms.ModelForm):  # type: ignore[type-arg]
    """What a new key is for. Its text is made when the form is sent."""

    scopes = forms.MultipleChoiceField(choices=Scope.choices, widget=forms.CheckboxSelectMultiple, label=_("may"))
    days = forms.IntegerField(
        min_value=1, max_value=keys.LONGEST_LIFE.days, initial=keys.LONGEST_LIFE.days, label=_("days it is valid")
    )

    class Meta:
        model = ApiKey
        fields = ("partner", "name", "environment")


@admin.register(ApiKey)
class ApiKeyAdmin(AuditedAdmin):
    """Keys by their public part. Issuing shows the text once, on the page that answers; nothing keeps it."""

    list_display = ("prefix", "partner", "name", "environment", "scopes", "valid", "expires_at", "last_used_on")
    list_filter = ("environment", ("revoked_at", admin.EmptyFieldListFilter))
    list_select_related = ("partner",)
    form = IssueForm
    actions = ("revoke_keys",)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        if obj is None:
            return ("partner", "name", "environment", "scopes", "days")
        dates = ("created_on", "expires_at", "revoked_at", "last_used_on")
        return ("prefix", "partner", "name", "environment", "scopes", *dates)

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_revoke_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("partners.change_apikey")

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        issued = keys.issue(
            obj.partner,
            environment=obj.environment,
            scopes=form.cleaned_data["scopes"],
            name=obj.name,
            by=request.user.get_username(),
            lifetime=timedelta(days=form.cleaned_data["days"]),
        )
        obj.pk = issued.key.pk
        request.issued_key = issued  # type: ignore[attr-defined]

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> None:  # type: ignore[override]
        """`keys.issue` wrote it down already."""

    def response_add(self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None) -> HttpResponse:
        # Not a message: those wait in a cookie or in the session's row, and the key's text must be kept nowhere.
        issued = request.issued_key  # type: ignore[attr-defined]
        context = {**self.admin_site.each_context(request), "issued": issued, "opts": self.opts, "title": _("New key")}
        return TemplateResponse(request, "partners/admin_key_issued.html", context)

    @admin.display(description=_("valid"), boolean=True)
    def valid(self, key: ApiKey) -> bool:
        return key.is_live(timezone.now())

    @admin.action(description=_("Revoke selected keys"), permissions=["revoke"])
    def revoke_keys(self, request: HttpRequest, queryset: QuerySet[ApiKey]) -> None:
        assert isinstance(queryset, ApiKeyQuerySet)
        ended = keys.revoke(queryset, by=request.user.get_username())
        text = ngettext("%d key revoked.", "%d keys revoked.", ended) % ended
        self.message_user(request, text, messages.SUCCESS)


class _AboutAnEntry(ReadOnlyAdmin):
    """Says which entry by the beginning of its random id: no value, and no query for each row."""

    show_full_result_count = False
    list_select_related = ("partner",)

    @admin.display(description=_("entry"))
    def entry_short(self, row: MatchReport | Feedback) -> str:
        return row.entry_id.hex[:8]


@admin.register(MatchReport)
class MatchReportAdmin(_AboutAnEntry):
    list_display = ("id", "partner", "entry_short", "outcome", "reason", "received_at", "acted_at")
    list_filter = ("outcome", "partner", ("acted_at", admin.EmptyFieldListFilter))
    fields = ("partner", "client_id", "entry_short", "outcome", "reason", "received_at", "acted_at")
    readonly_fields = ("entry_short",)
    ordering = ("-id",)


@admin.register(Feedback)
class FeedbackAdmin(_AboutAnEntry):
    list_display = ("id", "partner", "entry_short", "opinion", "reason", "given_at", "superseded_at")
    list_filter = ("opinion", "reason", "partner", ("superseded_at", admin.EmptyFieldListFilter))
    fields = ("partner", "client_id", "entry_short", "opinion", "reason", "given_at", "superseded_at")
    readonly_fields = ("entry_short",)
    ordering = ("-id",)


@admin.register(SnapshotDownload)
class SnapshotDownloadAdmin(ReadOnlyAdmin):
    list_display = ("reader", "at", "etag")
    list_select_related = ("reader",)
    ordering = ("-id",)


@admin.register(PagesRead)
class PagesReadAdmin(ReadOnlyAdmin):
    list_display = ("reader", "day", "pages", "changes")
    list_select_related = ("reader",)
    ordering = ("-day", "reader_id")
