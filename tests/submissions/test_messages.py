"""Messages between a reporter and staff, and what they may not hold."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from submissions import messages, retention, traces
from submissions.errors import TooManyMessages, TraceInMessage
from submissions.models import Message
from takeitdown.accounts.models import Account
from takeitdown.audit.models import AuditEvent
from tests.submissions.conftest import Reporter

TRACES = [
    ("Call me: +1 (202) 555-0147 please", "+1 (202) 555-0147"),
    ("my PIN is 12345678", "12345678"),
    ("٠١٢٣٤٥٦٧٨٩", "٠١٢٣٤٥٦٧٨٩"),
    ("write to kim@mail.example now", "kim@mail.example"),
    ("kim (at) mail.example", "kim (at) mail.example"),
    ("see https://a.example/b?c=d", "https://a.example/b?c=d"),
    ("it is on www.pics.example", "www.pics.example"),
    ("look at pics.com/abc", "pics.com/abc"),
    ("chat.gg", "chat.gg"),
]
HARMLESS = [
    "It was on 2026-11-22.",
    "I am 15 and it is 3 pictures.",
    "Please help.I am scared.",
    "on the 22.11.2026",
    "",
]


@pytest.mark.parametrize(("text", "trace"), TRACES)
def test_what_tells_who_somebody_is_is_marked(text: str, trace: str):
    parts = traces.parts(text)
    assert [part.text for part in parts if part.is_trace] == [trace]
    assert "".join(part.text for part in parts) == text


@pytest.mark.parametrize("text", HARMLESS)
def test_what_tells_nothing_is_left_alone(text: str):
    assert not traces.are_in(text)


def unlocked(client: Client, reporter: Reporter) -> Client:
    client.post("/en/code/", reporter.code)
    return client


def test_write_and_read(client: Client, reporter: Reporter, another_reporter: Reporter):
    unlocked(client, reporter)
    assert "No messages yet" in client.get("/en/case/messages/").content.decode()
    assert client.post("/en/case/messages/", {"text": "Why is it still up?"})["Location"] == "/en/case/messages/"
    messages.answer(reporter.case, "We asked them again.")
    messages.answer(another_reporter.case, "For somebody else.")

    html = client.get("/en/case/messages/").content.decode()
    assert "Why is it still up?" in html
    assert "We asked them again." in html
    assert "For somebody else." not in html
    assert "There is an answer for you" in client.get("/en/case/").content.decode()


@pytest.mark.parametrize(("text", "trace"), TRACES)
def test_a_message_with_a_trace_is_not_stored_and_comes_back_marked(
    client: Client, reporter: Reporter, text: str, trace: str
):
    reply = unlocked(client, reporter).post("/en/case/messages/", {"text": text})
    html = reply.content.decode()
    assert Message.objects.count() == 0
    assert f"<mark>{trace}</mark>" in html
    assert 'aria-invalid="true"' in html
    assert f">\n{text}</textarea>" in html


def test_empty_and_too_long_messages_are_refused(client: Client, reporter: Reporter):
    unlocked(client, reporter)
    for text in ("", " ", "a" * (messages.MOST_LETTERS + 1)):
        assert client.post("/en/case/messages/", {"text": text}).status_code == 200
    assert Message.objects.count() == 0


def test_a_flood_ends_until_staff_answer(reporter: Reporter):
    for _ in range(messages.MOST_WAITING):
        messages.write_to_staff(reporter.case, "Hello?")
    with pytest.raises(TooManyMessages):
        messages.write_to_staff(reporter.case, "Hello?")
    messages.answer(reporter.case, "Here we are.")
    messages.write_to_staff(reporter.case, "Thank you.")


def test_write_to_staff_keeps_no_trace(reporter: Reporter):
    with pytest.raises(TraceInMessage):
        messages.write_to_staff(reporter.case, "kim@mail.example")
    assert Message.objects.count() == 0


def test_messages_go_after_ninety_days_and_with_the_case(reporter: Reporter):
    old, kept = (messages.answer(reporter.case, "text") for _ in range(2))
    Message.objects.filter(pk=old.pk).update(sent_on=timezone.localdate() - timedelta(days=91))
    Message.objects.filter(pk=kept.pk).update(sent_on=timezone.localdate() - timedelta(days=90))
    assert (retention.delete_messages(), retention.delete_messages()) == (1, 0)
    assert list(Message.objects.all()) == [kept]

    reporter.case.submissions.update(withdrawn_on=timezone.localdate())
    type(reporter.case).objects.update(withdrawn_on=timezone.localdate() - timedelta(days=31))
    assert retention.delete_withdrawn_cases() == 1
    assert Message.objects.count() == 0


def test_staff_read_and_answer_and_alter_nothing(client: Client, reporter: Reporter, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("takeitdown.staff_site.used_a_second_factor", lambda request: True)
    client.force_login(Account.objects.create_superuser("staff@ncmec.example", "a long enough pass"))
    messages.write_to_staff(reporter.case, "Why is it still up?")
    written = Message.objects.get()

    html = client.get("/admin/submissions/message/").content.decode()
    assert "Why is it still up?" in html
    assert f"add/?case={reporter.case.pk}" in html
    answer = {"case": str(reporter.case.pk), "text": "We asked them again."}
    assert client.post("/admin/submissions/message/add/", answer).status_code == 302

    last = Message.objects.last()
    assert last is not None
    assert (last.author, last.text, last.sent_on) == ("staff", "We asked them again.", timezone.localdate())
    assert AuditEvent.objects.filter(action="added", target=f"submissions.message:{last.pk}").count() == 1
    assert client.post(f"/admin/submissions/message/{written.pk}/delete/", {"post": "yes"}).status_code == 403
    client.post(f"/admin/submissions/message/{written.pk}/change/", answer)
    written.refresh_from_db()
    assert written.text == "Why is it still up?"
    assert client.get("/admin/submissions/message/?text__startswith=W").status_code in {302, 400}
