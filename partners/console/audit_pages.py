"""Everything that was done by the platform's members, or to the platform."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from partners.console.doors import door
from partners.console.page import page
from partners.console.paging import page_of
from partners.models import Membership, Role
from takeitdown.audit.models import AuditEvent


@door(GET=Role.READ_ONLY, open_after_leaving=True)
def audit(request: HttpRequest, member: Membership) -> HttpResponse:
    """GET /console/audit/"""
    events = AuditEvent.objects.filter(within=f"partner:{member.partner.code}").order_by("-pk")
    return page(request, member, "audit.html", {"rows": page_of(events, request)})
