"""The list as staff see it: facts, and the decisions they may ask the sequencer for."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from matching import models
from matching.models import DecisionKind, EntryDecision, HashListEntry, State
from takeitdown.audit.admin import AuditedAdmin, ReadOnlyAdmin


@admin.register(models.HashList)
class HashListAdmin(ReadOnlyAdmin):
    list_display = ("name", "epoch", "seq", "live", "floor", "additions_frozen_at")
    fields = ("name", "epoch", "begun_at_seq", "seq", "live", "floor", "additions_frozen_at")


@admin.register(HashListEntry)
class HashListEntryAdmin(ReadOnlyAdmin):
    """Statistics of an entry, never its value: a perceptual hash is sensitive. Quarantine is safe and undoable."""

    list_display = ("id", "hash_list", "type", "media", "state", "trust", "changed_at")
    list_filter = ("hash_list", "state", "trust", "type")
    fields = ("id", "hash_list", "type", "media", "state", "trust", "changed_at")
    list_select_related = ("hash_list",)
    show_full_result_count = False
    ordering = ("-changed_at",)
    actions = ("quarantine",)

    def has_quarantine_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("matching.change_hashlistentry")

    @admin.action(description=_("Quarantine selected entries"), permissions=["quarantine"])
    def quarantine(self, request: HttpRequest, queryset: QuerySet[HashListEntry]) -> None:
        """One member of staff may: platforms drop the entry within seconds, the value stays."""
        entries = list(queryset.filter(state=State.LISTED))
        for entry in entries:
            EntryDecision.objects.create(entry=entry, kind=DecisionKind.QUARANTINE)
            self.log_change(request, entry, [{"changed": {"fields": ["quarantine"]}}])
        text = ngettext("%d entry goes into quarantine.", "%d entries go into quarantine.", len(entries))
        self.message_user(request, text % len(entries), messages.SUCCESS)


@admin.register(models.ListHead)
class ListHeadAdmin(ReadOnlyAdmin):
    list_display = ("hash_list", "epoch", "seq", "live", "issued_at")
    list_filter = ("hash_list",)
    fields = ("hash_list", "epoch", "seq", "live", "issued_at", "note")
    list_select_related = ("hash_list",)
    show_full_result_count = False
    ordering = ("-id",)


@admin.register(models.ListReader)
class ListReaderAdmin(AuditedAdmin):
    list_display = ("name", "hash_list", "is_public", "epoch", "seq", "reached_on", "diverged_at")
    list_filter = ("hash_list", "is_public", ("diverged_at", admin.EmptyFieldListFilter))
    list_select_related = ("hash_list",)
    readonly_fields = ("hash_list", "epoch", "seq", "reached_on", "diverged_at")

    def has_delete_permission(self, request: HttpRequest, obj: object | None = None) -> bool:
        return False


@admin.register(models.BenignHash)
class BenignHashAdmin(ReadOnlyAdmin):
    list_display = ("type", "reason", "added_on")
    list_filter = ("type",)
    fields = ("type", "reason", "added_on")


@admin.register(models.SigningKey)
class SigningKeyAdmin(ReadOnlyAdmin):
    list_display = ("verifier", "valid_from", "valid_until")
