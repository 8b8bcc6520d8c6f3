"""Members, roles, invitations, terms, leaving: as an owner does them."""

from __future__ import annotations

import pytest

from partners import terms
from partners.models import Invitation, Membership, PartnerState, Role, TermsAcceptance
from takeitdown.audit.models import AuditEvent
from tests.partners.console.conftest import browser_of, member_of
from tests.partners.console.test_pages import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(owner):
    """The owner's browser."""
    return browser_of(owner.account)


def test_an_invitation_is_mailed_shown_and_taken_back(desk, owner, mailoutbox, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        answer = desk.post(
            "/console/members/invite/", {"email": "New@Platform.example", "role": "reviewer"}, follow=True
        )

    invitation = Invitation.objects.get()
    assert (invitation.email, invitation.role) == ("new@platform.example", Role.REVIEWER)
    assert [mail.to for mail in mailoutbox] == [["new@platform.example"]]
    assert "new@platform.example , reviewer" in text_of(answer)

    desk.post(f"/console/invitations/{invitation.pk}/")
    invitation.refresh_from_db()
    assert invitation.withdrawn_at is not None
    assert desk.get(f"/console/invitations/{invitation.pk}/").status_code == 404


@pytest.mark.parametrize("form", [{"email": "nonsense", "role": "owner"}, {"email": "a@b.example", "role": "king"}, {}])
def test_an_invitation_with_a_wrong_form_is_not_sent(desk, form):
    assert b"errorlist" in desk.post("/console/members/invite/", form or {"email": ""}).content
    assert not Invitation.objects.exists()


def test_roles_change_and_members_go(desk, engineer):
    desk.post(f"/console/members/{engineer.pk}/role/", {"role": "reviewer"})
    engineer.refresh_from_db()
    assert engineer.role == Role.REVIEWER

    gone = browser_of(engineer.account)
    assert gone.get("/console/").status_code == 200
    assert "The account ends at once" in text_of(desk.get(f"/console/members/{engineer.pk}/remove/"))
    desk.post(f"/console/members/{engineer.pk}/remove/")

    assert not Membership.objects.filter(pk=engineer.pk).exists()
    assert gone.get("/console/").status_code == 302
    actions = set(AuditEvent.objects.filter(within="partner:platform").values_list("action", flat=True))
    assert {"changed a role", "removed a member"} <= actions


def test_the_last_owner_stays(desk, owner):
    for there, form in [("role", {"role": "engineer"}), ("remove", {})]:
        answer = desk.post(f"/console/members/{owner.pk}/{there}/", form)

        assert answer.status_code == 409
        assert "Make another member an owner first" in text_of(answer)


def test_whoever_removes_themselves_is_logged_out(owner, platform):
    another = browser_of(member_of(platform.partner, Role.ENGINEER).account)
    Membership.objects.filter(role=Role.ENGINEER).update(role=Role.OWNER)

    answer = another.post(f"/console/members/{Membership.objects.exclude(pk=owner.pk).get().pk}/remove/")

    assert answer.headers["Location"] == "/accounts/login/"
    assert another.get("/console/").headers["Location"].startswith("/accounts/login/")


def test_members_of_another_platform_are_not_there(desk, another_platform):
    stranger = member_of(another_platform.partner, Role.ENGINEER)

    for there in ("role", "remove"):
        assert desk.post(f"/console/members/{stranger.pk}/{there}/", {"role": "read_only"}).status_code == 404
    assert Membership.objects.filter(pk=stranger.pk, role=Role.ENGINEER).exists()
    assert stranger.account.email not in text_of(desk.get("/console/members/"))


def test_terms_in_force_are_accepted_once_by_an_owner(desk, owner):
    assert "is in force and not accepted yet" in text_of(desk.get("/console/terms/"))

    desk.post("/console/terms/", {"version": "1999-01"})
    assert not TermsAcceptance.objects.exists()
    desk.post("/console/terms/", {"version": terms.CURRENT})

    assert TermsAcceptance.objects.get().by == owner.account.email
    assert "has accepted the version in force" in text_of(desk.get("/console/terms/"))


def test_leaving_asks_for_the_code_and_ends_the_keys(desk, platform):
    assert b"errorlist" in desk.post("/console/leave/", {"code": "another"}).content
    assert platform.get("hash-list/head/").status_code == 200

    answer = desk.post("/console/leave/", {"code": "platform"}, follow=True)

    platform.partner.refresh_from_db()
    assert platform.partner.state == PartnerState.LEFT
    assert platform.get("hash-list/head/").status_code == 401
    assert "Delete your copy of the list" in text_of(answer)
