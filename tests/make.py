"""Plain builders: real rows and real values, each call another one unless told otherwise."""

from __future__ import annotations

import base64
import hashlib
import os
import random
from typing import Any

from matching.models import PRODUCTION, HashList

_dice = random.Random(20260101)


def pdq() -> str:
    """A PDQ as a picture could have it: 128 one bits in no pattern."""
    bits = [1] * 128 + [0] * 128
    _dice.shuffle(bits)
    return f"{int(''.join(map(str, bits)), 2):064x}"


def digest(name: str = "sha256") -> str:
    """An MD5 or SHA-256 of random bytes."""
    return hashlib.new(name, _dice.randbytes(32), usedforsecurity=False).hexdigest()


def idempotency_key() -> str:
    return base64.urlsafe_b64encode(os.urandom(32)).decode().rstrip("=")


def picture(**members: Any) -> dict[str, Any]:
    """One file of a report as the page sends it."""
    fingerprints = [
        {"type": "pdq", "value": pdq(), "quality": 87},
        {"type": "md5", "value": digest("md5")},
        {"type": "sha256", "value": digest("sha256")},
    ]
    return {"media": "image", "fingerprints": fingerprints, **members}


def report(*files: dict[str, Any], **members: Any) -> dict[str, Any]:
    """A report as the page posts it."""
    return {
        "idempotency_key": idempotency_key(),
        "about": "me_under_18",
        "statement": True,
        "files": list(files) or [picture()],
        **members,
    }


def production_list() -> HashList:
    """The production list's row, for tests without a sequencer."""
    empty = {"chain": bytes(32), "set_sum": bytes(2048)}
    return HashList.objects.get_or_create(name=PRODUCTION, defaults=empty)[0]
