"""The platforms' side: who takes part, with which keys, what they took and what they said."""

from partners.models.key import ApiKey, Environment, Scope
from partners.models.partner import Membership, Partner, PartnerState, Role
from partners.models.reading import PagesRead, SnapshotDownload
from partners.models.report import Feedback, MatchReport, Opinion, Reason

__all__ = [
    "ApiKey",
    "Environment",
    "Feedback",
    "MatchReport",
    "Membership",
    "Opinion",
    "PagesRead",
    "Partner",
    "PartnerState",
    "Reason",
    "Role",
    "Scope",
    "SnapshotDownload",
]
