"""The picking page, as it is served and with its real policy: off the network, and in browsers of some years ago."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pillow_heif
import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, Route

from matching.hashing.pdq import pdq_of_image
from tests.journeys.test_device_fingerprints import PHOTOGRAPH
from tests.pictures import saved

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
pillow_heif.register_heif_opener()
PATIENCE_MS = 60_000
LONGEST_TASK_MS = 200
TRIES = 3  # a busy machine may hold up one of them
OLD = {
    "cannot draw in a worker": ("OffscreenCanvas",),
    "nor decode beside the page": ("OffscreenCanvas", "createImageBitmap"),
}
WATCH = """() => {
  window.tasks = [0];
  new PerformanceObserver((list) => tasks.push(...list.getEntries().map((one) => one.duration)))
    .observe({ type: "longtask" });
}"""
OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(live_server, browser: Browser) -> Iterator[OpenPage]:
    """Opens the step of the picking page that takes files, in a browser `without` some of what it should have."""
    contexts: list[BrowserContext] = []

    def open_page(*without: str) -> Page:
        context = browser.new_context()
        contexts.append(context)
        page = context.new_page()
        for name in without:
            page.add_init_script(f"delete window.{name}")
        if without:
            context.route("**/hash-worker.js", cannot_draw)
        page.goto(f"{live_server.url}/en/pick/a/")
        page.locator("[data-needs-script]").wait_for()
        page.evaluate(WATCH)
        page.locator("[data-go=files]").first.click()
        return page

    yield open_page
    for context in contexts:
        context.close()


def cannot_draw(route: Route) -> None:
    """The worker with the headers it is served with, in a browser that gives workers no canvas."""
    reply = route.fetch()
    route.fulfill(response=reply, body=f"delete self.OffscreenCanvas;\n{reply.text()}")


def fingerprints(page: Page) -> list[dict[str, Any]]:
    """What the page would send of all that was picked."""
    page.locator("[data-enough] [data-go=check]").click(timeout=PATIENCE_MS)
    files = json.loads(page.inner_text("[data-json]"))["files"]
    page.go_back()
    page.wait_for_selector("[data-step=files]:visible")
    return [one for file in files for one in file["fingerprints"]]


def pdq_in(found: list[dict[str, Any]]) -> list[str]:
    return [one["value"] for one in found if one["type"] == "pdq"]


def python_pdq(file: bytes) -> str:
    with Image.open(io.BytesIO(file)) as image:
        return pdq_of_image(image).value


def test_heic_is_fingerprinted_with_the_network_off(open_page: OpenPage, tmp_path: Path):
    (tmp_path / "picture").write_bytes(saved(PHOTOGRAPH, "HEIF", quality=80))
    page = open_page()
    page.context.set_offline(True)

    page.set_input_files("[data-files]", tmp_path / "picture")

    assert [one["type"] for one in fingerprints(page)] == ["pdq", "md5", "sha256"]


@pytest.mark.parametrize("without", OLD.values(), ids=OLD)
def test_an_old_browser_draws_on_the_page_and_stays_alive(
    open_page: OpenPage, tmp_path: Path, without: tuple[str, ...]
):
    """Twelve megapixels held sideways, as a phone of that time takes them."""
    exif = Image.Exif()
    exif[0x0112] = 6
    large, small = saved(PHOTOGRAPH.resize((4000, 3000)), "JPEG", quality=85, exif=exif), saved(PHOTOGRAPH, "PNG")
    (tmp_path / "large").write_bytes(large)
    (tmp_path / "small").write_bytes(small)
    page = open_page(*without)
    longest = []
    for _ in range(TRIES):
        page.evaluate("tasks = [0]")
        page.set_input_files("[data-files]", tmp_path / "large")
        assert pdq_in(fingerprints(page)) == [python_pdq(large)]
        page.wait_for_timeout(50)  # the observer is told of a task after it
        longest.append(page.evaluate("Math.max(...tasks)"))
        page.click("text=Remove")
        if longest[-1] < LONGEST_TASK_MS:
            break

    print(f"12 megapixels drawn on the page: longest tasks {longest} ms")
    assert min(longest) < LONGEST_TASK_MS
    page.set_input_files("[data-files]", tmp_path / "large")
    page.click("text=Remove")  # while it is read
    page.set_input_files("[data-files]", tmp_path / "small")
    assert pdq_in(fingerprints(page)) == [python_pdq(small)]
