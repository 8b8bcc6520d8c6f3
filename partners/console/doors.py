"""Who may open which page of the console: a role for each method, a second factor for all, a fresh one for some.

Every view of the console goes through `door`; tests read `view.door` of every address, so that none is forgotten.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Concatenate, ParamSpec

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.http import HttpResponseRedirect as Redirect
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from partners.console.page import page, refusal_page
from partners.models import Membership, PartnerState, Role
from takeitdown.accounts import second_factor
from takeitdown.errors import Refused

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, Membership, P], HttpResponseBase]
Opened = Callable[Concatenate[HttpRequest, P], HttpResponseBase]

# Each role may do what those before it may.
ORDER = (Role.READ_ONLY, Role.REVIEWER, Role.ENGINEER, Role.OWNER)


class NotYourRole(Refused):
    code = "not_your_role"
    status = 403


class YouLeft(Refused):
    code = "you_left"
    status = 403


@dataclass(frozen=True)
class Door:
    """`least` names the lowest role for each method the address takes. `fresh`: a second factor at most 5 min old."""

    least: dict[str, Role]
    fresh: bool
    open_after_leaving: bool

    def admits(self, role: str, method: str) -> bool:
        return ORDER.index(Role(role)) >= ORDER.index(self.least[method])


def door(*, fresh: bool = False, open_after_leaving: bool = False, **least: Role) -> Callable[[View[P]], Opened[P]]:
    """Let members in who may; `@door(GET=Role.READ_ONLY, POST=Role.ENGINEER)`. The view is given the membership.

    Whoever is not logged in, or has not shown a second factor, is led there and comes back to this address by GET.
    A Refused from the view becomes a page that says what to do next, with its status.
    """
    rules = Door({**least, **({"HEAD": least["GET"]} if "GET" in least else {})}, fresh, open_after_leaving)

    def decorate(view: View[P]) -> Opened[P]:
        @functools.wraps(view)
        def opened(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponseBase:
            if request.method not in rules.least:
                return _not_this_way(request, rules)
            if (way_in := _way_in(request, rules)) is not None:
                return way_in
            member = (
                Membership.objects.select_related("account", "partner")
                .filter(account__email=request.user.get_username())
                .first()
            )
            if member is None:
                return page(request, None, "no_member.html", status=403)
            try:
                _check(member, rules, request.method)
                if rules.fresh and not second_factor.shown_lately(request):
                    return _to(second_factor.page_to_show_one(request), request, rules)
                return view(request, member, *args, **kwargs)
            except Refused as refusal:
                return refusal_page(request, member, refusal)
            except Http404:
                return page(request, member, "not_found.html", status=404)

        opened.door = rules  # type: ignore[attr-defined]
        return opened

    return decorate


def _not_this_way(request: HttpRequest, rules: Door) -> HttpResponse:
    response = page(request, None, "not_allowed.html", status=405)
    response.headers["Allow"] = ", ".join(rules.least)
    return response


def _way_in(request: HttpRequest, rules: Door) -> HttpResponse | None:
    if not request.user.is_authenticated:
        return _to("account_login", request, rules)
    if not second_factor.shown(request) and hasattr(request.user, "membership"):
        return _to(second_factor.page_to_show_one(request), request, rules)
    return None


def _check(member: Membership, rules: Door, method: str) -> None:
    if member.partner.state == PartnerState.LEFT and not rules.open_after_leaving:
        raise YouLeft(_("Your organisation has left. Write to us if it wants to come back."))
    if not rules.admits(member.role, method):
        least = rules.least[method].label
        raise NotYourRole(_("This needs the role “%(role)s”. Ask an owner of your organisation.") % {"role": least})


def _to(name: str, request: HttpRequest, rules: Door) -> HttpResponse:
    """To a page on the way in, and back here afterwards; to the overview where this address only takes a form."""
    back = request.get_full_path() if request.method == "GET" else request.path
    if "GET" not in rules.least:
        back = reverse("console:overview")
    return Redirect(f"{reverse(name)}?{urlencode({'next': back})}")
