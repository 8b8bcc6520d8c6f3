"""The cast of the platforms' side, and a list whose sequencer the test drives by hand."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from matching import epochs, hashlist
from matching.hashlist import Wanted
from matching.models import HashList, HashListEntry, Hold, ListReader
from matching.sequencer import Sequencer
from partners import keys, picture_archive
from partners.models import Environment, Partner, PartnerState, Scope
from tests import make

SEED = bytes(range(32))
EVERYTHING = tuple(Scope)


@dataclass
class Platform:
    """A partner with a key, and the machine that shows it."""

    partner: Partner
    text: str

    @property
    def reader(self) -> ListReader:
        assert self.partner.reader is not None
        return self.partner.reader

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.text}"}

    def get(self, path: str, **headers: str) -> Any:
        return Client().get(f"/api/v1/{path}", headers={**self.headers, **headers})

    def snapshot(self, **headers: str) -> tuple[Any, bytes]:
        """The answer and its whole body."""
        answer = self.get("hash-list/snapshot/", **headers)
        return answer, b"".join(answer.streaming_content) if answer.streaming else answer.content

    def post(self, path: str, body: Any, **headers: str) -> Any:
        sent = body if isinstance(body, bytes) else json.dumps(body)
        return Client().post(
            f"/api/v1/{path}", sent, content_type="application/json", headers={**self.headers, **headers}
        )


def new_platform(hash_list: HashList, code: str, *, scopes: Any = EVERYTHING, trust_floor: int = 1) -> Platform:
    reader = ListReader.objects.create(hash_list=hash_list, name=code, is_public=True, trust_floor=trust_floor)
    partner = Partner.objects.create(name=code, code=code, group=code, state=PartnerState.PRODUCTION, reader=reader)
    issued = keys.issue(partner, environment=Environment.LIVE, scopes=scopes, name="server", by="tests")
    return Platform(partner, issued.text)


@pytest.fixture
def platform(production: HashList) -> Platform:
    return new_platform(production, "platform")


@pytest.fixture
def another_platform(production: HashList) -> Platform:
    """Noise: whatever one platform does must leave this one alone."""
    return new_platform(production, "another-platform")


@pytest.fixture
def sandbox(sequencer: Sequencer) -> HashList:
    return epochs.ensure_list(sequencer, "sandbox-platform")


@pytest.fixture(scope="session")
def archive() -> picture_archive.Archive:
    """The self-test's pictures, made once for the whole run."""
    picture_archive.make_if_missing()
    return picture_archive.archive()


def publish(sequencer: Sequencer, count: int = 1, *, hash_list: HashList | None = None) -> list[HashListEntry]:
    """`count` fresh PDQ entries on the list, in one batch."""
    wanted = [Wanted("pdq", "image", make.pdq()) for _ in range(count)]
    holds = hashlist.ask(wanted, asker=bytes(16), hash_list=hash_list)
    sequencer.run_until_idle()
    return [hold.entry for hold in Hold.objects.filter(pk__in=[hold.pk for hold in holds]) if hold.entry]


def withdraw(sequencer: Sequencer, entry: HashListEntry) -> None:
    """Everybody who stood behind `entry` takes it back."""
    hashlist.release(list(entry.holds.values_list("pk", flat=True)))
    sequencer.run_until_idle()
