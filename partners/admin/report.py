"""What platforms gave back, as staff see it."""

from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from partners import votes
from partners.models import Feedback, MatchReport, Partner
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
    list_display = ("id", "partner", "entry_short", "opinion", "reason", "counts", "given_at", "superseded_at")
    list_filter = ("opinion", "reason", "counts", "partner", ("superseded_at", admin.EmptyFieldListFilter))
    fields = ("partner", "client_id", "entry_short", "opinion", "reason", "counts", "given_at", "superseded_at")
    readonly_fields = ("entry_short",)
    ordering = ("-id",)
    actions = ("set_aside", "take_up")

    def has_trust_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("partners.change_partner")

    @admin.action(description=_("Set aside all feedback of these platforms"), permissions=["trust"])
    def set_aside(self, request: HttpRequest, queryset: QuerySet[Feedback]) -> None:
        """Safe and undoable, so one person may: what they said is kept and moves no entry any more."""
        for partner in Partner.objects.filter(feedback__in=queryset).distinct():
            votes.set_aside(partner, by=request.user.get_username())
        text = _("Their feedback moves no entry from now on. Entries are counted anew within a minute.")
        self.message_user(request, text, messages.SUCCESS)

    @admin.action(description=_("Let feedback of these platforms count again"), permissions=["trust"])
    def take_up(self, request: HttpRequest, queryset: QuerySet[Feedback]) -> None:
        for partner in Partner.objects.filter(feedback__in=queryset).distinct():
            votes.take_up(partner, by=request.user.get_username())
        text = _("Their feedback counts again. Entries are counted anew within a minute.")
        self.message_user(request, text, messages.SUCCESS)
