"""Settings of the try-out: made once, by one of many, and found again by whoever comes later."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from django.conf import settings

SHOW = "from takeitdown import settings as s; print(s.SECRET_KEY, s.PEPPERS, s.RECEIPT_MASTER, s.PUBLIC_URL)"


def show(var: Path, **environment: str) -> str:
    """What a fresh process reads."""
    done = subprocess.run(
        [sys.executable, "-c", SHOW],
        cwd=settings.BASE_DIR,
        env={"TAKEITDOWN_VAR": str(var), "PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


def test_processes_that_start_at_once_agree(tmp_path):
    with ThreadPoolExecutor(4) as pool:
        read = set(pool.map(lambda _: show(tmp_path / "var"), range(8)))

    assert len(read) == 1
    assert sorted(path.name for path in (tmp_path / "var").iterdir()) == ["embedded.env", "embedded.lock"]
    assert (tmp_path / "var" / "embedded.env").stat().st_mode & 0o777 == 0o600


def test_what_the_portal_was_started_with_is_found_beside_it(tmp_path):
    first = show(tmp_path)
    keep = "from takeitdown import settings, env; env.keep_for_others(PUBLIC_URL='http://localhost:8123')"
    environment = {"TAKEITDOWN_VAR": str(tmp_path), "PATH": os.environ["PATH"], "UNLOCK_RATE": "7/m"}
    subprocess.run([sys.executable, "-c", keep], cwd=settings.BASE_DIR, env=environment, check=True)

    assert show(tmp_path).split()[:3] == first.split()[:3]
    assert show(tmp_path).split()[3] == "http://localhost:8123"
    assert "UNLOCK_RATE=7/m" in (tmp_path / "running.env").read_text()
    assert "SECRET_KEY" not in (tmp_path / "running.env").read_text()


def test_production_has_no_default_for_a_key(tmp_path):
    environment = {"DATABASE_URL": "postgresql://", "PUBLIC_URL": "https://x.example", "TAKEITDOWN_VAR": str(tmp_path)}

    done = subprocess.run(
        [sys.executable, "-c", SHOW],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode != 0
    assert "Set SECRET_KEY in the environment" in done.stderr
    assert not (tmp_path / "embedded.env").exists()


def test_a_key_that_came_with_a_later_version_is_added_and_the_others_stay(tmp_path):
    before = show(tmp_path / "var")
    path = tmp_path / "var" / "embedded.env"
    kept = [line for line in path.read_text().splitlines(keepends=True) if not line.startswith("WEBHOOK_MASTER=")]
    path.write_text("".join(kept))

    assert show(tmp_path / "var") == before
    assert "WEBHOOK_MASTER=" in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
