"""What platforms gave back, as staff see it."""

from __future__ import annotations

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from partners.models import Feedback, MatchReport
from takeitdown.audit.admin import ReadOnlyAdmin


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
