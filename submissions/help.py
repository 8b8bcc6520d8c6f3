"""Where else to get help: people to talk to, and platforms' own forms. Rows that staff look after."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.utils.translation import gettext

from submissions.models import Helpline, RemovalPage


@dataclass(frozen=True)
class Country:
    """The helplines of one country; without a name they are for everybody."""

    name: str
    helplines: Sequence[Helpline]


def countries() -> list[Country]:
    """Helplines by country, those for everybody first. Those the catalogues know stand in the reader's words."""
    by_name: dict[str, list[Helpline]] = {}
    for helpline in Helpline.objects.filter(is_shown=True):
        by_name.setdefault(helpline.country_name, []).append(helpline)
    found = [Country(gettext(name), helplines) for name, helplines in by_name.items()]
    return sorted(found, key=lambda country: country.name)


def removal_pages() -> list[RemovalPage]:
    """Platforms' own removal forms, by name."""
    return list(RemovalPage.objects.filter(is_shown=True))
