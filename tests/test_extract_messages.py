"""Every marked string is found, without gettext's programs."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import polib
import pytest
from django.core.management import CommandError, call_command

from takeitdown.management.commands.extract_messages import calls_of_template, gather, sources

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


def test_extract_messages_keeps_translations_and_check_fails_where_one_is_missing(
    tmp_path: Path, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    settings.LOCALE_PATHS = [tmp_path]
    call_command("extract_messages", "es")
    path = tmp_path / "es" / "LC_MESSAGES" / "django.po"
    catalogue = polib.pofile(str(path))
    entry = next(entry for entry in catalogue if not entry.msgid_plural)
    entry.msgstr = "traducido"
    catalogue.save(str(path))
    call_command("extract_messages", "es")
    again = polib.pofile(str(path))
    assert [kept.msgstr for kept in again if kept.msgid == entry.msgid] == ["traducido"]
    with pytest.raises(CommandError, match="without a translation"):
        call_command("extract_messages", "es", "--check")
