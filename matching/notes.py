"""Signed notes: heads and key lists that existing note libraries open (C2SP signed-note, Ed25519). Pure."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ED25519 = b"\x01"
NO_AUDIT = "0" * 64


def stamp_text(moment: datetime) -> str:
    """UTC as YYYY-MM-DDTHH:MM:SSZ."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class HeadState:
    """What a head says about the list: lines 1–7. One (list, epoch, seq) has one state for ever."""

    origin: str
    list_name: str
    epoch: int
    seq: int
    chain: bytes
    set_hash: bytes
    live: int

    def lines(self) -> list[str]:
        return [
            "tid-head/1",
            f"{self.origin} {self.list_name}",
            f"epoch {self.epoch}",
            f"seq {self.seq}",
            f"chain {self.chain.hex()}",
            f"set {self.set_hash.hex()}",
            f"live {self.live}",
        ]


@dataclass(frozen=True)
class Statement:
    """What is said about a state when it is signed: lines 8–11. It may be signed anew."""

    floor: int
    issued: datetime
    expires: datetime
    audit_size: int = 0
    audit_hash: str = NO_AUDIT

    def lines(self) -> list[str]:
        return [
            f"floor {self.floor}",
            f"issued {stamp_text(self.issued)}",
            f"expires {stamp_text(self.expires)}",
            f"audit {self.audit_size} {self.audit_hash}",
        ]


def head_text(state: HeadState, statement: Statement) -> str:
    """The eleven lines that are signed, the last one with its LF."""
    return "\n".join([*state.lines(), *statement.lines(), ""])


def keys_text(origin: str, keys: list[tuple[str, datetime, datetime]]) -> str:
    """`tid-keys/1`: verifier keys and when each signs (LIST.md §4)."""
    rows = [f"key {verifier} from {stamp_text(start)} until {stamp_text(end)}" for verifier, start, end in keys]
    return "\n".join(["tid-keys/1", origin, *rows, ""])


class Signer:
    """A named Ed25519 key. `name` is the portal's origin: no spaces, no plus sign."""

    def __init__(self, name: str, seed: bytes) -> None:
        if not name or "+" in name or any(char.isspace() for char in name):
            raise ValueError("a key's name has no spaces and no plus sign")
        self.name = name
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        public = self._key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        self.key_hash = hashlib.sha256(name.encode() + b"\n" + ED25519 + public).digest()[:4]
        self.verifier = f"{name}+{self.key_hash.hex()}+{base64.b64encode(ED25519 + public).decode()}"

    def sign(self, text: str) -> str:
        """The note: text, empty line, one signature line. `text` ends with a LF."""
        signature = base64.b64encode(self.key_hash + self._key.sign(text.encode())).decode()
        return f"{text}\n— {self.name} {signature}\n"


def open_note(note: str, verifier: str) -> str | None:
    """The text of `note` if the key `verifier` signed it, else None. For our own checks; clients have their own."""
    name, key_hash, encoded = verifier.split("+", 2)
    public = Ed25519PublicKey.from_public_bytes(base64.b64decode(encoded)[1:])
    text, separator, signatures = note.rpartition("\n\n")
    if not separator:
        return None
    text += "\n"
    for line in signatures.splitlines():
        prefix, _, blob = line.rpartition(" ")
        if prefix != f"— {name}":
            continue
        raw = base64.b64decode(blob)
        if raw[:4].hex() != key_hash:
            continue
        try:
            public.verify(raw[4:], text.encode())
        except InvalidSignature:
            continue
        return text
    return None
