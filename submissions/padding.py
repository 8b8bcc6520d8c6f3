"""Replies of one length, so that whoever watches the line learns nothing from their size."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.http import HttpResponse

INTAKE_BYTES = 1024
PAGE_BYTES = 16 * 1024


def intake_reply(members: Mapping[str, Any], *, status: int, content_type: str = "application/json") -> HttpResponse:
    """JSON of exactly 1,024 bytes; `padding` fills it up. Every reply of intake has this length, refusals too."""
    bare = len(json.dumps({**members, "padding": ""}))
    body = json.dumps(
        {**members, "padding": "." * (INTAKE_BYTES - bare)}
    )  # json.dumps writes ASCII: characters = bytes
    return HttpResponse(body, status=status, content_type=content_type)


def padded_page(response: HttpResponse) -> HttpResponse:
    """Fill a page up to the next 16 KiB with a comment: its size tells neither how many files nor what became of them.

    Pages are never compressed: the padding would vanish.
    """
    short = -(len(response.content) + len("<!---->")) % PAGE_BYTES
    response.content += b"<!--" + b"." * short + b"-->"
    return response
