"""Headers of static files. Settings hold this function itself, so nothing of Django is imported while they are read."""

from __future__ import annotations

from typing import Any


def add_headers(headers: Any, path: str, url: str) -> None:
    """WHITENOISE_ADD_HEADERS_FUNCTION: a worker that reads pictures is forbidden the network by its own policy."""
    from django.conf import settings

    headers["Cross-Origin-Resource-Policy"] = "same-origin"
    if "-worker." in url:
        headers["Content-Security-Policy"] = settings.WORKER_SECURITY_POLICY
