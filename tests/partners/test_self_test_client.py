"""The reference client takes the self-test against the real server, its sequencer driven by hand."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as portal_settings

from matching import epochs
from matching.models import ListReader
from partners import keys, picture_archive, sandbox
from partners.models import Environment, Partner, PartnerState, Scope, SelfTest

sys.path.insert(0, str(Path(portal_settings.BASE_DIR) / "partners" / "client" / "src"))

from takeitdown_client import cli
from takeitdown_client.http import UrlTransport
from takeitdown_client.notes import VerifierKey
from takeitdown_client.portal import Portal
from takeitdown_client.self_test import SelfTest as ClientSelfTest
from takeitdown_client.self_test import table
from takeitdown_client.store import Store

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def key(archive, sequencer) -> str:
    """A key of a sandbox that is filled."""
    partner = Partner.objects.create(name="Platform", code="platform", group="p", state=PartnerState.SANDBOX)
    sandbox.open_sandbox(partner)
    epochs.begin_new_lists(sequencer)
    sequencer.run_until_idle()
    return keys.issue(partner, environment=Environment.TEST, scopes=[Scope.LIST_READ], name="client", by="tests").text


@pytest.fixture
def machine(live_server, sequencer, tmp_path, key) -> Iterator[Callable[..., Any]]:
    """A client of the sandbox in a directory of its own; while it waits, the sequencer works."""
    with ExitStack() as stack:
        store: Any = Store(tmp_path / "client", create=True)
        stack.callback(store.close)
        verifier = VerifierKey.parse(sequencer.signers[0].verifier)
        store.set_up(url=live_server.url, list_name="sandbox-platform", verifier_key=verifier)
        portal = Portal(UrlTransport(live_server.url), key=key)
        yield lambda **options: ClientSelfTest(
            store, portal, sleep=lambda seconds: sequencer.run_until_idle(), **options
        )


def test_reference_client_passes(machine, tmp_path):
    run = machine().run()

    lines = table(run)
    result = run["result"]
    assert (run["stage"], result["missed"], result["faults"], result["far"]) == ("passed", [], [], [])
    assert result["caught"] == result["to_catch"] > 200
    assert lines[0].endswith(": passed")
    assert any(line.endswith(f"{result['caught']} of {result['to_catch']}") for line in lines)
    partner = Partner.objects.get(code="platform")
    assert partner.certified_at is not None
    assert ListReader.objects.get(name="Platform").diverged_at is None
    archive = picture_archive.archive()
    assert (tmp_path / "client" / "test-pictures.zip").stat().st_size == archive.key.size
    left_over = {path.name for path in (tmp_path / "client").iterdir() if path.suffix == ".part"}
    assert left_over == set()


def test_matcher_of_ones_own_that_finds_exact_copies_alone_is_told_what_it_missed(machine, tmp_path):
    client = machine()
    exact = client._find

    def find(path: Path) -> Any:
        return exact(path) if path.suffix == ".png" else []

    run = machine(find=find).run()

    assert (run["stage"], run["result"]["faults"]) == ("failed", ["missed"])
    shown = "\n".join(table(run))
    assert "JPEG, quality 95" in shown
    assert "Too many copies within 31 bits were missed" in shown
    assert "PNG, half the size" not in shown
    assert SelfTest.objects.get().passed is False
    assert Partner.objects.get(code="platform").certified_at is None


def test_command_says_what_to_do_on_a_production_directory(live_server, sequencer, tmp_path, key, capsys, monkeypatch):
    monkeypatch.setenv("TAKEITDOWN_KEY", key)
    common = ["--dir", str(tmp_path / "c")]
    verifier = sequencer.signers[0].verifier
    assert cli.main([*common, "init", "--url", live_server.url, "--verifier-key", verifier]) == 0

    assert cli.main([*common, "self-test", "--json"]) == 2

    assert "--list sandbox-" in capsys.readouterr().err
    assert not SelfTest.objects.exists()
