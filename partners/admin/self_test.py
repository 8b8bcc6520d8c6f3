"""Self-tests as staff see them before they open the production list to a platform."""

from __future__ import annotations

from django.contrib import admin

from partners.models import SelfTest
from takeitdown.audit.admin import ReadOnlyAdmin


@admin.register(SelfTest)
class SelfTestAdmin(ReadOnlyAdmin):
    """What was caught and missed of our own harmless pictures, and how soon withdrawn entries were dropped."""

    list_display = ("__str__", "partner", "begun_at", "judged_at", "passed")
    list_filter = ("passed",)
    list_select_related = ("partner",)
    fields = ("partner", "begun_at", "answered_at", "withdrawn_at", "dropped_at", "judged_at", "passed", "result")
