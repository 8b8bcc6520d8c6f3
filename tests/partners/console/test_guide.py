"""The examples of the quick start, taken from the page and run against a portal that listens."""

from __future__ import annotations

import base64
import html
import json
import os
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from partners.models import Partner, PartnerState
from tests.partners.conftest import publish
from tests.partners.console.conftest import browser_of

CLIENT = Path(__file__).parents[3] / "partners" / "client" / "src"
# What the examples use of curl, for machines without one: curl -sS URL -H "Name: value".
CURL = """
import sys, urllib.request
_, silent, url, flag, header = sys.argv
request = urllib.request.Request(url, headers=dict([header.split(": ", 1)]))
sys.stdout.write(urllib.request.urlopen(request).read().decode())
"""


def examples(screen):
    page = screen.get("/console/guide/").content.decode()
    found = re.findall(r'<code data-example="(\w+)">(.*?)</code>', page, re.DOTALL)
    return {name: html.unescape(text) for name, text in found}


@pytest.mark.django_db(transaction=True)
def test_every_example_runs_as_it_stands(live_server, platform, engineer, sequencer, settings, tmp_path):
    settings.PUBLIC_URL = live_server.url
    publish(sequencer, 3)
    texts = examples(browser_of(engineer.account))
    commands = tmp_path / "bin"
    commands.mkdir()
    program = commands / "takeitdown-client"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m takeitdown_client "$@"\n')
    program.chmod(0o755)
    if shutil.which("curl") is None:
        (commands / "curl").write_text(f"#!{sys.executable}\n{CURL}")
        (commands / "curl").chmod(0o755)
    environment = {
        "PATH": f"{commands}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "PYTHONPATH": str(CLIENT),
        "TAKEITDOWN_KEY": platform.text,
    }

    def run(name: str) -> str:
        command = [sys.executable, "-c", texts[name]] if name == "python" else ["sh", "-e", "-c", texts[name]]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, (name, done.stdout, done.stderr)
        return done.stdout

    assert set(texts) == {"head", "changes", "client", "python", "listen", "receiver"}
    assert "tid-head/1" in run("head")
    assert '"op":"add"' in run("changes").replace(" ", "")
    assert "3" in run("client")
    assert run("python") == "no match\n"
    platform.reader.refresh_from_db()
    assert platform.reader.seq == 3  # the example's sync told us that the copy is equal


@pytest.mark.django_db
def test_the_receiver_of_the_guide_takes_what_we_send_and_nothing_else(screen, production, monkeypatch):
    secret = "whsec_" + base64.b64encode(bytes(32)).decode()
    monkeypatch.setenv("TAKEITDOWN_WEBHOOK_SECRET", secret)
    called: list[list[str]] = []
    monkeypatch.setattr(subprocess, "Popen", called.append)
    program: dict[str, Any] = {}
    exec(examples(screen)["receiver"], program)

    def send(**message: Any) -> tuple[int, str]:
        body, now = json.dumps(message), datetime.now(UTC)
        signed = Webhook(secret).sign("msg_1", now, body)
        headers = {"webhook-id": "msg_1", "webhook-timestamp": str(int(now.timestamp())), "webhook-signature": signed}
        answer: tuple[int, str] = program["receive"](body, headers)
        return answer

    assert send(type="webhook.challenge", challenge="word") == (200, '{"challenge": "word"}')
    assert send(type="webhook.test") == (204, "")
    assert called == []
    assert send(type="list.head", list="production", epoch=1, seq=2) == (204, "")
    assert called == [["takeitdown-client", "sync", "--now"]]
    with pytest.raises(WebhookVerificationError):
        program["receive"]("{}", {"webhook-id": "x", "webhook-timestamp": "1", "webhook-signature": "v1,x"})


def test_the_client_of_the_guide_knows_how_to_listen():
    command = [sys.executable, "-m", "takeitdown_client", "listen", "--help"]
    said = subprocess.run(command, env={"PYTHONPATH": str(CLIENT)}, capture_output=True, text=True, check=True).stdout

    assert "--port" in said
    assert "--secrets" in said


@pytest.mark.django_db
def test_a_platform_in_its_sandbox_reads_of_its_own_list(platform, engineer):
    Partner.objects.filter(pk=platform.partner.pk).update(state=PartnerState.SANDBOX)

    assert "--list sandbox-platform " in examples(browser_of(engineer.account))["client"]
