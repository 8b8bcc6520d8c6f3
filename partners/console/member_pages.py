"""Members: who they are, inviting, roles, removing. And the organisation's own end: leaving."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from partners import invitations, onboarding
from partners.console.doors import door
from partners.console.page import page
from partners.models import Invitation, Membership, Role

ROLES_SAY = {
    Role.OWNER: gettext_lazy("owner: everything, members and leaving included"),
    Role.ENGINEER: gettext_lazy("engineer: keys, webhooks and the self-test as well"),
    Role.REVIEWER: gettext_lazy("reviewer: decides matches, gives feedback, exports"),
    Role.READ_ONLY: gettext_lazy("read only: looks"),
}


class RoleForm(forms.Form):
    """What a member may do."""

    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=list(ROLES_SAY.items()), widget=forms.RadioSelect)


class InviteForm(RoleForm):
    """Somebody new."""

    email = forms.EmailField(
        label=gettext_lazy("E-mail address"),
        max_length=254,
        help_text=gettext_lazy("At your organisation. The link in the mail works once, for seven days."),
    )
    field_order = ("email", "role")


class LeaveForm(forms.Form):
    """Typed by hand, so that nobody leaves by a slip."""

    code = forms.CharField(label=gettext_lazy("Your organisation’s code"), max_length=40)

    def __init__(self, code: str, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.expected = code

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        if code != self.expected:
            raise forms.ValidationError(_("This is not your organisation’s code. Type it as it is shown above."))
        return code


@door(GET=Role.READ_ONLY)
def members(request: HttpRequest, member: Membership) -> HttpResponse:
    """GET /console/members/"""
    context = {
        "members": member.partner.memberships.select_related("account").order_by("account__email"),
        "invitations": member.partner.invitations.open(),
    }
    return page(request, member, "members.html", context)


@door(GET=Role.OWNER, POST=Role.OWNER, fresh=True)
def invite(request: HttpRequest, member: Membership) -> HttpResponse:
    """GET, POST /console/members/invite/"""
    form = InviteForm(request.POST or None, initial={"role": Role.READ_ONLY})
    if not form.is_valid():
        return page(request, member, "invite.html", {"form": form})
    invitations.invite(member.partner, by=member.account.email, **form.cleaned_data)
    messages.success(request, _("The invitation is on its way to %(email)s.") % {"email": form.cleaned_data["email"]})
    return redirect("console:members")


@door(GET=Role.OWNER, POST=Role.OWNER, fresh=True)
def withdraw_invitation(request: HttpRequest, member: Membership, invitation_id: int) -> HttpResponse:
    """GET, POST /console/invitations/<id>/: its link opens nothing any more."""
    invitation = get_object_or_404(Invitation.objects.open(), partner=member.partner, pk=invitation_id)
    if request.method != "POST":
        return page(request, member, "withdraw_invitation.html", {"invitation": invitation})
    invitations.withdraw(invitation, by=member.account.email)
    messages.success(request, _("The invitation is taken back."))
    return redirect("console:members")


@door(GET=Role.OWNER, POST=Role.OWNER, fresh=True)
def change_role(request: HttpRequest, member: Membership, member_id: int) -> HttpResponse:
    """GET, POST /console/members/<id>/role/"""
    other = _colleague(member, member_id)
    form = RoleForm(request.POST or None, initial={"role": other.role})
    if not form.is_valid():
        return page(request, member, "change_role.html", {"form": form, "other": other})
    invitations.change_role(other, role=form.cleaned_data["role"], by=member.account.email)
    messages.success(request, _("%(email)s has a new role.") % {"email": other.account.email})
    return redirect("console:members")


@door(GET=Role.OWNER, POST=Role.OWNER, fresh=True)
def remove_member(request: HttpRequest, member: Membership, member_id: int) -> HttpResponse:
    """GET, POST /console/members/<id>/remove/: the account ends with the membership. One may remove oneself."""
    other = _colleague(member, member_id)
    if request.method != "POST":
        return page(request, member, "remove_member.html", {"other": other})
    email = other.account.email
    invitations.remove(other, by=member.account.email)
    if other.pk == member.pk:
        logout(request)
        return redirect("account_login")
    messages.success(request, _("%(email)s is no longer a member.") % {"email": email})
    return redirect("console:members")


@door(GET=Role.OWNER, POST=Role.OWNER, fresh=True)
def leave(request: HttpRequest, member: Membership) -> HttpResponse:
    """GET, POST /console/leave/: keys and webhooks end at once."""
    form = LeaveForm(member.partner.code, request.POST or None)
    if not form.is_valid():
        return page(request, member, "leave.html", {"form": form})
    onboarding.leave(member.partner, by=member.account.email)
    return redirect("console:overview")


def _colleague(member: Membership, member_id: int) -> Membership:
    return get_object_or_404(Membership.objects.select_related("account"), partner=member.partner, pk=member_id)
