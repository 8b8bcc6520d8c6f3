"""Members come by invitation, keep one owner, and are gone at once when they are removed."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core import mail
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.utils import timezone

from partners import invitations
from partners.joining import (
    AlreadyMember,
    InvitationNotOpen,
    LastOwner,
    MemberGone,
    OtherAccount,
    PartnerHasLeft,
    TooManyInvitations,
)
from partners.mail import MailNotSent
from partners.models import Invitation, Membership, Partner, PartnerState, Role
from takeitdown.accounts.models import Account
from takeitdown.audit.models import AuditEvent
from takeitdown.errors import Refused

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


@pytest.fixture
def partner(db: None) -> Partner:
    return Partner.objects.create(name="Platform", code="platform", group="platform")


@pytest.fixture
def another_partner(db: None) -> Partner:
    return Partner.objects.create(name="Another", code="another", group="another")


@pytest.fixture
def invited(django_capture_on_commit_callbacks: Any) -> Any:
    """Invite somebody and read the token out of the mail, the only place where it is."""

    def invite(partner: Partner, email: str = "ada@platform.example", role: str = Role.OWNER) -> str:
        mail.outbox.clear()
        with django_capture_on_commit_callbacks(execute=True):
            invitations.invite(partner, email=email, role=role, by="staff@example.org")
        (sent,) = mail.outbox
        assert sent.to == [email.lower()]
        found = re.search(r"/en/platforms/invitation/([\w-]+)/", str(sent.body))
        assert found is not None
        return found[1]

    return invite


def member(partner: Partner, name: str, role: str = Role.OWNER) -> Membership:
    account = Account.objects.create_user(f"{name}@platform.example", PASSWORD)
    return Membership.objects.create(account=account, partner=partner, role=role)


def test_whoever_has_the_link_becomes_a_member_once(partner, invited):
    token = invited(partner, "Ada@Platform.example", Role.ENGINEER)

    account = invitations.accept(token, password=PASSWORD)

    assert (account.email, account.is_staff) == ("ada@platform.example", False)
    assert (account.membership.partner, account.membership.role) == (partner, "engineer")
    assert EmailAddress.objects.get(user=account).verified
    assert Client().login(email="ada@platform.example", password=PASSWORD)
    assert token.encode() not in bytes(Invitation.objects.get().token_digest)
    assert [(e.actor, e.action) for e in AuditEvent.objects.filter(within="partner:platform").order_by("id")] == [
        ("staff@example.org", "invited a member"),
        ("ada@platform.example", "became a member"),
    ]
    with pytest.raises(InvitationNotOpen):
        invitations.accept(token, password=PASSWORD)


def _too_old(invitation: Invitation) -> None:
    Invitation.objects.update(invited_at=timezone.now() - timedelta(days=7, seconds=1))


def _withdrawn(invitation: Invitation) -> None:
    invitations.withdraw(invitation, by="staff@example.org")
    invitations.withdraw(invitation, by="staff@example.org")


def _left(invitation: Invitation) -> None:
    Partner.objects.filter(pk=invitation.partner_id).update(state=PartnerState.LEFT)


@pytest.mark.parametrize("end", [_too_old, _withdrawn, _left])
def test_an_ended_invitation_opens_nothing(partner, invited, end):
    token = invited(partner)
    end(Invitation.objects.get())

    with pytest.raises(InvitationNotOpen):
        invitations.accept(token, password=PASSWORD)

    assert not Account.objects.exists()


@pytest.mark.parametrize("token", ["", "x", "é", "\udcff", "a" * 10_000])
def test_a_token_nobody_drew_opens_nothing(partner, invited, token):
    invited(partner)

    with pytest.raises(InvitationNotOpen):
        invitations.find(token)


def test_a_second_invitation_ends_the_first_link(partner, invited):
    first, second = invited(partner), invited(partner)

    with pytest.raises(InvitationNotOpen):
        invitations.find(first)
    assert invitations.find(second).partner == partner


def test_a_weak_password_uses_nothing_up(partner, invited):
    token = invited(partner)

    for weak in ("short", "password1234", "ada@platform.example"):
        with pytest.raises(ValidationError):
            invitations.accept(token, password=weak)

    assert invitations.accept(token, password=PASSWORD).email == "ada@platform.example"


def test_an_account_is_never_shared_and_the_inviter_does_not_learn_of_it(partner, another_partner, invited):
    Account.objects.create_user("staff@example.org", is_staff=True)
    member(another_partner, "eve")

    for email in ("staff@example.org", "eve@platform.example"):
        with pytest.raises(OtherAccount):
            invitations.accept(invited(partner, email), password=PASSWORD)

    assert Membership.objects.filter(partner=partner).count() == 0
    assert not Account.objects.get(email="staff@example.org").has_usable_password()


def test_members_are_not_invited_again_and_nobody_to_a_platform_that_left(partner, invited):
    member(partner, "ada")
    with pytest.raises(AlreadyMember):
        invitations.invite(partner, email="Ada@platform.example", role=Role.OWNER, by="x")
    Partner.objects.update(state=PartnerState.LEFT)
    with pytest.raises(PartnerHasLeft):
        invitations.invite(partner, email="bea@platform.example", role=Role.OWNER, by="x")


def test_invitations_of_a_day_are_counted_withdrawn_ones_too(partner, another_partner, monkeypatch):
    monkeypatch.setattr(invitations, "A_DAY", 2)
    for name in ("ada", "ada"):
        invitations.invite(partner, email=f"{name}@platform.example", role=Role.OWNER, by="x")

    with pytest.raises(TooManyInvitations):
        invitations.invite(partner, email="bea@platform.example", role=Role.OWNER, by="x")
    invitations.invite(another_partner, email="bea@platform.example", role=Role.OWNER, by="x")
    Invitation.objects.update(invited_at=timezone.now() - timedelta(days=1, seconds=1))
    invitations.invite(partner, email="bea@platform.example", role=Role.OWNER, by="x")


def test_the_invitation_outlives_a_mail_server_that_is_away(partner, settings, django_capture_on_commit_callbacks):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1  # nobody listens there

    with pytest.raises(MailNotSent), django_capture_on_commit_callbacks(execute=True):
        invitations.invite(partner, email="ada@platform.example", role=Role.OWNER, by="x")

    assert Invitation.objects.open().count() == 1


def test_the_last_owner_stays_one(partner):
    owner, engineer = member(partner, "ada"), member(partner, "bea", Role.ENGINEER)

    with pytest.raises(LastOwner):
        invitations.change_role(owner, role=Role.READ_ONLY, by="ada@platform.example")
    with pytest.raises(LastOwner):
        invitations.remove(owner, by="ada@platform.example")
    invitations.change_role(engineer, role=Role.OWNER, by="ada@platform.example")
    invitations.change_role(owner, role=Role.READ_ONLY, by="bea@platform.example")

    assert dict(Membership.objects.values_list("account__email", "role")) == {
        "ada@platform.example": "read_only",
        "bea@platform.example": "owner",
    }
    assert AuditEvent.objects.filter(action="changed a role", within="partner:platform").count() == 2


def test_a_removed_member_is_out_at_once_and_may_be_invited_again(partner, invited):
    member(partner, "ada")
    removed = member(partner, "bea", Role.REVIEWER)
    browser = Client()
    browser.force_login(removed.account)

    invitations.remove(removed, by="ada@platform.example")
    invitations.remove(removed, by="ada@platform.example")

    assert not browser.get("/console/").wsgi_request.user.is_authenticated
    assert not Account.objects.filter(email="bea@platform.example").exists()
    assert AuditEvent.objects.filter(action="removed a member").count() == 1
    with pytest.raises(MemberGone):
        invitations.change_role(removed, role=Role.OWNER, by="ada@platform.example")
    assert invitations.accept(invited(partner, "bea@platform.example"), password=PASSWORD)


def both_at_once(*calls: Any) -> list[str]:
    """Run the calls in threads that start together; what each answered, or its refusal's code."""
    together = Barrier(len(calls))

    def run(call: Any) -> str:
        together.wait(timeout=30)
        try:
            call()
        except Refused as refusal:
            return refusal.code
        finally:
            connection.close()
        return "done"

    with ThreadPoolExecutor(len(calls)) as pool:
        return sorted(pool.map(run, calls))


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_link_used_twice_at_once_makes_one_account(partner, invited):
    token = invited(partner)

    answers = both_at_once(*[lambda: invitations.accept(token, password=PASSWORD)] * 2)

    assert answers == ["done", "invitation_not_open"]
    assert Membership.objects.count() == Account.objects.count() == 1


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_two_owners_who_remove_each_other_at_once_leave_one(partner):
    ada, bea = member(partner, "ada"), member(partner, "bea")

    answers = both_at_once(lambda: invitations.remove(ada, by="b"), lambda: invitations.remove(bea, by="a"))

    assert answers == ["done", "last_owner"]
    assert Membership.objects.filter(role=Role.OWNER).count() == 1
