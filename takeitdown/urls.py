"""The map of the site."""

from __future__ import annotations

from django.conf.urls.i18n import i18n_patterns
from django.contrib import admin
from django.urls import include, path

from takeitdown import site_pages

urlpatterns = [
    path("", site_pages.to_language),
    path("health/live/", site_pages.live, name="live"),
    path("health/ready/", site_pages.ready, name="ready"),
    path("accounts/", include("allauth.account.urls")),
    path("accounts/2fa/", include("allauth.mfa.urls")),
    path("admin/", admin.site.urls),
    path("api/reports/", include("submissions.api.urls")),
    path("api/", include("partners.api.urls")),
    path("console/", include("partners.console.urls")),
    *i18n_patterns(
        path("platforms/", include("partners.public.urls")),
        path("", include("submissions.urls")),
        prefix_default_language=True,
    ),
]
handler400 = "takeitdown.site_pages.bad_request"
handler403 = "takeitdown.site_pages.forbidden"
handler404 = "takeitdown.site_pages.not_found"
handler500 = "takeitdown.site_pages.server_error"
