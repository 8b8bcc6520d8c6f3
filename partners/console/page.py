"""What every page of the console shows around its own matter: whose it is, who looks, and where else one may go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from partners.models import Membership
from takeitdown.errors import Refused


@dataclass(frozen=True)
class Item:
    """A line of the menu; `sections` are the URL names that belong to it."""

    name: str
    label: str | Promise
    sections: frozenset[str] = frozenset()


MENU = (
    Item("overview", _("Overview")),
    Item("guide", _("Guide")),
    Item("keys", _("Opt-in keys"), frozenset({"new_key", "rotate_key", "revoke_key"})),
    Item("self_test", _("Self-test")),
    Item(
        "webhooks",
        _("Webhooks"),
        frozenset(
            {
                "webhook",
                "new_webhook",
                "webhook_secret",
                "webhook_address",
                "remove_webhook",
                "decide_address",
            }
        ),
    ),
    Item("list", _("The list"), frozenset({"entry"})),
    Item("reports", _("Reports"), frozenset({"feedback"})),
    Item("clock", _("48-hour clock"), frozenset({"decide"})),
    Item("disputes", _("Disputes")),
    Item("usage", _("Usage")),
    Item("members", _("Members"), frozenset({"invite", "change_role", "remove_member", "withdraw_invitation"})),
    Item("terms", _("Terms")),
    Item("audit", _("Audit")),
)


def page(
    request: HttpRequest, member: Membership | None, template: str, context: dict[str, Any] | None = None, **kwargs: Any
) -> HttpResponse:
    """Render `partners/console/<template>`; `status` may be given."""
    here = request.resolver_match.url_name if request.resolver_match else ""
    around = {
        "member": member,
        "partner": member.partner if member else None,
        "menu": [(item, item.name == here or here in item.sections) for item in MENU],
    }
    return render(request, f"partners/console/{template}", {**around, **(context or {})}, **kwargs)


def refusal_page(request: HttpRequest, member: Membership, refusal: Refused) -> HttpResponse:
    """What we decline, said in its own sentence and with its status."""
    response = page(request, member, "refused.html", {"refusal": refusal}, status=refusal.status)
    if (seconds := getattr(refusal, "retry_after", None)) is not None:
        response.headers["Retry-After"] = str(seconds)
    return response
