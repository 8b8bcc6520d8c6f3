"""What staff see of platforms, and what they may do."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from partners import keys, reports
from partners.models import ApiKey, Application
from takeitdown.accounts.models import Account
from takeitdown.audit.models import AuditEvent
from tests.partners.conftest import Platform, new_platform, publish

LISTS = [
    "partner",
    "membership",
    "apikey",
    "matchreport",
    "feedback",
    "snapshotdownload",
    "pagesread",
    "application",
    "invitation",
    "selftest",
]


@pytest.fixture
def staff(db: None, monkeypatch: pytest.MonkeyPatch) -> Client:
    """Staff with every permission, past the second factor."""
    monkeypatch.setattr("takeitdown.staff_site.used_a_second_factor", lambda request: True)
    client = Client()
    client.force_login(Account.objects.create_superuser("staff@example.org"))
    return client


def address(model: str, page: str = "changelist") -> str:
    return reverse(f"admin:partners_{model}_{page}")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("model", LISTS)
def test_list_pages_need_as_many_queries_for_three_rows_as_for_one(
    model, staff, sequencer, production, django_assert_num_queries
):
    def fill(code: str) -> None:
        platform = new_platform(production, code)
        entry = publish(sequencer)[0].pk.hex
        about: dict[str, Any] = {"partner": platform.partner, "reader": platform.reader, "entry": entry}
        reports.record_match_report(**about, client_id="1", outcome="found")
        reports.record_feedback(**about, client_id="1", opinion="agree")
        platform.snapshot()
        platform.get("hash-list/changes/")
        account = Account.objects.create_user(f"{code}@example.org")
        platform.partner.memberships.create(account=account, role="owner")
        platform.partner.invitations.create(email=account.email, role="owner", token_digest=code.encode())
        platform.partner.self_tests.create()
        Application.objects.create(service=code, token_digest=code.encode(), terms_version="1")

    fill("one")
    staff.get(address(model))
    with CaptureQueriesContext(connection) as at_one:
        assert staff.get(address(model)).status_code == 200
    count = len(at_one)
    fill("two")
    fill("three")
    with django_assert_num_queries(count):
        assert staff.get(address(model)).status_code == 200


def test_issuing_a_sandbox_key_shows_it_once_and_keeps_its_digest_alone(staff, platform):
    form = {
        "partner": platform.partner.pk,
        "name": "ingest",
        "scopes": ["list:read"],
        "days": 90,
    }

    page = staff.post(address("apikey", "add"), form)

    text = re.search(r"tid_test_\w+", page.content.decode())
    assert text is not None
    key = keys.find(text[0])
    assert (key.name, key.scopes, key.partner) == ("ingest", ["list:read"], platform.partner)
    pages = [address("apikey"), f"/admin/partners/apikey/{key.pk}/change/"]
    later = "".join(staff.get(page).content.decode() for page in pages)
    assert text[0] not in later
    assert key.prefix in later
    assert list(AuditEvent.objects.filter(target=f"partners.apikey:{key.key_id}").values_list("actor", "action")) == [
        ("staff@example.org", "issued a key")
    ]


def test_staff_revoke_keys(staff, platform, another_platform):
    key = ApiKey.objects.get(partner=platform.partner)

    staff.post(address("apikey"), {"action": "revoke_keys", "_selected_action": [key.pk]})

    assert platform.get("hash-list/head/").status_code == 401
    assert another_platform.get("hash-list/head/").status_code == 200
    assert AuditEvent.objects.filter(action="revoked a key", actor="staff@example.org").count() == 1


def test_staff_hold_no_production_key(staff, platform):
    form = {"partner": platform.partner.pk, "name": "x", "environment": "live", "scopes": ["list:read"], "days": 9}

    page = staff.post(address("apikey", "add"), form)

    assert "tid_live_" not in page.content.decode()
    assert ApiKey.objects.filter(environment="live").count() == 1


@pytest.mark.parametrize("model", LISTS)
def test_nobody_may_delete_or_search(model, staff, platform: Platform):
    admin_of = admin.site._registry[apps.get_model("partners", model)]
    request: Any = type("R", (), {"user": Account.objects.get(email="staff@example.org")})()

    assert admin_of.search_fields == ()
    assert not admin_of.has_delete_permission(request)
