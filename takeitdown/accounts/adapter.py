"""What allauth may do here."""

from __future__ import annotations

import time

from allauth.account import app_settings
from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.authentication import get_authentication_records
from allauth.mfa.utils import is_mfa_enabled
from django.http import HttpRequest


class ClosedDoor(DefaultAccountAdapter):  # type: ignore[misc]
    """Accounts come by invitation only; nobody signs up by themselves."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_reauthentication_required(self, app: str) -> bool:
        """Whoever logged in a moment ago, with all the factors they have, isn't asked for their password again."""
        return bool(super().is_reauthentication_required(app=app)) and not _logged_in_just_now(self.request)


def _logged_in_just_now(request: HttpRequest) -> bool:
    records = get_authentication_records(request, request.user)
    if not records or (is_mfa_enabled(request.user) and records[-1]["method"] != "mfa"):
        return False
    age: float = time.time() - records[-1]["at"]
    return bool(age < app_settings.REAUTHENTICATION_TIMEOUT)
