"""From the sandbox to the production list, and out again. Before that: `applications`. What comes next: `next_step`.

Opening the list to a platform takes two members of staff each time; closing it takes one, for it is safe and undoable.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from matching import hashlist
from matching.models import ListReader
from partners import invitations, keys, mail, terms, webhooks
from partners.applications import apply, approve, confirm_email, propose_approval, refuse
from partners.joining import NotReady, WrongState
from partners.models import ApiKey, Partner, PartnerState
from partners.next_step import Step, next_step
from takeitdown.approvals import decide
from takeitdown.approvals.kinds import staff_with
from takeitdown.approvals.models import ApprovalRequest
from takeitdown.audit.models import record

__all__ = [
    "Step", "allow_leaving", "allow_production", "allow_resuming", "apply", "approve", "confirm_email", "leave",
    "next_step", "open_production", "propose_approval", "propose_leaving", "propose_production", "propose_resuming",
    "refuse", "suspend",
]  # fmt: skip
PRODUCTION, RESUME, LEAVE = "partners.open production", "partners.resume", "partners.let go"


@transaction.atomic
def open_production(partner: Partner, *, named_in_public: bool) -> ListReader:
    """Let `partner` read the production list; its reader is made where it is missing. Repeating changes nothing."""
    row = _locked(partner)
    if row.reader is None:
        row.reader = ListReader.objects.create(
            hash_list=hashlist.production(), name=row.name, is_public=named_in_public
        )
    elif row.reader.is_public != named_in_public:
        row.reader.is_public = named_in_public
        row.reader.save(update_fields=["is_public"])
    row.state = PartnerState.PRODUCTION
    row.save(update_fields=["reader", "state"])
    partner.reader, partner.state = row.reader, row.state
    return row.reader


# --- what two members of staff do -------------------------------------------------------------------------------


def propose_production(partner: Partner, *, named_in_public: bool, by: str) -> ApprovalRequest:
    """`by`, staff, wants the production list opened for a platform that passed its self-test; another has to allow.

    Raises WrongState, NotReady (says what is missing), decide.MayNotAsk.
    """
    _refuse_unless_ready(partner)
    return _ask(PRODUCTION, partner, by, named_in_public=named_in_public)


def allow_production(request_id: int, *, by: str) -> Partner:
    """Another member of staff opens it. Raises as `decide.settle`, NotReady, mail.MailNotSent after the commit."""
    partner: Partner = decide.settle(request_id, approver=by, allow=True, kind=PRODUCTION)
    return partner


def propose_resuming(partner: Partner, *, named_in_public: bool, by: str) -> ApprovalRequest:
    """`by`, staff, wants a suspension lifted, or a platform that left let back into its sandbox. Raises WrongState."""
    if partner.state not in {PartnerState.SUSPENDED, PartnerState.LEFT}:
        raise WrongState
    return _ask(RESUME, partner, by, named_in_public=named_in_public)


def allow_resuming(request_id: int, *, by: str) -> Partner:
    """Another member of staff lifts it. Raises as `decide.settle`, WrongState, mail.MailNotSent after the commit."""
    partner: Partner = decide.settle(request_id, approver=by, allow=True, kind=RESUME)
    return partner


def propose_leaving(partner: Partner, *, by: str) -> ApprovalRequest:
    """`by`, staff, wants a platform let go that asked for it and has no owner to do it. Raises WrongState."""
    if partner.state == PartnerState.LEFT:
        raise WrongState
    return _ask(LEAVE, partner, by)


def allow_leaving(request_id: int, *, by: str) -> Partner:
    """Another member of staff lets it go. Raises as `decide.settle`, mail.MailNotSent after the commit."""
    partner: Partner = decide.settle(request_id, approver=by, allow=True, kind=LEAVE)
    return partner


# --- what one person does ---------------------------------------------------------------------------------------


@transaction.atomic
def suspend(partner: Partner, *, because: str, by: str) -> None:
    """Stop a platform at once: its keys open nothing, its webhooks are silent, it is not named. Nothing is deleted.

    `because` is read by its members. Suspending again changes the reason. Raises WrongState for one that left,
    mail.MailNotSent after the commit.
    """
    row = _locked(partner)
    if row.state == PartnerState.LEFT:
        raise WrongState
    row.state, row.suspended_because = PartnerState.SUSPENDED, because.strip()
    row.save(update_fields=["state", "suspended_because"])
    _name_in_public(row, False)
    _record(row, by, "suspended the platform")
    _tell(row, "suspended", reason=row.suspended_because)
    partner.state, partner.suspended_because = row.state, row.suspended_because


@transaction.atomic
def leave(partner: Partner, *, by: str) -> None:
    """The platform stops taking part: keys revoked, webhooks and open invitations ended, no longer named.

    What it reported and what it accepted stays, for entries of others rest on it; so do its members, who may read on.
    Repeating is harmless. Raises mail.MailNotSent after the commit.
    """
    row = _locked(partner)
    if row.state == PartnerState.LEFT:
        return
    row.state, row.suspended_because, row.certified_at = PartnerState.LEFT, "", None
    row.save(update_fields=["state", "suspended_because", "certified_at"])
    keys.revoke(ApiKey.objects.filter(partner=row), by=by)
    for endpoint in row.webhooks.filter(removed_at=None):
        webhooks.remove(endpoint, by=by)
    for invitation in row.invitations.open():
        invitations.withdraw(invitation, by=by)
    _name_in_public(row, False)
    _record(row, by, "left")
    _tell(row, "left")
    partner.state, partner.certified_at = row.state, None


# --- how it is done ---------------------------------------------------------------------------------------------


def register_deeds() -> None:
    """What two members of staff may do with a platform."""
    may = staff_with("partners.change_partner")
    register = decide.register
    register(PRODUCTION, _carry_out_production, _describe_production, label=_("Open the production list"), may=may)
    register(RESUME, _carry_out_resuming, _describe_resuming, label=_("Let a platform go on"), may=may)
    register(LEAVE, _carry_out_leaving, _describe_leaving, label=_("Let a platform go"), may=may)


def _ask(kind: str, partner: Partner, by: str, **more: Any) -> ApprovalRequest:
    payload = {"partner": partner.pk, "code": partner.code, "name": partner.name, **more}
    return decide.ask(requester=by, kind=kind, payload=payload, within=f"partner:{partner.code}")


def _carry_out_production(payload: dict[str, Any], by: str) -> Partner:
    partner = _of(payload)
    _refuse_unless_ready(partner)
    open_production(partner, named_in_public=payload["named_in_public"])
    _record(partner, by, "opened the production list")
    _tell(partner, "production_open")
    return partner


def _carry_out_resuming(payload: dict[str, Any], by: str) -> Partner:
    partner = _of(payload)
    if partner.state not in {PartnerState.SUSPENDED, PartnerState.LEFT}:
        raise WrongState
    returns = partner.state == PartnerState.LEFT
    into_production = partner.reader is not None and not returns
    partner.state = PartnerState.PRODUCTION if into_production else PartnerState.SANDBOX
    partner.suspended_because = ""
    partner.save(update_fields=["state", "suspended_because"])
    _name_in_public(partner, into_production and payload["named_in_public"])
    _record(partner, by, "let the platform go on")
    _tell(partner, "resumed")
    return partner


def _carry_out_leaving(payload: dict[str, Any], by: str) -> Partner:
    partner = _of(payload)
    leave(partner, by=by)
    return partner


def _describe_production(payload: dict[str, Any]) -> str:
    return " ".join([
        gettext("{name} ({code}) may read the production list with keys it issues itself.").format(**payload),
        _says_naming(payload),
    ])  # fmt: skip


def _describe_resuming(payload: dict[str, Any]) -> str:
    return " ".join([
        gettext("{name} ({code}) goes on where it was suspended; its keys and webhooks work again.").format(**payload),
        gettext("A platform that had left returns to its sandbox, without keys."),
        _says_naming(payload),
    ])  # fmt: skip


def _describe_leaving(payload: dict[str, Any]) -> str:
    return gettext(
        "{name} ({code}) no longer takes part: all its keys are revoked for good, its webhooks removed, its open "
        "invitations ended. Its reports and votes stay."
    ).format(**payload)


def _says_naming(payload: dict[str, Any]) -> str:
    if payload["named_in_public"]:
        return gettext("It is named in public.")
    return gettext("It is not named in public.")


def _refuse_unless_ready(partner: Partner) -> None:
    if partner.state != PartnerState.SANDBOX:
        raise WrongState
    if partner.certified_at is None:
        raise NotReady(gettext("It has not passed its self-test yet."))
    if not terms.accepted(partner):
        raise NotReady(gettext("It has not accepted the terms in force yet. An owner does that in the console."))


def _of(payload: dict[str, Any]) -> Partner:
    return (
        Partner.objects.select_for_update(no_key=True, of=("self",)).select_related("reader").get(pk=payload["partner"])
    )


def _locked(partner: Partner) -> Partner:
    return Partner.objects.select_for_update(no_key=True).get(pk=partner.pk)


def _name_in_public(partner: Partner, named: bool) -> None:
    ListReader.objects.filter(partner=partner).update(is_public=named)


def _record(partner: Partner, by: str, action: str) -> None:
    record(actor=by, action=action, target=f"partners.partner:{partner.pk}", within=f"partner:{partner.code}")


def _tell(partner: Partner, template: str, **more: str) -> None:
    """Mail the contact after the commit, where there is one."""
    address, context = partner.contact_email, {"partner": partner.name, **more}
    if address:
        transaction.on_commit(lambda: mail.send(to=address, template=template, context=context))
