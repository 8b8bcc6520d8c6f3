"""The admin site of NCMEC staff: behind allauth's login and a second factor."""

from __future__ import annotations

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext_lazy as _

from takeitdown.accounts.second_factor import page_to_show_one
from takeitdown.accounts.second_factor import shown as used_a_second_factor


class StaffSite(admin.AdminSite):
    """Only for staff who used a second factor; the first login is led to set one up."""

    site_header = _("Take It Down")
    site_title = _("Take It Down")
    index_title = _("Case management")
    site_url = None
    enable_nav_sidebar = True

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and used_a_second_factor(request)

    def login(self, request: HttpRequest, extra_context: dict[str, object] | None = None) -> HttpResponse:
        """To the next step on the way in, or on."""
        target = request.GET.get("next", "")
        if not url_has_allowed_host_and_scheme(target, allowed_hosts={request.get_host()}):
            target = reverse("admin:index")
        if self.has_permission(request):
            return HttpResponseRedirect(target)
        return HttpResponseRedirect(f"{reverse(_next_step(request))}?{urlencode({'next': target})}")


def _next_step(request: HttpRequest) -> str:
    """The name of the page that a request without permission needs; raises PermissionDenied where none would help."""
    if not request.user.is_authenticated:
        return "account_login"
    if not (request.user.is_active and request.user.is_staff):
        raise PermissionDenied
    return page_to_show_one(request)
