import json
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "src"))
sys.path.insert(0, str(HERE))

from fake_portal import NOW, FakePortal, client_of  # noqa: E402 - the path comes first


@pytest.fixture(scope="session")
def published() -> dict:
    """The vectors that the server's tests read too."""
    return json.loads((HERE.parents[2] / "tests" / "vectors" / "list.json").read_text())


@pytest.fixture
def portal() -> FakePortal:
    return FakePortal()


@pytest.fixture
def client(tmp_path, portal):
    """A client that follows the fake portal: `client.sync()`, `client.store`, `client.values()`."""
    with client_of(portal, tmp_path / "client") as client:
        yield client


@pytest.fixture
def other_client(tmp_path, portal):
    """Another platform's client of the same portal."""
    with client_of(portal, tmp_path / "other") as client:
        yield client


@pytest.fixture
def now() -> int:
    return NOW
