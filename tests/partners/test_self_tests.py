"""The self-test from begin to certificate, over the API as a platform's engineer meets it."""

from __future__ import annotations

import hashlib
import io
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from matching import epochs
from matching.models import ListHead, ListReader
from partners import judging, keys, picture_archive, sandbox, self_tests
from partners.errors import NoListForKey, NoSelfTestOpen
from partners.models import Environment, Partner, PartnerState, Scope, SelfTest
from takeitdown.audit.models import AuditEvent
from tests.partners.conftest import Platform

pytestmark = pytest.mark.django_db


@pytest.fixture
def tester(archive, sequencer) -> Platform:
    return new_tester(sequencer, "platform")


@pytest.fixture
def another(archive, sequencer) -> Platform:
    """Noise: another platform in the middle of its own run."""
    made = new_tester(sequencer, "another")
    self_tests.answer(self_tests.begin(made.partner, by="tests"), {})
    return made


def new_tester(sequencer: Any, code: str) -> Platform:
    partner = Partner.objects.create(name=code, code=code, group=code, state=PartnerState.SANDBOX)
    sandbox.open_sandbox(partner)
    epochs.begin_new_lists(sequencer)
    sequencer.run_until_idle()
    issued = keys.issue(partner, environment=Environment.TEST, scopes=[Scope.LIST_READ], name="t", by="tests")
    return Platform(partner, issued.text)


def reader_of(tester: Platform) -> ListReader:
    assert tester.partner.sandbox_reader is not None
    return tester.partner.sandbox_reader


def perfect(tester: Platform, *, within: int = judging.WITHIN) -> dict[str, list[str]]:
    """What a good matcher finds, from the key."""
    entries: dict[int, list[str]] = {}
    for entry, number in sandbox.pictures_by_entry(reader_of(tester)).items():
        entries.setdefault(number, []).append(entry)
    return {
        file.name: entries[file.picture][:1]
        for file in picture_archive.archive().key.files
        if file.picture is not None and (file.distance or 0) <= within
    }


def acknowledge(tester: Platform, head: ListHead, *, set_hash: str = "") -> Any:
    body = {"epoch": head.epoch, "seq": head.seq, "set": set_hash or bytes(head.set_hash).hex()}
    return tester.post("hash-list/acknowledgements/", body)


def newest(tester: Platform) -> ListHead:
    return ListHead.objects.newest(reader_of(tester).hash_list)


def state(tester: Platform) -> Any:
    answer = tester.get("self-test/")
    assert answer.status_code == 200
    return answer.json()


def test_good_matcher_gets_its_certificate(tester, another, sequencer):
    assert state(tester)["run"] is None
    begun = tester.post("self-test/", {})
    assert (begun.status_code, begun.json()["stage"]) == (201, "answers")
    before = newest(tester)

    answered = tester.post("self-test/answers/", {"matches": perfect(tester)}).json()
    assert answered["stage"] == "acknowledgement"
    assert answered["result"]["caught"] == answered["result"]["to_catch"] > 200
    assert acknowledge(tester, before).status_code == 204  # a copy that still has them
    assert state(tester)["run"]["stage"] == "acknowledgement"
    sequencer.run_until_idle()
    assert acknowledge(tester, newest(tester)).status_code == 204

    run, certified = state(tester)["run"], state(tester)["certified_at"]
    assert (run["stage"], run["result"]["faults"]) == ("passed", [])
    assert run["result"]["dropped_after_seconds"] >= 0
    assert len(run["tombstones"]) == self_tests.TOMBSTONES
    partner = Partner.objects.get(pk=tester.partner.pk)
    row = SelfTest.objects.get(pk=run["id"])
    assert self_tests.certificate(partner) == row
    assert partner.certified_at == row.judged_at
    assert certified == run["judged_at"]
    assert SelfTest.objects.get(partner=another.partner).judged_at is None
    assert Partner.objects.get(pk=another.partner.pk).certified_at is None
    deeds = AuditEvent.objects.filter(within="partner:platform", target__contains="selftest").order_by("pk")
    assert [deed.action for deed in deeds] == ["began a self-test", "answered a self-test", "passed the self-test"]


