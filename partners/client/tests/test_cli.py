import json
import stat
import time

import pytest
from fake_portal import Signer, pdq
from takeitdown_client import cli, commands
from test_sync import publish


@pytest.fixture
def run(portal, tmp_path, monkeypatch, capsys):
    """Run a command in a set-up directory over the fake portal: (exit code, output)."""
    monkeypatch.setattr(commands, "UrlTransport", lambda url: portal)
    monkeypatch.delenv("TAKEITDOWN_KEY", raising=False)
    portal.now = int(time.time())

    def run(*arguments):
        code = cli.main(["--dir", str(tmp_path / "c"), *arguments])
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    run.directory = tmp_path / "c"
    return run


@pytest.fixture
def ready(run, portal):
    publish(portal, 1, 2)
    options = ("--url", "https://portal.example", "--key", "tid_test_key", "--verifier-key", Signer().verifier)
    assert run("init", *options)[0] == 0
    return run


def test_init_keeps_the_key_for_this_user_only(ready):
    assert stat.S_IMODE((ready.directory / "key").stat().st_mode) == 0o600
    assert stat.S_IMODE((ready.directory / "list.sqlite3").stat().st_mode) == 0o600
    assert stat.S_IMODE(ready.directory.stat().st_mode) == 0o700


def test_from_init_to_a_match_and_a_report(ready, portal):
    assert ready("sync", "--now")[0] == 0
    assert ready("verify")[0] == 0
    code, out = ready("match", "--json", pdq(1), "0" * 32)
    answer = json.loads(out)
    assert (code, answer["action_hint"]) == (1, "review")
    (match,) = answer["results"][0]["matches"]
    assert answer["results"][1]["matches"] == []
    code, out = ready("match", pdq(1))
    assert "A match means review, never an automatic penalty." in out
    assert ready("report", match["entry"], "--outcome", "found")[0] == 0
    assert ready("feedback", match["entry"], "dispute", "--reason", "harmless")[0] == 0
    assert ready("match", pdq(1))[0] == 0
    assert len(portal.posted) == 2


def test_match_of_a_file(ready, portal, tmp_path):
    import hashlib

    path = tmp_path / "video.mp4"
    path.write_bytes(b"content")
    portal.add(3, type="sha256", media="video", value=hashlib.sha256(b"content").hexdigest())
    portal.tick()
    ready("sync", "--now")
    assert ready("match", str(path))[0] == 1


def test_a_second_sync_waits_for_the_portals_wish(ready, portal):
    ready("sync")
    asked = len(portal.requests)
    assert "asks for" in ready("sync")[1]
    assert len(portal.requests) == asked
    ready("sync", "--now")
    assert len(portal.requests) > asked


def test_verify_finds_a_damaged_copy(ready):
    import sqlite3

    ready("sync")
    with sqlite3.connect(ready.directory / "list.sqlite3") as db:
        db.execute("UPDATE rows SET trust = 2")
    db.close()
    code, out = ready("verify")
    assert code == 4
    assert "fresh snapshot" in out


def test_alarms_show_evidence_and_can_be_closed(ready, portal):
    ready("sync")
    portal.heads[2] = portal.sign(2, set="00" * 32)
    assert ready("sync", "--now")[0] == 4
    code, out = ready("alarms", "--json")
    (alarm,) = [alarm for alarm in json.loads(out) if alarm["kind"] == "fork"]
    assert (code, alarm["evidence"][1]) == (1, portal.heads[2])
    ready("alarms", "--close", str(alarm["id"]))
    assert "fork" not in ready("alarms")[1]


def test_status_tells_position_and_never_the_key(ready):
    ready("sync")
    code, out = ready("status")
    assert (code, "change 2" in out, "tid_test_key" in out) == (0, True, False)
    assert json.loads(ready("status", "--json")[1])["rows"] == 2


@pytest.mark.parametrize("arguments", [
    ("sync",), ("status",), ("match", "0" * 32), ("verify",), ("alarms",),
])  # fmt: skip
def test_without_init_every_command_says_what_to_do(run, arguments):
    code, out = run(*arguments)
    assert code == 2
    assert "init" in out


def test_wrong_words_are_explained(ready):
    assert ready("match", "nonsense")[0] == 2
    assert ready("report", "12", "--outcome", "found")[0] == 2
    assert ready("feedback", "0" * 32, "dispute")[0] == 2


def test_changing_the_list_forgets_the_old_one(ready):
    ready("sync")
    options = ("--url", "https://portal.example", "--key", "k", "--verifier-key", Signer().verifier)
    ready("init", *options, "--list", "sandbox-abc")
    assert json.loads(ready("status", "--json")[1])["rows"] == 0
