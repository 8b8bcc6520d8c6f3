"""The same page in another language. Reporters' pages only: what staff and platforms read is English."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django import template
from django.conf import settings
from django.urls import ResolverMatch, reverse
from django.utils import translation

register = template.Library()


@dataclass(frozen=True)
class Language:
    """A language as its readers know it. `direction` is `ltr` or `rtl`; `url` is a path, never a query."""

    code: str
    name: str
    direction: str
    url: str
    is_current: bool


@register.simple_tag(takes_context=True)
def languages(context: dict[str, Any]) -> list[Language]:
    """Our languages in the order of the settings, each with this page's address in it.

    What leads nowhere is the first page there. The addresses are made from the view that was found, never from what
    the browser asked for: no query and no oddity of an address travels on. Needs no database.
    """
    match = getattr(context.get("request"), "resolver_match", None)
    return [_language(code, name, match) for code, name in settings.LANGUAGES]


def _language(code: str, name: str, match: ResolverMatch | None) -> Language:
    current = code == translation.get_language()
    with translation.override(code):
        direction = "rtl" if translation.get_language_bidi() else "ltr"
        return Language(code, name, direction, _same_page(match, code), current)


def _same_page(match: ResolverMatch | None, code: str) -> str:
    """Where the view stands below that language; the first page for one that has no language or no name."""
    home = reverse("submissions:home")
    if match is None or match.url_name is None:
        return home
    url = reverse(match.view_name, args=match.args, kwargs=match.kwargs)
    return url if url.startswith(f"/{code}/") else home
