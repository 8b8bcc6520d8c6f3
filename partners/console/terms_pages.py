"""The terms: read them, accept the version in force."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from partners import terms
from partners.console.doors import door
from partners.console.page import page
from partners.models import Membership, Role, TermsAcceptance


@door(GET=Role.READ_ONLY, POST=Role.OWNER)
def show_terms(request: HttpRequest, member: Membership) -> HttpResponse:
    """GET, POST /console/terms/: POST accepts the version that the form names, if it is still the one in force."""
    if request.method == "POST" and request.POST.get("version") == terms.CURRENT:
        terms.accept(member.partner, by=member.account.email, version=terms.CURRENT)
        messages.success(request, _("Thank you. Your organisation has accepted the terms in force."))
        return redirect("console:overview")
    context = {
        "version": terms.CURRENT,
        "text": f"partners/public/terms/{terms.CURRENT}.html",
        "accepted": TermsAcceptance.objects.filter(partner=member.partner).order_by("-accepted_at"),
        "is_accepted": terms.accepted(member.partner),
    }
    return page(request, member, "terms.html", context)
