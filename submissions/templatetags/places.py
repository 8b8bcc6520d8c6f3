"""Telephone numbers that can be tapped."""

from __future__ import annotations

import re

from django import template

register = template.Library()
_NUMBER = re.compile(r"\+?[0-9][0-9 ()-]{2,}")


@register.filter
def dialable(phone: str) -> str:
    """The `tel:` address of a number; nothing for "Text HOME to 741741"."""
    return "tel:" + re.sub(r"[ ()-]", "", phone) if _NUMBER.fullmatch(phone) else ""
