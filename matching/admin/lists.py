"""Lists, heads and keys as staff see them, and the brake."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from matching import deeds, floods, models
from matching.models import HashList
from takeitdown.audit.admin import ReadOnlyAdmin
from takeitdown.errors import Refused


@admin.register(HashList)
class HashListAdmin(ReadOnlyAdmin):
    """One person may stop additions; two let them through again. Withdrawals never stop."""

    list_display = ("name", "epoch", "seq", "live", "floor", "additions_frozen_at")
    fields = ("name", "epoch", "begun_at_seq", "seq", "live", "floor", "additions_frozen_at")
    actions = ("freeze", "ask_to_unfreeze", "ask_to_unfreeze_and_list")

    def has_brake_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("matching.change_hashlist")

    @admin.action(description=_("Freeze additions: hold every new entry"), permissions=["brake"])
    def freeze(self, request: HttpRequest, queryset: QuerySet[HashList]) -> None:
        for hash_list in queryset:
            floods.freeze(hash_list, by=request.user.get_username())
        self.message_user(request, _("New entries are held from now on. Withdrawals go on."), messages.SUCCESS)

    @admin.action(description=_("Ask to let additions through, held ones stay in the queue"), permissions=["brake"])
    def ask_to_unfreeze(self, request: HttpRequest, queryset: QuerySet[HashList]) -> None:
        self._ask(request, queryset, list_held=False)

    @admin.action(description=_("Ask to let additions through and list what was held"), permissions=["brake"])
    def ask_to_unfreeze_and_list(self, request: HttpRequest, queryset: QuerySet[HashList]) -> None:
        self._ask(request, queryset, list_held=True)

    def _ask(self, request: HttpRequest, queryset: QuerySet[HashList], *, list_held: bool) -> None:
        for hash_list in queryset.exclude(additions_frozen_at=None):
            try:
                deeds.propose_unfreeze(hash_list, list_held=list_held, by=request.user.get_username())
            except Refused as refusal:
                self.message_user(request, refusal.detail, messages.ERROR)
            else:
                self.message_user(request, _("A second person has to allow it now."), messages.SUCCESS)


@admin.register(models.ListHead)
class ListHeadAdmin(ReadOnlyAdmin):
    list_display = ("hash_list", "epoch", "seq", "live", "issued_at")
    list_filter = ("hash_list",)
    fields = ("hash_list", "epoch", "seq", "live", "issued_at", "note")
    list_select_related = ("hash_list",)
    show_full_result_count = False
    ordering = ("-id",)


@admin.register(models.AdditionsInHour)
class AdditionsInHourAdmin(ReadOnlyAdmin):
    list_display = ("hash_list", "hour", "additions", "accepted_at")
    list_filter = ("hash_list",)
    list_select_related = ("hash_list",)
    ordering = ("-hour",)


@admin.register(models.SigningKey)
class SigningKeyAdmin(ReadOnlyAdmin):
    list_display = ("verifier", "valid_from", "valid_until")
