"""Asking for and allowing what needs two people."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from takeitdown.approvals import kinds
from takeitdown.approvals.kinds import register
from takeitdown.approvals.models import ApprovalRequest, payload_hash
from takeitdown.audit.models import record
from takeitdown.errors import Refused

__all__ = ["MayNotAsk", "NoLongerOpen", "NotYoursToDecide", "ask", "decide", "register", "settle"]


class MayNotAsk(Refused):
    code = "may_not_ask"
    status = 403
    default_detail = "Your role does not include this. Ask a colleague whose role does."


class NotYoursToDecide(Refused):
    code = "not_yours_to_decide"
    status = 403
    default_detail = "Somebody else has to decide what you asked for."


class NoLongerOpen(Refused):
    code = "no_longer_open"
    status = 409
    default_detail = "This request was decided already, has expired or was altered. Ask again."


@transaction.atomic
def ask(*, requester: str, kind: str, payload: dict[str, Any], within: str = "") -> ApprovalRequest:
    """Record what `requester` wants done; it waits 24 hours for another person.

    Asking for what waits already returns that request, so that a second click makes no second one. Raises MayNotAsk.
    """
    known = kinds.get(kind)
    if known is not None and not known.may(payload, requester):
        raise MayNotAsk
    digest = payload_hash(payload)
    waiting = ApprovalRequest.objects.open().filter(kind=kind, payload_hash=digest).first()
    if waiting is not None:
        return waiting
    request = ApprovalRequest.objects.create(kind=kind, payload=payload, payload_hash=digest, requester=requester)
    record(actor=requester, action="asked for approval", target=f"approval:{request.pk}", within=within, kind=kind)
    return request


@transaction.atomic
def decide(request_id: int, *, approver: str, allow: bool, within: str = "") -> ApprovalRequest:
    """Allow or refuse an open request, once: of two people who decide at the same time one is told it is too late.

    The caller carries the deed out in the same transaction; `settle` does so for a registered kind. Both people must
    still be allowed to at this moment: whoever lost their role since no longer counts. Raises NotYoursToDecide,
    NoLongerOpen.
    """
    request = ApprovalRequest.objects.select_for_update().filter(pk=request_id).first()
    if request is None or request.payload_hash != payload_hash(request.payload):
        raise NoLongerOpen
    _refuse_unless_theirs(request, approver, allow=allow)
    won = (
        ApprovalRequest.objects.open()
        .filter(pk=request_id)
        .update(decided_at=timezone.now(), decided_by=approver, allowed=allow)
    )
    if not won:
        raise NoLongerOpen
    action = "allowed" if allow else "refused"
    record(actor=approver, action=action, target=f"approval:{request_id}", within=within, kind=request.kind)
    request.refresh_from_db()
    return request


@transaction.atomic
def settle(request_id: int, *, approver: str, allow: bool, kind: str = "", within: str = "") -> Any:
    """Decide, and carry out what is allowed, in one transaction; returns what the deed returned, None when refused.

    With `kind`, a request for another deed is not touched. A deed that is refused (Refused) leaves the request open.
    Raises NotYoursToDecide, NoLongerOpen, and whatever the deed raises.
    """
    request = decide(request_id, approver=approver, allow=allow, within=within)
    known = kinds.get(request.kind)
    if known is None or (kind and request.kind != kind):
        raise NoLongerOpen
    return known.carry_out(request.payload, approver) if allow else None


def _refuse_unless_theirs(request: ApprovalRequest, approver: str, *, allow: bool) -> None:
    if request.requester == approver:
        raise NotYoursToDecide
    known = kinds.get(request.kind)
    if known is None:
        return
    if not known.may(request.payload, approver):
        raise NotYoursToDecide("Your role does not include deciding this.")
    if allow and not known.may(request.payload, request.requester):
        raise NoLongerOpen("Whoever asked for this may no longer do so. Refuse it; somebody else can ask again.")
