"""The README's first command, from start to end, as a newcomer runs it."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]
KEYS = {
    "portal_url", "console_url", "admin_url", "api_url", "apply_url", "platforms_url", "partner_key", "verifier_key",
    "staff", "colleague", "member", "python", "pictures",
}  # fmt: skip
ENDS_WITHIN_SECONDS = 15  # 1 to 2 where nothing else goes on


def manage(*arguments: str) -> list[str]:
    return [sys.executable, str(Path(settings.BASE_DIR) / "manage.py"), *arguments]


@contextlib.contextmanager
def portal(var: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A portal on any port, once it says that it is ready, with what `demo.json` says."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(var), "TAKEITDOWN_VAR": str(var)}
    command = manage("run_portal", "--port", "0")
    process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said = []
    try:
        for line in process.stdout or ():
            said.append(line)
            if "Take It Down is ready" in line:
                break
        else:
            pytest.fail("".join(said))
        yield process, json.loads((var / "demo.json").read_text())
    finally:
        process.kill()
        process.wait()


def get(address: str, key: str = "") -> tuple[int, str]:
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {key}"} if key else {})
    with urllib.request.urlopen(request, timeout=10) as response:
        assert "Server" not in response.headers
        return response.status, response.read().decode()


def processes_of(var: Path) -> list[int]:
    found = [path.parent for path in Path("/proc").glob("[0-9]*/environ")]
    mine = f"TAKEITDOWN_VAR={var}".encode()
    return [int(path.name) for path in found if mine in _read(path / "environ").split(b"\0")]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_portal_starts_serves_ends_and_starts_again_after_a_kill(tmp_path):
    with portal(tmp_path) as (process, first):
        assert set(first) >= KEYS
        assert (tmp_path / "demo.json").stat().st_mode & 0o777 == 0o600
        assert [get(first[name])[0] for name in ("portal_url", "platforms_url", "apply_url", "admin_url")] == [200] * 4
        head = get(first["api_url"] + "hash-list/head/", first["partner_key"])[1]
        assert "takeitdown" in head or "tid-" in head
        beside = subprocess.run(
            manage("check"), env={"TAKEITDOWN_VAR": str(tmp_path)}, capture_output=True, text=True, check=True
        )
        assert "no issues" in beside.stdout

        begun = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(ENDS_WITHIN_SECONDS) == 0
        assert time.monotonic() - begun < ENDS_WITHIN_SECONDS
        assert processes_of(tmp_path) == []

    with portal(tmp_path) as (process, second):
        assert _but_for_the_port(second) == _but_for_the_port(first)
        process.kill()
        process.wait()

    with portal(tmp_path) as (process, third):
        assert _but_for_the_port(third) == _but_for_the_port(first)


def _but_for_the_port(demo: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in demo.items() if not name.endswith("_url")}
