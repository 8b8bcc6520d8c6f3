"""What platforms took, as staff see it."""

from __future__ import annotations

from django.contrib import admin

from partners.models import PagesRead, SnapshotDownload
from takeitdown.audit.admin import ReadOnlyAdmin


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
