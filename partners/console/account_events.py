"""What members do to their own accounts, for their organisation's audit log: that it happened, never a value."""

from __future__ import annotations

from typing import Any

from allauth.account import signals as account
from allauth.mfa import signals as mfa
from django.dispatch import Signal

from partners.models import Membership
from takeitdown.audit.models import record

DEEDS: tuple[tuple[Signal, str], ...] = (
    (account.password_changed, "changed the password"),
    (account.password_reset, "reset the password"),
    (account.email_changed, "changed the e-mail address"),
    (mfa.authenticator_added, "added a second factor"),
    (mfa.authenticator_removed, "removed a second factor"),
    (mfa.authenticator_reset, "made new recovery codes"),
)


def listen() -> None:
    """Write an event for each of these that a member does; staff's accounts are no platform's business."""
    for signal, action in DEEDS:
        signal.connect(_writer(action), weak=False, dispatch_uid=f"audit of a member: {action}")


def _writer(action: str) -> Any:
    def write(user: Any, **kwargs: Any) -> None:
        member = Membership.objects.select_related("partner").filter(account=user).first()
        if member is None:
            return
        authenticator = kwargs.get("authenticator")
        detail = {"kind": str(authenticator.type)} if authenticator else {}
        code = member.partner.code
        record(
            actor=user.email, action=action, target=f"accounts.account:{user.pk}", within=f"partner:{code}", **detail
        )

    return write
