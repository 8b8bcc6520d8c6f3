"""The console: the pages of a platform's members."""

from __future__ import annotations

from django.urls import path

from partners.console import (
    audit_pages,
    clock,
    guide,
    key_pages,
    list_pages,
    member_pages,
    overview,
    report_pages,
    self_test_pages,
    terms_pages,
    usage_pages,
    webhook_pages,
)

app_name = "console"
urlpatterns = [
    path("", overview.overview, name="overview"),
    path("login/", overview.login, name="login"),
    path("guide/", guide.guide, name="guide"),
    path("keys/", key_pages.show_keys, name="keys"),
    path("keys/new/", key_pages.new_key, name="new_key"),
    path("keys/<slug:key_id>/rotate/", key_pages.rotate_key, name="rotate_key"),
    path("keys/<slug:key_id>/revoke/", key_pages.revoke_key, name="revoke_key"),
    path("webhooks/", webhook_pages.show_webhooks, name="webhooks"),
    path("webhooks/new/", webhook_pages.new_webhook, name="new_webhook"),
    path("webhooks/requests/<int:request_id>/", webhook_pages.decide_address, name="decide_address"),
    path("webhooks/<uuid:hook_id>/", webhook_pages.webhook, name="webhook"),
    path("webhooks/<uuid:hook_id>/secret/", webhook_pages.webhook_secret, name="webhook_secret"),
    path("webhooks/<uuid:hook_id>/address/", webhook_pages.webhook_address, name="webhook_address"),
    path("webhooks/<uuid:hook_id>/remove/", webhook_pages.remove_webhook, name="remove_webhook"),
    path("webhooks/<uuid:hook_id>/<slug:deed>/", webhook_pages.webhook_deed, name="webhook_deed"),
    path("list/", list_pages.show_list, name="list"),
    path("list/<uuid:entry_id>/", list_pages.entry, name="entry"),
    path("reports/", report_pages.match_reports, name="reports"),
    path("feedback/", report_pages.feedback, name="feedback"),
    path("clock/", clock.clock, name="clock"),
    path("clock/<int:report_id>/", clock.decide, name="decide"),
    path("disputes/", report_pages.disputes, name="disputes"),
    path("self-test/", self_test_pages.self_test, name="self_test"),
    path("self-test/tombstones/", self_test_pages.withdraw_entries, name="withdraw_entries"),
    path("members/", member_pages.members, name="members"),
    path("members/invite/", member_pages.invite, name="invite"),
    path("members/<int:member_id>/role/", member_pages.change_role, name="change_role"),
    path("members/<int:member_id>/remove/", member_pages.remove_member, name="remove_member"),
    path("invitations/<int:invitation_id>/", member_pages.withdraw_invitation, name="withdraw_invitation"),
    path("terms/", terms_pages.show_terms, name="terms"),
    path("leave/", member_pages.leave, name="leave"),
    path("usage/", usage_pages.usage, name="usage"),
    path("audit/", audit_pages.audit, name="audit"),
]
