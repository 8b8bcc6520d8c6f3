"""Who is asking, by opt-in key, and whether that key may."""

from __future__ import annotations

from typing import Any

from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from partners import keys
from partners.errors import KeyMissing, KeyNotAccepted, NoListForKey, PartnerNotActive, ScopeMissing
from partners.models import ApiKey, Partner


class ApiKeyAuthentication(BaseAuthentication):
    """`Authorization: Bearer tid_…`. Afterwards `request.user` is the partner and `request.auth` the key."""

    def authenticate(self, request: Request) -> tuple[Partner, ApiKey] | None:
        header = request.META.get("HTTP_AUTHORIZATION", "")
        if not header:
            return None
        # Two such headers arrive joined by a comma, which no key contains.
        scheme, _, text = header.partition(" ")
        if scheme.lower() != "bearer":  # RFC 9110: schemes have no case
            raise KeyNotAccepted
        key = keys.find(text)
        keys.note_use(key)
        return key.partner, key

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class HasScope(BasePermission):
    """The view's `scope` is one of the key's, its partner is active, and there is a list for it."""

    def has_permission(self, request: Request, view: Any) -> bool:
        key = request.auth
        if not isinstance(key, ApiKey):
            raise KeyMissing
        if not key.opens():
            raise PartnerNotActive
        if not key.allows(view.scope):
            raise ScopeMissing(view.scope)
        if key.reader is None:
            raise NoListForKey
        return True
