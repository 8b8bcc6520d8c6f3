"""A benchmark that loses reports, or forgets how long somebody waited, would flatter the portal."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from submissions.reports import read_report
from takeitdown.benchmarks import intake, intake_load
from takeitdown.benchmarks.intake_cpu import Meter

HANG_UP = "10.3.0.7"  # the address whose report is not answered
SLOW_SECONDS = 0.2


class Portal(ThreadingHTTPServer):
    """Takes note of what it gets and answers at once, or slowly."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answering)
        self.bodies: list[bytes] = []
        self.takes_seconds = 0.0

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Portal

    def do_POST(self) -> None:
        self.server.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        time.sleep(self.server.takes_seconds)
        if self.headers["X-Forwarded-For"] == HANG_UP:
            self.close_connection = True
            return
        self.send_response(201)
        self.send_header("Content-Length", "3000")
        self.end_headers()
        self.wfile.write(b"." * 1000)
        self.wfile.flush()
        self.wfile.write(b"." * 2000)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def portal() -> Iterator[Portal]:
    server = Portal()
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_each_report_is_one_that_intake_takes_and_has_ten_fingerprints():
    reports = [read_report(json.loads(body)) for body in intake_load.bodies(5, seed=1)]

    assert [sum(len(file.fingerprints) for file in report.files) for report in reports] == [10] * 5
    assert len({report.key for report in reports}) == 5


def test_every_report_is_sent_once_and_a_hung_up_connection_is_an_error(portal: Portal):
    sent = intake_load.requests(40, seed=3)

    answers = intake_load.send_all(portal.port, sent)

    assert sorted(portal.bodies) == sorted(request.partition(b"\r\n\r\n")[2] for request in sent)
    assert answers.statuses == {201: 39, intake_load.BROKEN: 1}
    assert len(answers.took_ms) == 40
    assert intake._waits(answers)["errors"] == 1


def test_at_a_given_rate_a_wait_begins_when_the_report_was_due(portal: Portal):
    portal.takes_seconds = SLOW_SECONDS
    turns = 3

    answers = intake_load.send_all(
        portal.port, intake_load.requests(turns * intake_load.CONNECTIONS, seed=4), a_second=1000
    )

    # All were due within 24 ms. Those of the last turn waited for two others, although their own took no longer.
    assert max(answers.took_ms) > (turns * SLOW_SECONDS - 0.05) * 1000


def test_the_cores_time_is_told_by_who_used_it():
    with Meter({"web": [os.getpid()]}) as meter:
        until = time.process_time() + 0.2
        while time.process_time() < until:
            pass

    assert meter.milliseconds(over=1)["generator"] >= 200
    assert set(meter.shares()) == {"web", "generator", "everything else", "idle"}
    assert meter.bound_by()


def test_the_table_says_what_a_figure_is_part_of():
    assert intake.table({"p50_ms": 3, "steady": {"statuses": {201: 5}}}) == [
        ["what", "value"],
        ["p50 ms", "3"],
        ["steady: statuses: 201", "5"],
    ]
