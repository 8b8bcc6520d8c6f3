"""Opt-in keys: their text, their life, their end."""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import timedelta

import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone

from partners import demonstration, keys
from partners.errors import KeyNotAccepted, KeyNotLive
from partners.models import ApiKey, Environment, Partner, Scope
from takeitdown.audit.models import AuditEvent
from tests.partners.conftest import Platform


def issue(partner: Partner, **kwargs: object) -> keys.Issued:
    given = {"environment": Environment.LIVE, "scopes": [Scope.LIST_READ], "name": "server", "by": "tests", **kwargs}
    return keys.issue(partner, **given)  # type: ignore[arg-type]


def test_issue_keeps_the_id_and_a_digest_and_nothing_that_opens(platform):
    issued = issue(platform.partner)

    assert re.fullmatch(r"tid_live_[0-9A-Za-z]{12}_[0-9A-Za-z]{43}_[0-9a-f]{8}", issued.text)
    row = ApiKey.objects.filter(pk=issued.key.pk).values().get()
    assert bytes(row["digest"]) == hashlib.sha256(issued.text.encode()).digest()
    secret = issued.text.split("_")[3]
    assert secret not in repr(row)
    assert secret not in repr(issued)
    assert secret not in repr(list(AuditEvent.objects.values()))


def test_issue_refuses_more_than_a_year(platform):
    with pytest.raises(ValueError, match="365"):
        issue(platform.partner, lifetime=timedelta(days=365, seconds=1))


def test_find_refuses_a_typing_error_without_a_query(platform, django_assert_num_queries):
    text = issue(platform.partner).text
    swapped = text[:20] + ("a" if text[20] != "a" else "b") + text[21:]

    with django_assert_num_queries(0):
        for wrong in [swapped, text[:-1], text + "0", text + "\n", text.upper(), "", "tid_live_", "é" * len(text)]:
            with pytest.raises(KeyNotAccepted):
                keys.find(wrong)


def test_find_refuses_a_key_of_the_same_id_with_another_secret(platform, django_assert_num_queries):
    mine = issue(platform.partner)
    forged = f"tid_live_{mine.key.key_id}_{'A' * 43}"
    with django_assert_num_queries(1), pytest.raises(KeyNotAccepted):
        keys.find(f"{forged}_{keys._checksum(forged)}")


def test_find_refuses_a_live_key_renamed_to_a_test_key(platform):
    body = issue(platform.partner).text.replace("tid_live_", "tid_test_").rpartition("_")[0]
    with pytest.raises(KeyNotAccepted):
        keys.find(f"{body}_{keys._checksum(body)}")


def test_rotate_lets_both_keys_live_for_a_week(platform):
    old = issue(platform.partner, scopes=[Scope.FEEDBACK_WRITE])

    new = keys.rotate(old.key, by="tests")

    assert keys.find(old.text).expires_at <= timezone.now() + timedelta(days=7)
    found = keys.find(new.text)
    assert (found.name, found.scopes, found.environment) == ("server", [Scope.FEEDBACK_WRITE], Environment.LIVE)
    ApiKey.objects.filter(pk=old.key.pk).update(expires_at=timezone.now())
    with pytest.raises(KeyNotAccepted):
        keys.find(old.text)
    with pytest.raises(KeyNotLive):
        keys.rotate(old.key, by="tests")


def test_revoke_ends_one_key_once(platform, another_platform):
    mine = issue(platform.partner)

    assert keys.revoke(ApiKey.objects.filter(pk=mine.key.pk), by="tests") == 1
    assert keys.revoke(ApiKey.objects.filter(pk=mine.key.pk), by="tests") == 0

    with pytest.raises(KeyNotAccepted):
        keys.find(mine.text)
    assert keys.find(platform.text).partner == platform.partner
    assert keys.find(another_platform.text).partner == another_platform.partner
    assert AuditEvent.objects.filter(action="revoked a key").count() == 1


def test_use_is_noted_by_day_and_written_once(platform, django_assert_num_queries):
    platform.get("hash-list/head/")

    key = keys.find(platform.text)
    assert key.last_used_on == timezone.localdate()
    with django_assert_num_queries(0):
        keys.note_use(key)


def test_demonstration_gives_a_key_once_and_another_on_demand(production):
    first = demonstration.seed()

    assert keys.find(first).scopes == [Scope.FEEDBACK_WRITE, Scope.LIST_READ]
    assert demonstration.seed() == ""
    second = demonstration.seed(rotate=True)
    assert keys.find(second).partner.name == "Example Platform"
    with pytest.raises(KeyNotAccepted):
        keys.find(first)
    assert Partner.objects.count() == 2


def _free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def served() -> Iterator[int]:
    """The portal in a gunicorn of its own, on this test's database; yields its port."""
    port = _free_port()
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": f"sqlite:///{connection.settings_dict['NAME']}",
        "TAKEITDOWN_VAR": str(settings.VAR),
        "BIND": f"127.0.0.1:{port}",
        "WEB_WORKERS": "1",
    }
    command = [sys.executable, "-m", "gunicorn", "-c", "takeitdown/gunicorn_conf.py", "takeitdown.wsgi"]
    process = subprocess.Popen(command, cwd=settings.BASE_DIR, env=environment)
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                socket.create_connection(("127.0.0.1", port), 0.2).close()
                break
            except OSError:
                time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(10)


def _status(port: int, platform: Platform) -> int:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=5)) as there:
        there.request("GET", "/api/v1/hash-list/head/", headers={**platform.headers, "Host": "localhost"})
        return there.getresponse().status


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_revocation_counts_on_every_process_within_a_second(platform, another_platform):
    with ExitStack() as stack:
        ports = [stack.enter_context(served()) for _ in range(2)]
        assert [_status(port, platform) for port in ports for _ in range(5)] == [200] * 10

        keys.revoke(ApiKey.objects.filter(partner=platform.partner), by="tests")

        # From the very first request on: a second is promised, and a busy machine may need one for these ten.
        assert [_status(port, platform) for port in ports for _ in range(5)] == [401] * 10
        assert [_status(port, another_platform) for port in ports] == [200, 200]
