"""The cast of the list: somebody who reads it."""

from __future__ import annotations

import pytest

from matching.models import HashList, ListReader


@pytest.fixture
def reader(production: HashList) -> ListReader:
    return ListReader.objects.create(hash_list=production, name="Example Platform", is_public=True)
