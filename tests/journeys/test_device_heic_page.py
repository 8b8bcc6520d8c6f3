"""The picking page, as it is served, decodes an iPhone's picture after the network is gone."""

from __future__ import annotations

import pillow_heif
import pytest
from playwright.sync_api import expect

from tests.journeys.test_device_fingerprints import PHOTOGRAPH
from tests.pictures import saved

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]
pillow_heif.register_heif_opener()


def test_heic_is_fingerprinted_with_the_network_off(live_server, page, tmp_path):

    (tmp_path / "picture").write_bytes(saved(PHOTOGRAPH, "HEIF", quality=80))
    page.goto(f"{live_server.url}/en/pick/a/")
    page.locator("[data-needs-script]").wait_for()
    page.context.set_offline(True)

    page.locator("[data-go=files]").first.click()
    page.set_input_files("[data-files]", tmp_path / "picture")
    page.locator("[data-enough] [data-go=check]").click()

    expect(page.locator("[data-json]")).to_contain_text('"pdq"')
