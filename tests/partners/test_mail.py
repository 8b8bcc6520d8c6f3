"""Mail to platforms: plain text, one line of subject, one address, and a server that may be away."""

from __future__ import annotations

import re
import socketserver
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as ours
from django.core import mail as outbox
from django.core.exceptions import ValidationError

from partners import mail

NAMES = sorted(path.stem for path in (Path(ours.BASE_DIR) / "templates" / "emails").glob("*.txt"))
CONTEXT = {
    "partner": "Birch & <Sons>",
    "service": "Birch",
    "role": "owner",
    "token": "t" * 43,
    "reason": "Say who 'reviews' & when.",
}


@pytest.mark.parametrize("name", NAMES)
def test_each_mail_has_a_subject_a_greeting_and_a_way_on(name):
    subject, body = mail.written(name, {**CONTEXT, "webhook": "https://birch.example/hook", "day": "2026-11-22"})

    assert 10 < len(subject) < 80
    assert body.startswith("Hello,\n")
    assert "http://localhost:8000/" in body
    assert "&amp;" not in body
    assert "&lt;" not in subject + body
    assert "&#x27;" not in body
    assert max(map(len, body.splitlines())) <= 130


def test_nothing_typed_becomes_a_header():
    nasty = "Birch\r\nBcc: eve@evil.example\x00\x1b[2J\u2028X"
    mail.send(to="ada@birch.example", template="invitation", context={**CONTEXT, "partner": nasty})

    (sent,) = outbox.outbox
    assert (sent.to, sent.bcc, sent.cc) == (["ada@birch.example"], [], [])
    assert sent.message()["Auto-Submitted"] == "auto-generated"
    assert "\n" not in sent.subject
    assert {name for name, _value in sent.message().items()} & {"Bcc", "Cc"} == set()


@pytest.mark.parametrize("to", ["", "ada", "ada@birch.example\nBcc: eve@evil.example", "a@b.example,c@d.example"])
def test_an_address_that_is_none_is_not_asked_of_any_server(to):
    with pytest.raises(ValidationError):
        mail.send(to=to, template="invitation", context=CONTEXT)

    assert outbox.outbox == []


class _Grumpy(socketserver.StreamRequestHandler):
    """A mail server that answers every word with a temporary failure."""

    def handle(self) -> None:
        self.wfile.write(b"421 come back later\r\n")


@pytest.fixture
def grumpy_server() -> Iterator[int]:
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Grumpy) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join()


def test_a_server_that_declines_is_a_refusal_without_the_address_in_the_log(
    settings: Any, grumpy_server: int, caplog: pytest.LogCaptureFixture
):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", grumpy_server

    with pytest.raises(mail.MailNotSent):
        mail.send(to="ada@birch.example", template="invitation", context=CONTEXT)

    assert not re.search(r"ada@|t{43}", caplog.text)
