"""Opt-in keys: issue, find, rotate, revoke.

`tid_<live|test>_<id, 12>_<secret, 43>_<crc32, 8 hex>`: letters and digits only, so that a double click takes it whole;
43 of 62 signs carry 256 bits; the checksum turns typing errors and most strangers away without asking the database.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import string
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from partners.errors import KeyNotAccepted, KeyNotLive
from partners.models import ApiKey, Environment, Partner, Scope
from partners.models.key import ApiKeyQuerySet
from takeitdown.audit.models import record

LONGEST_LIFE = timedelta(days=365)
OVERLAP = timedelta(days=7)  # how long a rotated key goes on beside its successor
_SIGNS = string.digits + string.ascii_letters
_SHAPE = re.compile(r"(tid_(live|test)_([0-9A-Za-z]{12})_[0-9A-Za-z]{43})_([0-9a-f]{8})", re.ASCII)
_LENGTH = len("tid_live_") + 12 + 1 + 43 + 1 + 8


@dataclass(frozen=True)
class Issued:
    """A new key and its text, which is shown once and kept nowhere."""

    key: ApiKey
    text: str

    def __repr__(self) -> str:
        return f"Issued({self.key.prefix})"  # a traceback must not show the text


def _random(length: int) -> str:
    return "".join(secrets.choice(_SIGNS) for _ in range(length))


def _checksum(text: str) -> str:
    return f"{zlib.crc32(text.encode('ascii')):08x}"


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("ascii")).digest()


@transaction.atomic
def issue(
    partner: Partner,
    *,
    environment: str,
    scopes: Iterable[str],
    name: str,
    by: str,
    lifetime: timedelta = LONGEST_LIFE,
) -> Issued:
    """A new key for `partner`; `by` says who had it issued, for the audit log. Raises ValueError past 365 days."""
    if not timedelta(0) < lifetime <= LONGEST_LIFE:
        raise ValueError("a key lives 365 days at most")
    wanted = sorted(Scope(scope) for scope in set(scopes))
    key_id = _random(12)
    body = f"tid_{Environment(environment)}_{key_id}_{_random(43)}"
    text = f"{body}_{_checksum(body)}"
    key = ApiKey.objects.create(
        partner=partner,
        key_id=key_id,
        digest=_digest(text),
        name=name,
        environment=environment,
        scopes=wanted,
        expires_at=timezone.now() + lifetime,
    )
    _note(by, "issued a key", key, scopes=wanted, environment=environment)
    return Issued(key, text)


def find(text: str) -> ApiKey:
    """The live key of that text, with partner and lists, in one query. Raises KeyNotAccepted.

    Asked of the database each time: a revocation counts for every process at once.
    """
    shape = _SHAPE.fullmatch(text) if len(text) == _LENGTH else None
    if shape is None or _checksum(shape[1]) != shape[4]:
        raise KeyNotAccepted
    key = ApiKey.objects.with_list(shape[2]).filter(key_id=shape[3]).first()
    kept = bytes(key.digest) if key else bytes(32)
    if not hmac.compare_digest(kept, _digest(text)) or key is None or not key.is_live(timezone.now()):
        raise KeyNotAccepted
    return key


def note_use(key: ApiKey) -> None:
    """Remember the day; one write a day, however often the key is used."""
    today = timezone.localdate()
    if key.last_used_on != today:
        ApiKey.objects.filter(pk=key.pk).update(last_used_on=today)


@transaction.atomic
def rotate(key: ApiKey, *, by: str) -> Issued:
    """A successor with the same name, list and scopes; the old key goes on for seven days at most.

    Raises KeyNotLive.
    """
    now = timezone.now()
    old = ApiKey.objects.select_for_update().select_related("partner").get(pk=key.pk)
    if not old.is_live(now):
        raise KeyNotLive
    successor = issue(old.partner, environment=old.environment, scopes=old.scopes, name=old.name, by=by)
    old.expires_at = min(old.expires_at, now + OVERLAP)
    old.save(update_fields=["expires_at"])
    _note(by, "rotated a key", old, successor=successor.key.key_id)
    return successor


@transaction.atomic
def revoke(queryset: ApiKeyQuerySet, *, by: str) -> int:
    """End keys at once; returns how many opened something until now. Repeating is harmless."""
    ended = 0
    for key in queryset.filter(revoked_at=None).select_related("partner"):
        if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=timezone.now()):
            _note(by, "revoked a key", key)
            ended += 1
    return ended


def _note(by: str, action: str, key: ApiKey, **detail: Any) -> None:
    """In the audit log, where the platform's own members read it too."""
    code = key.partner.code
    record(actor=by, action=action, target=f"partners.apikey:{key.key_id}", within=f"partner:{code}", **detail)
