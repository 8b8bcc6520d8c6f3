"""Logging that cannot tell: PINs, case numbers, keys, hashes and addresses are blotted out of every finished line.

Code does not log such values in the first place; this is the net below it, for messages of libraries and tracebacks.
"""

from __future__ import annotations

import logging
import re
from typing import Any

BLOT = "[…]"
# No pattern of a long secret asks for a word boundary: a key may begin with "-", and in the repr of bytes or of a
# text with line ends the letter of an escape ("\n") stands right before it.
_SENSITIVE = re.compile(
    r"""
    tid_[A-Za-z0-9_]+                                                  # opt-in keys
  | [A-Za-z0-9_-]{43,}                                                 # idempotency keys, tokens
  | (?i:(?:[0-9A-HJKMNP-TV-Z]{4}-){2}[0-9A-HJKMNP-TV-Z]{4}(?:-[0-9A-HJKMNP-TV-Z])?)   # case numbers
  | (?<![0-9A-Z])[0-9A-HJKMNP-TV-Z]{13}(?![0-9A-Z])
  | [0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}               # random ids of cases and entries
  | [0-9a-fA-F]{16,}                                                   # fingerprints, digests
  | (?<![\d.])\d{8}(?!\d)                                              # PINs
  | (?<![\d.])(?:\d{1,3}\.){3}\d{1,3}(?![\d.])                         # IPv4
  | (?<![0-9a-fA-F:])(?:[0-9a-fA-F]{1,4}:){3,7}:?[0-9a-fA-F]{0,4}      # IPv6
  | [\w.+-]+@[\w-]+\.[\w.-]+                                           # e-mail addresses
    """,
    re.VERBOSE | re.ASCII,
)


def blot(text: str) -> str:
    """`text` without anything that could be a secret, a fingerprint or an address."""
    return _SENSITIVE.sub(BLOT, text)


class BlottingFormatter(logging.Formatter):
    """Formats as usual, traceback included, then blots the finished line. Times are whole minutes."""

    default_time_format = "%Y-%m-%dT%H:%MZ"
    default_msec_format = None

    def format(self, record: logging.LogRecord) -> str:
        stamp, separator, rest = super().format(record).partition(" ")
        return stamp + separator + blot(rest)


def config(*, to: str = "") -> dict[str, Any]:
    """The dictConfig: one stream (or the file `to`), one format, request paths only for server errors."""
    handler: dict[str, Any] = {"class": "logging.StreamHandler", "formatter": "blotting"}
    if to:
        handler = {"class": "logging.FileHandler", "filename": to, "formatter": "blotting"}
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "blotting": {"()": BlottingFormatter, "format": "%(asctime)s %(levelname)s %(name)s: %(message)s"}
        },
        "handlers": {"lines": handler},
        "root": {"handlers": ["lines"], "level": "WARNING"},
        "loggers": {
            "django": {"handlers": ["lines"], "level": "WARNING", "propagate": False},
            "django.request": {"level": "ERROR"},  # 4xx say what somebody typed into an address bar
            "django.security": {"level": "ERROR"},
            "django.security.DisallowedHost": {"level": "CRITICAL"},  # it repeats the Host header
            "celery": {"handlers": ["lines"], "level": "WARNING", "propagate": False},
            "takeitdown": {"handlers": ["lines"], "level": "INFO", "propagate": False},
        },
    }
