"""The self-test as an engineer sees it: begun, answered, judged; test entries withdrawn on demand."""

from __future__ import annotations

import pytest
from django.test import Client

from matching import epochs
from partners import self_tests
from partners.models import Environment, Partner, PartnerState, Role, Scope, SelfTest
from partners.sandbox import open_sandbox
from tests.partners.console.conftest import browser_of, member_of
from tests.partners.console.test_pages import text_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def tester(archive, sequencer):
    """A platform in its sandbox, whose list is published."""
    partner = Partner.objects.create(name="Tester", code="tester", group="tester", state=PartnerState.SANDBOX)
    open_sandbox(partner)
    epochs.begin_new_lists(sequencer)
    sequencer.run_until_idle()
    return partner


@pytest.fixture
def bench(tester) -> Client:
    """An engineer's browser."""
    return browser_of(member_of(tester, Role.ENGINEER).account)


def test_a_run_is_begun_answered_and_explained(bench, tester):
    bench.post("/console/self-test/")
    run = SelfTest.objects.get()
    assert "Open: waits for your matches." in text_of(bench.get("/console/self-test/"))

    self_tests.answer(run, {})
    assert "waits for a copy without the withdrawn entries" in text_of(bench.get("/console/self-test/"))

    SelfTest.objects.update(withdrawn_at=run.begun_at.replace(year=2020))
    self_tests.judge(SelfTest.objects.get())
    page = bench.get("/console/self-test/").content.decode()
    assert "Not passed." in page
    assert "<code>missed</code>" in page
    assert "Certificate" not in page


def test_a_run_that_passed_is_the_certificate(bench, tester):
    SelfTest.objects.create(
        partner=tester, judged_at="2026-11-01T10:00Z", answered_at="2026-11-01T09:59Z", passed=True,
        result={"files": 480, "caught": 399, "to_catch": 400, "dropped_after_seconds": 4.2, "faults": []},
    )  # fmt: skip

    page = text_of(bench.get("/console/self-test/"))

    assert "Tester passed the self-test of Take It Down on 2026-11-01." in page
    assert "399 / 400" in page


@pytest.mark.parametrize(("count", "gone"), [("2", 2), ("0", 0), ("21", 0), ("x", 0), ("", 0)])
def test_tombstones_on_demand(bench, tester, sequencer, count, gone):
    live = tester.sandbox_reader.hash_list
    live.refresh_from_db()
    before = live.live

    bench.post("/console/self-test/tombstones/", {"count": count})
    sequencer.run_until_idle()

    removed = live.changes.filter(op=3).count()
    assert removed == gone
    assert before > 0


def test_the_guide_of_a_platform_in_its_sandbox_offers_no_production_key(bench, tester):
    page = text_of(bench.get("/console/keys/new/"))

    assert "A production key becomes possible once you have passed the self-test" in page
    answer = bench.post(
        "/console/keys/new/",
        {"environment": Environment.TEST, "name": "tests", "scopes": [Scope.LIST_READ], "days": "10"},
    )
    assert "tid_test_" in answer.content.decode()
