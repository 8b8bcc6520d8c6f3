"""Long tables, a page at a time, by position: page 10,000 is as quick as the first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from django.db.models import Model, QuerySet
from django.http import HttpRequest

M = TypeVar("M", bound=Model)
SIZE = 50
LARGEST = 2**63 - 1


@dataclass(frozen=True)
class Rows(Generic[M]):
    """`older` is the query string of the next page, "" on the last one; `is_first` is False past the first."""

    rows: list[M]
    older: str
    newest: str
    is_first: bool


def page_of(queryset: QuerySet[M], request: HttpRequest) -> Rows[M]:
    """The rows below `?before=`, newest first. `queryset` is ordered by falling primary key; filters are kept."""
    before = request.GET.get("before", "")
    position = int(before) if before.isascii() and before.isdigit() and len(before) < 20 else LARGEST
    found: list[Any] = list(queryset.filter(pk__lt=min(position, LARGEST))[: SIZE + 1])
    asked = request.GET.copy()
    asked.pop("before", None)
    newest = asked.urlencode()
    older = ""
    if len(found) > SIZE:
        asked["before"] = str(found[SIZE - 1].pk)
        older = asked.urlencode()
    return Rows(found[:SIZE], older, newest, before == "")
