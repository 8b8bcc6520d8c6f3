"""Webhooks and their deliveries as staff see them. Platforms manage them; staff may stop one."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from partners import sending, webhooks
from partners.models import Delivery, WebhookEndpoint
from takeitdown.audit.admin import ReadOnlyAdmin


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(ReadOnlyAdmin):
    """One row for each address: what it should know, what it knows, since when it fails."""

    list_display = ("short_id", "partner", "url", "mode", "condition", "behind", "failures", "failing_since")
    list_filter = (
        "mode",
        ("confirmed_at", admin.EmptyFieldListFilter),
        ("paused_at", admin.EmptyFieldListFilter),
        ("disabled_at", admin.EmptyFieldListFilter),
        ("removed_at", admin.EmptyFieldListFilter),
    )
    list_select_related = ("partner",)
    fields = (
        "partner", "reader", "url", "mode", "created_on", "confirmed_at", "paused_at", "disabled_at",
        "disabled_because", "removed_at", "failures", "failing_since", "next_attempt_at", "old_secret_until",
    )  # fmt: skip
    actions = ("pause",)

    def has_pause_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("partners.change_webhookendpoint")

    @admin.display(description=_("webhook"))
    def short_id(self, endpoint: WebhookEndpoint) -> str:
        return endpoint.pk.hex[:8]

    @admin.display(description=_("state"))
    def condition(self, endpoint: WebhookEndpoint) -> Any:
        if endpoint.removed_at:
            return _("removed")
        if endpoint.disabled_at:
            return _("switched off")
        if endpoint.paused_at:
            return _("paused")
        return _("in use") if endpoint.confirmed_at else _("waits for its challenge")

    @admin.display(description=_("is behind"), boolean=True)
    def behind(self, endpoint: WebhookEndpoint) -> bool:
        told = endpoint.acked_epoch, endpoint.acked_seq
        return told < (endpoint.desired_epoch, endpoint.desired_seq)

    @admin.action(description=_("Pause selected webhooks"), permissions=["pause"])
    def pause(self, request: HttpRequest, queryset: QuerySet[WebhookEndpoint]) -> None:
        chosen = list(queryset.filter(paused_at=None, removed_at=None).select_related("partner"))
        for endpoint in chosen:
            webhooks.pause(endpoint, by=request.user.get_username())
        text = ngettext("%d webhook paused.", "%d webhooks paused.", len(chosen)) % len(chosen)
        self.message_user(request, text, messages.SUCCESS)


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """Attempts of the last 30 days. No bodies: none are kept."""

    list_display = ("attempted_at", "partner", "webhook", "kind", "epoch", "seq", "status", "outcome", "took_ms")
    list_filter = ("kind", ("failure", admin.EmptyFieldListFilter), "failure")
    list_select_related = ("endpoint__partner",)
    show_full_result_count = False
    fields = (
        "attempted_at",
        "partner",
        "webhook",
        "message_id",
        "kind",
        "epoch",
        "seq",
        "status",
        "outcome",
        "took_ms",
    )
    readonly_fields = ("partner", "webhook", "outcome")

    @admin.display(description=_("partner"))
    def partner(self, delivery: Delivery) -> str:
        return str(delivery.endpoint.partner)

    @admin.display(description=_("webhook"))
    def webhook(self, delivery: Delivery) -> str:
        return delivery.endpoint_id.hex[:8]

    @admin.display(description=_("what became of it"))
    def outcome(self, delivery: Delivery) -> str:
        return sending.in_words(delivery)
