"""What the console's pages show and do."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from matching.models import EntryOutcome, ListHead, ListReader
from partners import keys, reports
from partners.models import ApiKey, Environment, MatchReport, PagesRead, Partner, PartnerState
from takeitdown.audit.models import AuditEvent
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


# --- overview ----------------------------------------------------------------------------------------------------


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


# --- keys --------------------------------------------------------------------------------------------------------


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


# --- usage, audit, guide -----------------------------------------------------------------------------------------


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


def test_audit_names_members_and_not_our_staff(screen, platform, engineer):
    mine = engineer.account.email
    for actor in (mine, "reviewer.by.name@ncmec.example"):
        issued = keys.issue(platform.partner, environment=Environment.LIVE, scopes=["list:read"], name="x", by=actor)
        keys.revoke(ApiKey.objects.filter(pk=issued.key.pk), by=actor)

    page = text_of(screen.get("/console/audit/"))

    assert mine in page
    assert "our staff" in page
    assert "reviewer.by.name" not in page


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
