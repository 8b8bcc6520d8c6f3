"""Two platforms for trying the portal out."""

from __future__ import annotations

from django.db import transaction

from partners import keys, onboarding
from partners.models import ApiKey, Environment, Partner, Scope

PLATFORMS = {"example-platform": "Example Platform", "sample-social": "Sample Social"}
KEY_NAME = "demonstration"


@transaction.atomic
def seed(*, rotate: bool = False) -> str:
    """Make two platforms that read the production list, and a key for the first one.

    Returns the key's text when it issues one: the first time, when no live one is left, or with `rotate`, which revokes
    what was there (its text is lost). Otherwise "". Repeating changes nothing else. The production list must be there.
    """
    example, *_others = [_platform(code, name) for code, name in PLATFORMS.items()]
    ours = ApiKey.objects.filter(partner=example, name=KEY_NAME)
    if rotate:
        keys.revoke(ours, by="demonstration")
    if ours.live().exists():
        return ""
    scopes = [Scope.LIST_READ, Scope.FEEDBACK_WRITE]
    return keys.issue(example, environment=Environment.LIVE, scopes=scopes, name=KEY_NAME, by="demonstration").text


def _platform(code: str, name: str) -> Partner:
    """The platform of that code, made with its public reader where it is missing."""
    partner, made = Partner.objects.get_or_create(code=code, defaults={"name": name, "group": code})
    if made:
        onboarding.open_production(partner, named_in_public=True)
    return partner
