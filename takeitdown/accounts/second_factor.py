"""Second factors: whether this session showed one, how long ago, and where it can."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.account.internal.flows.login import record_authentication
from allauth.mfa.models import Authenticator
from allauth.mfa.signals import authenticator_added
from allauth.mfa.utils import is_mfa_enabled
from django.dispatch import receiver
from django.http import HttpRequest

FRESH_FOR = timedelta(minutes=5)


def shown(request: HttpRequest) -> bool:
    """Whether this session showed a TOTP code, a passkey or a recovery code, or set one up."""
    return bool(_moments(request))


def shown_lately(request: HttpRequest) -> bool:
    """Whether it did so within the last five minutes: asked for before anything that is hard to undo."""
    moments = _moments(request)
    return bool(moments) and time.time() - max(moments) < FRESH_FOR.total_seconds()


def page_to_show_one(request: HttpRequest) -> str:
    """The name of the page where this account shows its second factor, or sets one up where it has none."""
    if is_mfa_enabled(request.user, [Authenticator.Type.TOTP]):
        return "mfa_reauthenticate"
    if is_mfa_enabled(request.user, [Authenticator.Type.WEBAUTHN]):
        return "mfa_reauthenticate_webauthn"
    return "mfa_activate_totp"


def _moments(request: HttpRequest) -> list[float]:
    records = get_authentication_records(request, request.user)
    return [record["at"] for record in records if record.get("method") == "mfa"]


@receiver(authenticator_added)
def count_as_shown(request: HttpRequest, user: Any, authenticator: Authenticator, **kwargs: Any) -> None:
    """Whoever typed a code of the new app, or touched the new key, has shown it: no need to log in a second time.

    Recovery codes come along with the first factor; to be handed them proves nothing.
    """
    if authenticator.type != Authenticator.Type.RECOVERY_CODES:
        record_authentication(request, user, "mfa", id=authenticator.pk, type=authenticator.type)
