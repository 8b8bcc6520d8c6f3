"""What strangers put into forms, and what no report may hold: refused in a sentence, kept nowhere, run by nobody."""

from __future__ import annotations

import base64
import hashlib
import tempfile
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from matching.models import Hold
from matching.signal_types import InvalidFingerprint
from submissions import access, messages, traces
from submissions.models import GuessBudget, Message
from submissions.padding import PAGE_BYTES
from submissions.reports import read_report
from takeitdown.errors import Refused
from tests import make
from tests.submissions.conftest import Reporter

pytestmark = pytest.mark.django_db
HIDDEN_PHONES = [
    "\u202a+1 (202) 555\u20110147\u202c",  # as telephones copy a number
    "202\u2013555\u20130147",
    "2\u200b0\u200b2\u200b5\u200b5\u200b5\u200b0\u200b1\u200b4\u200b7",
    "2\u00ad0\u00ad2\u00ad5\u00ad5\u00ad5\u00ad0147",
    "202\u2060555\u20600147",
]
STRANGE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "=HYPERLINK(1)",
    "Why?\r\n2026-11-22 ERROR root: logged in",
    "\u202egnp.exe\u202c and \u200b nothing",
    "{{ 7 }}{% debug %}${jndi:ldap}",
    "'; DROP TABLE submissions_case; --",
]


