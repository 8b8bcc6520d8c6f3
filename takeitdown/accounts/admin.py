"""Accounts of staff."""

from __future__ import annotations

from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group
from django.utils.translation import gettext_lazy as _

from takeitdown.accounts.models import Account
from takeitdown.audit.admin import AuditedAdmin, ReadOnlyAdmin


class AccountForm(forms.ModelForm):  # type: ignore[type-arg]
    """An account of staff. Nobody is both staff and a platform's member."""

    def clean(self) -> dict[str, Any]:
        typed: dict[str, Any] = super().clean() or {}
        if (typed.get("is_staff") or typed.get("is_superuser")) and hasattr(self.instance, "membership"):
            raise forms.ValidationError(_("A platform's member cannot be staff. Use another e-mail address."))
        return typed


@admin.register(Account)
class AccountAdmin(AuditedAdmin):
    form = AccountForm
    list_display = ("email", "is_staff", "is_active", "created_on")
    list_filter = ("is_staff", "is_active")
    fields = ("email", "is_staff", "is_active", "is_superuser", "groups", "created_on", "last_login")
    readonly_fields = ("created_on", "last_login")
    filter_horizontal = ("groups",)


# These search by GET and write no audit event, and the page of second factors would show their secrets.
admin.site.unregister(EmailAddress)
admin.site.unregister(Authenticator)
admin.site.unregister(Group)


@admin.register(Group)
class RoleAdmin(ReadOnlyAdmin):
    """The roles and what they may do, as `accounts.roles` says."""

    fields = ("name", "permissions")
