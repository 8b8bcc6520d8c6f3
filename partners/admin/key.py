"""Opt-in keys as staff see them."""

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

from partners import keys
from partners.models import ApiKey, Environment, Scope
from partners.models.key import ApiKeyQuerySet
from takeitdown.audit.admin import AuditedAdmin


class IssueForm(forms.ModelForm):  # type: ignore[type-arg]
    """What a new key is for: a sandbox. Its text is made when the form is sent.

    Production keys are issued by the platforms' own members, so no member of staff ever holds one.
    """

    scopes = forms.MultipleChoiceField(choices=Scope.choices, widget=forms.CheckboxSelectMultiple, label=_("may"))
    days = forms.IntegerField(
        min_value=1, max_value=keys.LONGEST_LIFE.days, initial=keys.LONGEST_LIFE.days, label=_("days it is valid")
    )

    class Meta:
        model = ApiKey
        fields = ("partner", "name")


@admin.register(ApiKey)
class ApiKeyAdmin(AuditedAdmin):
    """Keys by their public part. Issuing one for a sandbox shows its text once, on the page that answers."""

    list_display = ("prefix", "partner", "name", "environment", "scopes", "valid", "expires_at", "last_used_on")
    list_filter = ("environment", ("revoked_at", admin.EmptyFieldListFilter))
    list_select_related = ("partner",)
    form = IssueForm
    actions = ("revoke_keys",)

    def get_fields(self, request: HttpRequest, obj: Model | None = None) -> Any:
        if obj is None:
            return ("partner", "name", "scopes", "days")
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
            environment=Environment.TEST,
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