@pytest.fixture
def no_temporary_files(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where anything written to a temporary folder would lie."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def with_file_part(size: int) -> dict[str, Any]:
    head = b'--x\r\nContent-Disposition: form-data; name="f"; filename="me.jpg"\r\nContent-Type: image/jpeg\r\n\r\n'
    return {"data": head + b"x" * size + b"\r\n--x--\r\n", "content_type": "multipart/form-data; boundary=x"}


# --- reports ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("coding", ["gzip", "gzip, gzip", "br", "deflate", "zstd", "identity, gzip", "x"])
def test_no_coding_of_a_body_is_undone(client: Client, coding: str):
    reply = client.post(
        "/api/reports/", make.report(), content_type="application/json", headers={"Content-Encoding": coding}
    )
    assert (reply.status_code, Hold.objects.count()) == (415, 0)


@pytest.mark.parametrize("path", ["/api/reports/", "/api/reports/add/", "/en/code/", "/en/case/messages/"])
@pytest.mark.parametrize("size", [100, 4_000_000], ids=["small", "large"])
def test_a_picture_sent_along_is_refused_and_never_written(
    client: Client, reporter: Reporter, no_temporary_files: Path, path: str, size: int
):
    client.post("/en/code/", reporter.code)
    before = Hold.objects.count()
    reply = client.post(path, **with_file_part(size))
    assert reply.status_code in {400, 415}
    assert (Hold.objects.count(), Message.objects.count()) == (before, 0)
    assert list(no_temporary_files.iterdir()) == []


def test_ten_thousand_different_fingerprints_are_refused():
    file = make.picture(fingerprints=[{"type": "sha256", "value": make.digest()} for _ in range(10_001)])
    with pytest.raises(Refused):
        read_report(make.report(file))


def base64_of(value: str) -> str:
    return base64.b64encode(bytes.fromhex(value)).decode()


@pytest.mark.parametrize("name", ["md5", "sha256"])
@pytest.mark.parametrize("file", [b"", b"\n", base64.b64decode("R0lGODlhAQABAAAAACw=")], ids=["none", "line", "pixel"])
def test_digests_of_what_everybody_has_are_refused(name: str, file: bytes):
    value = hashlib.new(name, file, usedforsecurity=False).hexdigest()
    with pytest.raises(InvalidFingerprint):
        read_report(make.report(make.picture(fingerprints=[{"type": name, "value": value}])))


@pytest.mark.parametrize("name", ["pdq", "md5", "sha256"])
def test_digests_are_hexadecimal_and_nothing_else(name: str):
    value = make.pdq() if name == "pdq" else make.digest(name)
    quality = {"quality": 90} if name == "pdq" else {}
    for other in (base64_of(value), f"{value}==", f"0x{value}", f"{value[:20]} {value[20:]}", value.encode().hex()):
        with pytest.raises(InvalidFingerprint):
            read_report(make.report(make.picture(fingerprints=[{"type": name, "value": other, **quality}])))


# --- the door -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("field", ["number", "pin"])
@pytest.mark.parametrize("typed", ["7" * 10**6, "７" * 8, "1_000_000", "\x00" * 13, "\ud83d\ude00" * 4, "<b>12345678"])
def test_what_cannot_be_a_code_costs_no_guess_and_comes_back_as_text(
    client: Client, reporter: Reporter, field: str, typed: str
):
    reply = client.post("/en/code/", {**reporter.code, field: typed.encode("utf-16", "surrogatepass").decode("utf-16")})
    assert (reply.status_code, len(reply.content) % PAGE_BYTES) == (200, 0)
    assert 'role="alert"' in reply.content.decode() or "errorlist" in reply.content.decode()
    assert b"<b>" not in reply.content
    assert reporter.pin not in reply.content.decode()
    assert not reply.cookies
    assert GuessBudget.objects.count() == 0


@pytest.mark.parametrize(
    "form",
    [
        {f"field{number}": "x" for number in range(10_001)},
        {"number": ["a"] * 200, "pin": "1"},
        {"number": "7" * 3_000_000, "pin": "1"},
    ],
    ids=["10,001 fields", "one field 200 times", "three megabytes"],
)
def test_a_form_of_unusual_size_is_refused(client: Client, form: dict[str, Any]):
    reply = client.post("/en/code/", form)
    assert reply.status_code in {400, 413}
    assert b"data-exit" in reply.content  # a page with a way on and a way out
    assert GuessBudget.objects.count() == 0


def test_members_of_a_form_that_are_lists_or_objects_open_nothing(client: Client, reporter: Reporter):
    for form in (
        {"number[]": reporter.number, "pin[]": reporter.pin},
        {"number": reporter.number, "pin": [f"{(int(reporter.pin) + 1) % 10**8:08d}", "x"]},
    ):
        assert not client.post("/en/code/", form).cookies
    as_json = client.post("/en/code/", reporter.code, content_type="application/json")
    assert (as_json.status_code, bool(as_json.cookies)) == (200, False)


def test_somebody_who_tries_one_number_after_another_is_slowed(client: Client, reporter: Reporter, settings):
    """Each number has a budget of its own; this is what stands before trying very many."""
    settings.UNLOCK_RATE = "3/m"
    codes = [{"number": "0" * 13, "pin": f"{number:08d}"} for number in range(3)]
    replies = [client.post("/en/code/", code) for code in [*codes, reporter.code]]
    assert [bool(reply.cookies) for reply in replies] == [False] * 4
    assert {len(reply.content) for reply in replies} == {PAGE_BYTES}
    assert "Too many requests at once" in replies[-1].content.decode()
    client.post("/en/code/", reporter.code, REMOTE_ADDR="198.51.100.9")
    assert client.get("/en/case/").status_code == 200  # whoever is elsewhere is not held up


@pytest.mark.parametrize("cookies", [10_000, 1], ids=["many", "long"])
def test_a_flood_of_cookies_opens_nothing(client: Client, reporter: Reporter, cookies: int):
    text = "; ".join(f"visit{number}={'x' * (100_000 // cookies)}" for number in range(cookies))
    assert client.get("/en/case/", headers={"Cookie": text}).status_code == 403


# --- the case -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ordinal", ["0", "3", "99", "-1", "1.0", "1e0", "%31%00", "²", "１"])
def test_only_files_of_ones_own_case_can_be_named(
    client: Client, reporter: Reporter, another_reporter: Reporter, ordinal: str
):
    client.post("/en/code/", reporter.code)
    for method in (client.get, client.post):
        assert method(f"/en/case/withdraw/{ordinal}/").status_code == 404
    assert reporter.case.submissions.active().count() == another_reporter.case.submissions.active().count() == 2


def test_reading_any_page_of_a_case_changes_nothing(client: Client, reporter: Reporter):
    """A browser that fetches pages ahead, or a scanner of links, withdraws nothing."""
    client.post("/en/code/", reporter.code)
    for path in ("case/", "case/withdraw/", "case/withdraw/1/", "case/messages/", "case/more/", "case/close/"):
        for method in (client.get, client.head, client.options):
            method(f"/en/{path}?sure=1")
    assert reporter.case.submissions.active().count() == 2
    assert access.find(reporter.number.replace("-", "")) == reporter.case
    assert client.get("/en/case/").status_code == 200


@pytest.mark.parametrize("text", STRANGE)
def test_a_message_is_kept_and_shown_as_the_text_it_is(client: Client, reporter: Reporter, text: str):
    client.post("/en/code/", reporter.code)
    assert client.post("/en/case/messages/", {"text": text}).status_code == 302
    html = client.get("/en/case/messages/").content.decode()
    assert Message.objects.get().text == text
    assert "<script>alert" not in html
    assert "<img src=x" not in html


def test_a_message_of_ten_megabytes_is_refused(client: Client, reporter: Reporter):
    client.post("/en/code/", reporter.code)
    assert client.post("/en/case/messages/", {"text": "a" * 10_000_000}).status_code in {400, 413}
    assert client.post("/en/case/messages/", {"text": "a" * 1_000_000}).status_code == 200
    assert Message.objects.count() == 0


@pytest.mark.parametrize("phone", HIDDEN_PHONES)
def test_a_telephone_number_is_seen_through_marks_that_nobody_sees(reporter: Reporter, phone: str):
    assert traces.are_in(f"Call me: {phone}, please")
    with pytest.raises(Refused):
        messages.write_to_staff(reporter.case, f"Call me: {phone}, please")
    assert Message.objects.count() == 0
