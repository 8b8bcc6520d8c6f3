"""Set-up says in one line what is missing, and does nothing twice."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings

from takeitdown import bootstrap, browser_libraries
from takeitdown.translations import compile_catalogue

TOP = Path(settings.BASE_DIR)


@pytest.mark.parametrize(
    "name", ["manage.py", "takeitdown/__init__.py", "takeitdown/bootstrap.py", "takeitdown/browser_libraries.py"]
)
def test_set_up_needs_the_standard_library_alone(name):
    tree = ast.parse((TOP / name).read_text())
    known = set(sys.stdlib_module_names) | {"takeitdown", "django"}  # django only behind `bootstrap.enter`

    imported = {
        alias.name.split(".")[0] if isinstance(node, ast.Import) else (node.module or "").split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for alias in node.names
    }

    assert imported <= known


def test_readme_begins_with_the_two_commands():
    blocks = re.findall(r"^```sh\n(.*?)^```", (TOP / "README.md").read_text(), re.M | re.S)

    assert blocks[:2] == ["python3 manage.py run_portal\n", "python3 manage.py run_tests\n"]
    assert "python3 manage.py run_tests" in (TOP / ".ci" / "run").read_text()


def test_readme_names_every_variable():
    read = {
        name
        for room in ("takeitdown", "matching", "submissions", "partners")
        for path in (TOP / room).rglob("*.py")
        for name in re.findall(r'env\.(?:text|required|flag|number|listed)\("([A-Z_]+)"', path.read_text())
    }
    readme = (TOP / "README.md").read_text()

    assert [name for name in sorted(read) if f"`{name}`" not in readme] == []


def test_every_pin_is_exact_and_says_why():
    lines = [line for line in (TOP / "requirements.txt").read_text().splitlines() if line and not line.startswith("#")]

    assert [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.]+ +# \S.*", line)] == []
    assert all("==" in pin for group in ("dev", "node", "peers") for pin in bootstrap.group(group))


def test_set_up_that_is_done_starts_no_program(monkeypatch, tmp_path):
    monkeypatch.setattr(bootstrap, "STAMPS", tmp_path / "set-up.json")
    started: list[list[str]] = []
    monkeypatch.setattr(bootstrap, "pip_install", started.append)

    bootstrap._install("packages", "digest", ["x"])
    bootstrap._install("packages", "digest", ["x"])
    bootstrap._install("packages", "another", ["x"])

    assert len(started) == 2


def test_missing_pip_is_one_line(monkeypatch):
    monkeypatch.setattr(
        subprocess, "run", lambda command, **options: subprocess.CompletedProcess(command, 1, "", "No module named pip")
    )

    with pytest.raises(bootstrap.Missing, match=r"^pip 22.3 or newer is missing: install it .*python3-pip\)\.$"):
        bootstrap.pip_install(["x"])


def test_missing_node_is_one_line(monkeypatch):
    monkeypatch.setattr(browser_libraries, "_is_new_enough", lambda program: False)
    monkeypatch.setattr(bootstrap, "pip_install", lambda what: None)
    browser_libraries._node.cache_clear()

    with pytest.raises(bootstrap.Missing, match=r"^Node.js 20 or newer is missing: install it"):
        browser_libraries.node()


def test_a_failing_program_is_shown_with_what_it_said(capsys):
    with pytest.raises(bootstrap.Missing, match=r"^Set-up stopped: .* failed, see above\.$"):
        bootstrap.run([sys.executable, "-c", "raise SystemExit('no space left')"])

    assert "no space left" in capsys.readouterr().err


def test_catalogues_are_compiled_without_gettext(tmp_path):
    po = tmp_path / "django.po"
    po.write_text('msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\nmsgid "Exit"\nmsgstr "Salir"\n')

    import gettext

    with compile_catalogue(po).open("rb") as mo:
        assert gettext.GNUTranslations(mo).gettext("Exit") == "Salir"
