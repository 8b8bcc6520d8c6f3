"""Everything that was done by the platform's members, or to the platform."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from partners.console.doors import door
from partners.console.page import page
from partners.console.paging import page_of
from partners.models import Membership, Partner, Role
from takeitdown.audit.models import AuditEvent

SHOWN = 5  # items of a list


@door(GET=Role.READ_ONLY, open_after_leaving=True)
def audit(request: HttpRequest, member: Membership) -> HttpResponse:
    """GET /console/audit/"""
    events = AuditEvent.objects.filter(within=f"partner:{member.partner.code}").order_by("-pk")
    rows = page_of(events, request)
    own = _own_people(member.partner)
    shown = [
        (event, _who(event.actor, own), [(name, _written(value)) for name, value in event.detail.items()])
        for event in rows.rows
    ]
    return page(request, member, "audit.html", {"rows": rows, "shown": shown})


def _own_people(partner: Partner) -> set[str]:
    """Addresses of everybody who is or ever was asked to be a member; accounts of former ones are gone."""
    members = partner.memberships.values_list("account__email", flat=True)
    return {*members, *partner.invitations.values_list("email", flat=True)}


def _who(actor: str, own: set[str]) -> str:
    """A member's address, a key's public part or a part of the portal; never which member of staff it was."""
    return actor if "@" not in actor or actor in own else _("our staff")


def _written(value: object) -> str:
    """A detail as a reader wants it: lists joined, and no more of them than fits."""
    if isinstance(value, list):
        more = " …" if len(value) > SHOWN else ""
        return ", ".join(str(one) for one in value[:SHOWN]) + more
    return str(value)
