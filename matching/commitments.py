"""Commitments and the chain of changes, to the byte (LIST.md §3). Pure."""

from __future__ import annotations

import hashlib


def short(text: str) -> bytes:
    """`n(s)`: one byte of length, then ASCII. Raises ValueError past 255 bytes or outside ASCII."""
    encoded = text.encode("ascii")
    return bytes([len(encoded)]) + encoded


def commitment(*, nonce: bytes, type: str, media: str, value: bytes) -> bytes:
    """32 bytes that fix a fingerprint without showing it; `value` is the committed bytes of LIST.md §2."""
    return hashlib.sha256(b"tid-commitment/1\n" + nonce + short(type) + short(media) + value).digest()


def next_link(chain: bytes, *, seq: int, op: int, detail: int, entry_id: bytes, commitment: bytes) -> bytes:
    """chain(i) from chain(i-1) and change i; 32 bytes."""
    numbered = seq.to_bytes(8, "big") + bytes([op, detail])
    return hashlib.sha256(b"tid-change/1\n" + chain + numbered + entry_id + commitment).digest()


def first_link(*, origin: str, list_name: str, epoch: int, seq: int, live: int, set_hash: bytes) -> bytes:
    """The chain where an epoch begins: it takes over number, rows and set of what was before; 32 bytes."""
    numbers = b"".join(number.to_bytes(8, "big") for number in (epoch, seq, live))
    return hashlib.sha256(b"tid-epoch/1\n" + short(origin) + short(list_name) + numbers + set_hash).digest()
