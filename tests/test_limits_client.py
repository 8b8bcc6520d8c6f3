"""What a limit costs when nothing is wrong."""

from django.core.cache import caches
from django.test import RequestFactory

from takeitdown import limits


def test_a_thread_keeps_its_client():
    """Django's cache makes a client for every command."""
    clients = caches["limits"]._cache  # type: ignore[attr-defined]
    client = clients.get_client("any")

    limits.check(RequestFactory().get("/", REMOTE_ADDR="2001:db8::1"), group="test", rate="3/m")

    assert clients.get_client("other", write=True) is client
