"""What staff see of the reporter's side: that cases exist and how far they are. Never a code, never who."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models
from django.forms import ModelForm
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from submissions import messages
from submissions.models import Case, Helpline, Message, RemovalPage, Submission
from takeitdown.audit.admin import AuditedAdmin, ReadOnlyAdmin


class FilesInline(admin.TabularInline):  # type: ignore[type-arg]  # not subscriptable at run time
    model = Submission
    fields = ("ordinal", "media", "added_on", "withdrawn_on")
    can_delete = False
    extra = 0

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Case)
class CaseAdmin(ReadOnlyAdmin):
    """Facts only. There is no search: a case number in an address is one in a log."""

    list_display = ("__str__", "about", "opened_hour", "withdrawn_on")
    list_filter = ("about", "withdrawn_on")
    fields = ("about", "opened_hour", "withdrawn_on")
    inlines = [FilesInline]
    show_full_result_count = False

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        """Only the filters shown: `?pin_hash__startswith=` would read a hash out digit by digit."""
        return lookup.partition("__")[0] in self.list_filter


@admin.register(Message)
class MessageAdmin(AuditedAdmin):
    """What reporters write, the latest first, and the answer to it. What was written is not altered afterwards."""

    list_display = ("__str__", "author", "sent_on", "beginning", "answer")
    list_filter = ("author", "sent_on")
    fields = ("case", "text")
    raw_id_fields = ("case",)
    ordering = ("-pk",)
    show_full_result_count = False

    @admin.display(description=_("text"))
    def beginning(self, message: Message) -> str:
        return message.text[:80]

    @admin.display(description=_("answer"))
    def answer(self, message: Message) -> str:
        address = reverse("admin:submissions_message_add")
        return format_html('<a href="{}?case={}">{}</a>', address, message.case_id, _("Answer"))

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        """As with cases: only the filters shown."""
        return lookup.partition("__")[0] in self.list_filter

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Message, form: ModelForm[Message], change: bool) -> None:
        """An answer is from staff, of today."""
        obj.pk = messages.answer(obj.case, obj.text).pk


class PlaceAdmin(AuditedAdmin):
    """Rows that staff keep true; what was looked at longest ago comes first."""

    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}
    ordering = ("last_checked_on",)


@admin.register(Helpline)
class HelplineAdmin(PlaceAdmin):
    list_display = ("name", "country_name", "phone", "url", "is_shown", "last_checked_on")
    list_filter = ("is_shown", "country_name")


@admin.register(RemovalPage)
class RemovalPageAdmin(PlaceAdmin):
    list_display = ("name", "url", "is_shown", "last_checked_on")
    list_filter = ("is_shown",)
