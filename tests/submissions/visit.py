"""A visit to the reporter's pages in a real browser, for the tests that need one."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from axe_playwright_python.sync_playwright import Axe
from PIL import Image, ImageFilter
from playwright.sync_api import BrowserContext, Page, Request

FILE_NAME = "secret-name-of-a-file.jpg"
WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
BEST = (*WCAG, "best-practice")
_AXE = Axe().axe_script
_RUN = """tags => axe.run({runOnly: {type: "tag", values: tags}, resultTypes: ["violations"]})
  .then(found => found.violations.map(one => `${one.id}: ${one.nodes[0].html}`))"""


class Visit:
    """A page and all that it asked for or complained about."""

    def __init__(self, context: BrowserContext, url: str, language: str = "en") -> None:
        self.url = url
        self.language = language
        self.page: Page = context.new_page()
        self.requests: list[Request] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("console", lambda line: self.complaints.append(line.text) if line.type == "error" else None)

    def open(self, path: str) -> None:
        self.page.goto(f"{self.url}/{self.language}/{path}")

    def follow(self, path: str) -> None:
        """By the link to that page in the page's own part: in every language the same."""
        self.page.locator(f'main a[href="/{self.language}/{path}"]').first.click()
        self.page.wait_for_url(f"{self.url}/{self.language}/{path}")

    def faults(self, tags: Sequence[str] = WCAG) -> list[str]:
        """What axe finds here, and whether the page is wider than the window."""
        self.page.evaluate(_AXE)
        found: list[str] = self.page.evaluate(_RUN, list(tags))
        wide = self.page.evaluate("document.documentElement.scrollWidth > innerWidth")
        return [*found, "wider than the window"] if wide else found

    def pick(self, *files: tuple[str, bytes]) -> None:
        """From the first step of the picking page to "what will be sent"."""
        self.page.click("[data-go=files]")
        payload = [{"name": name, "mimeType": "image/jpeg", "buffer": data} for name, data in files]
        self.page.set_input_files("#files", payload)  # type: ignore[arg-type]
        self.page.wait_for_selector("[data-enough]:visible")
        self.page.click("[data-go=check]")

    def send(self) -> tuple[str, str]:
        """From "what will be sent" to the code."""
        self.page.click("[data-go=statement]")
        self.page.check("#statement")
        self.page.click("[data-send-now]")
        self.page.wait_for_selector("[data-step=code]:visible", timeout=15_000)
        return self.page.inner_text("[data-number]"), self.page.inner_text("[data-pin]")

    def posts(self) -> list[Request]:
        return [request for request in self.requests if request.method == "POST"]


def photograph(seed: int) -> bytes:
    """Something with enough in it for a good fingerprint."""
    coarse = np.random.default_rng(seed).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    picture = Image.fromarray(coarse).resize((640, 480), Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(2))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=92)
    return file.getvalue()
