"""What journeys on the reporter's device stand on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.device import Device, built_worker, served


@pytest.fixture(scope="session")
def worker_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The hashing worker, built; the one for HEIC lies beside it."""
    built = built_worker(tmp_path_factory.mktemp("static-built"))
    if built is None:
        message = "The worker is not built: install Node and run npm ci in submissions/browser, or run the set-up."
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    return built


@pytest.fixture(scope="module")
def phone(browser: Browser, worker_file: Path) -> Iterator[Device]:
    with served(worker_file) as site:
        page = browser.new_page()
        yield Device(page, site)
        page.close()
