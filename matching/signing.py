"""The signing key: read by the sequencer alone, and what is published about it."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.utils import timezone

from matching.models import KeysNote, SigningKey
from matching.notes import Signer, keys_text

KEY_LIVES = timedelta(days=2 * 365)
RETIRED_KEYS_ARE_TOLD_FOR = timedelta(days=2 * 365)


def make_key_file(path: Path) -> None:
    """Write a fresh 32-byte seed in hex, mode 0600. Does nothing where a file is."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return
    with os.fdopen(handle, "w") as file:
        file.write(secrets.token_hex(32) + "\n")
        file.flush()
        os.fsync(file.fileno())


def read_key_file(path: Path, origin: str) -> list[Signer]:
    """The keys of the file, one seed of 64 hex a line.

    Every note carries a signature by each of them, so a new key is added as a second line, learned by the platforms
    from the keys note, and the old line removed afterwards. Raises ImproperlyConfigured where the file is missing,
    readable by others or malformed.
    """
    try:
        if path.stat().st_mode & 0o077:
            raise ImproperlyConfigured(f"{path.name} must be readable by its owner alone: chmod 600.")
        seeds = [bytes.fromhex(line) for line in path.read_text().split()]
    except (OSError, ValueError) as error:
        raise ImproperlyConfigured(f"The signing key can't be read: {type(error).__name__}.") from None
    if not seeds or any(len(seed) != 32 for seed in seeds):
        raise ImproperlyConfigured("The signing key file holds one seed of 64 hexadecimal digits a line.")
    return [Signer(origin, seed) for seed in seeds]


def sign(text: str, signers: Sequence[Signer]) -> str:
    """One note with the signature of each key."""
    body, _, first = signers[0].sign(text).rpartition("\n\n")
    return body + "\n\n" + first + "".join(signer.sign(text).rpartition("\n\n")[2] for signer in signers[1:])


@transaction.atomic
def publish_keys(origin: str, signers: Sequence[Signer]) -> None:
    """Register keys not seen before and sign the keys note anew if that changed it. Repeating changes nothing."""
    now = timezone.now().replace(microsecond=0)
    for signer in signers:
        SigningKey.objects.get_or_create(
            verifier=signer.verifier, defaults={"valid_from": now, "valid_until": now + KEY_LIVES}
        )
    current = [signer.verifier for signer in signers]
    SigningKey.objects.exclude(verifier__in=current).filter(valid_until__gt=now).update(valid_until=now)
    # A retired key stays in the note with its end: a platform that pinned it must hear that it ended.
    told = SigningKey.objects.filter(valid_until__gt=now - RETIRED_KEYS_ARE_TOLD_FOR)
    rows = told.values_list("verifier", "valid_from", "valid_until")
    note = sign(keys_text(origin, list(rows)), signers)
    if not KeysNote.objects.filter(text=note).exists():
        KeysNote.objects.all().delete()
        KeysNote.objects.create(text=note, signed_at=now)
