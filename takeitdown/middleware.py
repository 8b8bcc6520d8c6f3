"""First in line: forget who is asking. And the headers that stand on every answer."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.middleware.common import CommonMiddleware
from django.utils.translation import get_supported_language_variant
from django.utils.translation.trans_real import parse_accept_lang_header

from takeitdown import pseudonym

GetResponse = Callable[[HttpRequest], HttpResponse]

# Headers that something here reads. Every other one is dropped unseen: apps, proxies and telephones' networks invent
# new ones that name a person, a device or a place. `Origin` and `Sec-Fetch-Site` guard the forms.
NEEDED = frozenset({
    "HTTP_HOST", "HTTP_ORIGIN", "HTTP_SEC_FETCH_SITE", "HTTP_COOKIE", "HTTP_AUTHORIZATION", "HTTP_X_CSRFTOKEN",
    "HTTP_X_FORWARDED_PROTO", "HTTP_CONTENT_ENCODING", "HTTP_TRANSFER_ENCODING", "HTTP_ACCEPT", "HTTP_ACCEPT_ENCODING",
    "HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_IF_RANGE", "HTTP_RANGE",
})  # fmt: skip
FORGOTTEN = frozenset({"REMOTE_HOST", "REMOTE_PORT", "REMOTE_USER", "RAW_URI", "REQUEST_URI"})


def _is_forgotten(name: str) -> bool:
    return name in FORGOTTEN or (name.startswith("HTTP_") and name not in NEEDED)


class ForgetWhoIsAsking:
    """Replace the address by an hourly pseudonym and drop every header but the few that are needed.

    Nothing behind this knows them, so no error report, log line, audit row or third-party package can keep them.
    `request.preferred_language` holds the best of our languages in place of Accept-Language.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response
        self.proxies = [ipaddress.ip_network(network) for network in settings.TRUSTED_PROXIES]

    def __call__(self, request: HttpRequest) -> HttpResponse:
        meta = request.META
        meta["REMOTE_ADDR"] = pseudonym.of_address(self._address(request))
        request.preferred_language = _best_language(meta.get("HTTP_ACCEPT_LANGUAGE", ""))  # type: ignore[attr-defined]
        for name in [name for name in meta if _is_forgotten(name)]:
            del meta[name]
        return self.get_response(request)

    def _address(self, request: HttpRequest) -> str:
        """The socket's address, or behind trusted proxies the rightmost address that is not one of them."""
        chain = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
        address = str(request.META.get("REMOTE_ADDR", ""))
        while chain and self._trusted(address):
            address = chain.pop()
        return address

    def _trusted(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self.proxies)


def _best_language(header: str) -> str:
    for code, _quality in parse_accept_lang_header(header[:200].lower()):
        try:
            return get_supported_language_variant(code)
        except LookupError:
            continue
    return settings.LANGUAGE_CODE


class StandingHeaders:
    """The headers every answer carries, whatever made it, errors and static files included."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        response.headers.setdefault("X-Frame-Options", "DENY")
        response.headers.setdefault(
            "Permissions-Policy",
            "accelerometer=(), camera=(), display-capture=(), geolocation=(), gyroscope=(), magnetometer=(), "
            "microphone=(), payment=(), usb=(), browsing-topics=()",
        )
        if not request.path_info.startswith(settings.STATIC_URL):
            response.headers.setdefault("Cache-Control", "no-store")
        if request.path_info.startswith("/admin/"):
            _allow_admin_scripts(response)
        return response


class SlashesForPeople(CommonMiddleware):
    """Adds a forgotten slash to a page's address. Never to a program's: many follow a redirected POST with a GET."""

    def should_redirect_with_slash(self, request: HttpRequest) -> bool:
        return not request.path_info.startswith("/api/") and super().should_redirect_with_slash(request)


def _allow_admin_scripts(response: HttpResponse) -> None:
    """The admin's jQuery dies under Trusted Types; everything else of the policy stays."""
    policy = response.headers.get("Content-Security-Policy", "")
    kept = [part for part in policy.split("; ") if not part.startswith(("require-trusted-types-for", "trusted-types"))]
    if policy:
        response.headers["Content-Security-Policy"] = "; ".join(kept)
