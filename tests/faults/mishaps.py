"""Everything that can go wrong with a request, each time with a person's headers and secrets in it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from celery import Celery

from submissions import case_numbers
from tests import make
from tests.faults.canaries import header_canaries
from tests.faults.stack import HOST, Reply, Stack

ADDRESS = "2a02:8071:4bd9:e3c7:91ab:5e1f:c0de:77a3"
FLOOD_ADDRESS = "2a02:8071:7e15:b2d4:64f8:3c9e:d1ab:90f7"
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


@dataclass
class Person:
    """What somebody sent and, once it was taken, what they wrote down."""

    report: dict[str, Any] = field(default_factory=make.report)
    number: str = ""
    pin: str = ""

    @property
    def key(self) -> str:
        return str(self.report["idempotency_key"])

    @property
    def hashes(self) -> list[str]:
        return [str(one["value"]) for file in self.report["files"] for one in file["fingerprints"]]

    @property
    def code(self) -> bytes:
        return urlencode({"number": self.number, "pin": self.pin}).encode()

    @classmethod
    def stranger(cls) -> Person:
        """Somebody with a code that opens nothing."""
        number, pin = case_numbers.derive(os.urandom(32), os.urandom(32))
        return cls(number=case_numbers.written(number), pin=pin)


class Mishaps:
    """Drives a stack through every error there is; `statuses` tells what each was answered with."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.statuses: dict[str, int] = {}
        self.replies: list[Reply] = []
        self.canaries = header_canaries()
        self.stranger = Person.stranger()
        self.visits: list[str] = []

    def headers(self, *, address: str = ADDRESS, visit: str = "x") -> dict[str, str]:
        """Every header that may name somebody, with its canary in it."""
        word = self.canaries
        special = {
            "X-Forwarded-For": f"{word['X-Forwarded-For']}, {address}",
            "Cookie": f"visit={visit}; tid_account={word['Cookie']}; other={word['Cookie']}",
            "Authorization": f"Bearer {word['Authorization']}",
            "Accept-Language": f"{word['Accept-Language']},en;q=0.8",
            "Referer": f"https://{HOST}/{word['Referer']}",
        }
        return {**word, **special}

    def send(self, name: str, method: str, path: str, body: bytes = b"", **more: Any) -> Reply:
        extra = more.pop("extra", JSON)
        headers = {**self.headers(**more), **extra}
        reply = self.stack.send(method, path, body, headers)
        self.statuses[name] = reply.status
        self.replies.append(reply)
        return reply

    def post(self, name: str, members: object, path: str = "/api/reports/", **more: Any) -> Reply:
        return self.send(name, "POST", path, json.dumps(members).encode(), **more)

    # --- what goes well -------------------------------------------------------------------------------------------

    def report(self, person: Person) -> None:
        reply = self.post("taken", person.report)
        told = json.loads(reply.body)
        person.number, person.pin = told["case_number"], told["pin"]
        self.replies.pop()  # the one reply that has to say them

    def withdraw(self, person: Person) -> None:
        opened = self.send("opened", "POST", "/en/code/", person.code, extra=FORM)
        self.replies.pop()  # it sets the cookie
        visit = opened.headers.partition("visit=")[2].partition(";")[0]
        self.visits.append(visit)
        self.send("withdrawn", "POST", "/en/case/withdraw/", b"sure=1", extra=FORM, visit=visit)
        self.replies.pop()

    # --- what doesn't ---------------------------------------------------------------------------------------------

    def all(self, taken: Person) -> None:
        """Every mishap, with `taken` a person whose report stands."""
        hanging = self._behind(lambda: self.seam("worker timeout", "hang"))
        self.refusals(taken)
        self.at_the_door(taken)
        self.malformed()
        self.bugs()
        self.tasks()
        hanging.join()
        self.without_database()
        self.flood()

    def refusals(self, taken: Person) -> None:
        other, body = Person(), self.stranger.report
        self.post("key with another report", {**other.report, "idempotency_key": taken.key})
        self.send("malformed JSON", "POST", "/api/reports/", json.dumps(body).encode()[:-2])
        self.post("unknown member", {**body, "pin": self.stranger.pin})
        bad = make.picture(fingerprints=[{"type": "md5", "value": self.stranger.hashes[0]}])
        self.post("wrong fingerprint", {**body, "files": [bad]})
        self.post("another site", body, extra={**JSON, "Origin": "https://elsewhere.example"})
        self.post("no such address", body, f"/en/case/{self.stranger.number}/{self.stranger.pin}/")
        self.send("no such API address", "GET", f"/api/v1/{self.stranger.hashes[0]}/")
        self.send("wrong method", "PUT", "/api/reports/", json.dumps(body).encode())
        self.send("too large", "POST", "/api/reports/", json.dumps(body).encode().ljust(2_100_000))
        self.post("wrong type", body, extra={"Content-Type": "text/plain"})
        self.post("no case open", body, "/api/reports/add/")
        self.post("unknown host", body, extra={**JSON, "Host": f"{self.canaries['X-Forwarded-Host']}.example"})
        self.send("wrong API key", "GET", "/api/v1/hash-list/head/")
        login = urlencode({"login": "nobody@example.org", "password": self.stranger.pin}).encode()
        self.send("login without form cookie", "POST", "/accounts/login/", login, extra=FORM)

    def at_the_door(self, taken: Person) -> None:
        wrong = Person(number=taken.number, pin=self.stranger.pin)
        for name, person in (("unknown case", self.stranger), ("wrong PIN", wrong)):
            self.send(name, "POST", "/en/code/", person.code, extra=FORM)
            self.replies.pop()  # the form comes back as it was filled in, but for the PIN
        self.send("code in the address", "GET", f"/en/code/?{self.stranger.code.decode()}")

    def malformed(self) -> None:
        """What gunicorn refuses before Django sees it."""
        headers = {**self.headers(), "X-Forwarded-Proto": "https"}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        long = f"/en/{self.stranger.number}{self.stranger.pin}" + "a" * 5_000
        for name, text in {
            "line too long": f"GET {long} HTTP/1.1\r\n{lines}\r\n",
            "malformed header": f"GET /en/ HTTP/1.1\r\n{lines}{self.stranger.number} {self.stranger.pin}\r\n\r\n",
            "malformed method": f"{self.stranger.pin} /en/ HTTP/1.1\r\n{lines}\r\n",
            "body cut short": f"POST /api/reports/ HTTP/1.1\r\nHost: {HOST}\r\n{lines}"
            f"Content-Type: application/json\r\nContent-Length: 900\r\n\r\n{self.stranger.key}",
        }.items():
            with socket.create_connection(("127.0.0.1", self.stack.port), timeout=15) as line:
                line.sendall(text.encode())
                line.shutdown(socket.SHUT_WR)
                with contextlib.suppress(OSError):
                    answer = line.recv(65_536)
            self.statuses[name] = int(answer[9:12] or 0) if answer[:4] == b"HTTP" else 0

    def seam(self, name: str, place: str) -> Reply:
        person = self.stranger
        told = {"number": person.number, "pin": person.pin, "key": person.key, "value": person.hashes[0]}
        return self.post(name, told, f"/broken/{place}/")

    def bugs(self) -> None:
        self.seam("bug", "bug")
        self.seam("duplicate key", "duplicate")
        self.seam("statement timeout", "slow")
        other = self._behind(lambda: self.seam("deadlock, one", "deadlock/1/2"))
        self.seam("deadlock, other", "deadlock/2/1")
        other.join()
        self.seam("worker killed", "die")

    def tasks(self) -> None:
        """Messages for the worker, one of whose processes is killed; what it was doing is done again."""
        self.ring("submissions.forget_receipts", "matching.watch_heads", "submissions.forget_guesses")
        worker = self.stack.processes["worker"].pid
        for child in Path(f"/proc/{worker}/task/{worker}/children").read_text().split()[:1]:
            os.kill(int(child), signal.SIGKILL)

    def ring(self, *names: str) -> None:
        with Celery(broker=self.stack.environment["BROKER_URL"]) as app:
            for name in names:
                app.send_task(name, queue="default")

    def without_database(self) -> None:
        self.stack.postgres.stop("immediate")
        self.post("database away", self.stranger.report)
        self.send("database away, at the door", "POST", "/en/code/", self.stranger.code, extra=FORM)
        self.ring("submissions.forget_receipts")
        time.sleep(0.5)
        self.stack.postgres.start()
        self.stack.wait_until_ready()

    def flood(self) -> None:
        for _ in range(130):  # more than two windows take, should one of them end meanwhile
            if self.post("too many", {}, address=FLOOD_ADDRESS).status == 429:
                return

    def _behind(self, call: Callable[[], object]) -> threading.Thread:
        thread = threading.Thread(target=call)
        thread.start()
        time.sleep(0.1)
        return thread
