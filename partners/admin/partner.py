"""Platforms and their members as staff see them. Nobody types a state: every change is a deed with its rule."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from partners import invitations, onboarding
from partners.admin.deeds import Deed, DeedsAdmin, waits
from partners.models import Invitation, Membership, Partner, PartnerState, Role, TermsAcceptance
from takeitdown.audit.admin import ReadOnlyAdmin

MANAGE = "partners.change_partner"


class NamingForm(forms.Form):
    """Whether everybody may know that it takes part."""

    named_in_public = forms.BooleanField(
        label=_("Name it among the platforms that take part"), required=False, initial=True
    )


class SuspensionForm(forms.Form):
    """Why, in words that its members may read."""

    because = forms.CharField(
        label=_("Reason"),
        max_length=500,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text=_("Its members and its contact read exactly this. Say what has to happen for it to be lifted."),
    )


class WaitsForStaff(admin.SimpleListFilter):
    """Platforms whose next step is ours."""

    title = _("next step")
    parameter_name = "next"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("production", _("passed its self-test, waits for production")), ("test", _("not tested yet"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Partner]) -> QuerySet[Partner]:
        if self.value() not in {"production", "test"}:
            return queryset
        return queryset.filter(state=PartnerState.SANDBOX, certified_at__isnull=self.value() == "test")


# --- deeds ------------------------------------------------------------------------------------------------------


def _propose_production(partner: Partner, typed: dict[str, Any], by: str) -> str:
    return waits(onboarding.propose_production(partner, by=by, **typed))


def _suspend(partner: Partner, typed: dict[str, Any], by: str) -> str:
    onboarding.suspend(partner, because=typed["because"], by=by)
    return gettext("Suspended. Its keys open nothing and its webhooks are silent.")


def _propose_resuming(partner: Partner, typed: dict[str, Any], by: str) -> str:
    return waits(onboarding.propose_resuming(partner, by=by, **typed))


def _propose_leaving(partner: Partner, typed: dict[str, Any], by: str) -> str:
    return waits(onboarding.propose_leaving(partner, by=by))


def _invite_owner(partner: Partner, typed: dict[str, Any], by: str) -> str:
    """Only the address that two members of staff approved: nobody here can invite themselves to a platform's keys."""
    invitations.invite(partner, email=partner.contact_email, role=Role.OWNER, by=by)
    return gettext("A new link is on its way to the contact. The one before opens nothing any more.")


def _lacks_its_contact(partner: Partner) -> bool:
    """No owner is there, so nobody on the platform's side can invite one."""
    owners = partner.memberships.filter(role=Role.OWNER)
    return bool(partner.contact_email) and partner.state != PartnerState.LEFT and not owners.exists()


DEEDS = (
    Deed(
        "production",
        _("Propose to open the production list"),
        _("It has to have passed its self-test and accepted the terms. Another member of staff has to allow it."),
        MANAGE,
        lambda partner: partner.state == PartnerState.SANDBOX,
        _propose_production,
        NamingForm,
    ),
    Deed(
        "invite",
        _("Send the owner’s invitation again"),
        _("To its contact, with a new link for seven days."),
        MANAGE,
        _lacks_its_contact,
        _invite_owner,
    ),
    Deed(
        "suspend",
        _("Suspend it now"),
        _("At once and by you alone: keys and webhooks stop, nothing is deleted. Lifting it takes two people."),
        MANAGE,
        lambda partner: partner.state in {PartnerState.SANDBOX, PartnerState.PRODUCTION},
        _suspend,
        SuspensionForm,
    ),
    Deed(
        "resume",
        _("Propose to let it go on"),
        _("One that left returns to its sandbox. Another member of staff has to allow it."),
        MANAGE,
        lambda partner: partner.state in {PartnerState.SUSPENDED, PartnerState.LEFT},
        _propose_resuming,
        NamingForm,
    ),
    Deed(
        "leave",
        _("Propose to let it go for good"),
        _("For a platform that asked for it: keys revoked, webhooks removed. Another member of staff has to allow it."),
        MANAGE,
        lambda partner: partner.state != PartnerState.LEFT,
        _propose_leaving,
    ),
)


@admin.register(Partner)
class PartnerAdmin(DeedsAdmin):
    """Facts, what is next, and the deeds that fit its state."""

    list_display = ("name", "state", "group", "certified_at", "reaches", "exact", "created_on")
    list_filter = (WaitsForStaff, "state", ("reader__diverged_at", admin.EmptyFieldListFilter))
    show_facets = admin.ShowFacets.ALWAYS
    list_select_related = ("reader",)
    fields = (
        *("name", "code", "group", "state", "next_step", "suspended_because", "website", "contact_email"),
        *("security_email", "terms_accepted", "certified_at", "feedback_suspended_at", "reader", "sandbox_reader"),
        *("reaches", "exact", "created_on"),
    )
    readonly_fields = ("next_step", "terms_accepted", "reaches", "exact")
    deeds = DEEDS

    @admin.display(description=_("next step"))
    def next_step(self, partner: Partner) -> str:
        step = onboarding.next_step(partner)
        return f"{step.title}. {step.explanation}"

    @admin.display(description=_("terms accepted"))
    def terms_accepted(self, partner: Partner) -> str:
        accepted = TermsAcceptance.objects.filter(partner=partner).order_by("-accepted_at")
        return ", ".join(f"{one.version} ({one.by}, {one.accepted_at:%Y-%m-%d})" for one in accepted) or "–"

    @admin.display(description=_("change reached"))
    def reaches(self, partner: Partner) -> str:
        return f"{partner.reader.epoch}/{partner.reader.seq}" if partner.reader else "–"

    @admin.display(description=_("copy is exact"), boolean=True)
    def exact(self, partner: Partner) -> bool | None:
        return partner.reader.diverged_at is None if partner.reader and partner.reader.reached_on else None


@admin.register(Membership)
class MembershipAdmin(ReadOnlyAdmin):
    list_display = ("account", "partner", "role", "since")
    list_filter = ("role",)
    list_select_related = ("account", "partner")


@admin.register(Invitation)
class InvitationAdmin(ReadOnlyAdmin):
    """Who was invited by whom; the link's token is in the mail alone."""

    list_display = ("email", "partner", "role", "invited_by", "invited_at", "accepted_at", "withdrawn_at")
    list_filter = ("role", ("accepted_at", admin.EmptyFieldListFilter))
    list_select_related = ("partner",)
