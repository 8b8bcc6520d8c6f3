"""Whole copies of the list, over HTTP; and what one platform sees and another doesn't (LIST.md §4, §6)."""

from __future__ import annotations

import gzip
import json
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from matching.models import HashListEntry
from partners.models import SnapshotDownload
from takeitdown.audit.models import AuditEvent
from tests.partners.conftest import new_platform, publish, withdraw

pytestmark = pytest.mark.django_db(transaction=True)  # a snapshot is made in a frozen view, an outermost transaction


def test_answers_are_for_this_key_alone(platform):
    for path in ["head/", "changes/", "keys/", "snapshot/", "changes/?after=x"]:
        answer = platform.get(f"hash-list/{path}", **{"X-Forwarded-Host": "evil.example"})
        assert answer["Cache-Control"] == "private, no-store"
        assert "Authorization" in answer["Vary"]
        assert "evil" not in str(dict(answer.items()))
        if answer.streaming:
            b"".join(answer.streaming_content)


def lines(body: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in gzip.decompress(body).splitlines()]


def test_snapshot_is_a_gzip_of_head_rows_and_count(platform, sequencer):
    entries = publish(sequencer, 3)

    answer, body = platform.snapshot()

    head, *rows, count = lines(body)
    assert head == {"head": platform.get("hash-list/head/").json()["head"]}
    assert {row["id"]: row["value"] for row in rows} == {entry.pk.hex: entry.value for entry in entries}
    assert count == {"rows": 3}
    assert (answer["Content-Type"], answer["Content-Length"]) == ("application/gzip", str(len(body)))
    assert not answer.has_header("Content-Encoding")


