"""Asking for and allowing what needs two people."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from takeitdown.approvals.models import ApprovalRequest, payload_hash
from takeitdown.audit.models import record
from takeitdown.errors import Refused


class NotYoursToDecide(Refused):
    code = "not_yours_to_decide"
    status = 403
    default_detail = "Somebody else has to decide what you asked for."


class NoLongerOpen(Refused):
    code = "no_longer_open"
    status = 409
    default_detail = "This request was decided already, has expired or was altered. Ask again."


@transaction.atomic
def ask(*, requester: str, kind: str, payload: dict[str, Any]) -> ApprovalRequest:
    """Record what `requester` wants done; it waits 24 hours for another person."""
    request = ApprovalRequest.objects.create(
        kind=kind, payload=payload, payload_hash=payload_hash(payload), requester=requester
    )
    record(actor=requester, action="asked for approval", target=f"approval:{request.pk}", kind=kind)
    return request


@transaction.atomic
def decide(request_id: int, *, approver: str, allow: bool) -> ApprovalRequest:
    """Allow or refuse an open request, once: of two people who decide at the same time one is told it is too late.

    The caller carries the deed out in the same transaction. Raises NotYoursToDecide, NoLongerOpen.
    """
    request = ApprovalRequest.objects.select_for_update().get(pk=request_id)
    if request.requester == approver:
        raise NotYoursToDecide
    if request.payload_hash != payload_hash(request.payload):
        raise NoLongerOpen
    won = (
        ApprovalRequest.objects.open()
        .filter(pk=request_id)
        .update(decided_at=timezone.now(), decided_by=approver, allowed=allow)
    )
    if not won:
        raise NoLongerOpen
    record(actor=approver, action="allowed" if allow else "refused", target=f"approval:{request_id}", kind=request.kind)
    request.refresh_from_db()
    return request
