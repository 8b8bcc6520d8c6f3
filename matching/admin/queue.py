"""What waits for staff: entries that people have to look at, oldest first."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from matching import decisions, deeds
from matching.admin.deciding import Deciding, reason_given
from matching.errors import DecisionNoLongerFits
from matching.models import PRODUCTION, EntryReview, HashList, HashListEntry, State
from takeitdown.audit.admin import ReadOnlyAdmin


class StillOpen(admin.SimpleListFilter):
    """What waits, unless somebody wants to see the rest."""

    title = _("state")
    parameter_name = "closed"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("yes", _("settled"))]

    def choices(self, changelist: Any) -> Any:
        everything, *others = super().choices(changelist)
        return [{**everything, "display": _("waiting")}, *others]

    def queryset(self, request: HttpRequest, queryset: QuerySet[EntryReview]) -> QuerySet[EntryReview]:
        return queryset.filter(closed_at__isnull=self.value() != "yes")


@admin.register(EntryReview)
class EntryReviewAdmin(Deciding, ReadOnlyAdmin):
    """Counts of independent platforms, not their names: those stand behind the link to their feedback."""

    list_display = ("entry_short", "cause", "agreements", "disputes", "state", "trust", "opened_at", "feedback")
    list_filter = (StillOpen, "cause", "entry__state", "entry__type")
    list_select_related = ("entry",)
    list_display_links = None
    fields = ("entry_short", "cause", "agreements", "disputes", "state", "trust", "opened_at", "closed_at")
    readonly_fields = ("entry_short", "state", "trust")
    show_full_result_count = False
    ordering = ("opened_at", "id")
    actions = ("quarantine", "ask_to_restore", "ask_to_refuse", "leave")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        frozen = HashList.objects.filter(name=PRODUCTION).values_list("additions_frozen_at", flat=True).first()
        if frozen and request.method == "GET":
            text = gettext("Additions have been frozen since %s UTC: every new report is held until two of you decide.")
            messages.warning(request, text % f"{frozen:%Y-%m-%d %H:%M}")
        return super().changelist_view(request, extra_context)

    @admin.display(description=_("entry"))
    def entry_short(self, review: EntryReview) -> str:
        address = reverse("admin:matching_hashlistentry_change", args=[review.entry_id])
        return format_html('<a href="{}">{}</a>', address, review.entry_id.hex[:8])

    @admin.display(description=_("state"))
    def state(self, review: EntryReview) -> str:
        return review.entry.get_state_display()

    @admin.display(description=_("trust"))
    def trust(self, review: EntryReview) -> str:
        return review.entry.get_trust_display()

    @admin.display(description=_("what platforms said"))
    def feedback(self, review: EntryReview) -> str:
        # By name: the list imports nothing of the platforms' side.
        address = reverse("admin:partners_feedback_changelist")
        return format_html('<a href="{}?entry={}">{}</a>', address, review.entry_id, _("Feedback"))

    def _entries(self, queryset: QuerySet[EntryReview], *states: State) -> list[HashListEntry]:
        waiting = queryset.filter(closed_at=None, entry__state__in=states)
        entries = HashListEntry.objects.filter(pk__in=waiting.values("entry"))
        return list(entries[: deeds.ENTRIES_AT_ONCE + 1])

    @admin.action(description=_("Quarantine"), permissions=["decide"])
    def quarantine(self, request: HttpRequest, queryset: QuerySet[EntryReview]) -> None:
        self.put_in_quarantine(request, self._entries(queryset, State.LISTED))

    @admin.action(description=_("Ask to put on the list"), permissions=["decide"])
    def ask_to_restore(self, request: HttpRequest, queryset: QuerySet[EntryReview]) -> None:
        self.ask_for(deeds.RESTORE, request, self._entries(queryset, State.HELD, State.QUARANTINED))

    @admin.action(description=_("Ask to refuse for good"), permissions=["decide"])
    def ask_to_refuse(self, request: HttpRequest, queryset: QuerySet[EntryReview]) -> None:
        self.ask_for(deeds.REFUSE, request, self._entries(queryset, State.LISTED, State.HELD, State.QUARANTINED))

    @admin.action(description=_("Leave as it is"), permissions=["decide"])
    def leave(self, request: HttpRequest, queryset: QuerySet[EntryReview]) -> None:
        waiting = list(queryset.filter(closed_at=None)[: deeds.ENTRIES_AT_ONCE + 1])
        if not self._may_go_on(request, [review.entry for review in waiting]):
            return
        done = 0
        for review in waiting:
            try:
                decisions.leave_as_it_is(review, by=request.user.get_username(), because=reason_given(request))
            except DecisionNoLongerFits:
                continue
            done += 1
        text = ngettext("%d settled; the entry stays as it is.", "%d settled; the entries stay as they are.", done)
        self.message_user(request, text % done, messages.SUCCESS if done else messages.WARNING)
