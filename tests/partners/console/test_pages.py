"""What the console's pages show and do."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from matching.models import EntryOutcome, HashListEntry, ListHead, ListReader, Trust
from partners import keys, reports
from partners.models import ApiKey, Environment, Feedback, MatchReport, Opinion, PagesRead, Partner, PartnerState
from takeitdown.audit.models import AuditEvent
from tests import make
from tests.partners.conftest import publish
from tests.partners.console.conftest import browser_of

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def text_of(answer):
    """What a reader of the page sees, on one line."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", " ", answer.content.decode()))


def first(pattern, text, group=0):
    """What `pattern` finds first."""
    found = re.search(pattern, text)
    assert found, text
    return found[group]


def acknowledge(platform, head):
    ListReader.objects.filter(pk=platform.reader.pk).update(
        epoch=head.epoch, seq=head.seq, reached_on=timezone.localdate(), diverged_at=None
    )


def matched(platform, entry, outcome=EntryOutcome.Kind.FOUND, *, client_id="match-1", hours_ago=0):
    report, _new = reports.record_match_report(
        partner=platform.partner, reader=platform.reader, client_id=client_id, entry=entry.pk.hex, outcome=outcome
    )
    MatchReport.objects.filter(pk=report.pk).update(received_at=timezone.now() - hours_ago * HOUR)
    return report


# --- overview ---------------------------------------------------------------------------------------------------


def test_overview_tells_how_the_copy_stands(screen, platform, sequencer, production):
    publish(sequencer, 3)
    assert "has not acknowledged a copy yet" in text_of(screen.get("/console/"))

    acknowledge(platform, ListHead.objects.newest(production))
    assert "Your copy is exact" in text_of(screen.get("/console/"))

    publish(sequencer, 2)
    behind = text_of(screen.get("/console/"))
    assert "newer changes wait for your next pull" in behind
    assert "2 changes behind" in behind

    ListReader.objects.filter(pk=platform.reader.pk).update(diverged_at=timezone.now())
    assert "Your set hash is not ours for that position" in text_of(screen.get("/console/"))

    ListReader.objects.filter(pk=platform.reader.pk).update(diverged_at=None, epoch=1)
    assert "began a new epoch" in text_of(screen.get("/console/"))


def test_overview_warns_of_a_copy_older_than_a_week(screen, platform, sequencer, production):
    publish(sequencer)
    acknowledge(platform, ListHead.objects.newest(production))
    ListReader.objects.filter(pk=platform.reader.pk).update(reached_on=timezone.localdate() - timedelta(days=8))

    assert "let a person decide every match" in text_of(screen.get("/console/"))


def test_a_first_copy_that_is_still_behind_is_not_called_old(screen, platform, sequencer, production):
    head = ListHead.objects.newest(production)
    publish(sequencer)
    ListReader.objects.filter(pk=platform.reader.pk).update(epoch=head.epoch, seq=head.seq)

    page = text_of(screen.get("/console/"))

    assert "1 change behind" in page
    assert "more than a week ago" not in page


def test_overview_counts_running_clocks_of_this_platform_alone(screen, platform, another_platform, sequencer):
    entry, other = publish(sequencer, 2)
    matched(platform, entry, hours_ago=49)
    matched(platform, other, client_id="match-2")
    matched(another_platform, entry, hours_ago=60)

    page = text_of(screen.get("/console/"))

    assert "2 matches are reported as found and not decided. 1 of them is past 48 hours." in page


def test_overview_of_a_suspended_platform_says_why(screen, platform):
    Partner.objects.filter(pk=platform.partner.pk).update(
        state=PartnerState.SUSPENDED, suspended_because="A key was found in public."
    )

    assert "A key was found in public." in text_of(screen.get("/console/"))


# --- keys -------------------------------------------------------------------------------------------------------


def test_a_new_key_is_shown_once_and_opens_the_list(screen, platform, engineer):
    form = {"environment": "live", "name": "ingest", "scopes": ["list:read"], "days": "30"}

    shown = screen.post("/console/keys/new/", form)

    text = first(r"tid_live_\w+", shown.content.decode(), 0)
    key = keys.find(text)
    assert (key.partner, key.name, key.scopes) == (platform.partner, "ingest", ["list:read"])
    assert key.expires_at.date() == (timezone.now() + timedelta(days=30)).date()
    assert text not in screen.get("/console/keys/").content.decode()
    assert key.prefix in text_of(screen.get("/console/keys/"))
    event = AuditEvent.objects.get(action="issued a key", target=f"partners.apikey:{key.key_id}")
    assert (event.actor, event.within) == (engineer.account.email, "partner:platform")
    assert text not in str(event.detail)


