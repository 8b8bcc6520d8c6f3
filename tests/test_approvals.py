"""Four eyes: nobody alone, nobody twice, nothing altered, nobody who lost their role meanwhile."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.utils import timezone

from takeitdown.accounts.models import Account
from takeitdown.approvals import decide, kinds
from takeitdown.approvals.models import ApprovalRequest
from takeitdown.audit.models import AuditEvent
from takeitdown.errors import Refused

pytestmark = pytest.mark.django_db
KIND = "tests.ring the bell"


def colleague(name: str) -> Account:
    account = Account.objects.create_user(f"{name}@example.org", is_staff=True)
    codes = ["change_approvalrequest", "view_approvalrequest"]
    account.user_permissions.set(Permission.objects.filter(codename__in=codes))
    return account


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, str]]:
    """What the deed was done with, and by whom it was allowed."""
    done: list[tuple[Any, str]] = []
    monkeypatch.setattr(kinds, "_kinds", dict(kinds._kinds))

    def ring(payload: dict[str, Any], by: str) -> str:
        if payload["times"] > 9:
            raise Refused("The bell does not bear that.")
        done.append((payload, by))
        return "rung"

    decide.register(KIND, ring, lambda payload: f"The bell rings {payload['times']} times.", label="Ring the bell")
    return done


@pytest.fixture
def one() -> Account:
    return colleague("one")


@pytest.fixture
def two() -> Account:
    return colleague("two")


def ask(requester: Account, times: int = 3) -> ApprovalRequest:
    return decide.ask(requester=requester.email, kind=KIND, payload={"times": times})


def test_a_second_person_has_it_done_once(rung, one, two):
    request = ask(one)

    assert decide.settle(request.pk, approver=two.email, allow=True) == "rung"
    with pytest.raises(decide.NoLongerOpen):
        decide.settle(request.pk, approver=two.email, allow=True)

    assert rung == [({"times": 3}, "two@example.org")]
    assert list(AuditEvent.objects.order_by("id").values_list("actor", "action", "detail")) == [
        ("one@example.org", "asked for approval", {"kind": KIND}),
        ("two@example.org", "allowed", {"kind": KIND}),
    ]


def test_a_refused_request_does_nothing(rung, one, two):
    request = ask(one)

    assert decide.settle(request.pk, approver=two.email, allow=False) is None

    request.refresh_from_db()
    assert (request.allowed, rung) == (False, [])


def test_asking_twice_is_one_request(rung, one, two):
    assert ask(one) == ask(one) == ask(two)
    assert ask(one, times=4) != ask(one)


def test_nobody_allows_their_own(rung, one):
    with pytest.raises(decide.NotYoursToDecide):
        decide.settle(ask(one).pk, approver=one.email, allow=True)
    assert rung == []


def test_what_was_altered_or_has_expired_is_not_allowed(rung, one, two):
    altered, expired = ask(one), ask(one, times=4)
    ApprovalRequest.objects.filter(pk=altered.pk).update(payload={"times": 9})
    ApprovalRequest.objects.filter(pk=expired.pk).update(asked_at=timezone.now() - timedelta(hours=24, seconds=1))

    for request in (altered, expired):
        with pytest.raises(decide.NoLongerOpen):
            decide.settle(request.pk, approver=two.email, allow=True)
    with pytest.raises(decide.NoLongerOpen):
        decide.settle(10**9, approver=two.email, allow=True)
    assert rung == []


def demote(account: Account) -> None:
    account.user_permissions.clear()


def dismiss(account: Account) -> None:
    Account.objects.filter(pk=account.pk).update(is_active=False)


def make_a_member(account: Account) -> None:
    Account.objects.filter(pk=account.pk).update(is_staff=False)


@pytest.mark.parametrize("lose_it", [demote, dismiss, make_a_member])
def test_who_lost_their_role_meanwhile_counts_on_neither_side(rung, one, two, lose_it):
    request = ask(one)
    lose_it(two)
    with pytest.raises(decide.NotYoursToDecide):
        decide.settle(request.pk, approver=two.email, allow=True)
    three = colleague("three")
    lose_it(one)
    with pytest.raises(decide.NoLongerOpen):
        decide.settle(request.pk, approver=three.email, allow=True)
    with pytest.raises(decide.MayNotAsk):
        ask(one, times=5)

    assert decide.settle(request.pk, approver=three.email, allow=False) is None
    assert rung == []


def test_a_deed_that_declines_leaves_the_request_open(rung, one, two):
    request = ask(one, times=10)
    events = AuditEvent.objects.count()

    with pytest.raises(Refused, match="does not bear"):
        decide.settle(request.pk, approver=two.email, allow=True)

    request.refresh_from_db()
    assert (request.decided_at, AuditEvent.objects.count()) == (None, events)


def test_a_request_of_another_kind_is_not_touched(rung, one, two):
    request = ask(one)

    with pytest.raises(decide.NoLongerOpen):
        decide.settle(request.pk, approver=two.email, allow=True, kind="tests.something else")

    request.refresh_from_db()
    assert (request.decided_at, rung) == (None, [])


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_of_two_who_allow_at_once_one_has_it_done(rung, one, two):
    request, three = ask(one), colleague("three")
    together = Barrier(2)

    def allow(account: Account) -> str:
        together.wait(timeout=30)
        try:
            return str(decide.settle(request.pk, approver=account.email, allow=True))
        except Refused as refusal:
            return refusal.code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(allow, [two, three])) == ["no_longer_open", "rung"]
    assert len(rung) == 1


# --- the page ---------------------------------------------------------------------------------------------------


def browser_of(account: Account, monkeypatch: pytest.MonkeyPatch) -> Client:
    monkeypatch.setattr("takeitdown.staff_site.used_a_second_factor", lambda request: True)
    monkeypatch.setattr("takeitdown.accounts.second_factor.shown_lately", lambda request: True)
    client = Client()
    client.force_login(account)
    return client


def test_the_page_says_what_will_happen_and_the_second_person_presses(rung, one, two, monkeypatch):
    request = ask(one)
    page = f"/admin/approvals/approvalrequest/{request.pk}/change/"
    mine, theirs = browser_of(one, monkeypatch), browser_of(two, monkeypatch)

    assert "Somebody else has to decide" in mine.get(page).content.decode()
    assert 'value="allow"' not in mine.get(page).content.decode()
    html = theirs.get(page).content.decode()
    assert "The bell rings 3 times." in html
    assert 'value="allow"' in html
    assert theirs.get("/admin/approvals/approvalrequest/?state=waiting").context["cl"].result_count == 1
    mine.post(f"/admin/approvals/approvalrequest/{request.pk}/decide/", {"answer": "allow"})
    theirs.post(f"/admin/approvals/approvalrequest/{request.pk}/decide/", {"answer": "perhaps"})
    assert rung == []

    answer = theirs.post(f"/admin/approvals/approvalrequest/{request.pk}/decide/", {"answer": "allow"}, follow=True)

    assert rung == [({"times": 3}, "two@example.org")]
    assert "Allowed and carried out." in answer.content.decode()
    assert theirs.get("/admin/approvals/approvalrequest/?state=over").context["cl"].result_count == 1


def test_allowing_takes_a_second_factor_shown_lately_and_refusing_does_not(rung, one, two, monkeypatch):
    request, other = ask(one), ask(one, times=4)
    client = browser_of(two, monkeypatch)
    monkeypatch.setattr("takeitdown.accounts.second_factor.shown_lately", lambda request: False)

    answer = client.post(f"/admin/approvals/approvalrequest/{request.pk}/decide/", {"answer": "allow"})
    client.post(f"/admin/approvals/approvalrequest/{other.pk}/decide/", {"answer": "refuse"})

    here = f"%2Fadmin%2Fapprovals%2Fapprovalrequest%2F{request.pk}%2Fchange%2F"
    assert answer["Location"] == f"/accounts/2fa/totp/activate/?next={here}"
    assert rung == []
    other.refresh_from_db()
    assert other.allowed is False


def test_a_link_alone_decides_nothing(rung, one, two, monkeypatch):
    request = ask(one)

    assert browser_of(two, monkeypatch).get(f"/admin/approvals/approvalrequest/{request.pk}/decide/").status_code == 405
    assert rung == []
