"""Compile .po files to .mo with polib, so that no machine needs gettext: `python -m takeitdown.translations FILE…`."""

from __future__ import annotations

import sys
from pathlib import Path

import polib


def compile_catalogue(po: Path) -> Path:
    """Write the .mo beside the .po, for Django to read."""
    mo = po.with_suffix(".mo")
    polib.pofile(str(po)).save_as_mofile(str(mo))
    return mo


if __name__ == "__main__":
    for name in sys.argv[1:]:
        compile_catalogue(Path(name))