def test_matcher_that_drops_matches_is_told_which_and_why(tester, sequencer):
    tester.post("self-test/", {})
    blind = {name: found for name, found in perfect(tester).items() if not name.endswith((".png", ".bmp", ".webp"))}

    result = tester.post("self-test/answers/", {"matches": blind}).json()["result"]
    sequencer.run_until_idle()
    acknowledge(tester, newest(tester))

    run = state(tester)["run"]
    assert (run["stage"], run["result"]["faults"]) == ("failed", ["missed"])
    edits = {finding["edit"] for finding in result["missed"]}
    assert edits == {"unchanged", "WebP", "BMP, half the size", "PNG, half the size"}
    assert result["caught"] == result["to_catch"] - len(result["missed"])
    assert "31 bits" in run["advice"][0]
    assert state(tester)["certified_at"] is None


def test_copy_that_keeps_what_was_withdrawn_is_told_so(tester, sequencer):
    tester.post("self-test/", {})
    before = newest(tester)
    tester.post("self-test/answers/", {"matches": perfect(tester)})
    sequencer.run_until_idle()

    kept = acknowledge(tester, newest(tester), set_hash=bytes(before.set_hash).hex())
    assert (kept.status_code, kept.json()["code"]) == (409, "diverged")
    waiting = state(tester)["run"]
    assert waiting["stage"] == "acknowledgement"
    assert "still holds what was withdrawn" in waiting["advice"][0]

    SelfTest.objects.update(withdrawn_at=timezone.now() - timedelta(hours=1, seconds=1))
    assert self_tests.close_overdue() == 1
    run = state(tester)["run"]
    assert (run["stage"], run["result"]["faults"], run["result"]["diverged"]) == ("failed", ["diverged"], 1)
    assert acknowledge(tester, newest(tester)).status_code == 204  # too late for this run
    assert state(tester)["run"]["stage"] == "failed"


def test_a_copy_that_diverged_and_healed_in_time_passes(tester, sequencer):
    tester.post("self-test/", {})
    tester.post("self-test/answers/", {"matches": perfect(tester)})
    sequencer.run_until_idle()

    acknowledge(tester, newest(tester), set_hash="0" * 64)
    acknowledge(tester, newest(tester))

    assert state(tester)["run"]["stage"] == "passed"


def test_one_run_is_open_and_an_older_one_is_abandoned(tester):
    first = tester.post("self-test/", {}).json()
    second = tester.post("self-test/", {}).json()

    runs = {run.pk.hex: self_tests.stage(run) for run in SelfTest.objects.all()}
    assert runs == {first["id"]: "abandoned", second["id"]: "answers"}
    with pytest.raises(NoSelfTestOpen):
        self_tests.answer(SelfTest.objects.get(pk=first["id"]), {})


def test_a_loop_that_only_begins_runs_is_stopped(tester, monkeypatch):
    monkeypatch.setattr(self_tests, "RUNS_A_DAY", 2)
    for _again in range(2):
        assert tester.post("self-test/", {}).status_code == 201

    refused = tester.post("self-test/", {})

    assert (refused.status_code, refused.json()["code"]) == (429, "self_test_quota_reached")
    assert state(tester)["run"]["stage"] == "answers"


def test_run_nobody_answers_is_abandoned_after_a_day(tester):
    tester.post("self-test/", {})
    assert self_tests.close_overdue() == 0

    SelfTest.objects.update(begun_at=timezone.now() - timedelta(hours=24, seconds=1))
    assert (self_tests.close_overdue(), self_tests.close_overdue()) == (1, 0)

    assert state(tester)["run"]["stage"] == "abandoned"
    assert "Begin a new one" in state(tester)["run"]["advice"][0]


