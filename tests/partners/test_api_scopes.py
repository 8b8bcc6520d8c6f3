"""Which key may do what: every address × every method × every kind of key, generated from the URLconf."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern
from django.utils import timezone

from matching.models import HashList, ListReader
from partners import keys
from partners.api import urls
from partners.models import ApiKey, Environment, Partner, PartnerState, Scope
from tests.partners.conftest import Platform, publish

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"]
ENTRY = "0" * 32
READ = {"GET": 200, "HEAD": 200}
# One row for each address: the scope it needs (None: nobody's key is asked for), and what each of its methods answers
# to a key that may, with an empty body. Any other method is a 405. An address without a row fails the test below.
ROWS: dict[str, tuple[str | None, dict[str, int]]] = {
    "docs": (None, READ),
    "schema": (None, READ),
    "head": (Scope.LIST_READ, READ),
    "changes": (Scope.LIST_READ, READ),
    "snapshot": (Scope.LIST_READ, READ),
    "acknowledgements": (Scope.LIST_READ, {"POST": 400}),
    "entry": (Scope.LIST_READ, {"GET": 404, "HEAD": 404}),
    "keys": (Scope.LIST_READ, READ),
    "match_reports": (Scope.FEEDBACK_WRITE, {**READ, "POST": 400}),
    "feedback": (Scope.FEEDBACK_WRITE, {**READ, "POST": 400}),
    "match_report_batches": (Scope.FEEDBACK_WRITE, {"POST": 400}),
    "feedback_batches": (Scope.FEEDBACK_WRITE, {"POST": 400}),
    "webhooks": (Scope.HOOK_MANAGE, READ),
    "webhook_tests": (Scope.HOOK_MANAGE, {"POST": 400}),
    "self_test": (Scope.LIST_READ, {**READ, "POST": 201}),
    "test_pictures": (Scope.LIST_READ, READ),
    "answers": (Scope.LIST_READ, {"POST": 400}),
    "tombstones": (Scope.LIST_READ, {"POST": 400}),
}
SANDBOX_ONLY = {"self_test", "test_pictures", "answers", "tombstones"}  # a key of the production list opens none
PATTERNS: list[URLPattern] = list(urls.urlpatterns)


def path_of(pattern: URLPattern) -> str:
    return "/api/" + str(pattern.pattern).replace("<entry_id:entry_id>", ENTRY)


def test_every_address_has_a_row():
    assert {pattern.name for pattern in PATTERNS} == set(ROWS)


Kind = Callable[[Partner], str]


def _key(scopes: Any, environment: str = Environment.LIVE) -> Kind:
    def make(partner: Partner) -> str:
        return keys.issue(partner, environment=environment, scopes=scopes, name="m", by="tests").text

    return make


def _revoked(partner: Partner) -> str:
    issued = keys.issue(partner, environment=Environment.LIVE, scopes=list(Scope), name="m", by="tests")
    keys.revoke(ApiKey.objects.filter(pk=issued.key.pk), by="tests")
    return issued.text


def _expired(partner: Partner) -> str:
    issued = keys.issue(partner, environment=Environment.LIVE, scopes=list(Scope), name="m", by="tests")
    ApiKey.objects.filter(pk=issued.key.pk).update(expires_at=timezone.now() - timedelta(seconds=1))
    return issued.text


def _suspended(partner: Partner) -> str:
    Partner.objects.filter(pk=partner.pk).update(state=PartnerState.SUSPENDED)
    return _key(list(Scope))(partner)


def _of_sandbox(scopes: Any) -> Kind:
    def make(partner: Partner) -> str:
        reader = ListReader.objects.create(hash_list=HashList.objects.get(name="sandbox-platform"), name=partner.name)
        Partner.objects.filter(pk=partner.pk).update(sandbox_reader=reader)
        return _key(scopes, Environment.TEST)(partner)

    return make


# How each kind of key is refused, or None where its scopes decide.
KINDS: dict[str, tuple[Kind | None, int | None, set[str]]] = {
    "no key": (None, 401, set()),
    "revoked": (_revoked, 401, set()),
    "expired": (_expired, 401, set()),
    "suspended": (_suspended, 403, set()),
    "of a sandbox that is not there": (_key(list(Scope), Environment.TEST), 403, set()),
    "without scopes": (_key([]), None, set()),
    "list:read": (_key([Scope.LIST_READ]), None, {Scope.LIST_READ}),
    "feedback:write": (_key([Scope.FEEDBACK_WRITE]), None, {Scope.FEEDBACK_WRITE}),
    "hook:manage": (_key([Scope.HOOK_MANAGE]), None, {Scope.HOOK_MANAGE}),
    "all": (_key(list(Scope)), None, set(Scope)),
    "of its sandbox": (_of_sandbox(list(Scope)), None, set(Scope)),
    "of its sandbox, list:read": (_of_sandbox([Scope.LIST_READ]), None, {Scope.LIST_READ}),
    "of its sandbox, feedback:write": (_of_sandbox([Scope.FEEDBACK_WRITE]), None, {Scope.FEEDBACK_WRITE}),
}


def expected(name: str, method: str, kind: str) -> int:
    (scope, answers), (_make, refused, scopes) = ROWS[name], KINDS[kind]
    if scope is not None and refused is not None:
        return refused
    if scope is not None and scope not in scopes:
        return 403
    if name in SANDBOX_ONLY and not kind.startswith("of its sandbox"):
        return 403
    return answers.get(method, 405)


@pytest.mark.django_db(transaction=True)  # one of the addresses makes a snapshot
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("sandbox", "archive")
def test_every_address_and_method_answers_each_key_as_it_should(kind, platform: Platform):
    make_key = KINDS[kind][0]
    headers = {"Authorization": f"Bearer {make_key(platform.partner)}"} if make_key else {}

    answered, should = {}, {}
    for pattern in PATTERNS:
        for method in METHODS:
            answer: Any = Client().generic(
                method, path_of(pattern), b"", content_type="application/json", headers=headers
            )
            answered[pattern.name, method] = answer.status_code
            should[pattern.name, method] = expected(str(pattern.name), method, kind)
            if answer.streaming:
                b"".join(answer.streaming_content)

    assert answered == should


def test_sandbox_key_reads_the_sandbox_and_nothing_else(platform, sandbox, sequencer):
    Partner.objects.filter(pk=platform.partner.pk).update(
        sandbox_reader=ListReader.objects.create(hash_list=sandbox, name="platform"), state=PartnerState.SANDBOX
    )
    text = _key([Scope.LIST_READ], Environment.TEST)(platform.partner)
    ours, production = publish(sequencer, hash_list=sandbox)[0], publish(sequencer)[0]
    tester = Platform(platform.partner, text)

    page = tester.get("hash-list/changes/").json()

    assert [change["id"] for change in page["changes"]] == [ours.pk.hex]
    assert "sandbox-platform" in page["head"].split("\n")[1]
    assert tester.get(f"hash-list/entries/{production.pk.hex}/").status_code == 404
    assert platform.get("hash-list/head/").status_code == 403  # its live key waits until it is in production
