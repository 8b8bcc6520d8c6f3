"""The whole loop, on the portal as a newcomer starts it: a real photograph, two platforms with the published client,
and back out. Nothing here is a stand-in: real processes, a real browser, the client's own command line.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from PIL import Image
from playwright.sync_api import Browser, Page, Request

from tests.journeys.test_run_portal import manage, portal
from tests.pictures import photographs

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(400)]
FILE_NAME = "IMG_0471 me at the lake.jpg"
WITHIN_SECONDS = 60
CLIENT = Path(settings.BASE_DIR) / "partners" / "client" / "src"


class Platform:
    """One platform that runs the published client's command line."""

    def __init__(self, folder: Path, facts: dict[str, Any], key: str) -> None:
        self.folder = folder
        address = facts["api_url"].partition("/api/")[0]
        self.run("init", "--url", address, "--key", key, "--verifier-key", facts["verifier_key"])

    def run(self, *words: str, expect: tuple[int, ...] = (0,)) -> str:
        command = [sys.executable, "-m", "takeitdown_client", "--dir", str(self.folder), *words]
        environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(CLIENT), "HOME": str(self.folder)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode in expect, done.stdout + done.stderr
        return done.stdout

    def matches(self, file: Path) -> list[dict[str, Any]]:
        (result,) = json.loads(self.run("match", str(file), "--json", expect=(0, 1)))["results"]
        return list(result["matches"])

    def sync(self) -> bool:
        return bool(self.run("sync", "--now"))


def photograph(folder: Path) -> tuple[Path, Path]:
    """A real photograph as a phone would keep it, and the copy somebody else posts: smaller, brighter, recompressed."""
    name, image = next((name, image) for name, image in photographs() if name.startswith("chelsea"))
    assert name
    original, edited = folder / FILE_NAME, folder / "posted.jpg"
    image.convert("RGB").resize((1353, 900)).save(original, quality=93)
    with Image.open(original) as picture:
        smaller = picture.resize((600, 399)).point(lambda level: min(255, int(level * 1.08)))
        smaller.save(edited, quality=60)
    return original, edited


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WITHIN_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.5)


def second_key(var: Path) -> str:
    """An opt-in key for the demonstration's other platform, issued as staff's page does."""
    code = (
        "from partners import keys; from partners.models import *; "
        "p = Partner.objects.get(code='sample-social'); "
        "print(keys.issue(p, environment=Environment.LIVE, scopes=[Scope.LIST_READ], name='second', by='test').text)"
    )
    command = manage("shell", "--no-imports", "-v", "0", "-c", code)
    done = subprocess.run(command, env={"TAKEITDOWN_VAR": str(var)}, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def report(page: Page, file: Path) -> tuple[str, str]:
    """From the first page to the code, as a person does it."""
    page.click("text=Start")
    page.click("text=Go on")
    page.click("text=None of these. Go on.")
    page.click("text=Me. I am under 18.")
    page.click("text=The picture or video is on this device.")
    page.click("[data-go=files]")
    page.set_input_files("#files", str(file))
    page.wait_for_selector("[data-enough]:visible")
    page.click("[data-go=check]")
    page.click("[data-go=statement]")
    page.check("#statement")
    page.click("[data-send-now]")
    page.wait_for_selector("[data-step=code]:visible", timeout=60_000)
    return page.inner_text("[data-number]"), page.inner_text("[data-pin]")


def withdraw(page: Page, number: str, pin: str) -> None:
    page.click("[data-go=typed]")
    page.click("[data-step=typed] [data-go=now]")
    page.click("text=Open my case")
    page.fill("[name=number]", number)
    page.fill("[name=pin]", pin)
    page.click("main button")
    page.wait_for_selector("text=Picture 1")
    page.click("text=Take this one off the list")
    page.click("text=Yes, take it off the list")
    page.wait_for_selector("text=You have withdrawn everything")


def sent(requests: list[Request]) -> str:
    """Everything the browser sent, addresses and bodies."""
    return "\n".join(f"{request.url} {request.post_data or ''}" for request in requests)


def test_a_photograph_reaches_the_platforms_and_leaves_them(tmp_path: Path, browser: Browser) -> None:
    original, edited = photograph(tmp_path)
    with portal(tmp_path / "var") as (_process, facts):
        prompt = Platform(tmp_path / "prompt", facts, facts["partner_key"])
        tardy = Platform(tmp_path / "tardy", facts, second_key(tmp_path / "var"))
        for platform in (prompt, tardy):
            platform.sync()
            assert platform.matches(edited) == []

        page = browser.new_page(viewport={"width": 360, "height": 740})
        requests: list[Request] = []
        page.on("request", lambda request: requests.append(request))
        page.goto(facts["portal_url"])
        number, pin = report(page, original)
        assert page.context.cookies() == []
        assert {request.url.split("/")[2] for request in requests if request.url.startswith("http")} == {
            facts["portal_url"].split("/")[2]
        }
        assert "IMG_0471" not in sent(requests)
        assert max(len(request.post_data_buffer or b"") for request in requests) < 2_000  # fingerprints, no picture

        eventually(lambda: bool(prompt.sync() and prompt.matches(edited)))
        (match,) = prompt.matches(edited)
        assert (match["type"], match["trust"]) == ("pdq", "unverified")
        assert match["distance"] <= 31
        assert {found["type"] for found in prompt.matches(original)} == {"pdq", "md5", "sha256"}
        tardy.sync()
        assert [found["entry"] for found in tardy.matches(edited)] == [match["entry"]]
        prompt.run("report", match["entry"], "--outcome", "removed")

        withdraw(page, number, pin)
        eventually(lambda: prompt.sync() and prompt.matches(edited) == [])
        assert tardy.matches(edited) != []  # it missed that pull
        tardy.sync()
        assert tardy.matches(original) == []
        for platform in (prompt, tardy):
            platform.run("verify")
            assert b"pdq" in (platform.folder / "list.sqlite3").read_bytes()  # the demonstration's entries are here
        heads = [json.loads(platform.run("status", "--json"))["position"] for platform in (prompt, tardy)]
        assert heads[0] == heads[1]
        verified = subprocess.run(
            manage("verify_hash_list"), env={"TAKEITDOWN_VAR": str(tmp_path / "var")}, capture_output=True, text=True
        )
        assert verified.returncode == 0, verified.stdout + verified.stderr
        page.close()
