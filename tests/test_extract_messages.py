"""Every marked string is found, without gettext's programs."""

from __future__ import annotations

import ast
import re
import shutil
from pathlib import Path
from typing import Any

import polib
import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.utils import translation
from django.utils.translation import ngettext

from takeitdown.management.commands.extract_messages import calls_of_template, gather, sources
from takeitdown.translations import faults

TEMPLATE = """
{% load i18n %}
  {# Translators: the button that leaves the site at once #}
  <b>{% translate "Exit" %}</b> {% translate "Case" context "a person's" %}
      {% blocktranslate count n=files %}{{ n }} file{% plural %}{{ n }} files{% endblocktranslate %}
{% blocktranslate trimmed %}
   It's "quoted" (and
   broken).
{% endblocktranslate %}
"""


def test_calls_of_template_keep_plurals_contexts_and_quotes() -> None:
    lines = calls_of_template(TEMPLATE).splitlines()
    calls = [ast.parse(line, mode="eval").body for line in lines if not line.startswith("#")]
    found = [(call.func.id, [word.value for word in call.args if isinstance(word, ast.Constant)]) for call in calls]  # type: ignore[attr-defined]
    assert found == [
        ("gettext", ["Exit"]),
        ("pgettext", ["a person's", "Case"]),
        ("ngettext", ["%(n)s file", "%(n)s files"]),
        ("gettext", ['It\'s "quoted" (and broken).']),
    ]
    assert [line for line in lines if line.startswith("#")] == [
        "# Translators: the button that leaves the site at once"
    ]


def test_gather_finds_what_templates_and_code_say() -> None:
    found = {message.id if isinstance(message.id, str) else message.id[0] for message in gather() if message.id}
    said = set()
    for path in sources():
        if path.suffix == ".html":
            said |= set(re.findall(r'\{% translate "([^"]+)"', path.read_text()))
    assert len(said) > 50
    assert said - found == set()


def copied(folder: Path, code: str = "ar") -> Path:
    """A catalogue of ours to spoil."""
    path = folder / code / "LC_MESSAGES" / "django.po"
    path.parent.mkdir(parents=True)
    shutil.copy(settings.BASE_DIR / "takeitdown" / "locale" / code / "LC_MESSAGES" / "django.po", path)
    return path


def test_our_catalogues_are_complete_and_fit_the_english():
    call_command("extract_messages", "--check")


@pytest.mark.parametrize("code", ["es", "ar"])
def test_a_catalogue_stays_as_it_is_where_nothing_new_is_said(tmp_path: Path, settings: Any, code: str):
    settings.LOCALE_PATHS = [tmp_path]
    path = copied(tmp_path, code)
    before = polib.pofile(str(path))
    call_command("extract_messages", code)
    after = polib.pofile(str(path))
    assert (after.header, after.metadata) == (before.header, before.metadata)
    assert after.metadata["X-Awaiting-Native-Reader"] == "yes"
    kept = {(entry.msgctxt, entry.msgid): (entry.msgstr, entry.msgstr_plural) for entry in before}
    for entry in after:
        assert kept.get((entry.msgctxt, entry.msgid), ("", {})) in [
            (entry.msgstr, entry.msgstr_plural),
            ("", {}),  # said since the catalogue was written, to staff
        ]


@pytest.mark.parametrize(
    ("msgid", "spoil", "fault"),
    [
        ("Exit", {"msgstr": ""}, "'Exit' is without a translation"),
        ("Exit", {"flags": ["fuzzy"]}, "'Exit': is marked as doubtful"),
        ("Picture {n}", {"msgstr": "صورة {m}"}, "'Picture {n}': has other placeholders"),
        ("Video %(number)s", {"msgstr": "فيديو"}, r"'Video %\(number\)s': has other placeholders"),
        ("Exit", {"msgstr": "<b>خروج</b>"}, "'Exit': has other placeholders or tags"),
        ("%(number)s platform takes part:", {"msgstr_plural": {0: "منصة", 1: "منصات"}}, "lacks one of 6 plural forms"),
        (
            "%(number)s platform takes part:",
            {"msgstr_plural": dict.fromkeys(range(6), "%(many)s")},
            "other placeholders",
        ),
        ("%d key revoked.", {"msgstr_plural": dict.fromkeys(range(6), "مفتاح")}, "has other placeholders"),
    ],
)
def test_check_fails_where_a_translation_would_break(
    tmp_path: Path, settings: Any, msgid: str, spoil: dict[str, Any], fault: str
):
    settings.LOCALE_PATHS = [tmp_path]
    path = copied(tmp_path)
    catalogue = polib.pofile(str(path))
    (entry,) = [entry for entry in catalogue if entry.msgid == msgid]
    for name, value in spoil.items():
        setattr(entry, name, value)
    catalogue.save(str(path))
    with pytest.raises(CommandError, match=fault):
        call_command("extract_messages", "ar", "--check")


def test_strings_of_staff_may_wait(tmp_path: Path, settings: Any):
    settings.LOCALE_PATHS = [tmp_path]
    path = copied(tmp_path)
    catalogue = polib.pofile(str(path))
    (entry,) = [entry for entry in catalogue if entry.msgid == "Quarantine selected entries"]
    entry.msgstr = ""
    catalogue.save(str(path))
    call_command("extract_messages", "ar", "--check")


def test_a_number_may_be_said_in_words():
    english = {"msgid": "%(n)s file", "msgid_plural": "%(n)s files"}
    catalogue = polib.POFile()
    catalogue.metadata = {"Plural-Forms": "nplurals=2; plural=(n != 1);"}
    catalogue.append(polib.POEntry(**english, msgstr_plural={0: "un archivo", 1: "%(n)s archivos"}))
    assert faults(catalogue) == []


def test_a_new_language_begins_empty_with_its_plural_forms(tmp_path: Path, settings: Any):
    settings.LOCALE_PATHS = [tmp_path]
    call_command("extract_messages", "pl")
    made = polib.pofile(str(tmp_path / "pl" / "LC_MESSAGES" / "django.po"))
    (several,) = [entry for entry in made if entry.msgid == "%(number)s platform takes part:"]
    assert sorted(several.msgstr_plural) == [0, 1, 2]
    assert made.translated_entries() == []
    with pytest.raises(CommandError, match="without a translation"):
        call_command("extract_messages", "pl", "--check")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("es", {1: "1 plataforma participa:", 2: "2 plataformas participan:", 0: "0 plataformas participan:"}),
        ("ar", {1: "عدد المنصات المشاركة: 1", 2: "عدد المنصات المشاركة: 2", 3: "تشارك 3 منصات:", 11: "تشارك 11 منصة:",
                100: "تشارك 100 منصة:", 103: "تشارك 103 منصات:"}),
    ],
)  # fmt: skip
def test_numbers_of_platforms_have_their_forms(code: str, said: dict[int, str]):
    with translation.override(code):
        found = {n: ngettext("%(number)s platform takes part:", "%(number)s platforms take part:", n) for n in said}
    assert {n: words % {"number": n} for n, words in found.items()} == said
