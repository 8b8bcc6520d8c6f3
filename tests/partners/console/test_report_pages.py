"""Reports and feedback: filters, pages, CSV; the 48-hour clock; disputes."""

from __future__ import annotations

import csv
import io
import re

import pytest
from django.utils import timezone

from matching.models import EntryOutcome
from partners import reports
from partners.models import MatchReport, Opinion
from takeitdown.audit.models import AuditEvent
from tests.partners.conftest import publish
from tests.partners.console.conftest import browser_of
from tests.partners.console.test_pages import first, matched, text_of

pytestmark = pytest.mark.django_db


def test_reports_are_filtered_and_turned(screen, platform, another_platform, sequencer):
    (entry,) = publish(sequencer)
    for number in range(60):
        matched(platform, entry, EntryOutcome.Kind.BLOCKED, client_id=f"mine-{number:03}")
    matched(platform, entry, client_id="mine-found", hours_ago=72)
    matched(another_platform, entry, client_id="theirs")

    newest = text_of(screen.get("/console/reports/"))
    older = first(r'href="\?(before=\d+)"', screen.get("/console/reports/").content.decode(), 1)
    second = text_of(screen.get(f"/console/reports/?{older}"))
    found = text_of(screen.get("/console/reports/?outcome=found"))
    today = text_of(screen.get(f"/console/reports/?since={timezone.localdate():%Y-%m-%d}"))

    assert "mine-059" in newest
    assert "mine-005" not in newest
    assert "mine-005" in second
    assert "theirs" not in newest + second
    assert re.findall(r"mine-\w+", found) == ["mine-found"]
    assert "mine-found" not in today


@pytest.mark.parametrize(
    "nonsense", ["?before=x", "?before=" + "9" * 30, "?outcome=x", "?since=2026-99-99", "?before=-1"]
)
def test_nonsense_in_the_address_shows_the_table(screen, platform, sequencer, nonsense):
    (entry,) = publish(sequencer)
    matched(platform, entry, client_id="mine")

    answer = screen.get(f"/console/reports/{nonsense}")

    assert answer.status_code == 200
    assert "mine" in text_of(answer)


def test_reports_cost_the_same_queries_at_one_row_and_at_thirty(
    screen, platform, sequencer, django_assert_max_num_queries
):
    (entry,) = publish(sequencer)
    for number in range(30):
        matched(platform, entry, EntryOutcome.Kind.BLOCKED, client_id=f"mine-{number}")

    with django_assert_max_num_queries(6):
        screen.get("/console/reports/")


def exported(browser, address, form=None):
    answer = browser.post(address, form or {})
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    return list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode())))


FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "=HYPERLINK(1)", " =1"]


def test_export_runs_nothing_in_a_spreadsheet(reviewer, platform, sequencer):
    (entry,) = publish(sequencer)
    for number, formula in enumerate(FORMULAS):
        report = matched(platform, entry, EntryOutcome.Kind.BLOCKED, client_id=f"mine-{number}")
        MatchReport.objects.filter(pk=report.pk).update(client_id=formula)

    header, *rows = exported(browser_of(reviewer.account), "/console/reports/")

    assert header == ["client_id", "entry", "outcome", "reason", "received_at", "acted_at"]
    assert [row[0] for row in rows] == [f"'{formula}" for formula in reversed(FORMULAS)]
    assert {row[1] for row in rows} == {entry.pk.hex}


def test_export_holds_what_the_filter_shows_and_is_written_down(reviewer, platform, another_platform, sequencer):
    entry, other = publish(sequencer, 2)
    matched(platform, entry, client_id="mine")
    matched(platform, other, EntryOutcome.Kind.BLOCKED, client_id="blocked")
    matched(another_platform, entry, client_id="theirs")

    _header, *rows = exported(browser_of(reviewer.account), "/console/reports/", {"outcome": "found"})

    assert [row[0] for row in rows] == ["mine"]
    event = AuditEvent.objects.get(action="exported match reports")
    assert (event.actor, event.within, event.detail) == (
        reviewer.account.email, "partner:platform", {"outcome": "found"},
    )  # fmt: skip


def test_export_of_feedback(reviewer, platform, sequencer):
    (entry,) = publish(sequencer)
    reports.record_feedback(
        partner=platform.partner, reader=platform.reader, client_id="-1", entry=entry.pk.hex, opinion=Opinion.AGREE
    )

    _header, row = exported(browser_of(reviewer.account), "/console/feedback/")

    assert (row[0], row[2], row[6]) == ("'-1", "agree", "yes")


def test_clock_shows_time_left_and_a_decision_stops_it(reviewer, platform, sequencer):
    entry, late = publish(sequencer, 2)
    running = matched(platform, entry, client_id="running", hours_ago=10)
    matched(platform, late, client_id="late", hours_ago=50)
    browser = browser_of(reviewer.account)
    page = text_of(browser.get("/console/clock/"))
    assert "37 hours" in page
    assert "2 hours late" in page
    assert "not the law’s" in page

    refused = browser.post(f"/console/clock/{running.pk}/", {"outcome": "declined"})
    assert b"errorlist" in refused.content
    browser.post(f"/console/clock/{running.pk}/", {"outcome": "declined", "reason": "adult"})

    running.refresh_from_db()
    assert running.acted_at is not None
    said = MatchReport.objects.get(outcome=EntryOutcome.Kind.DECLINED)
    assert (said.entry_id, said.reason) == (entry.pk, "adult")
    assert "running" not in text_of(browser.get("/console/clock/"))
    assert browser.get(f"/console/clock/{running.pk}/").status_code == 404


def test_nobody_decides_for_another_platform(reviewer, another_platform, sequencer):
    (entry,) = publish(sequencer)
    theirs = matched(another_platform, entry)

    answer = browser_of(reviewer.account).post(f"/console/clock/{theirs.pk}/", {"outcome": "removed"})

    assert answer.status_code == 404
    theirs.refresh_from_db()
    assert theirs.acted_at is None


def test_disputes_count_other_companies_once_and_name_nobody(screen, platform, another_platform, sequencer):
    (entry,) = publish(sequencer)
    for number, (who, opinion) in enumerate([(platform, "dispute"), (another_platform, "dispute")]):
        reports.record_feedback(
            partner=who.partner, reader=who.reader, client_id=f"c{number}", entry=entry.pk.hex, opinion=opinion,
            reason="harmless",
        )  # fmt: skip

    page = screen.get("/console/disputes/").content.decode()

    assert re.findall(r'<td class="number">(\d+)</td>', page) == ["1", "0"]
    assert "another-platform" not in page
