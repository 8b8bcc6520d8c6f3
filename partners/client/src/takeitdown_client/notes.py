"""Signed notes (C2SP signed-note, Ed25519) and the two texts the portal signs: `tid-head/1` and `tid-keys/1`.

Parsing is strict on purpose: one text has one spelling, so a flipped bit is a refused note and never a second reading.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from .errors import NoteRefused, UnknownSigner

MAX_NOTE_BYTES = 1 << 20  # a head is 600 bytes; the rest is room for other people's signatures
_MAX_NUMBER = 2**63 - 1  # SQLite's; a list reaches it never
_ED25519 = 1

_NUMBER = re.compile(r"0|[1-9][0-9]{0,18}")
_HASH = re.compile(r"[0-9a-f]{64}")
_UTC = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_NAME = re.compile(r"[!-*,-~]{1,255}")  # printable ASCII, no space, no plus


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """A key that signs for one origin, in the form `<origin>+<8 hex of the key id>+<base64 of 0x01 and 32 bytes>`."""

    text: str
    name: str
    key_id: bytes
    public: bytes

    @classmethod
    def parse(cls, text: str) -> "VerifierKey":
        """Raises NoteRefused when the text is no Ed25519 verifier key or its id is not the hash of its parts."""
        parts = text.strip().split("+", 2)
        if len(parts) != 3 or not _NAME.fullmatch(parts[0]) or not re.fullmatch(r"[0-9a-f]{8}", parts[1]):
            raise NoteRefused("This is not a verifier key: it should look like portal.example+1a2b3c4d+AbCd…")
        name, shown_id, encoded = parts
        raw = _canonical_base64(encoded)
        if raw is None or len(raw) != 33 or raw[0] != _ED25519:
            raise NoteRefused("This verifier key does not hold an Ed25519 key.")
        key_id = hashlib.sha256(name.encode("ascii") + b"\n" + raw).digest()[:4]
        if key_id.hex() != shown_id:
            raise NoteRefused("This verifier key was mistyped: its id does not fit its key.")
        return cls(f"{name}+{shown_id}+{encoded}", name, key_id, raw[1:])

    def signed(self, text: bytes, signature: bytes) -> bool:
        """Whether `signature` (64 bytes) over `text` was made with this key."""
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text)
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True, slots=True)
class Opened:
    """The text of a note that counts, and the pinned keys that signed it."""

    text: str
    signers: tuple[VerifierKey, ...]


def open_note(note: str, keys: Iterable[VerifierKey]) -> Opened:
    """Check a signed note against pinned keys.

    Signatures by other keys are ignored, however many. A signature in the name of a pinned key that does not fit the
    text refuses the note, even beside a good one. Raises NoteRefused, or UnknownSigner when no pinned key signed.
    """
    text, lines = _split(note)
    pinned = {(key.name, key.key_id): key for key in keys}
    signed_bytes = text.encode()
    signers: dict[bytes, VerifierKey] = {}
    for line in lines:
        name, raw = _signature(line)
        key = pinned.get((name, raw[:4]))
        if key is None:
            continue
        if not key.signed(signed_bytes, raw[4:]):
            raise NoteRefused(f"A signature by {name} on this note is wrong.")
        signers[key.key_id] = key
    if not signers:
        raise UnknownSigner("No key you trust signed this note.")
    return Opened(text, tuple(signers.values()))


def _split(note: str) -> tuple[str, list[str]]:
    """Text (with its last newline) and signature lines. Raises NoteRefused when the note is not built like one."""
    if len(note) > MAX_NOTE_BYTES:
        raise NoteRefused("This note is far too long.")
    try:
        note.encode()
    except UnicodeEncodeError:
        raise NoteRefused("This note is not UTF-8 text.") from None
    if any((character < " " and character != "\n") or character == "\x7f" for character in note):
        raise NoteRefused("This note holds control characters.")
    cut = note.rfind("\n\n")
    if cut < 0 or not note.endswith("\n"):
        raise NoteRefused("This is not a signed note.")
    lines = note[cut + 2 : -1].split("\n")
    return note[: cut + 1], lines


def _signature(line: str) -> tuple[str, bytes]:
    """Name, and key id with signature. Raises NoteRefused for anything but `— name base64`."""
    dash, _, rest = line.partition(" ")
    name, _, encoded = rest.partition(" ")
    raw = _canonical_base64(encoded)
    if dash != "—" or not name or "+" in name or raw is None or len(raw) < 5:
        raise NoteRefused("A signature line of this note is malformed.")
    return name, raw


def _canonical_base64(text: str) -> bytes | None:
    """The bytes, or None unless `text` is the one spelling of them (padding, no stray bits, no white space)."""
    try:
        raw = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        return None
    return raw if base64.b64encode(raw).decode("ascii") == text else None


@dataclass(frozen=True, slots=True)
class Head:
    """A signed statement about a list (LIST.md §3). Hashes are 32 bytes, times unix seconds, `note` the whole note.

    `state` is lines 1–7, which two heads of one position always share; the rest may be signed anew.
    """

    note: str
    state: str
    origin: str
    list_name: str
    epoch: int
    seq: int
    chain: bytes
    set_hash: bytes
    live: int
    floor: int
    issued: int
    expires: int
    audit_size: int
    audit_hash: bytes

    @property
    def position(self) -> tuple[int, int]:
        """(epoch, seq): heads of one list are in this order."""
        return self.epoch, self.seq


def open_head(note: str, keys: Iterable[VerifierKey]) -> tuple[Head, tuple[VerifierKey, ...]]:
    """A head and its signers. Raises NoteRefused or UnknownSigner. Whose list it is, is for the caller to check."""
    opened = open_note(note, keys)
    return parse_head(note, opened.text), opened.signers


def parse_head(note: str, text: str) -> Head:
    """The eleven lines of `tid-head/1`. Checks no signature. Raises NoteRefused for any other spelling."""
    lines = text.split("\n")
    if len(lines) != 12 or lines[0] != "tid-head/1" or lines[11] != "":
        raise NoteRefused("This note is not a head of version 1.")
    origin, list_name = _words(lines[1], 2)
    if not _NAME.fullmatch(origin) or not _NAME.fullmatch(list_name):
        raise NoteRefused("The head's second line is malformed.")
    audit = _words(_after("audit", lines[10]), 2)
    return Head(
        note=note,
        state="\n".join(lines[:7]) + "\n",
        origin=origin,
        list_name=list_name,
        epoch=_number(_after("epoch", lines[2])),
        seq=_number(_after("seq", lines[3])),
        chain=_hash(_after("chain", lines[4])),
        set_hash=_hash(_after("set", lines[5])),
        live=_number(_after("live", lines[6])),
        floor=_number(_after("floor", lines[7])),
        issued=_time(_after("issued", lines[8])),
        expires=_time(_after("expires", lines[9])),
        audit_size=_number(audit[0]),
        audit_hash=_hash(audit[1]),
    )


@dataclass(frozen=True, slots=True)
class KeyPeriod:
    """A key the portal signs with, and from when until when (unix seconds)."""

    key: VerifierKey
    from_: int
    until: int


def open_keys(note: str, keys: Iterable[VerifierKey], *, origin: str) -> list[KeyPeriod]:
    """The keys of a `tid-keys/1` note that a pinned key signed. Raises NoteRefused or UnknownSigner."""
    lines = open_note(note, keys).text.split("\n")
    if len(lines) < 4 or lines[0] != "tid-keys/1" or lines[-1] != "":
        raise NoteRefused("This note is not a list of keys of version 1.")
    if lines[1] != origin:
        raise NoteRefused("This list of keys is for another portal.")
    return [_key_period(line, origin) for line in lines[2:-1]]


def _key_period(line: str, origin: str) -> KeyPeriod:
    word, key, from_word, from_, until_word, until = _words(line, 6)
    if (word, from_word, until_word) != ("key", "from", "until"):
        raise NoteRefused("A line of the list of keys is malformed.")
    parsed = VerifierKey.parse(key)
    if parsed.name != origin:
        raise NoteRefused("The list of keys names a key of another portal.")
    return KeyPeriod(parsed, _time(from_), _time(until))


def _words(line: str, count: int) -> list[str]:
    words = line.split(" ")
    if len(words) != count or "" in words:
        raise NoteRefused("A line of this note is malformed.")
    return words


def _after(word: str, line: str) -> str:
    start = word + " "
    if not line.startswith(start):
        raise NoteRefused(f"This note lacks its line “{word}”.")
    return line[len(start) :]


def _number(text: str) -> int:
    if not _NUMBER.fullmatch(text) or int(text) > _MAX_NUMBER:
        raise NoteRefused("A number in this note is malformed.")
    return int(text)


def _hash(text: str) -> bytes:
    if not _HASH.fullmatch(text):
        raise NoteRefused("A hash in this note is malformed.")
    return bytes.fromhex(text)


def _time(text: str) -> int:
    if not _UTC.fullmatch(text):
        raise NoteRefused("A time in this note is malformed.")
    try:
        return int(datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp())
    except ValueError:
        raise NoteRefused("A time in this note does not exist.") from None
