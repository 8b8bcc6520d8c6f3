"""Platforms and their members as staff see them."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from partners import onboarding
from partners.models import Membership, Partner, PartnerState
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
