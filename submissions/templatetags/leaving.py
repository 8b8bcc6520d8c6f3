"""Where the Exit button leads."""

from __future__ import annotations

from typing import Any

from django import template
from django.conf import settings
from django.urls import reverse

from submissions import access

register = template.Library()


@register.simple_tag
def exit_to() -> str:
    """Where the script goes straight away, while it closes the case in the background."""
    return str(settings.LEAVE_TO)


@register.simple_tag(takes_context=True)
def leave_url(context: dict[str, Any]) -> str:
    """The neutral page; by way of closing the case, where one is open in this browser."""
    request = context.get("request")
    if request is not None and access.COOKIE in request.COOKIES:
        return reverse("submissions:leave")
    return str(settings.LEAVE_TO)
