"""The audit log as staff see it, and the admin class that writes it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from takeitdown.audit.models import AuditEvent, record


class AuditedAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """ModelAdmin that writes AuditEvents in place of Django's LogEntry, which would copy values and names.

    It has no search: admin search is a GET with `?q=`, and a case number in an address is one in a log.
    """

    def _record(self, request: HttpRequest, action: str, target: Model, **detail: Any) -> None:
        name = f"{target._meta.label_lower}:{target.pk}"
        record(actor=request.user.get_username(), action=action, target=name, **detail)

    def log_addition(self, request: HttpRequest, obj: Model, message: Any) -> None:  # type: ignore[override]
        self._record(request, "added", obj)

    def log_change(self, request: HttpRequest, obj: Model, message: Any) -> None:  # type: ignore[override]
        fields = [name for part in message for name in part.get("changed", {}).get("fields", [])] if message else []
        self._record(request, "changed", obj, fields=fields)

    def log_deletions(self, request: HttpRequest, queryset: Any) -> None:  # type: ignore[override]
        for obj in queryset:
            self._record(request, "deleted", obj)


class ReadOnlyAdmin(AuditedAdmin):
    """Facts that a process owns: staff look, nobody edits."""

    def has_add_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnlyAdmin):
    list_display = ("at", "actor", "action", "target")
    list_filter = ("action",)
    show_full_result_count = False
