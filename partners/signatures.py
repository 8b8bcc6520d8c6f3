"""Secrets of webhooks and signatures with them, as Standard Webhooks describes them. Pure: no Django, no clock.

A secret is derived and kept nowhere: a stolen database signs nothing.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import uuid
from collections.abc import Sequence

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

PREFIX = "whsec_"


def secret(master: str, endpoint: uuid.UUID, version: int) -> str:
    """`whsec_` and 32 bytes in base64. `master` is WEBHOOK_MASTER: 64 hex. Each endpoint and version has its own."""
    derived = HKDF(hashes.SHA256(), 32, salt=endpoint.bytes, info=b"tid webhook secret v%d" % version)
    return PREFIX + base64.b64encode(derived.derive(bytes.fromhex(master))).decode()


def signature(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """`v1,` and the HMAC-SHA256 of id, time and body in base64. `timestamp` is in unix seconds."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def headers(secrets: Sequence[str], message_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of a message; one signature for each secret, the newest first."""
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(signature(secret, message_id, timestamp, body) for secret in secrets),
    }
