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
        return Language(code, name, "rtl" if translation.get_language_bidi() else "ltr", _same_page(match), current)


def _same_page(match: ResolverMatch | None) -> str:
    if match is None or match.app_names != ["submissions"] or match.url_name is None:
        return reverse("submissions:home")
    return reverse(match.view_name, args=match.args, kwargs=match.kwargs)