def test_snapshot_continues_where_it_was_cut(platform, sequencer):
    publish(sequencer, 5)
    answer, whole = platform.snapshot()
    etag, size = answer["ETag"], len(whole)

    for cut in [1, size // 2, size - 1]:
        rest, body = platform.snapshot(Range=f"bytes={cut}-", **{"If-Range": etag})
        assert (rest.status_code, body, rest["ETag"]) == (206, whole[cut:], etag)
        assert (rest["Content-Range"], rest["Content-Length"]) == (f"bytes {cut}-{size - 1}/{size}", str(size - cut))
    assert platform.snapshot(Range="bytes=2-5")[1] == whole[2:6]
    assert platform.snapshot(Range="bytes=-4")[1] == whole[-4:]
    assert SnapshotDownload.objects.count() == 1
    assert AuditEvent.objects.filter(action="took a snapshot").count() == 1


@pytest.mark.parametrize(
    ("header", "status"),
    [
        ("bytes=999999999-", 416), ("bytes=5-3", 416), ("bytes=-0", 416), ("bytes=-", 416), ("bytes=a-b", 416),
        ("bytes=" + "9" * 5000 + "-", 416), ("bytes=１-", 416), ("bytes=0-0," * 1000 + "0-0", 200),
        ("bytes=0-1,1-2", 200), ("lines=1-2", 200), ("bytes", 200), ("bytes=0-999999999", 206),
    ],
)  # fmt: skip
def test_snapshot_range_is_one_span_or_the_whole(header, status, platform, sequencer):
    publish(sequencer)
    _answer, whole = platform.snapshot()

    answer, body = platform.snapshot(Range=header)

    assert answer.status_code == status
    if status == 416:
        assert (answer["Content-Range"], body) == (f"bytes */{len(whole)}", b"")
    else:
        assert body == whole


def test_snapshot_for_another_file_comes_whole(platform, sequencer):
    entry = publish(sequencer, 2)[0]
    answer, _before = platform.snapshot()
    withdraw(sequencer, entry)

    again, body = platform.snapshot(Range="bytes=10-", **{"If-Range": answer["ETag"]})

    assert (again.status_code, len(lines(body))) == (200, 3)
    assert again["ETag"] != answer["ETag"]


@pytest.mark.parametrize("form", ["{etag}", "W/{etag}", '"x", {etag}', "*"])
def test_snapshot_you_have_is_not_sent_again(form, platform, sequencer):
    publish(sequencer)
    answer, _body = platform.snapshot()

    again, body = platform.snapshot(**{"If-None-Match": form.format(etag=answer["ETag"])})

    assert (again.status_code, body, again["ETag"]) == (304, b"", answer["ETag"])
    assert SnapshotDownload.objects.count() == 1


@pytest.mark.parametrize("form", ['"x"', "garbage", '"' * 1000, "W/"])
def test_snapshot_with_a_strange_tag_is_sent(form, platform, sequencer):
    publish(sequencer)

    assert platform.snapshot(**{"If-None-Match": form})[0].status_code == 200


def test_six_snapshots_a_day_and_continuing_is_free(platform, another_platform, sequencer):
    publish(sequencer)
    for _ in range(6):
        answer, whole = platform.snapshot()
        assert answer.status_code == 200

    refused, _problem = platform.snapshot()

    assert (refused.status_code, refused.json()["code"]) == (429, "snapshot_quota_reached")
    assert 86_000 < int(refused["Retry-After"]) <= 86_401
    assert platform.snapshot(Range="bytes=0-")[0].status_code == 429
    assert platform.snapshot(Range="bytes=9-")[1] == whole[9:]
    head = Client().head("/api/v1/hash-list/snapshot/", headers=platform.headers)
    assert (head.status_code, head["Content-Length"], head.content) == (200, str(len(whole)), b"")
    assert another_platform.snapshot()[0].status_code == 200
    SnapshotDownload.objects.filter(reader=platform.reader).update(at=timezone.now() - timedelta(days=1))
    assert platform.snapshot()[0].status_code == 200


def test_continuing_a_copy_that_was_never_begun_counts(platform, sequencer):
    publish(sequencer)

    platform.snapshot(Range="bytes=1-")

    assert SnapshotDownload.objects.count() == 1


# --- what is not for everybody ----------------------------------------------------------------------------------


def test_canary_is_shown_to_its_platform_and_withheld_from_others(platform, another_platform, sequencer):
    canary, *_ordinary = publish(sequencer, 30)
    HashListEntry.objects.filter(pk=canary.pk).update(canary_for=platform.reader)

    def seen(who: Any) -> list[Any]:
        page = who.get("hash-list/changes/").json()["changes"]
        snapshot = lines(who.snapshot()[1])[1:-1]
        single = who.get(f"hash-list/entries/{canary.pk.hex}/").json()
        return [next(row for row in rows if row["id"] == canary.pk.hex) for rows in (page, snapshot, [single])]

    assert [row["value"] for row in seen(platform)] == [canary.value] * 3
    for row in seen(another_platform):
        assert "value" not in row
        assert row["commitment"] == bytes(canary.commitment).hex()
    heads = [who.get("hash-list/head/").json() for who in (platform, another_platform)]
    assert heads[0] == heads[1]


def test_rows_below_the_trust_floor_are_withheld(production, platform, sequencer):
    careful = new_platform(production, "careful", trust_floor=2)
    entry = publish(sequencer)[0]

    assert "value" in platform.get("hash-list/changes/").json()["changes"][0]
    assert "value" not in careful.get("hash-list/changes/").json()["changes"][0]
    assert "value" not in lines(careful.snapshot()[1])[1]
    assert "value" not in careful.get(f"hash-list/entries/{entry.pk.hex}/").json()


def test_withdrawn_entry_is_a_tombstone_everywhere(platform, sequencer):
    entry = publish(sequencer)[0]
    value = str(entry.value)
    withdraw(sequencer, entry)

    add, removal = platform.get("hash-list/changes/").json()["changes"]
    commitment = bytes(entry.commitment).hex()
    assert add == {"seq": 1, "op": "add", "id": entry.pk.hex, "trust": "unverified", "commitment": commitment}
    assert removal["reason"] == "withdrawn"
    assert len(lines(platform.snapshot()[1])) == 2
    assert value not in platform.get(f"hash-list/entries/{entry.pk.hex}/").content.decode()
