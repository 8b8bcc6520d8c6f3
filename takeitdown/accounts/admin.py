"""Accounts of staff."""

from allauth.account.models import EmailAddress
from django.contrib import admin

from takeitdown.accounts.models import Account
from takeitdown.audit.admin import AuditedAdmin


@admin.register(Account)
class AccountAdmin(AuditedAdmin):
    list_display = ("email", "is_staff", "is_active", "created_on")
    list_filter = ("is_staff", "is_active")
    fields = ("email", "is_staff", "is_active", "is_superuser", "groups", "created_on", "last_login")
    readonly_fields = ("created_on", "last_login")
    filter_horizontal = ("groups",)


# allauth's own pages for e-mail addresses search by GET and write no audit event.
admin.site.unregister(EmailAddress)
