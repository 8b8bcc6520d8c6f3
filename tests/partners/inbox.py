"""A platform's receiver on loopback TLS, that verifies with the PyPI package and answers as it is told."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from standardwebhooks import Webhook

from partners import sending
from partners.models import WebhookEndpoint
from takeitdown.benchmarks.receivers import OPENINGS, Answer, Authority, Receiver


@dataclass
class Received:
    """One request: its headers and its body."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def message(self) -> dict[str, Any]:
        parsed: dict[str, Any] = json.loads(self.body)
        return parsed

    def verified_by(self, secret: str) -> Any:
        """The message, if the independent implementation finds it genuine. Raises WebhookVerificationError."""
        return Webhook(secret).verify(self.body, dict(self.headers))


@dataclass
class Inbox:
    """What arrived, in order. `answers` are given one by one, then 204; challenges are echoed unless `mute`."""

    url: str = ""
    received: list[Received] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    mute: bool = False
    at_once: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, headers: Mapping[str, str], body: bytes) -> Answer:
        arrived = Received(headers, body)
        with self.lock:
            self.received.append(arrived)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            answer = self.answers.pop(0) if self.answers else None
        try:
            return answer or self.usual(arrived)
        finally:
            with self.lock:
                self.at_once -= 1

    def usual(self, arrived: Received) -> Answer:
        if arrived.message["type"] == "webhook.challenge" and not self.mute:
            return 200, {}, json.dumps({"challenge": arrived.message["challenge"]}).encode()
        return 204, {}, b""

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [arrived.message for arrived in self.received]

    def statuses(self, *statuses: int, **headers: str) -> None:
        """Answer the next requests with these."""
        self.answers += [(status, headers, b"") for status in statuses]


@contextlib.contextmanager
def opened(authority: Authority) -> Iterator[Inbox]:
    """An inbox whose server runs for the length of the block."""
    inbox = Inbox()
    with Receiver(authority.context(), inbox.take) as receiver:
        inbox.url = receiver.url
        yield inbox


def open_loopback(settings: Any, authority: Authority) -> None:
    settings.OUTBOUND_TEST_NETWORKS = list(OPENINGS)
    settings.OUTBOUND_TEST_CA = str(authority.path)


def secret_of(endpoint: WebhookEndpoint) -> str:
    endpoint.refresh_from_db()
    return sending.secrets_of(endpoint)[0]
