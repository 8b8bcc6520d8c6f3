"""The map of the site and, beside it, addresses that fail as real ones might: with secrets in their hands."""

from __future__ import annotations

import json
import os
import signal
import tempfile
import time
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.views.decorators.csrf import csrf_exempt

from takeitdown import urls
from takeitdown.middleware import NEEDED

_kept_open: list[Any] = []


def _secrets(request: HttpRequest) -> dict[str, str]:
    return dict(json.loads(request.body))


@csrf_exempt
def bug(request: HttpRequest) -> HttpResponse:
    """Raises with everything it knows: what was posted, and every header but those that views need."""
    known = {name: value for name, value in request.META.items() if name not in {*NEEDED, "CSRF_COOKIE"}}
    raise RuntimeError(f"{_secrets(request)} {known}")


@csrf_exempt
def duplicate(request: HttpRequest) -> HttpResponse:
    """A violated unique key: PostgreSQL would write the row and the statement into its log."""
    row = [_secrets(request)[name] for name in ("number", "pin", "value")]
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE one (number text PRIMARY KEY, pin text, value text) ON COMMIT DROP")
        cursor.execute("INSERT INTO one VALUES (%s, %s, %s)", row)
        cursor.execute("INSERT INTO one VALUES (%s, %s, %s)", row)
    return HttpResponse()


@csrf_exempt
def slow(request: HttpRequest) -> HttpResponse:
    """A statement that is cancelled because it takes too long."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL statement_timeout = 200")
        cursor.execute("SELECT pg_sleep(5), %s, %s", [_secrets(request)["number"], _secrets(request)["value"]])
    return HttpResponse()


@csrf_exempt
def deadlock(request: HttpRequest, first: int, second: int) -> HttpResponse:
    """Of two of these, one the other way round, PostgreSQL ends one and would log both statements."""
    with transaction.atomic(), connection.cursor() as cursor:
        for lock in (first, second):
            cursor.execute("SELECT pg_advisory_xact_lock(%s), %s", [lock, json.dumps(_secrets(request))])
            _wait_until_both_are_locked(cursor, [first, second])
    return HttpResponse()


def _wait_until_both_are_locked(cursor: CursorWrapper, locks: list[int]) -> None:
    """However late the other one comes: without it there would be no deadlock."""
    deadline = time.monotonic() + 10
    locked = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND classid = 0 AND objid = ANY(%s)"
    while time.monotonic() < deadline:
        cursor.execute(locked, [locks])
        if cursor.fetchone() == (2,):
            return
        time.sleep(0.05)


@csrf_exempt
def die(request: HttpRequest) -> HttpResponse:
    """As after kill -9, with the request half done."""
    os.kill(os.getpid(), signal.SIGKILL)
    return HttpResponse()


@csrf_exempt
def hang(request: HttpRequest) -> HttpResponse:
    """The whole worker stands still until gunicorn ends it."""
    os.kill(os.getpid(), signal.SIGSTOP)
    time.sleep(10)  # this thread may run on for a moment
    return HttpResponse()


@csrf_exempt
def keep_open(request: HttpRequest) -> HttpResponse:
    """Not a fault but a planted leak: a deleted file that the process still holds, and a line on its output."""
    file = tempfile.TemporaryFile()  # noqa: SIM115  it stays open
    file.write(request.body.split(b"\n")[0])
    file.flush()
    _kept_open.append(file)
    os.write(2, request.body.split(b"\n")[1])
    return HttpResponse()


urlpatterns = [
    *urls.urlpatterns,
    path("broken/bug/", bug),
    path("broken/duplicate/", duplicate),
    path("broken/slow/", slow),
    path("broken/deadlock/<int:first>/<int:second>/", deadlock),
    path("broken/die/", die),
    path("broken/hang/", hang),
    path("broken/keep-open/", keep_open),
]
handler400, handler403, handler404, handler500 = urls.handler400, urls.handler403, urls.handler404, urls.handler500
