"""Set-up from a fresh clone: packages, browser libraries, translations, static files. Standard library only.

`manage.py` calls `enter` before anything else is imported. Each step leaves a stamp (a digest of what it was made
from), so that a second run does nothing. Nothing here needs a compiler, gettext, a `venv` with pip in it, or root.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

BASE_DIR = Path(__file__).resolve().parent.parent
VENV = BASE_DIR / ".venv"
PYTHON = VENV / "bin" / "python"
VAR = Path(os.environ.get("TAKEITDOWN_VAR") or BASE_DIR / "var").resolve()
STAMPS = VENV / "set-up.json"
SETS_UP = {"run_portal", "run_tests"}


class Missing(Exception):
    """A tool that set-up can't do without; the message is one line that says what to install."""


def enter(arguments: list[str]) -> None:
    """Go on in `.venv`: after set-up for the README's two commands, straight away for the others.

    Without a `.venv` the others go on where they are: a server may keep its packages elsewhere.
    """
    command = arguments[1] if len(arguments) > 1 else ""
    if command in SETS_UP and not {"-h", "--help"} & set(arguments):
        try:
            set_up(for_tests=command == "run_tests")
        except Missing as missing:
            sys.exit(str(missing))
    if PYTHON.exists() and Path(sys.prefix).resolve() != VENV.resolve():
        os.execv(PYTHON, [str(PYTHON), *arguments])
    _require_packages()


def _require_packages() -> None:
    try:
        import django  # noqa: F401
    except ImportError:
        sys.exit("The packages are missing: run `python3 manage.py run_portal` once, or install requirements.txt.")


def set_up(*, for_tests: bool) -> None:
    """Everything that the portal, or its tests, need. Two set-ups at once wait for each other."""
    from takeitdown import browser_libraries

    with _alone():
        _make_venv()
        _install("packages", digest_of(BASE_DIR / "requirements.txt"), ["-r", str(BASE_DIR / "requirements.txt")])
        if for_tests:
            pins = group("dev")
            _install("packages for the tests", _digest("\n".join(pins)), pins)
            _install_peers()
        browser_libraries.prepare(for_tests=for_tests)
        _compile_translations()
        _collect_static_files()


# --- steps ------------------------------------------------------------------------------------------------------


def _make_venv() -> None:
    """A virtual environment without pip: Debian's bare python3 has no ensurepip, but its pip installs into others."""
    if PYTHON.exists():
        return
    if sys.version_info >= (3, 13):
        raise Missing("Python is too new: install Python 3.11 or 3.12; not every package has wheels for newer ones.")
    with step("environment"):
        run([sys.executable, "-m", "venv", "--without-pip", "--clear", str(VENV)])


def _install(name: str, digest: str, what: list[str]) -> None:
    if is_current(name, digest):
        return
    with step(name):
        pip_install(what)
    remember(name, digest)


def _install_peers() -> None:
    """What our code is compared with. It has to be compiled; without a compiler those comparisons are skipped."""
    pins = group("peers")
    if is_current("peers", _digest("\n".join(pins))):
        return
    if not shutil.which("c++"):
        print("A C++ compiler is missing, comparisons with the reference are skipped: install g++.", file=sys.stderr)
        return
    with step("the reference to compare with"):
        pip_install(pins, compiled=True)
    remember("peers", _digest("\n".join(pins)))


def pip_install(what: list[str], *, compiled: bool = False) -> None:
    """Wheels only, unless it has to be `compiled`, at the pinned versions, by whichever pip there is."""
    quiet = ["--quiet", "--no-input", "--disable-pip-version-check", "--root-user-action", "ignore"]
    wheels = [] if compiled else ["--only-binary", ":all:"]
    run([*_pip(), "--python", str(PYTHON), "install", *wheels, *quiet, *what])


def _pip() -> list[str]:
    for python in (f"{sys.base_prefix}/bin/python3", "python3"):  # `.venv` itself has no pip
        probe = [python, "-m", "pip", "--version"]
        answer = subprocess.run(probe, capture_output=True, text=True, check=False)
        if answer.returncode == 0 and tuple(map(int, answer.stdout.split()[1].split(".")[:2])) >= (22, 3):
            return [python, "-m", "pip"]
    raise Missing("pip 22.3 or newer is missing: install it (Debian: apt-get install python3-pip).")


def _compile_translations() -> None:
    catalogues = sorted(BASE_DIR.glob("*/locale/*/LC_MESSAGES/*.po"))
    late = [po for po in catalogues if _modified(po) > _modified(po.with_suffix(".mo"))]
    if late:
        with step("translations"):
            run([str(PYTHON), "-m", "takeitdown.translations", *map(str, late)])


def _collect_static_files() -> None:
    folders = [*(package.parent / "static" for package in BASE_DIR.glob("*/__init__.py")), VAR / "static-built"]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    digest, stamp = digest_of(BASE_DIR / "requirements.txt", *files), VAR / "static" / ".stamp"
    if stamp.exists() and stamp.read_text() == digest:
        return
    with step("static files"):
        run([str(PYTHON), str(BASE_DIR / "manage.py"), "collectstatic", "--noinput", "-v", "0"])
    stamp.write_text(digest)


# --- what the steps share ---------------------------------------------------------------------------------------


def group(name: str) -> list[str]:
    """The pins of a dependency group of pyproject.toml."""
    with (BASE_DIR / "pyproject.toml").open("rb") as file:
        pins: list[str] = tomllib.load(file)["dependency-groups"][name]
    return pins


@contextlib.contextmanager
def step(name: str) -> Iterator[None]:
    """Say what is being done, and at the end how long it took."""
    begun = time.monotonic()
    print(f"Setting up {name} … ", end="", file=sys.stderr, flush=True)
    try:
        yield
    except BaseException:
        print("failed", file=sys.stderr, flush=True)
        raise
    print(f"{time.monotonic() - begun:.1f} s", file=sys.stderr, flush=True)


def run(command: list[str], *, folder: Path = BASE_DIR, environment: dict[str, str] | None = None) -> None:
    """Run a program quietly; what it said is shown only when it fails."""
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        _explain(command, done.stdout + done.stderr)


def _explain(command: list[str], said: str) -> NoReturn:
    print(f"\n{said.strip()[-3000:]}", file=sys.stderr)
    raise Missing(f"Set-up stopped: `{Path(command[0]).name} {' '.join(command[1:4])} …` failed, see above.")


def is_current(name: str, digest: str) -> bool:
    """Whether the step was done from these inputs, in this environment."""
    return _stamps().get(name) == digest


def remember(name: str, digest: str) -> None:
    STAMPS.write_text(json.dumps({**_stamps(), name: digest}, indent=1) + "\n")


def _stamps() -> dict[str, str]:
    try:
        stamps: dict[str, str] = json.loads(STAMPS.read_text())
    except (OSError, ValueError):
        return {}
    return stamps


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def digest_of(*paths: Path) -> str:
    """One digest of the names and contents of files."""
    parts = (f"{path}:{hashlib.sha256(path.read_bytes()).hexdigest()}" for path in sorted(paths))
    return _digest("\n".join(parts))


def _modified(path: Path) -> float:
    return path.stat().st_mtime if path.exists() else 0.0


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    VAR.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (VAR / "set-up.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
