"""What the first page weighs."""

from __future__ import annotations

import gzip
import re

from takeitdown.benchmarks.intake_portal import Portal


def weight(portal: Portal) -> dict[str, int]:
    """The first page with everything it loads, compressed as a proxy would, and how many requests that is."""
    page = _body(portal, "/en/")
    linked = dict.fromkeys(re.findall(r'(?:src|href)="(/static/[^"]+)"', page.decode()))
    sizes = [len(gzip.compress(body)) for body in (page, *(_body(portal, path) for path in linked))]
    return {"first_page_bytes_compressed": sum(sizes), "first_page_requests": len(sizes)}


def _body(portal: Portal, path: str) -> bytes:
    with portal.open(path) as response:
        body = bytes(response.read())
        return gzip.decompress(body) if response.headers.get("Content-Encoding") == "gzip" else body
