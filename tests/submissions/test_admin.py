from __future__ import annotations

import pytest
from django.contrib import admin
from django.test import Client

from submissions.models import Case, GuessBudget, Helpline, IntakeReceipt
from takeitdown.accounts.models import Account
from takeitdown.audit.models import AuditEvent
from tests.submissions.conftest import Reporter

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client: Client, monkeypatch) -> Client:
    monkeypatch.setattr("takeitdown.staff_site.used_a_second_factor", lambda request: True)
    client.force_login(Account.objects.create_superuser("staff@ncmec.example", "a long enough pass"))
    return client


def test_staff_see_cases_without_codes_or_hashes(staff: Client, reporter: Reporter):
    case = Case.objects.get()
    for path in ("/admin/submissions/case/", f"/admin/submissions/case/{case.pk}/change/"):
        response = staff.get(path)
        html = response.content.decode()
        assert response.status_code == 200
        for secret in (reporter.number, reporter.pin, bytes(case.number_hash).hex(), bytes(case.pin_hash).hex()):
            assert secret not in html


@pytest.mark.parametrize("lookup", ["pin_hash__startswith", "number_hash", "submissions__fingerprints__quality"])
def test_filters_cannot_read_a_hash_out(staff: Client, reporter: Reporter, lookup: str):
    response = staff.get(f"/admin/submissions/case/?{lookup}=1")
    assert response.status_code in {302, 400}


def test_cases_are_not_edited_by_hand(staff: Client, reporter: Reporter):
    assert staff.get("/admin/submissions/case/add/").status_code == 403
    assert staff.post(f"/admin/submissions/case/{reporter.case.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Case.objects.count() == 1


def test_receipts_and_guesses_are_shown_to_nobody_and_nothing_is_searched():
    assert not admin.site.is_registered(IntakeReceipt)
    assert not admin.site.is_registered(GuessBudget)
    assert not admin.site._registry[Case].search_fields


def test_helplines_are_edited_and_audited(staff: Client):
    row = {"name": "A line", "url": "https://line.example/", "is_shown": "on", "last_checked_on": "2026-11-01"}
    assert staff.post("/admin/submissions/helpline/add/", row).status_code == 302
    assert Helpline.objects.get().name == "A line"
    assert AuditEvent.objects.filter(action="added", target__startswith="submissions.helpline:").count() == 1
