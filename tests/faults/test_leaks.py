"""Nothing of a person stays: no header, no address, no code, no key; and a fingerprint only where the list keeps it.

Real processes as in production are driven into every error; then every byte they left is searched.
"""

from __future__ import annotations

import base64
import gzip
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from tests import make
from tests.faults import places
from tests.faults.canaries import HEADERS, Search, address_spellings, hash_spellings, spellings
from tests.faults.mishaps import ADDRESS, FLOOD_ADDRESS, Mishaps, Person
from tests.faults.stack import Stack, running

pytestmark = [pytest.mark.postgresql, pytest.mark.timeout(240)]
PUBLISHED_WITHIN_SECONDS = 40
EXPECTED = {
    "key with another report": 409, "malformed JSON": 400, "unknown member": 400, "wrong fingerprint": 400,
    "another site": 403, "no such address": 404, "no such API address": 404, "wrong method": 405, "too large": 413,
    "wrong type": 415, "no case open": 403, "unknown host": 400, "wrong API key": 401, "login without form cookie": 403,
    "unknown case": 200, "wrong PIN": 200, "code in the address": 400, "line too long": 414, "malformed header": 400,
    "malformed method": 400, "body cut short": 400, "bug": 500, "duplicate key": 503, "statement timeout": 503,
    "worker killed": 0, "worker timeout": 0, "database away": 503, "database away, at the door": 503, "too many": 429,
}  # fmt: skip


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    temporary = tempfile.TemporaryDirectory(prefix="tid-leak-", dir="/tmp", ignore_cleanup_errors=True)
    with temporary as folder, running(Path(folder)) as stack:
        yield stack


def wait_until(stack: Stack, sql: str, expected: int) -> None:
    deadline = time.monotonic() + PUBLISHED_WITHIN_SECONDS
    with psycopg.connect(stack.database, autocommit=True) as connection:
        while time.monotonic() < deadline:
            row = connection.execute(sql).fetchone()
            if row == (expected,):
                return
            time.sleep(0.1)
    pytest.fail(f"{sql}: {row}, not {expected}")


def search_for(mishaps: Mishaps, listed: list[Person], withdrawn: Person) -> Search:
    """Names say what may be where: `listed …` alone is allowed, and only where the list is kept."""
    search = Search()
    for name, word in mishaps.canaries.items():
        search.add(f"header {name}", spellings(word.encode()))
    for address in (ADDRESS, FLOOD_ADDRESS):
        search.add("address", address_spellings(address))
    for visit in mishaps.visits:
        search.add("cookie of an open case", spellings(visit.encode()))
    for person in (*listed, withdrawn, mishaps.stranger):
        search.add("PIN", spellings(person.pin.encode()))
        for form in (person.number, person.number.replace("-", "")):
            search.add("case number", spellings(form.encode()))
        for key in (person.key.encode(), base64.urlsafe_b64decode(person.key + "=")):
            search.add("idempotency key", spellings(key))
    for kind, people in (("listed", listed), ("withdrawn", [withdrawn]), ("refused", [mishaps.stranger])):
        for value in (value for person in people for value in person.hashes):
            search.add(f"{kind} fingerprint", hash_spellings(value))
    return search


def found(stack: Stack, search: Search) -> dict[tuple[str, str], str]:
    """(Canary, kind of place) → where, with what stands around it."""
    hits: dict[tuple[str, str], str] = {}
    for kind, where, data in places.everywhere(stack):
        for name, context in search.find(data).items():
            hits.setdefault((name, kind), f"{where}: {context!r}")
    return hits


def test_nothing_of_a_person_stays_anywhere(stack: Stack) -> None:
    mishaps = Mishaps(stack)
    listed, withdrawn = [Person(), Person(), Person()], Person()
    changes = "SELECT count(*) FROM matching_listchange"
    for number, person in enumerate([*listed, withdrawn]):
        mishaps.report(person)
        if number % 2:  # a window of two cases has closed
            wait_until(stack, changes, 3 * (number + 1))
    mishaps.withdraw(withdrawn)
    wait_until(stack, changes, 15)

    mishaps.all(listed[0])

    assert {name: mishaps.statuses.get(name) for name in EXPECTED} == EXPECTED
    assert sorted([mishaps.statuses["deadlock, one"], mishaps.statuses["deadlock, other"]]) == [200, 503]
    mishaps.ring("matching.refresh_snapshots")
    wait_until_snapshot(stack)
    search = search_for(mishaps, listed, withdrawn)
    begun = time.monotonic()
    hits = found(stack, search)
    where_the_list_is = {kind for name, kind in hits if name == "listed fingerprint"}
    # Pages and log ahead of writes keep what was erased until they are written over: of the list, and nothing else.
    erased = {"PostgreSQL files (list)", "PostgreSQL WAL (list)"}
    leaks = {
        (name, kind): where
        for (name, kind), where in hits.items()
        if not (name == "listed fingerprint" and kind.endswith("(list)"))
        and not (name == "withdrawn fingerprint" and kind in erased)
    }
    figures = {
        "header canaries": len(HEADERS),
        "error paths": len(mishaps.statuses),
        "patterns": len(search.named),
        "hits": len(leaks),
        "search_seconds": round(time.monotonic() - begun, 1),
    }
    print("\n" + json.dumps(figures))
    assert leaks == {}
    assert where_the_list_is == {
        "pg_dump (list)", "PostgreSQL files (list)", "PostgreSQL WAL (list)", "snapshots (list)"
    }  # fmt: skip
    replies = b"".join(reply.headers.encode() + reply.body for reply in mishaps.replies)
    assert search.find(replies) == {}


