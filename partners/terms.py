"""The terms for platforms: which version is in force, and who accepted which.

A version's text is the template `partners/public/terms/<version>.html` and never changes afterwards: a new text is a
new file and a new version here.
"""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from partners.models import Partner, TermsAcceptance
from takeitdown.audit.models import record

CURRENT = "2026-11"
VERSIONS = (CURRENT,)  # newest first


def accepted(partner: Partner) -> bool:
    """Whether `partner` accepted the version in force."""
    return TermsAcceptance.objects.filter(partner=partner, version=CURRENT).exists()


@transaction.atomic
def accept(partner: Partner, *, by: str, version: str = CURRENT) -> TermsAcceptance:
    """Note that `by`, an account's address, accepted `version` for `partner`. The first acceptance stays."""
    acceptance, new = TermsAcceptance.objects.get_or_create(
        partner=partner, version=version, defaults={"by": by, "accepted_at": timezone.now()}
    )
    if new:
        place = f"partner:{partner.code}"
        record(
            actor=by,
            action="accepted the terms",
            target=f"partners.partner:{partner.pk}",
            within=place,
            version=version,
        )
    return acceptance
