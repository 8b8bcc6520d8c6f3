"""The way into case management: password, second factor, and no way past it."""

import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.urls import reverse

from takeitdown.accounts.models import Account

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"
PERIOD = 30


def code_of(secret: str, *, good_for: float = 2) -> str:
    """The code of now, which stays right for so many seconds: close to its end it is waited for the next one."""
    left = PERIOD - time.time() % PERIOD
    if left < good_for:
        time.sleep(left + 0.1)
    counters = list(yield_hotp_counters_from_time())
    return str(format_hotp_value(hotp_value(secret, counters[len(counters) // 2])))


def log_in(client, account):
    return client.post(reverse("account_login"), {"login": account.email, "password": PASSWORD}, follow=True)


@pytest.fixture
def staff():
    return Account.objects.create_superuser("staff@example.org", PASSWORD)


@pytest.fixture
def secret(staff):
    secret = generate_totp_secret()
    TOTP.activate(staff, secret)
    return secret


def test_admin_leads_to_the_login_and_back(client):
    response = client.get("/admin/audit/", follow=True)

    assert response.redirect_chain[-1] == ("/accounts/login/?next=%2Fadmin%2Faudit%2F", 302)


def test_staff_with_a_code_come_in(client, staff, secret):
    response = log_in(client, staff)
    assert response.request["PATH_INFO"] == reverse("mfa_authenticate")
    assert client.get("/admin/").status_code == 302

    client.post(reverse("mfa_authenticate"), {"code": code_of(secret)})

    assert client.get("/admin/").status_code == 200


def test_staff_come_in_while_redis_is_away(client, staff, secret, monkeypatch):
    monkeypatch.setattr("takeitdown.limits.LimitsCache._open_until", time.monotonic() + 60)
    log_in(client, staff)
    client.post(reverse("mfa_authenticate"), {"code": code_of(secret)})

    assert client.get("/admin/").status_code == 200


def test_wrong_code_does_not_open(client, staff, secret):
    log_in(client, staff)

    client.post(reverse("mfa_authenticate"), {"code": "000000"})

    assert client.get("/admin/").status_code == 302


@pytest.mark.django_db(transaction=True)  # allauth tells of a new factor once it is committed
def test_first_login_is_led_to_set_up_a_second_factor_and_then_in(client, staff):
    log_in(client, staff)
    form = client.get("/admin/login/?next=/admin/", follow=True)
    assert form.request["PATH_INFO"] == reverse("mfa_activate_totp")
    assert b"<svg" in form.content
    assert b"data:image" not in form.content

    answer = client.post(reverse("mfa_activate_totp"), {"code": code_of(form.context["form"].secret)}, follow=True)

    assert answer.request["PATH_INFO"] == reverse("mfa_view_recovery_codes")
    assert client.get("/admin/").status_code == 200


def test_recovery_code_opens_once(client, staff):
    log_in(client, staff)
    form = client.get(reverse("mfa_activate_totp"))
    client.post(reverse("mfa_activate_totp"), {"code": code_of(form.context["form"].secret)})
    codes = Authenticator.objects.get(user=staff, type=Authenticator.Type.RECOVERY_CODES).wrap().get_unused_codes()
    client.logout()

    for expected in (200, 302):
        log_in(client, staff)
        client.post(reverse("mfa_authenticate"), {"code": codes[0]})
        assert client.get("/admin/").status_code == expected
        client.logout()


def test_session_from_before_the_second_factor_is_asked_for_it(client, staff):
    log_in(client, staff)
    secret = generate_totp_secret()
    TOTP.activate(staff, secret)  # in another browser

    asked = client.get("/admin/", follow=True)
    assert asked.request["PATH_INFO"] == reverse("mfa_reauthenticate")
    client.post(reverse("mfa_reauthenticate"), {"code": code_of(secret)})

    assert client.get("/admin/").status_code == 200


def test_partners_member_is_refused(client):
    member = Account.objects.create_user("member@example.org", PASSWORD)
    log_in(client, member)

    assert client.get("/admin/", follow=True).status_code == 403


def test_nobody_signs_up(client):
    client.post(reverse("account_signup"), {"email": "a@example.org", "password1": PASSWORD, "password2": PASSWORD})

    assert not Account.objects.exists()
