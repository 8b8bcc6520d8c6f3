"""How long a login lasts."""

import time

import pytest
from django.contrib.sessions.models import Session
from django.test import Client

from takeitdown.accounts import sessions
from takeitdown.accounts.models import Account

pytestmark = pytest.mark.django_db
PAGE = "/accounts/2fa/"
MINUTE, HOUR = 60, 3600


@pytest.fixture
def logged_in(client):
    client.force_login(Account.objects.create_user("member@example.org", "correct horse battery"))
    return client


def shift(client, **back):
    """Move the session's clocks back by so many seconds."""
    session = client.session
    for name, seconds in back.items():
        session[name] = time.time() - seconds
    session.save()


def is_in(client):
    return client.get(PAGE).status_code == 200


def test_a_login_in_use_goes_on(logged_in):
    shift(logged_in, began_at=7 * HOUR, used_at=14 * MINUTE)

    assert is_in(logged_in)
    assert time.time() - logged_in.session[sessions.USED] < MINUTE


def test_a_login_ends_after_fifteen_minutes_without_a_deed(logged_in):
    shift(logged_in, used_at=15 * MINUTE + 1)

    assert not is_in(logged_in)
    assert not is_in(logged_in)  # and it doesn't come back
    assert "_auth_user_id" not in logged_in.session


def test_a_login_ends_after_eight_hours_however_busy(logged_in):
    shift(logged_in, began_at=8 * HOUR + 1, used_at=1)

    assert not is_in(logged_in)


def test_a_session_without_clocks_opens_nothing(logged_in):
    session = logged_in.session
    del session[sessions.BEGAN], session[sessions.USED]
    session.save()

    assert not is_in(logged_in)


def test_whoever_is_logged_out_is_told_why(logged_in):
    shift(logged_in, used_at=HOUR)

    assert b"logged out because" in logged_in.get(PAGE, follow=True).content


def test_a_session_planted_before_the_login_opens_nothing(client):
    client.get("/accounts/login/")
    session = client.session
    session["planted"] = "by a stranger"
    session.save()
    planted = client.cookies["tid_account"] = session.session_key
    account = Account.objects.create_user("member@example.org", "correct horse battery")

    client.post("/accounts/login/", {"login": account.email, "password": "correct horse battery"})

    assert is_in(client)
    assert client.cookies["tid_account"].value != planted
    assert not Session.objects.filter(session_key=planted).exists()


def test_no_session_keeps_an_address_or_a_browser(client):
    account = Account.objects.create_user("member@example.org", "correct horse battery")
    named = {"User-Agent": "kanari3nvogel", "X-Forwarded-For": "203.0.113.77"}

    client.post(
        "/accounts/login/", {"login": account.email, "password": "correct horse battery"}, headers=named,
        REMOTE_ADDR="203.0.113.78",
    )  # fmt: skip

    kept = str(dict(client.session.items()))
    assert "_auth_user_id" in kept
    assert not any(name in kept for name in ("kanari3nvogel", "203.0.113"))


def test_visitors_without_a_login_cost_no_query(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        client.get("/health/live/")


@pytest.mark.parametrize(
    ("address", "says"), [("/accounts/login/", b"This page was too old"), ("/console/list/", b"This page was too old")]
)
def test_a_form_from_a_login_that_is_over_says_what_to_do(address, says):
    answer = Client(enforce_csrf_checks=True).post(address, {"value": "x"})

    assert answer.status_code == 403
    assert says in answer.content
