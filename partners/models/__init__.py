"""The platforms' side: who takes part, with which keys, what they took and what they said."""

from partners.models.application import Application, Stage, TermsAcceptance
from partners.models.invitation import Invitation
from partners.models.key import ApiKey, Environment, Scope
from partners.models.partner import Membership, Partner, PartnerState, Role
from partners.models.reading import PagesRead, SnapshotDownload
from partners.models.report import Feedback, MatchReport, Opinion, Reason
from partners.models.self_test import SelfTest
from partners.models.webhook import Delivery, Mode, WebhookEndpoint

__all__ = [
    "ApiKey",
    "Application",
    "Delivery",
    "Environment",
    "Feedback",
    "Invitation",
    "MatchReport",
    "Membership",
    "Mode",
    "Opinion",
    "PagesRead",
    "Partner",
    "PartnerState",
    "Reason",
    "Role",
    "Scope",
    "SelfTest",
    "SnapshotDownload",
    "Stage",
    "TermsAcceptance",
    "WebhookEndpoint",
]
