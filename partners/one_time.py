"""Links of mails: a random token in the mail, only its SHA-256 in the database."""

from __future__ import annotations

import hashlib
import secrets


def draw() -> tuple[str, bytes]:
    """A new token of 256 bits (43 letters, digits, `-` and `_`) and its digest, 32 bytes, which may be kept."""
    token = secrets.token_urlsafe(32)
    return token, digest(token)


def digest(token: str) -> bytes:
    """32 bytes of SHA-256. Whatever somebody put into an address has one, so a wrong token merely finds nothing."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
