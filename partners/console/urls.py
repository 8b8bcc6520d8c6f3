"""The console: the pages of a platform's members."""

from __future__ import annotations

from django.urls import path

from partners.console import audit_pages, clock, guide, key_pages, list_pages, overview, report_pages, usage_pages

app_name = "console"
urlpatterns = [
    path("", overview.overview, name="overview"),
    path("login/", overview.login, name="login"),
    path("guide/", guide.guide, name="guide"),
    path("keys/", key_pages.show_keys, name="keys"),
    path("keys/new/", key_pages.new_key, name="new_key"),
    path("keys/<slug:key_id>/rotate/", key_pages.rotate_key, name="rotate_key"),
    path("keys/<slug:key_id>/revoke/", key_pages.revoke_key, name="revoke_key"),
    path("list/", list_pages.show_list, name="list"),
    path("list/<uuid:entry_id>/", list_pages.entry, name="entry"),
    path("reports/", report_pages.match_reports, name="reports"),
    path("feedback/", report_pages.feedback, name="feedback"),
    path("clock/", clock.clock, name="clock"),
    path("clock/<int:report_id>/", clock.decide, name="decide"),
    path("disputes/", report_pages.disputes, name="disputes"),
    path("usage/", usage_pages.usage, name="usage"),
    path("audit/", audit_pages.audit, name="audit"),
]