@pytest.mark.parametrize("environment", ["live", "", "other"])
def test_a_platform_in_its_sandbox_gets_no_production_key(screen, platform, environment):
    Partner.objects.filter(pk=platform.partner.pk).update(state=PartnerState.SANDBOX)
    before = ApiKey.objects.count()

    answer = screen.post(
        "/console/keys/new/", {"environment": environment, "name": "x", "scopes": ["list:read"], "days": "30"}
    )

    assert answer.status_code == 200
    assert ApiKey.objects.count() == before


@pytest.mark.parametrize(
    "wrong",
    [{"days": "366"}, {"days": "0"}, {"scopes": []}, {"scopes": ["everything"]}, {"name": ""}, {"name": "x" * 61}],
)
def test_a_key_with_a_wrong_form_is_not_made(screen, wrong):
    before = ApiKey.objects.count()

    answer = screen.post(
        "/console/keys/new/", {"environment": "live", "name": "x", "scopes": ["list:read"], "days": "30", **wrong}
    )

    assert b"errorlist" in answer.content
    assert ApiKey.objects.count() == before


def test_rotating_gives_a_second_key_and_ends_the_first_in_a_week(screen, platform):
    old = ApiKey.objects.get(partner=platform.partner)

    shown = screen.post(f"/console/keys/{old.key_id}/rotate/")

    new = keys.find(first(r"tid_live_\w+", shown.content.decode(), 0))
    old.refresh_from_db()
    assert (new.scopes, new.name) == (old.scopes, old.name)
    assert timedelta(days=6) < old.expires_at - timezone.now() <= timedelta(days=7)
    assert keys.find(platform.text) == old


def test_revoking_asks_first_and_ends_the_key_at_once(screen, platform):
    key = ApiKey.objects.get(partner=platform.partner)

    assert "cannot be brought back" in text_of(screen.get(f"/console/keys/{key.key_id}/revoke/"))
    assert platform.get("hash-list/head/").status_code == 200
    screen.post(f"/console/keys/{key.key_id}/revoke/")

    assert platform.get("hash-list/head/").status_code == 401


def test_a_revoked_key_is_not_rotated(screen, platform):
    key = ApiKey.objects.get(partner=platform.partner)
    screen.post(f"/console/keys/{key.key_id}/revoke/")

    answer = screen.post(f"/console/keys/{key.key_id}/rotate/")

    assert answer.status_code == 409
    assert "issue a new one instead" in text_of(answer)


def test_keys_of_another_platform_are_not_there(screen, another_platform):
    key = ApiKey.objects.get(partner=another_platform.partner)

    assert [screen.post(f"/console/keys/{key.key_id}/{deed}/").status_code for deed in ("revoke", "rotate")] == [
        404,
        404,
    ]
    assert another_platform.get("hash-list/head/").status_code == 200
    assert key.prefix not in text_of(screen.get("/console/keys/"))


# --- the list ---------------------------------------------------------------------------------------------------


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


# --- reports, clock, disputes -----------------------------------------------------------------------------------


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


# --- usage, audit, guide ----------------------------------------------------------------------------------------


def test_usage_draws_this_platforms_days_with_the_table_behind(screen, platform, another_platform):
    today = timezone.localdate()
    PagesRead.objects.create(reader=platform.reader, day=today, pages=7, changes=4321)
    PagesRead.objects.create(reader=another_platform.reader, day=today, pages=99, changes=1)

    page = screen.get("/console/usage/").content.decode()

    assert f"{today:%d %b}: 7 from production" in page
    assert '<td class="number">4,321</td>' in page
    assert "99" not in re.findall(r'<td class="number">([\d,]+)</td>', page)


def test_usage_without_history_says_so(screen):
    assert "Match reports, by day: nothing yet." in text_of(screen.get("/console/usage/"))


def test_audit_shows_this_house_alone(screen, platform, another_platform):
    keys.issue(
        another_platform.partner, environment=Environment.LIVE, scopes=["list:read"], name="x", by="them@example.org"
    )

    page = text_of(screen.get("/console/audit/"))

    assert "issued a key" in page
    assert "them@example.org" not in page


def test_nothing_a_platform_wrote_becomes_markup(platform, engineer, sequencer):
    Partner.objects.filter(pk=platform.partner.pk).update(name="<img src=x onerror=alert(1)>")
    (entry,) = publish(sequencer)
    report = matched(platform, entry)
    MatchReport.objects.filter(pk=report.pk).update(client_id="<script>alert(1)</script>")
    browser: Client = browser_of(engineer.account)

    for there in ("", "reports/", "clock/", "guide/", "keys/", "usage/", f"clock/{report.pk}/"):
        page = browser.get(f"/console/{there}").content
        assert b"<img" not in page, there
        assert b"<script>" not in page, there
