"""Members of every role, and their browsers."""

from __future__ import annotations

import time

import pytest
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.account.internal.flows.login import _AUTHENTICATION_METHODS_USER_SESSION_KEY
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.test import Client

from matching.models import HashList, ListReader
from partners.models import Membership, Partner, Role
from takeitdown.accounts.models import Account
from tests.partners.conftest import Platform

PASSWORD = "correct horse battery"


def member_of(partner: Partner, role: Role) -> Membership:
    account = Account.objects.create_user(f"{role}@{partner.code}.example", PASSWORD)
    TOTP.activate(account, generate_totp_secret())
    return Membership.objects.create(account=account, partner=partner, role=role)


def browser_of(account: Account, *, factor_shown_seconds_ago: float | None = 0) -> Client:
    """A browser that is logged in, and showed its second factor so long ago; with None not at all."""
    client = Client()
    client.force_login(account)
    session = client.session
    session[_AUTHENTICATION_METHODS_USER_SESSION_KEY] = str(account.pk)
    session[AUTHENTICATION_METHODS_SESSION_KEY] = [{"method": "password", "at": time.time()}]
    if factor_shown_seconds_ago is not None:
        at = time.time() - factor_shown_seconds_ago
        session[AUTHENTICATION_METHODS_SESSION_KEY] += [{"method": "mfa", "type": "totp", "at": at}]
    session.save()
    return client


@pytest.fixture
def owner(platform: Platform) -> Membership:
    return member_of(platform.partner, Role.OWNER)


@pytest.fixture
def engineer(platform: Platform) -> Membership:
    return member_of(platform.partner, Role.ENGINEER)


@pytest.fixture
def reviewer(platform: Platform) -> Membership:
    return member_of(platform.partner, Role.REVIEWER)


@pytest.fixture
def reader_member(platform: Platform) -> Membership:
    return member_of(platform.partner, Role.READ_ONLY)


@pytest.fixture
def with_sandbox(platform: Platform, sandbox: HashList) -> Platform:
    """The platform with a list of its own beside production."""
    reader = ListReader.objects.create(hash_list=sandbox, name="platform")
    Partner.objects.filter(pk=platform.partner.pk).update(sandbox_reader=reader)
    platform.partner.refresh_from_db()
    return platform


@pytest.fixture
def screen(engineer: Membership) -> Client:
    """The browser of an engineer who has just shown a second factor."""
    return browser_of(engineer.account)