def wait_until_snapshot(stack: Stack) -> None:
    deadline = time.monotonic() + PUBLISHED_WITHIN_SECONDS
    while not list((stack.var / "snapshots").glob("*.gz")):
        assert time.monotonic() < deadline, (stack.folder / "worker.log").read_text()[-3000:]
        time.sleep(0.1)


# --- the search finds what is there -----------------------------------------------------------------------------


@pytest.fixture
def planted(stack: Stack) -> Iterator[tuple[Search, dict[str, set[str]]]]:
    """A leak of each kind, each in another spelling, and where the search must see it."""
    words = [make.digest() for _ in range(10)]
    search = Search()
    for number, word in enumerate(words):
        search.add(f"planted {number}", spellings(word.encode()))
    forms = [list(spellings(word.encode())) for word in words]
    admin = stack.postgres.url.replace("/postgres?", "/portal?")
    with psycopg.connect(admin, autocommit=True) as connection:
        rows = "INSERT INTO submissions_helpline (name, url, note, is_shown, country, country_name, languages, phone) "
        connection.execute(rows + "VALUES (%s, '', %s, true, '', '', '', '')", [words[0][:70], forms[0][3].decode()])
        connection.execute("UPDATE matching_hashlistentry SET value = %s WHERE state = 'listed'", [words[1]])
        connection.execute("SET log_min_error_statement = 'error'")
        with pytest.raises(psycopg.errors.DivisionByZero):
            connection.execute(f"SELECT 1/0 -- {forms[2][2].decode()}")
    stack.send("POST", "/broken/keep-open/", forms[3][9] + b"\n" + forms[4][5])
    _redis(stack, "limits").set("planted", forms[5][7])
    _redis(stack, "broker").lpush("planted", forms[6][11])
    (stack.var / "planted").write_bytes(forms[7][8])
    (stack.folder / "tmp" / "planted").write_bytes(forms[8][13])
    (stack.var / "snapshots" / "planted.gz").write_bytes(gzip.compress(words[8].encode()))
    sleeper = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(60)", words[9]],
        env=stack.environment,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(2)  # Redis writes its file that late where the disk is slow
    yield (
        search,
        {
            "planted 0": {"pg_dump", "PostgreSQL files", "PostgreSQL WAL (list)"},
            "planted 1": {"pg_dump (list)", "PostgreSQL files (list)", "PostgreSQL WAL (list)"},
            "planted 2": {"PostgreSQL log"},
            "planted 3": {"open files"},
            "planted 4": {"process log"},
            "planted 5": {"Redis limits"},
            "planted 6": {"Redis broker", "Redis files"},
            "planted 7": {"var"},
            "planted 8": {"temporary files", "snapshots (list)"},
            "planted 9": {"command lines"},
        },
    )
    sleeper.kill()
    sleeper.wait()


def _redis(stack: Stack, kind: str) -> redis.Redis:
    return redis.Redis(unix_socket_path=str(stack.folder / f"{kind}.sock"))


def test_a_planted_leak_is_found_in_every_kind_of_place(
    stack: Stack, planted: tuple[Search, dict[str, set[str]]]
) -> None:
    search, expected = planted

    hits: dict[str, set[str]] = {}
    for name, kind in found(stack, search):
        hits.setdefault(name, set()).add(kind)

    assert hits == expected


def test_every_spelling_is_found() -> None:
    search = Search()
    search.add("word", spellings(b"Kv7~secret/Z001q"))
    for spelling in spellings(b"Kv7~secret/Z001q"):
        assert set(search.find(b"\x00abc" + spelling + b"=")) == {"word"}, spelling
    for offset in range(3):
        whole = base64.b64encode(b"x" * offset + b"Kv7~secret/Z001q" + b"rest")
        assert set(search.find(whole)) == {"word"}
    assert search.find(b"Kv7~secret/Z001") == {}
