"""What `python3 manage.py run_tests` does, once set-up is done.

Checks and lanes of tests, two at a time, the longest first, so that two cores stay busy to the end. A lane is a pytest
on SQLite or on a PostgreSQL of its own, with its own Redis and its own folder. Markers say what runs in one lane only
(pyproject.toml).
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

from takeitdown import browser_libraries
from takeitdown.bootstrap import BASE_DIR
from tests.chromium import chromium_path
from tests.postgres import PostgresCluster

IN_CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}
ROOMS = ["takeitdown", "matching", "submissions", "partners", "tests"]
LIBRARIES = BASE_DIR / "submissions" / "browser" / "node_modules"
AT_ONCE = 2


@dataclass
class Outcome:
    """How one part went."""

    name: str
    passed: int
    failed: int
    skipped: int = 0
    seconds: float = 0.0

    def __str__(self) -> str:
        skipped = f", {self.skipped} skipped" if self.skipped else ""
        return f"{self.name:<22} {self.passed:>5} passed, {self.failed} failed{skipped}  ({self.seconds:.0f} s)"


def everything() -> int:
    """All parts; returns the exit status."""
    _find_chromium()
    begun = time.monotonic()
    lanes = [partial(_lane, lane) for lane in LANES]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        outcomes = list(pool.map(_timed, [*lanes, _types, _lint, _migrations, *_javascript()]))
    return _conclude(outcomes, time.monotonic() - begun)


def chosen(arguments: list[str]) -> int:
    """pytest with these arguments, on SQLite, or on PostgreSQL where `--postgresql` is among them."""
    wanted = [argument for argument in arguments if argument != "--postgresql"]
    with _folder() as folder, _database(wanted != arguments) as url:
        return subprocess.call(_pytest(*wanted), cwd=BASE_DIR, env=_environment(folder, url))


def _conclude(outcomes: list[Outcome], seconds: float) -> int:
    failed = sum(outcome.failed for outcome in outcomes)
    print("\n" + "\n".join(map(str, outcomes)))
    skipped = sum(outcome.skipped for outcome in outcomes)
    if skipped:
        print("Skipped tests are failures here." if IN_CI else "Skipped: see the reasons above.")
    failed += skipped if IN_CI else 0
    print(f"Took {seconds:.0f} s.\n{sum(outcome.passed for outcome in outcomes)} passed, {failed} failed", flush=True)
    return 1 if failed else 0


def _timed(part: Callable[[], Outcome]) -> Outcome:
    begun = time.monotonic()
    outcome = part()
    outcome.seconds = time.monotonic() - begun
    return outcome


# --- checks -----------------------------------------------------------------------------------------------------


def _lint() -> Outcome:
    ruff = [sys.executable, "-m", "ruff"]
    results = [_check("lint", [*ruff, *rest]) for rest in (["check", "--quiet", "."], ["format", "--check", "."])]
    return Outcome("lint", sum(results), len(results) - sum(results))


def _types() -> Outcome:
    mypy = [sys.executable, "-m", "mypy"]
    client = BASE_DIR / "partners" / "client"
    results = [_check("types", [*mypy, *ROOMS]), _check("types", mypy, folder=client)]
    return Outcome("types", sum(results), len(results) - sum(results))


def _migrations() -> Outcome:
    passed = _check("migrations", [sys.executable, "manage.py", "makemigrations", "--check", "--dry-run"])
    return Outcome("migrations", int(passed), int(not passed))


def _javascript() -> list[Callable[[], Outcome]]:
    return [_javascript_types, _javascript_tests] if (BASE_DIR / "tests" / "js").is_dir() else []


def _javascript_types() -> Outcome:
    compiler = [browser_libraries.node(), str(LIBRARIES / "typescript" / "bin" / "tsc"), "-p"]
    projects = sorted((BASE_DIR / "tests" / "js").glob("tsconfig*.json"))
    results = [_check("javascript", [*compiler, str(project)]) for project in projects]
    return Outcome("types of JavaScript", sum(results), len(results) - sum(results))


def _javascript_tests() -> Outcome:
    files = sorted(str(path) for path in (BASE_DIR / "tests" / "js").glob("*.test.js"))
    command = [browser_libraries.node(), "--test", "--test-reporter=tap", *files]
    done = subprocess.run(command, cwd=BASE_DIR, capture_output=True, text=True, check=False)
    count = {word: int(number) for word, number in re.findall(r"^# (pass|fail|skipped) (\d+)$", done.stdout, re.M)}
    if done.returncode:
        _say("javascript", done.stdout + done.stderr)
    failed = count.get("fail", 0) or int(done.returncode != 0)
    return Outcome("JavaScript", count.get("pass", 0), failed, count.get("skipped", 0))


def _check(name: str, command: list[str], *, folder: Path = BASE_DIR) -> bool:
    with _folder() as var:
        environment = _environment(var, "")
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        _say(name, done.stdout + done.stderr)
    return done.returncode == 0


# --- lanes ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Lane:
    """A pytest of its own: which tests, and on which database."""

    name: str
    markers: str
    paths: tuple[str, ...] = ("tests",)
    postgresql: bool = False
    may_be_given: bool = True  # whether TEST_DATABASE_URL may stand for the throwaway PostgreSQL


LANES = [  # the longest first
    Lane("browser", "browser"),
    Lane("faults", "database and not slow", ("tests/faults",), postgresql=True, may_be_given=False),
    Lane("SQLite", "not postgresql and not browser", ("tests", "partners/client/tests")),
    Lane("PostgreSQL", "database and not browser and not slow", ("tests", "--ignore=tests/faults"), postgresql=True),
]


def _lane(lane: Lane) -> Outcome:
    with _folder() as folder, _database(lane.postgresql, may_be_given=lane.may_be_given) as url:
        report = folder / "report.xml"
        command = _pytest("-q", "--durations=8", "-m", lane.markers, f"--junitxml={report}", *lane.paths)
        process = subprocess.Popen(
            command,
            cwd=BASE_DIR,
            env=_environment(folder, url),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for line in process.stdout or ():
            _say(lane.name, line)
        return _read_report(f"tests: {lane.name}", report, process.wait())


def _read_report(name: str, report: Path, status: int) -> Outcome:
    if not report.exists():
        return Outcome(name, 0, 1)
    cases = list(ElementTree.parse(report).iter("testcase"))
    failed = sum(case.find("failure") is not None or case.find("error") is not None for case in cases)
    skipped = sum(mark.get("type") == "pytest.skip" for case in cases for mark in case.iter("skipped"))
    return Outcome(name, len(cases) - failed - skipped, failed or int(status not in {0, 5}), skipped)


@contextlib.contextmanager
def _database(postgresql: bool, *, may_be_given: bool = True) -> Iterator[str]:
    """A DATABASE_URL: none for SQLite, `TEST_DATABASE_URL`, or that of a throwaway cluster."""
    given = os.environ.get("TEST_DATABASE_URL") if may_be_given else None
    if not postgresql:
        yield ""
    elif given:
        yield given
    else:
        with PostgresCluster.temporary() as cluster:
            yield cluster.url


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    # In /tmp by name: a unix socket's path is limited, and TMPDIR may be long.
    with tempfile.TemporaryDirectory(prefix="tid-lane-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _environment(folder: Path, database_url: str) -> dict[str, str]:
    """This environment without what would point the tests at somebody's real portal."""
    ours = {"DATABASE_URL", "BROKER_URL", "CACHE_URL", "PUBLIC_URL", "TAKEITDOWN_VAR", "DJANGO_SETTINGS_MODULE"}
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    url = {"DATABASE_URL": database_url} if database_url else {}
    # Two lanes on two cores: threads of the matrix library would only wait for each other, seven times as long.
    return {**kept, **url, "TAKEITDOWN_VAR": str(folder), "PYTHONUNBUFFERED": "1", "OPENBLAS_NUM_THREADS": "1"}


def _pytest(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "pytest", *arguments]


# --- what a machine may lack ------------------------------------------------------------------------------------


def _find_chromium() -> None:
    """Install Chromium where that is easy; otherwise say what to install."""
    if chromium_path():
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing Chromium …", flush=True)
        install = "apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium"
        subprocess.run(["sh", "-c", install], stdout=subprocess.DEVNULL, check=False)
    if not chromium_path():
        print("Chromium is missing, browser tests are skipped: install it (Debian: apt-get install chromium).")


_printing = threading.Lock()


def _say(name: str, text: str) -> None:
    """Print lines with the part they come from; two parts speak at once."""
    with _printing:
        for line in text.rstrip().splitlines():
            print(f"{name:<10} | {line}", flush=True)
