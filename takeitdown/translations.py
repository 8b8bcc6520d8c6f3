"""Catalogues: what is wrong with a translation, and .po to .mo without gettext's programs.

python -m takeitdown.translations FILE…     compiles, for set-up
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

import polib

# What a program puts in or a browser reads: `%(day)s`, `%d`, `{n}`, `<b>`, `</b>`.
_FOR_PROGRAMS = re.compile(r"%\(\w+\)s|%[ds]|\{\w+\}|</?\w+[^>]*>")
_NAMED = re.compile(r"%\(\w+\)s")


def compile_catalogue(po: Path) -> Path:
    """Write the .mo beside the .po, for Django to read."""
    mo = po.with_suffix(".mo")
    polib.pofile(str(po)).save_as_mofile(str(mo))
    return mo


def faults(catalogue: polib.POFile) -> list[str]:
    """What would show as nonsense: doubtful strings, placeholders or tags that differ, too few plural forms.

    Strings without any translation are none: Django shows the English.
    """
    return [f"{entry.msgid!r}: {fault}" for entry in catalogue if (fault := _fault(entry, plural_forms(catalogue)))]


def plural_forms(catalogue: polib.POFile) -> int:
    """How many forms of a word go with numbers in this language: two in Spanish, six in Arabic."""
    said = re.match(r"\s*nplurals\s*=\s*(\d+)", catalogue.metadata.get("Plural-Forms", ""))
    return int(said[1]) if said else 2


def is_translated(entry: polib.POEntry, forms: int) -> bool:
    """Whether there are words for it, in every form."""
    if not entry.msgid_plural:
        return bool(entry.msgstr)
    return sorted(entry.msgstr_plural) == list(range(forms)) and all(entry.msgstr_plural.values())


def _fault(entry: polib.POEntry, forms: int) -> str:
    if entry.fuzzy:
        return "is marked as doubtful"
    if not entry.msgid_plural:
        return "has other placeholders or tags" if entry.msgstr and not _fits(entry.msgid, entry.msgstr) else ""
    if any(entry.msgstr_plural.values()) and not is_translated(entry, forms):
        return f"lacks one of {forms} plural forms"
    said = [form for form in entry.msgstr_plural.values() if form]
    return "" if all(_fits_number(entry, form) for form in said) else "has other placeholders or tags"


def _fits(english: str, translation: str) -> bool:
    return Counter(_FOR_PROGRAMS.findall(english)) == Counter(_FOR_PROGRAMS.findall(translation))


def _fits_number(entry: polib.POEntry, form: str) -> bool:
    """ "One platform" needs no number, so a form may leave out what has a name; `%d` would break the program."""
    if _fits(entry.msgid_plural, form) or _fits(entry.msgid, form):
        return True
    without = _NAMED.sub("", entry.msgid_plural)
    return not _NAMED.search(form) and _fits(without, form)


if __name__ == "__main__":
    for name in sys.argv[1:]:
        compile_catalogue(Path(name))
