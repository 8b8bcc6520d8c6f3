"""Case numbers and PINs: how they are made from a key, written for people, and read back from what people type.

No settings, no clock, no database. A number is 12 random characters of Crockford's alphabet and a check character
(Luhn mod 32 over the same alphabet), so that a slip of the finger is told from a wrong code before any look-up.
"""

from __future__ import annotations

import unicodedata
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.utils.translation import gettext_noop as _

from takeitdown.errors import Refused

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
NUMBER_LENGTH: Final = 13
PIN_LENGTH: Final = 8
MOST_TYPED: Final = 40
"""Longer input is refused before anything runs over it."""
_LOOKS_LIKE = str.maketrans({"O": "0", "I": "1", "L": "1"})
# What a keyboard set to Arabic or Persian types for digits, and the invisible marks of direction that are pasted along.
_TYPED_IN_ARABIC = str.maketrans(
    dict(zip("٠١٢٣٤٥٦٧٨٩۰۱۲۳۴۵۶۷۸۹", "0123456789" * 2, strict=True))
    | dict.fromkeys("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069", "")
)


class MistypedNumber(Refused):
    code = "mistyped_number"
    default_detail = _("There is a slip in the case number. It has 13 letters and digits. Check each one.")


class MistypedPin(Refused):
    code = "mistyped_pin"
    default_detail = _("The PIN has 8 digits. Check each one.")


def derive(master: bytes, key: bytes) -> tuple[str, str]:
    """The number (13 characters) and PIN (8 digits) that belong to an idempotency key.

    The same key always gives the same pair, so a retry after a lost reply shows it again with nothing readable stored.
    """
    digits = int.from_bytes(_hkdf(master, key, b"case"), "big")
    body = "".join(ALPHABET[(digits >> (5 * place)) & 31] for place in range(NUMBER_LENGTH - 1))
    pin = int.from_bytes(_hkdf(master, key, b"pin"), "big") % 10**PIN_LENGTH  # of 2^256: no digit is likelier
    return body + check_character(body), f"{pin:0{PIN_LENGTH}d}"


def _hkdf(master: bytes, key: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=master, info=purpose).derive(key)


def check_character(body: str) -> str:
    """Luhn mod 32: every single wrong character and nearly every swap of neighbours gives another one."""
    total = 0
    for place, char in enumerate(reversed(body)):
        value = ALPHABET.index(char) * (2 if place % 2 == 0 else 1)
        total += value // 32 + value % 32
    return ALPHABET[-total % 32]


def written(number: str) -> str:
    """`XXXX-XXXX-XXXX-X`, for people."""
    return "-".join(number[start : start + 4] for start in range(0, NUMBER_LENGTH, 4))


def read_number(typed: object) -> str:
    """The 13 characters behind what somebody typed: any case, spaces and hyphens, O for 0, I or L for 1.

    Raises MistypedNumber, also for letters that only look like ours, such as a full-width A or the Kelvin sign.
    """
    text = _without_separators(typed)
    if text is None or len(text) != NUMBER_LENGTH:
        raise MistypedNumber
    number = text.upper().translate(_LOOKS_LIKE)
    if any(char not in ALPHABET for char in number) or check_character(number[:-1]) != number[-1]:
        raise MistypedNumber
    return number


def read_pin(typed: object) -> str:
    """The 8 digits behind what somebody typed. Raises MistypedPin."""
    text = _without_separators(typed)
    if text is None or len(text) != PIN_LENGTH or not text.isdecimal():  # ASCII already, so 0 to 9
        raise MistypedPin
    return text


def _without_separators(typed: object) -> str | None:
    """Text without spaces and hyphens of any kind; None when it is no text, too long or not ASCII then.

    Arabic and Persian digits are read as ours, by name. ASCII is asked for before changing case: `upper` turns a
    dotless i into I, and `isdecimal` takes the digits of every script.
    """
    if not isinstance(typed, str) or len(typed) > MOST_TYPED:
        return None
    typed = typed.translate(_TYPED_IN_ARABIC)
    text = "".join(char for char in typed if unicodedata.category(char) not in {"Zs", "Pd"} and char not in "\t\r\n")
    return text if text.isascii() else None
