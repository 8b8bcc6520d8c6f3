"""A platform asks to take part: from the form to a partner with a sandbox, or to a reason why not.

Applied → address confirmed by the mail's link → one member of staff proposes, another allows → partner. Replies never
tell whether an address or a platform is known to us.
"""

from __future__ import annotations

from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from partners import invitations, mail, one_time, sandbox, terms
from partners.joining import ApplicationDecided, ApplicationNotFound, CodeNotUsable, CodeTaken
from partners.models import Application, Partner, Role, TermsAcceptance
from takeitdown.approvals import decide
from takeitdown.approvals.kinds import staff_with
from takeitdown.approvals.models import ApprovalRequest
from takeitdown.audit.models import record

APPROVE = "partners.approve application"
STATED = ("organisation", "service", "website", "contact_email", "security_email", "on_a_match")


@transaction.atomic
def apply(
    *, organisation: str, service: str, website: str, contact_email: str, security_email: str, on_a_match: str
) -> Application:
    """Keep an application under the terms in force, and mail its link to `contact_email` after the commit.

    Whoever applied for that service before and waits is sent a new link instead; the reader of the form is told the
    same in either case. Raises mail.MailNotSent after the commit: sending the form again then sends another mail.
    """
    address = contact_email.strip().lower()
    token, digest = one_time.draw()
    waiting = Application.objects.waiting().filter(contact_email=address, service__iexact=service).first()
    if waiting is not None:
        Application.objects.filter(pk=waiting.pk).update(token_digest=digest)
        _mail_link(address, "application_known", token)
        return waiting
    application = Application.objects.create(
        organisation=organisation,
        service=service,
        website=website,
        contact_email=address,
        security_email=security_email.strip().lower(),
        on_a_match=on_a_match,
        terms_version=terms.CURRENT,
        token_digest=digest,
    )
    _mail_link(address, "application_confirm", token)
    return application


def find(token: str) -> Application:
    """The application whose mail carried `token`. Raises ApplicationNotFound."""
    found = Application.objects.select_related("partner").filter(token_digest=one_time.digest(token)).first()
    if found is None:
        raise ApplicationNotFound
    return found


@transaction.atomic
def confirm_email(token: str) -> Application:
    """The applicant pressed the button behind the link. Repeating changes nothing. Raises ApplicationNotFound."""
    application = find(token)
    now = timezone.now()
    if Application.objects.filter(pk=application.pk, email_verified_at=None).update(email_verified_at=now):
        application.email_verified_at = now
        _record(application, "applicant", "confirmed an application")
    return application


def propose_approval(application: Application, *, code: str, group: str, by: str) -> ApprovalRequest:
    """`by`, a member of staff, wants it approved as the platform `code` of company `group`; another one has to allow.

    What is allowed is what the application says now, word by word. Raises ApplicationDecided, CodeNotUsable, CodeTaken,
    decide.MayNotAsk.
    """
    if not Application.objects.waiting().filter(pk=application.pk).exists():
        raise ApplicationDecided
    _refuse_unusable(code, group.strip(), application)
    stated = {name: getattr(application, name) for name in STATED}
    payload = {"application": application.pk.hex, "code": code, "group": group.strip(), **stated}
    return decide.ask(requester=by, kind=APPROVE, payload=payload)


def approve(request_id: int, *, by: str) -> Partner:
    """Another member of staff allows it: partner, terms, sandbox and the owner's invitation, all or nothing.

    Raises decide.NotYoursToDecide, decide.NoLongerOpen, ApplicationDecided, CodeTaken, and mail.MailNotSent after the
    commit.
    """
    partner: Partner = decide.settle(request_id, approver=by, allow=True, kind=APPROVE)
    return partner


@transaction.atomic
def refuse(application: Application, *, reason: str, by: str) -> None:
    """Decline with a reason that the applicant reads, by mail and behind their link. Raises ApplicationDecided."""
    reason = reason.strip()
    won = Application.objects.waiting().filter(pk=application.pk).update(refused_at=timezone.now(), reason=reason)
    if not won:
        raise ApplicationDecided
    _record(application, by, "refused an application")
    context = {"service": application.service, "reason": reason}
    address = application.contact_email
    transaction.on_commit(lambda: mail.send(to=address, template="application_refused", context=context))


def forget_abandoned() -> int:
    """Delete applications whose address nobody confirmed within a week; returns how many."""
    deleted, _by_model = Application.objects.abandoned().delete()
    return deleted


def register_deeds() -> None:
    """What two members of staff may do with an application."""
    decide.register(
        APPROVE,
        _carry_out_approval,
        _describe_approval,
        label=_("Approve an application"),
        may=staff_with("partners.change_application"),
    )


def _carry_out_approval(payload: dict[str, Any], by: str) -> Partner:
    application = Application.objects.select_for_update().filter(pk=payload["application"]).first()
    as_proposed = application and all(getattr(application, name) == payload[name] for name in STATED)
    if application is None or not as_proposed or not Application.objects.waiting().filter(pk=application.pk).exists():
        raise ApplicationDecided
    _refuse_unusable(payload["code"], payload["group"], application)
    partner = Partner.objects.create(
        name=application.service,
        code=payload["code"],
        group=payload["group"],
        website=application.website,
        contact_email=application.contact_email,
        security_email=application.security_email,
    )
    TermsAcceptance.objects.create(
        partner=partner,
        version=application.terms_version,
        by=application.contact_email,
        accepted_at=application.applied_at,
    )
    application.partner = partner
    application.save(update_fields=["partner"])
    target = f"partners.partner:{partner.pk}"
    record(actor=by, action="approved an application", target=target, within=f"partner:{partner.code}")
    sandbox.open_sandbox(partner)
    invitations.invite(partner, email=application.contact_email, role=Role.OWNER, by=by)
    return partner


def _describe_approval(payload: dict[str, Any]) -> str:
    return gettext(
        "{service} of {organisation} ({website}) becomes a platform with the code {code} in the group {group}. "
        "A sandbox list of harmless pictures is opened for it, and {contact_email} is invited as its owner. "
        "The production list stays closed to it."
    ).format(**payload)


def _refuse_unusable(code: str, group: str, application: Application) -> None:
    try:
        Partner(name=application.service, code=code, group=group).clean_fields(
            exclude=["state", "reader", "sandbox_reader", "website", "contact_email", "security_email"]
        )
    except ValidationError:
        raise CodeNotUsable from None
    if Partner.objects.filter(code=code).exists() or Partner.objects.filter(name__iexact=application.service).exists():
        raise CodeTaken


def _mail_link(address: str, template: str, token: str) -> None:
    transaction.on_commit(lambda: mail.send(to=address, template=template, context={"token": token}))


def _record(application: Application, by: str, action: str) -> None:
    record(actor=by, action=action, target=f"partners.application:{application.pk.hex}")
