"""What authenticator apps and recovery codes are made from, encrypted at rest: a stolen database opens no account."""

from __future__ import annotations

import base64

from allauth.mfa.adapter import DefaultMFAAdapter
from cryptography.fernet import Fernet, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

MARK = "fernet1:"


class SealedSeeds(DefaultMFAAdapter):  # type: ignore[misc]
    """Fernet (AES-CBC with HMAC) under a key derived from SECRET_KEY; SECRET_KEY_FALLBACKS still open old seeds.

    A seed from before this was sealed is read as it is and sealed when it is next written.
    """

    def encrypt(self, text: str) -> str:
        return MARK + _box().encrypt(text.encode()).decode()

    def decrypt(self, encrypted_text: str) -> str:
        """Raises cryptography.fernet.InvalidToken where it was tampered with, or sealed under a key that is gone."""
        if not encrypted_text.startswith(MARK):
            return encrypted_text
        return _box().decrypt(encrypted_text.removeprefix(MARK).encode()).decode()


def _box() -> MultiFernet:
    return MultiFernet([_fernet(str(secret)) for secret in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)])


def _fernet(secret: str) -> Fernet:
    key = HKDF(SHA256(), 32, salt=None, info=b"takeitdown second factors 1").derive(secret.encode())
    return Fernet(base64.urlsafe_b64encode(key))
