"""A member's own account: a new password by mail, another address, sealed seeds, and what the audit log says of it."""

from __future__ import annotations

import re

import pytest
from allauth.account.models import EmailAddress
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from cryptography.fernet import InvalidToken
from django.urls import reverse

from takeitdown.accounts.models import Account
from takeitdown.audit.models import AuditEvent
from tests.partners.console.conftest import PASSWORD, browser_of
from tests.test_staff_login import code_of

pytestmark = pytest.mark.django_db
ANOTHER = "an even better battery"


def events(platform):
    return list(
        AuditEvent.objects.filter(within=f"partner:{platform.partner.code}", target__startswith="accounts.account:")
        .order_by("pk")
        .values_list("action", flat=True)
    )


def test_a_new_password_by_mail_still_asks_for_the_second_factor(client, platform, engineer, mailoutbox):
    client.post(reverse("account_reset_password"), {"email": engineer.account.email})
    (message,) = mailoutbox
    assert message.subject == "Take It Down: Choose a new password"
    link = re.search(r"http://testserver(/\S+)", message.body)
    assert link

    form = client.get(link[1], follow=True)
    assert form.request["PATH_INFO"].endswith("-set-password/")  # the token is out of the address
    client.post(form.request["PATH_INFO"], {"password1": ANOTHER, "password2": ANOTHER})

    login = client.post(reverse("account_login"), {"login": engineer.account.email, "password": ANOTHER}, follow=True)
    assert login.request["PATH_INFO"] == reverse("mfa_authenticate")
    assert client.get("/console/").status_code == 302
    assert events(platform) == ["reset the password"]


def test_asking_for_a_stranger_looks_the_same_and_sends_nothing(client, engineer, mailoutbox):
    answers = [
        client.post(reverse("account_reset_password"), {"email": email}, follow=True)
        for email in (engineer.account.email, "stranger@example.org")
    ]

    assert answers[0].content == answers[1].content
    assert [message.to for message in mailoutbox] == [[engineer.account.email]]


def test_another_address_takes_over_once_it_is_confirmed(screen, engineer, platform, mailoutbox):
    screen.post(reverse("account_email"), {"email": "new@platform.example", "action_add": ""})
    engineer.account.refresh_from_db()
    assert engineer.account.email == "engineer@platform.example"
    (message,) = mailoutbox
    assert message.to == ["new@platform.example"]

    link = re.search(r"http://testserver(/\S+)", message.body)
    assert link
    screen.post(link[1])

    engineer.account.refresh_from_db()
    assert engineer.account.email == "new@platform.example"
    assert events(platform) == ["changed the e-mail address"]


def test_a_new_password_takes_the_old_one(screen, engineer, platform):
    form = {"password1": ANOTHER, "password2": ANOTHER}

    screen.post(reverse("account_change_password"), {"oldpassword": "guessed", **form})
    assert events(platform) == []
    screen.post(reverse("account_change_password"), {"oldpassword": PASSWORD, **form})

    engineer.account.refresh_from_db()
    assert engineer.account.check_password(ANOTHER)
    assert events(platform) == ["changed the password"]


def test_an_address_that_staff_changed_is_the_one_allauth_knows(engineer):
    Account.objects.filter(pk=engineer.account.pk).update(email="mended@platform.example")
    engineer.account.refresh_from_db()

    browser_of(engineer.account)

    rows = EmailAddress.objects.filter(user=engineer.account).values_list("email", "primary", "verified")
    assert list(rows) == [("mended@platform.example", True, True)]


@pytest.mark.parametrize("name", ["account_email", "mfa_deactivate_totp", "mfa_add_webauthn"])
def test_an_account_is_changed_only_by_whoever_showed_who_they_are_just_now(engineer, name):
    stale = browser_of(engineer.account, factor_shown_seconds_ago=400)

    answer = stale.post(reverse(name), {"email": "thief@example.org", "action_add": ""})

    assert "/reauthenticate/" in answer.headers["Location"]


@pytest.mark.parametrize("address", ["/accounts/signup/", "/accounts/signup/passkey/", "/accounts/login/code/"])
def test_ways_in_that_are_closed_stay_closed(client, address):
    client.post(address, {"email": "a@example.org", "password1": ANOTHER, "password2": ANOTHER})

    assert not Account.objects.exists()


# --- seeds ------------------------------------------------------------------------------------------------------


def test_no_seed_of_a_second_factor_is_readable_in_the_database(client, engineer):
    secret = generate_totp_secret()
    Authenticator.objects.filter(user=engineer.account).delete()
    TOTP.activate(engineer.account, secret)
    kept = str(Authenticator.objects.get(user=engineer.account).data)
    assert secret not in kept
    assert "fernet1:" in kept

    client.post(reverse("account_login"), {"login": engineer.account.email, "password": PASSWORD})
    client.post(reverse("mfa_authenticate"), {"code": code_of(secret)})
    assert client.get("/console/").status_code == 200


def test_a_seed_that_was_tampered_with_opens_nothing(engineer):
    authenticator = Authenticator.objects.get(user=engineer.account)
    sealed = authenticator.data["secret"]
    authenticator.data["secret"] = sealed[:-6] + ("A" if sealed[-6] != "A" else "B") + sealed[-5:]

    with pytest.raises(InvalidToken):
        authenticator.wrap().validate_code("123456")


def test_seeds_survive_a_new_secret_key_while_the_old_one_is_a_fallback(engineer, settings):
    authenticator = Authenticator.objects.get(user=engineer.account)
    secret = get_adapter().decrypt(authenticator.data["secret"])
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "another " * 8, [settings.SECRET_KEY]

    assert authenticator.wrap().validate_code(code_of(secret))


@pytest.mark.django_db(transaction=True)  # allauth tells of factors once they are committed
def test_factors_are_in_the_audit_log(screen, platform, engineer):
    screen.post(reverse("mfa_deactivate_totp"))

    assert "removed a second factor" in events(platform)