def test_answers_are_taken_once(tester):
    refused = tester.post("self-test/answers/", {"matches": {}})
    assert (refused.status_code, refused.json()["code"]) == (409, "no_self_test_open")
    tester.post("self-test/", {})
    assert tester.post("self-test/answers/", {"matches": {}}).status_code == 200

    again = tester.post("self-test/answers/", {"matches": {}})

    assert (again.status_code, again.json()["code"]) == (409, "no_self_test_open")
    assert len(SelfTest.objects.get().tombstones) == self_tests.TOMBSTONES


def test_entries_of_other_lists_and_withdrawn_ones_are_wrong_answers(tester, another):
    theirs = next(iter(sandbox.pictures_by_entry(reader_of(another))))
    tester.post("self-test/", {})
    name = next(iter(perfect(tester)))

    result = tester.post("self-test/answers/", {"matches": {name: [theirs, "0" * 32]}}).json()["result"]

    assert [finding["file"] for finding in result["withdrawn"]] == [name]
    assert result["caught"] == 0


@pytest.mark.parametrize(
    "matches",
    [
        None,
        [],
        {"001.jpg": "0" * 32},
        {"001.jpg": ["0" * 31]},
        {"001.jpg": ["0" * 32 + "\n"]},
        {"001.jpg": [17]},
        {"001.jpg": ["0" * 32] * 51},
        {"../001.jpg": []},
        {"999.jpg": []},
        {f"{number:03}.x": [] for number in range(369)},
    ],
)
def test_malformed_answers_are_refused_and_change_nothing(tester, matches):
    tester.post("self-test/", {})

    answer = tester.post("self-test/answers/", {"matches": matches})

    assert answer.status_code == 400
    assert "0" * 31 not in answer.content.decode()
    assert state(tester)["run"]["stage"] == "answers"


def test_pictures_come_whole_in_parts_and_not_twice(tester, archive):
    whole = tester.get("self-test/pictures/")
    content = b"".join(whole.streaming_content)
    rest = tester.get("self-test/pictures/", Range="bytes=1000000-")
    part = b"".join(rest.streaming_content)

    assert hashlib.sha256(content).hexdigest() == archive.key.sha256 == state(tester)["pictures"]["sha256"]
    assert (rest.status_code, part) == (206, content[1_000_000:])
    assert tester.get("self-test/pictures/", **{"If-None-Match": whole["ETag"]}).status_code == 304
    assert whole["Content-Type"] == "application/zip"
    assert len(zipfile.ZipFile(io.BytesIO(content)).namelist()) == len(archive.key.files)


def test_before_the_pictures_are_made_it_says_how_far_they_are(tester, settings, tmp_path):
    settings.VAR = tmp_path

    fetched, begun = tester.get("self-test/pictures/"), tester.post("self-test/", {})

    assert [answer.status_code for answer in (fetched, begun)] == [503, 503]
    assert (begun.json()["code"], begun["Retry-After"]) == ("pictures_being_made", "5")
    assert state(tester)["pictures"] == {"ready": False, "done": 0, "of": 368, "size": None, "sha256": None}


def test_tombstones_on_demand_reach_the_changes(tester, sequencer):
    answer = tester.post("self-test/tombstones/", {"count": 2})
    sequencer.run_until_idle()

    gone = answer.json()["withdrawn"]
    assert (answer.status_code, len(gone)) == (201, 2)
    changes = tester.get("hash-list/changes/").json()["changes"]
    assert {change["id"] for change in changes if change["op"] == "remove"} == set(gone)
    for count in (0, 21, -1, True, "2", 1.5, None):
        assert tester.post("self-test/tombstones/", {"count": count}).status_code == 400


def test_key_of_the_production_list_is_sent_to_its_sandbox_key(platform):
    answer = platform.get("self-test/")

    assert (answer.status_code, answer.json()["code"]) == (403, "sandbox_only")


def test_partner_without_a_sandbox_cannot_begin(archive):
    partner = Partner.objects.create(name="New", code="new", group="new")

    with pytest.raises(NoListForKey):
        self_tests.begin(partner, by="tests")
