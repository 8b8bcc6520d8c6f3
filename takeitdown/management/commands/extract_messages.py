"""Gather every string that people read into the catalogues, without gettext's programs."""

from __future__ import annotations

import io
import re
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polib
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation.template import templatize

from takeitdown.translations import faults, is_translated, plural_forms

SOURCES = ("takeitdown", "matching", "submissions", "partners", "templates")
LEFT_OUT = ("migrations", "node_modules", "client", "benchmarks", "commands")
# gettext's functions as Django names them: plural forms, contexts and lazy ones included.
KEYWORDS: dict[str, Any] = {
    "_": None,
    "gettext": None,
    "gettext_lazy": None,
    "gettext_noop": None,
    "ngettext": (1, 2),
    "ngettext_lazy": (1, 2),
    "pgettext": ((1, "c"), 2),
    "pgettext_lazy": ((1, "c"), 2),
    "npgettext": ((1, "c"), 2, 3),
    "npgettext_lazy": ((1, "c"), 2, 3),
}


# What somebody who reports a picture may read, and in their own language. Staff and platforms read English, so a string
# of theirs without a translation is no fault.
READ_BY_REPORTERS = re.compile(
    r"submissions/(?!admin\.py|models/)|takeitdown/(errors|limits)\.py|templates/([^/]+$|partials/|submissions/)"
)


class Command(BaseCommand):
    help = "Updates takeitdown/locale/<language>/LC_MESSAGES/django.po from the code and the templates."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("languages", nargs="*", help="language codes; those of the settings without any")
        parser.add_argument(
            "--check",
            action="store_true",
            help="write nothing; fail where reporters would read English or a translation would break",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        codes = options["languages"] or [code for code, _name in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
        try:
            found = gather()
        except ImportError:
            raise CommandError("Babel is missing: it comes with what run_tests installs.") from None
        wrong = [
            f"{code}: {fault}" for code in codes for fault in self._update(code, found, write=not options["check"])
        ]
        if options["check"] and wrong:
            raise CommandError("\n".join([*wrong, "Run manage.py extract_messages and mend the catalogues."]))

    def _update(self, code: str, found: Any, *, write: bool) -> list[str]:
        """Merge what was found into one catalogue; returns what is wrong with it then."""
        path = settings.LOCALE_PATHS[0] / code / "LC_MESSAGES" / "django.po"
        catalogue = merged(polib.pofile(str(path)) if path.exists() else new_catalogue(code), found)
        if write:
            path.parent.mkdir(parents=True, exist_ok=True)
            catalogue.save(str(path))
        missing = lacking(catalogue)
        self.stdout.write(f"{code}: {len(catalogue)} strings, {len(missing)} that reporters read in English")
        return [f"{entry.msgid!r} is without a translation" for entry in missing] + faults(catalogue)


def new_catalogue(code: str) -> polib.POFile:
    """An empty one with the plural forms of its language."""
    from babel.messages.plurals import get_plural

    catalogue = polib.POFile()
    catalogue.metadata = {
        "Project-Id-Version": "Take It Down",
        "Language": code,
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Transfer-Encoding": "8bit",
        "Plural-Forms": get_plural(code).plural_forms,
        "X-Awaiting-Native-Reader": "yes",
    }
    return catalogue


def merged(old: polib.POFile, found: Any) -> polib.POFile:
    """A catalogue of what was found, with the old one's translations and its whole header, `X-` lines included.

    What is no longer said is dropped. The order is that of the files, so that a change shows as what it is.
    """
    catalogue = polib.POFile(wrapwidth=100)
    catalogue.header, catalogue.metadata = old.header, old.metadata
    known = {(entry.msgctxt, entry.msgid): entry for entry in old}
    forms = plural_forms(old)
    for message in found:
        if message.id:
            entry = _entry(message)
            _take_over(entry, known.get((entry.msgctxt, entry.msgid)), forms)
            catalogue.append(entry)
    return catalogue


def _entry(message: Any) -> polib.POEntry:
    several = isinstance(message.id, tuple)
    return polib.POEntry(
        msgctxt=message.context,
        msgid=message.id[0] if several else message.id,
        msgid_plural=message.id[1] if several else "",
        comment="\n".join(message.auto_comments),
        occurrences=[(name, "") for name in sorted({name for name, _line in message.locations})],
        flags=["python-format"] if message.python_format else [],
    )


def _take_over(entry: polib.POEntry, old: polib.POEntry | None, forms: int) -> None:
    if entry.msgid_plural:
        kept = old.msgstr_plural if old else {}
        entry.msgstr_plural = {form: kept.get(form, "") for form in range(forms)}
    elif old:
        entry.msgstr = old.msgstr
    if old:
        entry.tcomment = old.tcomment
        entry.flags += ["fuzzy"] if old.fuzzy else []


def lacking(catalogue: polib.POFile) -> list[polib.POEntry]:
    """What reporters would read in English."""
    return [
        entry for entry in catalogue if not is_translated(entry, plural_forms(catalogue)) and is_for_reporters(entry)
    ]


def is_for_reporters(entry: polib.POEntry) -> bool:
    return any(READ_BY_REPORTERS.match(name) for name, _line in entry.occurrences)


def gather() -> Any:
    """A catalogue of every marked string, with where it stands and what its comment for translators says."""
    from babel.messages.catalog import Catalog
    from babel.messages.extract import extract

    catalogue = Catalog(project="Take It Down", charset="utf-8")
    for path in sources():
        text = path.read_text(encoding="utf-8")
        code = calls_of_template(text) if path.suffix in {".html", ".txt"} else text
        rows = extract("python", io.BytesIO(code.encode()), keywords=KEYWORDS, comment_tags=("Translators:",))
        name = str(path.relative_to(settings.BASE_DIR))
        for _line, message, comments, context in rows:
            catalogue.add(message, locations=[(name, 0)], auto_comments=comments, context=context)
    return catalogue


_CALL = re.compile(
    r"""\b(?:gettext|ngettext|pgettext|npgettext|_)\((?:[^()'"]|'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*")*\)"""
)


def calls_of_template(text: str) -> str:
    """The gettext calls of a template, one a line, with the comments for translators before them.

    Django turns a template into calls amid filler that no Python tokenizer reads, so the filler is dropped.
    """
    lines: list[str] = []
    for line in templatize(text).splitlines():
        if "Translators:" in line and "#" in line:
            lines.append(line[line.index("#") :])
        lines += _CALL.findall(line)
    return "\n".join(lines) + "\n"


def sources() -> Iterator[Path]:
    """Our Python files and templates, in a fixed order."""
    for folder in SOURCES:
        for path in sorted((settings.BASE_DIR / folder).rglob("*")):
            if path.suffix in {".py", ".html", ".txt"} and not any(part in LEFT_OUT for part in path.parts):
                yield path
