"""Members: invited by mail, with a role, and out again. An account belongs to one partner and never to staff."""

from __future__ import annotations

from datetime import timedelta

from allauth.account.models import EmailAddress
from django.contrib.auth.password_validation import validate_password
from django.db import transaction
from django.utils import timezone

from partners import mail, one_time
from partners.joining import (
    AlreadyMember,
    InvitationNotOpen,
    LastOwner,
    MemberGone,
    OtherAccount,
    PartnerHasLeft,
    TooManyInvitations,
)
from partners.models import Invitation, Membership, Partner, PartnerState, Role
from takeitdown.accounts.models import Account
from takeitdown.audit.models import record

A_DAY = 50  # of one platform: nobody uses it to send mail to strangers


@transaction.atomic
def invite(partner: Partner, *, email: str, role: str, by: str) -> Invitation:
    """Offer `email` a place at `partner`; the mail with the link goes out after the commit.

    An open invitation of that address is replaced: its link opens nothing any more. The reply does not tell whether the
    address has an account elsewhere. Raises AlreadyMember, PartnerHasLeft, TooManyInvitations, and mail.MailNotSent
    after the commit.
    """
    address = email.strip().lower()
    row = _locked(partner)
    if row.state == PartnerState.LEFT:
        raise PartnerHasLeft
    if Membership.objects.filter(partner=row, account__email=address).exists():
        raise AlreadyMember
    if row.invitations.filter(invited_at__gt=timezone.now() - timedelta(days=1)).count() >= A_DAY:
        raise TooManyInvitations
    row.invitations.open().filter(email=address).update(withdrawn_at=timezone.now())
    token, digest = one_time.draw()
    invitation = Invitation.objects.create(
        partner=row, email=address, role=Role(role), token_digest=digest, invited_by=by
    )
    _record(row, by, "invited a member", f"partners.invitation:{invitation.pk}", role=invitation.role)
    context = {"partner": row.name, "role": invitation.get_role_display(), "token": token}
    transaction.on_commit(lambda: mail.send(to=address, template="invitation", context=context))
    return invitation


@transaction.atomic
def withdraw(invitation: Invitation, *, by: str) -> None:
    """Take an invitation back; its link opens nothing any more. Repeating is harmless."""
    if Invitation.objects.open().filter(pk=invitation.pk).update(withdrawn_at=timezone.now()):
        _record(invitation.partner, by, "withdrew an invitation", f"partners.invitation:{invitation.pk}")


def find(token: str) -> Invitation:
    """The open invitation with that token. Raises InvitationNotOpen: used, withdrawn, old and unknown look alike."""
    found = Invitation.objects.open().select_related("partner").filter(token_digest=one_time.digest(token)).first()
    if found is None or found.partner.state == PartnerState.LEFT:
        raise InvitationNotOpen
    return found


@transaction.atomic
def accept(token: str, *, password: str) -> Account:
    """Make the account and the membership; the address counts as verified, for the link came by mail.

    A link works once, also for two who use it at the same moment. Raises InvitationNotOpen, OtherAccount (the address
    belongs to staff or to another platform) and ValidationError (the password is too weak; nothing is used up).
    """
    invitation = find(token)
    validate_password(password, user=Account(email=invitation.email))
    row = _locked(invitation.partner)
    won = Invitation.objects.open().filter(pk=invitation.pk).update(accepted_at=timezone.now())
    if not won or row.state == PartnerState.LEFT:
        raise InvitationNotOpen
    if Account.objects.filter(email=invitation.email).exists():
        raise OtherAccount
    account = Account.objects.create_user(invitation.email, password)
    EmailAddress.objects.create(user=account, email=account.email, primary=True, verified=True)
    member = Membership.objects.create(account=account, partner=row, role=invitation.role)
    _record(row, account.email, "became a member", f"partners.membership:{member.pk}", role=member.role)
    return account


@transaction.atomic
def change_role(membership: Membership, *, role: str, by: str) -> None:
    """Give a member another role. Raises LastOwner where nobody would be left to own the account, MemberGone."""
    wanted = Role(role)
    row = _locked(membership.partner)
    member = row.memberships.filter(pk=membership.pk).first()
    if member is None:
        raise MemberGone
    if wanted == member.role:
        return
    if wanted != Role.OWNER:
        _refuse_for_last_owner(row, member)
    was, member.role = member.role, wanted
    member.save(update_fields=["role"])
    membership.role = wanted
    _record(row, by, "changed a role", f"partners.membership:{member.pk}", was=was, now=wanted)


@transaction.atomic
def remove(membership: Membership, *, by: str) -> None:
    """End a membership and delete its account: no login, no session and no second factor of it works from now on.

    Repeating is harmless. Raises LastOwner.
    """
    row = _locked(membership.partner)
    member = row.memberships.select_related("account").filter(pk=membership.pk).first()
    if member is None:
        return
    _refuse_for_last_owner(row, member)
    _record(row, by, "removed a member", f"partners.membership:{member.pk}", role=member.role)
    member.account.delete()


def _locked(partner: Partner) -> Partner:
    """Whoever changes the members of a partner waits for whoever is doing so."""
    return Partner.objects.select_for_update(no_key=True).get(pk=partner.pk)


def _refuse_for_last_owner(partner: Partner, member: Membership) -> None:
    others = partner.memberships.filter(role=Role.OWNER, account__is_active=True).exclude(pk=member.pk)
    if member.role == Role.OWNER and not others.exists():
        raise LastOwner


def _record(partner: Partner, by: str, action: str, target: str, **detail: str) -> None:
    record(actor=by, action=action, target=target, within=f"partner:{partner.code}", **detail)
