"""Headers on every address there is, on errors and static files too, and nothing kept of who asks."""

import re
from collections.abc import Iterator

import pytest
from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import HttpResponse
from django.test import RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver

from takeitdown.middleware import ForgetWhoIsAsking

pytestmark = pytest.mark.django_db
CANARY = "kanari3nvogel"
EXAMPLES = {"int": "1", "uuid": "00000000-0000-4000-8000-000000000000", "path": "x", "str": "x", "slug": "x"}


def addresses(patterns: list[URLPattern | URLResolver], prefix: str = "/") -> Iterator[str]:
    """One example of every address of the URLconf."""
    for pattern in patterns:
        part = re.sub(r"<(?:(\w+):)?\w+>", lambda found: EXAMPLES.get(found[1] or "str", "x"), str(pattern.pattern))
        part = re.sub(r"\(\?P<\w+>[^)]*\)|[\^$\\]|\.\*|\?", "", part)
        if isinstance(pattern, URLResolver):
            yield from addresses(pattern.url_patterns, prefix + part)
        else:
            yield prefix + part


ALL = sorted({*addresses(get_resolver().url_patterns), "/nothing/here/", "/api/nothing/", "/en/nothing/"})


def assert_standing_headers(response: HttpResponse, address: str) -> None:
    policy = response.headers["Content-Security-Policy"]
    assert "unsafe-" not in policy, address
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert ("require-trusted-types-for" in policy) is not address.startswith("/admin/"), address
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.headers["Referrer-Policy"] == "same-origin"
    assert response.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert response.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert response.headers["X-Frame-Options"] == "DENY"
    assert "camera=()" in response.headers["Permissions-Policy"]
    assert "Server" not in response.headers


@pytest.mark.parametrize("address", ALL)
@pytest.mark.parametrize("method", ["get", "post", "put"])
def test_every_address_carries_the_standing_headers(client, address, method):
    client.raise_request_exception = False

    response = getattr(client, method)(address)

    assert_standing_headers(response, address)
    assert response.status_code != 500, address
    stored = response.headers.get("Cache-Control", "")
    assert "no-store" in stored or "public" in stored or "max-age" in stored, (address, stored)


def test_the_crawl_sees_every_room():
    assert len(ALL) > 60
    assert {"/", "/en/", "/admin/", "/accounts/login/", "/api/reports/", "/health/live/"} <= set(ALL)


def test_static_files_carry_them_and_the_worker_a_stricter_policy(client):
    style = client.get(staticfiles_storage.url("site.css"))

    assert_standing_headers(style, "/static/site.css")
    for name in ("hash-worker", "heic-worker"):
        worker = client.get(f"/static/submissions/js/{name}.js")
        assert worker.status_code == 200
        assert worker.headers["Content-Security-Policy"] == settings.WORKER_SECURITY_POLICY


def test_reporters_get_no_cookie_before_they_open_a_case(client):
    for address in ("/", "/en/", "/en/platforms/", "/en/taking-part/", "/en/help/", "/health/live/"):
        assert client.get(address).cookies == {}, address


# --- forgetting who asks ----------------------------------------------------------------------------------------

NAMING = [
    "X-Forwarded-For", "Forwarded", "X-Real-IP", "CF-Connecting-IP", "CF-IPCountry", "True-Client-IP", "User-Agent",
    "Referer", "Accept-Language", "Sec-CH-UA", "Sec-CH-UA-Model", "Via", "From", "DNT", "X-Request-ID", "Traceparent",
    "X-Header-Nobody-Has-Heard-Of",
]  # fmt: skip


def forget(**headers: str):
    seen = {}

    def view(request):
        seen["meta"], seen["language"] = dict(request.META), request.preferred_language
        return HttpResponse()

    request = RequestFactory().get(f"/?q={CANARY}-query", headers=headers, REMOTE_ADDR="203.0.113.77")
    ForgetWhoIsAsking(view)(request)
    return seen


def test_no_view_sees_who_asks():
    meta = forget(**dict.fromkeys(NAMING, CANARY))["meta"]

    kept = {name: value for name, value in meta.items() if CANARY in str(value) or "203.0.113.77" in str(value)}
    assert kept == {"QUERY_STRING": f"q={CANARY}-query"}
    assert meta["REMOTE_ADDR"].startswith("2001:db8:")


def test_the_forms_guards_stay():
    meta = forget(Origin="https://a.example", **{"Sec-Fetch-Site": "same-origin"})["meta"]

    assert (meta["HTTP_ORIGIN"], meta["HTTP_SEC_FETCH_SITE"]) == ("https://a.example", "same-origin")


def test_language_survives_as_a_choice_of_ours():
    assert forget(**{"Accept-Language": "xx-Canary, en;q=0.5"})["language"] == "en"
    assert forget(**{"Accept-Language": "x" * 10_000})["language"] == "en"


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("198.51.100.9", "198.51.100.9"),
        ("6.6.6.6, 198.51.100.9", "198.51.100.9"),  # the left one is what the sender claims
        ("198.51.100.9, 10.0.0.7", "198.51.100.9"),  # two proxies of ours
        ("", "10.0.0.1"),
    ],
)
def test_behind_trusted_proxies_the_rightmost_other_address_counts(settings, forwarded, address):
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    request = RequestFactory().get("/", REMOTE_ADDR="10.0.0.1", HTTP_X_FORWARDED_FOR=forwarded)

    assert ForgetWhoIsAsking(lambda request: HttpResponse())._address(request) == address


def test_a_stranger_cannot_forge_an_address():
    request = RequestFactory().get("/", REMOTE_ADDR="203.0.113.77", HTTP_X_FORWARDED_FOR="10.0.0.1")

    assert ForgetWhoIsAsking(lambda request: HttpResponse())._address(request) == "203.0.113.77"
