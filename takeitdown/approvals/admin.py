"""Requests that wait for a second person."""

from django.contrib import admin

from takeitdown.approvals.models import ApprovalRequest
from takeitdown.audit.admin import ReadOnlyAdmin


@admin.register(ApprovalRequest)
class ApprovalRequestAdmin(ReadOnlyAdmin):
    list_display = ("kind", "requester", "asked_at", "decided_by", "allowed")
    list_filter = ("kind", "allowed")
