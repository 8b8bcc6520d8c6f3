"""Applications and platforms in the admin: facts, deeds that fit, and a second person for what opens something."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core import mail
from django.test import Client
from django.utils import timezone

from partners import applications, terms
from partners.models import Application, Invitation, Partner, PartnerState
from takeitdown.accounts.models import Account
from takeitdown.approvals.models import ApprovalRequest
from tests import make

pytestmark = pytest.mark.django_db
MANAGER = [
    *("view_application", "change_application", "view_partner", "change_partner"),
    *("view_approvalrequest", "change_approvalrequest"),
]


@pytest.fixture(autouse=True)
def _second_factor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("takeitdown.staff_site.used_a_second_factor", lambda request: True)
    monkeypatch.setattr("takeitdown.accounts.second_factor.shown_lately", lambda request: True)


def browser(name: str, codes: list[str] = MANAGER) -> Client:
    account = Account.objects.create_user(f"{name}@ncmec.example", is_staff=True)
    account.user_permissions.set(Permission.objects.filter(codename__in=codes))
    client = Client()
    client.force_login(account)
    return client


@pytest.fixture
def one(db: None) -> Client:
    return browser("one")


@pytest.fixture
def two(db: None) -> Client:
    return browser("two")


@pytest.fixture
def application(db: None) -> Application:
    return Application.objects.create(
        organisation="Birch Ltd",
        service="Birch & Co",
        website="https://birch.example/",
        contact_email="ada@birch.example",
        security_email="security@birch.example",
        on_a_match="<b>Two</b> reviewers look at it.",
        token_digest=bytes(32),
        terms_version=terms.CURRENT,
        email_verified_at=timezone.now(),
    )


@pytest.fixture
def partner(db: None) -> Partner:
    make.production_list()
    return Partner.objects.create(name="Oak", code="oak", group="oak", contact_email="bea@oak.example")


def page_of(row: Any) -> str:
    return f"/admin/partners/{row._meta.model_name}/{row.pk}/change/"


def press(client: Client, row: Any, deed: str, **typed: str) -> str:
    """Press a deed's button; the page that comes back."""
    form = {f"{deed}-{name}": value for name, value in typed.items()}
    response = client.post(f"/admin/partners/{row._meta.model_name}/{row.pk}/deed/{deed}/", form, follow=True)
    return str(response.content.decode())


def allow(client: Client) -> str:
    request = ApprovalRequest.objects.open().get()
    address = f"/admin/approvals/approvalrequest/{request.pk}/"
    said = client.get(f"{address}change/").content.decode()
    client.post(f"{address}decide/", {"answer": "allow"})
    return str(said)


def test_one_proposes_an_application_and_another_allows_what_is_written_out(
    one, two, application, django_capture_on_commit_callbacks
):
    html = one.get(page_of(application)).content.decode()
    assert "&lt;b&gt;Two&lt;/b&gt; reviewers" in html
    assert 'value="birch-co"' in html

    assert "approval request" in press(one, application, "propose", code="birch", group="Birch Ltd")
    with django_capture_on_commit_callbacks(execute=True):
        said = allow(two)

    assert "Birch &amp; Co of Birch Ltd (https://birch.example/) becomes a platform with the code birch" in said
    partner = Partner.objects.get()
    assert (partner.name, partner.state, partner.application) == ("Birch & Co", "sandbox", application)
    assert mail.outbox[0].to == ["ada@birch.example"]
    assert "deed/propose" not in one.get(page_of(application)).content.decode()


def test_the_queue_counts_what_waits(one, application):
    applications.apply(
        organisation="O", service="S", website="https://s.example", contact_email="a@s.example",
        security_email="b@s.example", on_a_match="x",
    )  # fmt: skip

    response = one.get("/admin/partners/application/?stage=review")

    assert response.context["cl"].result_count == 1
    assert re.search(r"to be read\s*\(1\)", response.content.decode())


def test_a_refusal_needs_a_reason(one, application):
    assert "This field is required." in press(one, application, "refuse", reason=" ")
    assert "has been told why" in press(one, application, "refuse", reason="Say who reviews.")
    application.refresh_from_db()
    assert (application.stage, application.reason) == ("refused", "Say who reviews.")


def test_what_a_process_declines_is_said_in_its_words(one, partner):
    assert "It has not passed its self-test yet." in press(one, partner, "production", named_in_public="on")
    assert not ApprovalRequest.objects.exists()


def test_production_opens_by_two_and_stops_by_one(one, two, partner):
    partner.certified_at = timezone.now()
    partner.save()
    terms.accept(partner, by="bea@oak.example")
    press(one, partner, "production", named_in_public="on")
    assert allow(one)
    partner.refresh_from_db()
    assert partner.state == PartnerState.SANDBOX

    assert "It is named in public." in allow(two)
    partner.refresh_from_db()
    assert (partner.state, partner.reader.is_public) == (PartnerState.PRODUCTION, True)
    assert "Suspended." in press(one, partner, "suspend", because="A leaked key.")
    partner.refresh_from_db()
    assert (partner.state, partner.suspended_because) == (PartnerState.SUSPENDED, "A leaked key.")
    press(one, partner, "resume", named_in_public="on")
    allow(two)
    press(two, partner, "leave")
    allow(one)
    partner.refresh_from_db()
    assert partner.state == PartnerState.LEFT


def test_the_owners_invitation_goes_to_the_approved_address_alone(one, partner, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        press(one, partner, "invite", email="one@ncmec.example")

    assert [sent.to for sent in mail.outbox] == [["bea@oak.example"]]
    account = Account.objects.create_user("bea@oak.example")
    partner.memberships.create(account=account, role="owner")
    assert "deed/invite" not in one.get(page_of(partner)).content.decode()
    assert Invitation.objects.get().role == "owner"


def test_nobody_types_a_state(one, partner):
    assert one.get("/admin/partners/partner/add/").status_code == 403
    assert one.post(page_of(partner), {"state": "production", "name": "Oak", "group": "oak"}).status_code == 403
    partner.refresh_from_db()
    assert partner.state == PartnerState.SANDBOX


def test_who_only_looks_sees_no_button_and_presses_none(partner, application):
    reader = browser("three", ["view_partner", "view_application"])

    for row in (partner, application):
        assert "/deed/" not in reader.get(page_of(row)).content.decode()
    for deed in ("production", "invite", "suspend", "resume", "leave"):
        assert reader.post(f"/admin/partners/partner/{partner.pk}/deed/{deed}/").status_code == 403
    assert reader.post(f"/admin/partners/application/{application.pk}/deed/refuse/").status_code == 403


def test_a_deed_is_a_post_of_a_row_that_is_there(one, partner):
    assert one.get(f"/admin/partners/partner/{partner.pk}/deed/suspend/").status_code == 405
    assert one.post("/admin/partners/partner/999999/deed/suspend/").status_code == 404
    assert one.post(f"/admin/partners/partner/{partner.pk}/deed/nothing/").status_code == 404
