"""The platforms' API: version 1, its description, and a page about it."""

from __future__ import annotations

from django.urls import path, register_converter
from django.urls.converters import StringConverter

from partners.api import batch_views, docs, report_views, self_test_views, snapshot, views, webhook_views


class EntryIdConverter(StringConverter):
    regex = "[0-9a-f]{32}"


register_converter(EntryIdConverter, "entry_id")

app_name = "partners_api"
urlpatterns = [
    path("", docs.page, name="docs"),
    path("schema/", docs.description, name="schema"),
    path("v1/hash-list/head/", views.HeadView.as_view(), name="head"),
    path("v1/hash-list/changes/", views.ChangesView.as_view(), name="changes"),
    path("v1/hash-list/snapshot/", snapshot.SnapshotView.as_view(), name="snapshot"),
    path("v1/hash-list/acknowledgements/", views.AcknowledgementsView.as_view(), name="acknowledgements"),
    path("v1/hash-list/entries/<entry_id:entry_id>/", views.EntryView.as_view(), name="entry"),
    path("v1/hash-list/keys/", views.KeysView.as_view(), name="keys"),
    path("v1/match-reports/", report_views.MatchReportsView.as_view(), name="match_reports"),
    path("v1/match-reports/batches/", batch_views.MatchReportBatchesView.as_view(), name="match_report_batches"),
    path("v1/feedback/", report_views.FeedbackView.as_view(), name="feedback"),
    path("v1/feedback/batches/", batch_views.FeedbackBatchesView.as_view(), name="feedback_batches"),
    path("v1/webhooks/", webhook_views.WebhooksView.as_view(), name="webhooks"),
    path("v1/webhooks/tests/", webhook_views.TestsView.as_view(), name="webhook_tests"),
    path("v1/self-test/", self_test_views.SelfTestView.as_view(), name="self_test"),
    path("v1/self-test/pictures/", self_test_views.PicturesView.as_view(), name="test_pictures"),
    path("v1/self-test/answers/", self_test_views.AnswersView.as_view(), name="answers"),
    path("v1/self-test/tombstones/", self_test_views.TombstonesView.as_view(), name="tombstones"),
]
