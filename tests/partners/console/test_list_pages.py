"""The list's figures, looking one fingerprint up, saying what one thinks of an entry."""

from __future__ import annotations

import re

import pytest

from matching.models import HashListEntry, ListReader, Trust
from partners.models import Feedback
from takeitdown.audit.models import AuditEvent
from tests import make
from tests.partners.conftest import publish
from tests.partners.console.conftest import browser_of
from tests.partners.console.test_pages import first, text_of

pytestmark = pytest.mark.django_db


def look_up(screen, value, *, environment="live", type="pdq", kind="image"):
    return screen.post("/console/list/", {"environment": environment, "type": type, "kind": kind, "value": value})


def test_look_up_says_listed_or_not_and_keeps_no_value(screen, sequencer):
    (entry,) = publish(sequencer)
    value, stranger = entry.value, make.pdq()

    assert "It is listed to you" in text_of(look_up(screen, value))
    assert "It is not listed to you" in text_of(look_up(screen, stranger))

    events = AuditEvent.objects.filter(action="looked up a fingerprint")
    assert events.count() == 2
    kept = " ".join(f"{event.target} {event.detail}" for event in events)
    assert str(value) not in kept
    assert stranger not in kept


def test_look_up_does_not_show_what_is_withheld_from_the_platform(screen, platform, another_platform, sequencer):
    canary, low = publish(sequencer, 2)
    HashListEntry.objects.filter(pk=canary.pk).update(canary_for=another_platform.reader)
    assert "It is listed to you" in text_of(look_up(screen, low.value))
    ListReader.objects.filter(pk=platform.reader.pk).update(trust_floor=Trust.CONFIRMED)

    for entry in (canary, low):
        assert "It is not listed to you" in text_of(look_up(screen, entry.value))


def test_look_up_in_the_sandbox_reads_the_sandbox(screen, with_sandbox, sequencer, sandbox):
    (entry,) = publish(sequencer, hash_list=sandbox)

    assert "It is listed to you" in text_of(look_up(screen, entry.value, environment="test"))
    assert "It is not listed to you" in text_of(look_up(screen, entry.value))


@pytest.mark.parametrize(
    ("value", "type", "kind"),
    [
        ("f" * 64, "pdq", "image"),
        ("F8" * 32, "pdq", "image"),
        ("12", "md5", "image"),
        ("0" * 32, "md5", "audio"),
        ("", "md5", "image"),
    ],
)
def test_what_is_no_fingerprint_is_explained(screen, production, value, type, kind):
    answer = look_up(screen, value, type=type, kind=kind)

    assert answer.status_code == 200
    assert b"errorlist" in answer.content
    assert "listed to you" not in text_of(answer).replace("shown to you", "")


def test_looking_up_too_much_at_once_says_when_to_go_on(screen, sequencer, monkeypatch):
    monkeypatch.setattr("partners.console.list_pages.LOOKUP_RATE", "1/h")
    look_up(screen, make.pdq())

    answer = look_up(screen, make.pdq())

    assert answer.status_code == 429
    assert 0 < int(answer.headers["Retry-After"]) <= 3600
    assert "Wait a little" in text_of(answer)


def test_list_counts_by_type_and_trust(screen, sequencer):
    one, *_rest = publish(sequencer, 3)
    HashListEntry.objects.filter(pk=one.pk).update(trust=Trust.CONFIRMED)

    page = screen.get("/console/list/").content.decode()

    row = first(r'<th scope="row">pdq, image</th>(.*?)</tr>', page, 1)
    assert re.findall(r">(\d+)<", row) == ["2", "1"]


def test_opinion_given_in_the_console_counts_like_one_by_api(reviewer, platform, sequencer):
    (entry,) = publish(sequencer)
    browser = browser_of(reviewer.account)
    there = f"/console/list/{entry.pk}/"

    assert b"errorlist" in browser.post(there, {"opinion": "dispute"}).content
    browser.post(there, {"opinion": "dispute", "reason": "harmless"})

    given = Feedback.objects.get()
    assert (given.partner, given.entry_id, given.opinion, given.reason) == (
        platform.partner,
        entry.pk,
        "dispute",
        "harmless",
    )
    assert "Disputes: harmless" in text_of(browser.get(there))
    assert AuditEvent.objects.filter(action="gave feedback", within="partner:platform").count() == 1


def test_entries_of_another_list_are_not_there(screen, sandbox, sequencer):
    (entry,) = publish(sequencer, hash_list=sandbox)

    assert screen.get(f"/console/list/{entry.pk}/").status_code == 404
