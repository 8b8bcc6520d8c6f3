"""Gather every string that people read into the catalogues, without gettext's programs."""

from __future__ import annotations

import io
import re
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils.translation.template import templatize

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


class Command(BaseCommand):
    help = "Updates takeitdown/locale/<language>/LC_MESSAGES/django.po from the code and the templates."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("languages", nargs="*", help="language codes; those of the settings without any")
        parser.add_argument("--check", action="store_true", help="write nothing; fail where a translation is missing")

    def handle(self, *args: Any, **options: Any) -> None:
        codes = options["languages"] or [code for code, _name in settings.LANGUAGES if code != settings.LANGUAGE_CODE]
        try:
            found = gather()
        except ImportError:
            raise CommandError("Babel is missing: it comes with what run_tests installs.") from None
        missing = {code: self._update(code, found, write=not options["check"]) for code in codes}
        if options["check"] and any(missing.values()):
            raise CommandError(f"Strings without a translation: {missing}. Run manage.py extract_messages.")

    def _update(self, code: str, found: Any, *, write: bool) -> int:
        """Merge what was found into one catalogue; returns how many strings lack a translation."""
        from babel.messages.pofile import read_po, write_po

        path = settings.LOCALE_PATHS[0] / code / "LC_MESSAGES" / "django.po"
        before = path.read_bytes() if path.exists() else b""
        catalogue = read_po(io.BytesIO(before), locale=code)
        catalogue.update(found, no_fuzzy_matching=True)
        missing = sum(not translated(message) for message in catalogue if message.id)
        if write:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("wb") as file:
                write_po(file, catalogue, width=100, sort_by_file=True, ignore_obsolete=True, include_lineno=False)
            self.stdout.write(f"{code}: {len(catalogue)} strings, {missing} without a translation")
        return missing


def translated(message: Any) -> bool:
    """Whether every form of a message has its words and nobody doubts them."""
    forms = message.string if isinstance(message.string, tuple | list) else (message.string,)
    return bool(forms) and all(forms) and not message.fuzzy


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
