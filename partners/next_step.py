"""What a platform has to do next, and why something is not open to it yet: one answer for console and staff."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from partners import terms
from partners.models import ApiKey, Environment, Partner, PartnerState, SelfTest
from takeitdown.approvals.models import ApprovalRequest


class WaitsFor(StrEnum):
    """Who has to act."""

    PLATFORM = "platform"
    STAFF = "staff"
    NOBODY = "nobody"


@dataclass(frozen=True)
class Step:
    """One step of the way. `name` is a stable word for templates; title and explanation are for people."""

    name: str
    title: str | Promise
    explanation: str | Promise
    waits_for: WaitsFor


LEFT = Step(
    "left",
    _("This platform has left"),
    _("Its keys are revoked. To come back, write to our staff; the way begins again in the sandbox."),
    WaitsFor.NOBODY,
)
ACCEPT_INVITATION = Step(
    "accept_invitation",
    _("Accept the owner’s invitation"),
    _("The link came by e-mail and works for seven days. Our staff can send a new one."),
    WaitsFor.PLATFORM,
)
ACCEPT_TERMS = Step(
    "accept_terms",
    _("Accept the terms"),
    _("There is a new version of the terms. An owner reads and accepts it; until then no list is opened."),
    WaitsFor.PLATFORM,
)
ISSUE_TEST_KEY = Step(
    "issue_test_key",
    _("Issue a sandbox key"),
    _("Your sandbox is a list of harmless pictures of your own. A key that begins with tid_test_ opens it."),
    WaitsFor.PLATFORM,
)
TAKE_SELF_TEST = Step(
    "take_self_test",
    _("Pass the self-test"),
    _(
        "Find the test pictures with your matcher and drop the withdrawn entries. "
        "You may repeat it as often as you like."
    ),
    WaitsFor.PLATFORM,
)
REPEAT_SELF_TEST = Step(
    "repeat_self_test",
    _("Repeat the self-test"),
    _("The last run did not pass. Its result says what was missed; the production list opens after a run that passes."),
    WaitsFor.PLATFORM,
)
STAFF_PROPOSE = Step(
    "staff_propose",
    _("Our staff open the production list"),
    _("You passed the self-test. Two of our staff look at your application once more; you need not do anything."),
    WaitsFor.STAFF,
)
STAFF_ALLOW = Step(
    "staff_allow",
    _("A second person opens the production list"),
    _("One of our staff proposed it. Another has to allow it within a day; you need not do anything."),
    WaitsFor.STAFF,
)
ISSUE_LIVE_KEY = Step(
    "issue_live_key",
    _("Issue a production key"),
    _("The production list is open to you. A key that begins with tid_live_ opens it; it is shown once."),
    WaitsFor.PLATFORM,
)
TAKE_FIRST_COPY = Step(
    "take_first_copy",
    _("Take and acknowledge a first copy"),
    _("Pull the list with your production key and acknowledge what you have: then you know that your copy is exact."),
    WaitsFor.PLATFORM,
)
REPAIR_COPY = Step(
    "repair_copy",
    _("Take a whole copy anew"),
    _("Your last acknowledgement named another set hash than ours. Take a snapshot; it repairs the copy."),
    WaitsFor.PLATFORM,
)
TAKES_PART = Step(
    "takes_part",
    _("You take part"),
    _("Your production system reads the list and drops what is withdrawn. Nothing is left to do."),
    WaitsFor.NOBODY,
)


def next_step(partner: Partner) -> Step:
    """The first step on the way that is not done. Reads a handful of rows, changes nothing."""
    if partner.state == PartnerState.LEFT:
        return LEFT
    if partner.state == PartnerState.SUSPENDED:
        why = partner.suspended_because or _("Write to our staff to learn why.")
        return Step("suspended", _("Your platform is suspended"), why, WaitsFor.STAFF)
    if not partner.memberships.exists():
        return ACCEPT_INVITATION
    if not terms.accepted(partner):
        return ACCEPT_TERMS
    return _in_production(partner) if partner.state == PartnerState.PRODUCTION else _in_sandbox(partner)


def _in_sandbox(partner: Partner) -> Step:
    if partner.certified_at is not None:
        asked = ApprovalRequest.objects.open().filter(kind="partners.open production", payload__partner=partner.pk)
        return STAFF_ALLOW if asked.exists() else STAFF_PROPOSE
    if not _has_key(partner, Environment.TEST):
        return ISSUE_TEST_KEY
    last = SelfTest.objects.filter(partner=partner, judged_at__isnull=False).first()
    return REPEAT_SELF_TEST if last is not None and not last.passed else TAKE_SELF_TEST


def _in_production(partner: Partner) -> Step:
    if not _has_key(partner, Environment.LIVE):
        return ISSUE_LIVE_KEY
    reader = partner.reader
    if reader is None or reader.reached_on is None:
        return TAKE_FIRST_COPY
    return REPAIR_COPY if reader.diverged_at is not None else TAKES_PART


def _has_key(partner: Partner, environment: str) -> bool:
    return ApiKey.objects.live().filter(partner=partner, environment=environment).exists()
