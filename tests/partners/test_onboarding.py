"""From an application to the production list, by two people each time; suspended by one; and out again."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core import mail
from django.db import connection
from django.test import Client
from django.utils import timezone

from matching.models import HashList, ListReader
from partners import applications, keys, onboarding, terms
from partners.joining import ApplicationDecided, ApplicationNotFound, CodeNotUsable, CodeTaken, NotReady, WrongState
from partners.mail import MailNotSent
from partners.models import (
    ApiKey,
    Application,
    Environment,
    Invitation,
    Partner,
    Scope,
    SelfTest,
    TermsAcceptance,
)
from takeitdown.accounts.models import Account
from takeitdown.approvals import decide
from takeitdown.audit.models import AuditEvent
from takeitdown.errors import Refused
from tests import make

pytestmark = pytest.mark.django_db
FORM = {
    "organisation": "Birch Ltd",
    "service": "Birch",
    "website": "https://birch.example/",
    "contact_email": "Ada@birch.example",
    "security_email": "security@birch.example",
    "on_a_match": "Two reviewers look at it within an hour.",
}


@pytest.fixture(autouse=True)
def _production(db: None) -> HashList:
    return make.production_list()


def staff(name: str) -> str:
    account = Account.objects.create_user(f"{name}@ncmec.example", is_staff=True)
    codes = ["change_application", "change_partner"]
    account.user_permissions.set(Permission.objects.filter(codename__in=codes, content_type__app_label="partners"))
    return account.email


@pytest.fixture
def one(db: None) -> str:
    return staff("one")


@pytest.fixture
def two(db: None) -> str:
    return staff("two")


@pytest.fixture
def committed(django_capture_on_commit_callbacks: Any) -> Any:
    """Call something and let what waits for the commit happen."""

    def call(function: Any, *args: Any, **kwargs: Any) -> Any:
        mail.outbox.clear()
        with django_capture_on_commit_callbacks(execute=True):
            return function(*args, **kwargs)

    return call


def token_in_mail() -> str:
    (sent,) = mail.outbox
    found = re.search(r"/en/platforms/application/([\w-]+)/", str(sent.body))
    assert found is not None
    return found[1]


@pytest.fixture
def application(committed: Any) -> Application:
    """With its address confirmed."""
    committed(onboarding.apply, **FORM)
    return onboarding.confirm_email(token_in_mail())


@pytest.fixture
def partner(application: Application, one: str, two: str, committed: Any) -> Partner:
    request = onboarding.propose_approval(application, code="birch", group="birch", by=one)
    approved: Partner = committed(onboarding.approve, request.pk, by=two)
    return approved


def certify(partner: Partner) -> None:
    partner.certified_at = timezone.now()
    partner.save()


def in_production(partner: Partner, one: str, two: str) -> Partner:
    certify(partner)
    request = onboarding.propose_production(partner, named_in_public=True, by=one)
    return onboarding.allow_production(request.pk, by=two)


# --- applying ---------------------------------------------------------------------------------------------------


def test_an_application_waits_for_its_address(committed):
    committed(onboarding.apply, **FORM)

    application = Application.objects.get()
    assert (application.stage, application.contact_email) == ("email", "ada@birch.example")
    assert application.terms_version == terms.CURRENT
    assert mail.outbox[0].to == ["ada@birch.example"]
    assert not {"Birch", "birch.example", "reviewers"} & set(re.split(r"[\s/]", str(mail.outbox[0].body)))
    token = token_in_mail()
    assert onboarding.confirm_email(token).stage == "review"
    confirmed_at = Application.objects.get().email_verified_at
    assert onboarding.confirm_email(token).email_verified_at == confirmed_at
    assert AuditEvent.objects.filter(action="confirmed an application").count() == 1


def test_strangers_cannot_confirm_and_the_database_does_not_hold_the_token(committed):
    committed(onboarding.apply, **FORM)
    application = Application.objects.get()

    for guess in ("", "x", application.pk.hex, bytes(application.token_digest).hex()):
        with pytest.raises(ApplicationNotFound):
            onboarding.confirm_email(guess)
    assert len(application.token_digest) == 32


def test_applying_again_sends_a_new_link_and_no_second_application(application, committed):
    committed(onboarding.apply, **{**FORM, "service": "BIRCH", "on_a_match": "Nothing."})

    assert applications.find(token_in_mail()) == application
    assert Application.objects.get().on_a_match == FORM["on_a_match"]


def test_a_stranger_cannot_replace_what_somebody_is_about_to_confirm(committed):
    committed(onboarding.apply, **FORM)
    token = token_in_mail()

    committed(onboarding.apply, **{**FORM, "on_a_match": "Nothing."})

    assert onboarding.confirm_email(token).on_a_match == FORM["on_a_match"]


def test_an_application_outlives_a_mail_server_that_is_away(settings, committed):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1  # nobody listens there
    with pytest.raises(MailNotSent):
        committed(onboarding.apply, **FORM)

    assert Application.objects.get().stage == "email"


def test_what_nobody_confirms_goes_after_a_week(application, committed):
    committed(onboarding.apply, **{**FORM, "service": "Other"})
    assert applications.forget_abandoned() == 0
    Application.objects.update(applied_at=timezone.now() - timedelta(days=7, seconds=1))

    assert applications.forget_abandoned() == 1

    assert Application.objects.get() == application


def test_a_refused_applicant_reads_why(application, committed, one, two):
    request = onboarding.propose_approval(application, code="birch", group="birch", by=one)

    committed(onboarding.refuse, application, reason=" Say who reviews. ", by=one)

    application.refresh_from_db()
    assert (application.stage, application.reason) == ("refused", "Say who reviews.")
    assert "Say who reviews." in str(mail.outbox[0].body)
    with pytest.raises(ApplicationDecided):
        onboarding.refuse(application, reason="Again.", by=one)
    with pytest.raises(ApplicationDecided):
        onboarding.approve(request.pk, by=two)
    assert not Partner.objects.exists()


# --- approval ---------------------------------------------------------------------------------------------------


def test_two_members_of_staff_make_a_partner(partner, application, two):
    assert (partner.name, partner.code, partner.group, partner.state) == ("Birch", "birch", "birch", "sandbox")
    assert partner.application == application
    assert partner.reader is None
    accepted = TermsAcceptance.objects.get()
    assert (accepted.partner, accepted.version, accepted.by) == (partner, terms.CURRENT, "ada@birch.example")
    invitation = Invitation.objects.open().get()
    assert (invitation.email, invitation.role, invitation.partner) == ("ada@birch.example", "owner", partner)
    assert mail.outbox[0].to == ["ada@birch.example"]
    assert "approved an application" in set(
        AuditEvent.objects.filter(within="partner:birch", actor=two).values_list("action", flat=True)
    )


def test_nobody_approves_alone_or_twice(application, one, two):
    request = onboarding.propose_approval(application, code="birch", group="birch", by=one)

    with pytest.raises(decide.NotYoursToDecide):
        onboarding.approve(request.pk, by=one)
    onboarding.approve(request.pk, by=two)
    with pytest.raises(decide.NoLongerOpen):
        onboarding.approve(request.pk, by=two)

    assert Partner.objects.count() == 1


def test_what_changed_after_the_proposal_is_not_approved(application, one, two):
    request = onboarding.propose_approval(application, code="birch", group="birch", by=one)
    Application.objects.update(website="https://elsewhere.example/")

    with pytest.raises(ApplicationDecided):
        onboarding.approve(request.pk, by=two)

    assert not Partner.objects.exists()


def test_an_unconfirmed_application_is_not_approved(committed, one):
    committed(onboarding.apply, **FORM)

    with pytest.raises(ApplicationDecided):
        onboarding.propose_approval(Application.objects.get(), code="birch", group="birch", by=one)


@pytest.mark.parametrize("code", ["", "Birch", "birch ", "a--b", "-a", "birch\n", "ბ", "a" * 41, "sandbox/x"])
def test_a_code_that_cannot_name_a_list_is_refused(application, one, code):
    with pytest.raises(CodeNotUsable):
        onboarding.propose_approval(application, code=code, group="birch", by=one)


@pytest.mark.parametrize("taken", [{"name": "Other", "code": "birch"}, {"name": "BIRCH", "code": "other"}])
def test_code_and_name_are_given_once_also_when_taken_meanwhile(application, one, two, taken):
    request = onboarding.propose_approval(application, code="birch", group="birch", by=one)
    Partner.objects.create(**taken, group="x")

    with pytest.raises(CodeTaken):
        onboarding.propose_approval(application, code="birch", group="birch", by=one)
    with pytest.raises(CodeTaken):
        onboarding.approve(request.pk, by=two)
    assert not Invitation.objects.exists()


def test_a_mail_server_that_is_away_undoes_no_approval(application, one, two, settings, committed):
    request = onboarding.propose_approval(application, code="birch", group="birch", by=one)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", 1

    with pytest.raises(MailNotSent):
        committed(onboarding.approve, request.pk, by=two)

    assert Partner.objects.get().invitations.open().count() == 1


# --- production -------------------------------------------------------------------------------------------------


def test_the_list_opens_after_the_self_test_by_two_people(partner, one, two, committed):
    with pytest.raises(NotReady, match="self-test"):
        onboarding.propose_production(partner, named_in_public=True, by=one)
    certify(partner)
    request = onboarding.propose_production(partner, named_in_public=True, by=one)
    with pytest.raises(decide.NotYoursToDecide):
        onboarding.allow_production(request.pk, by=one)

    opened = committed(onboarding.allow_production, request.pk, by=two)

    assert (opened.state, opened.reader.is_public, opened.reader.hash_list.name) == ("production", True, "production")
    assert mail.outbox[0].subject == "Birch may read the production list of Take It Down"


def test_readiness_is_looked_at_again_when_it_is_allowed(partner, one, two):
    certify(partner)
    request = onboarding.propose_production(partner, named_in_public=True, by=one)
    Partner.objects.update(certified_at=None)

    with pytest.raises(NotReady):
        onboarding.allow_production(request.pk, by=two)

    TermsAcceptance.objects.all().delete()
    certify(partner)
    with pytest.raises(NotReady, match="terms"):
        onboarding.allow_production(request.pk, by=two)
    assert not ListReader.objects.public().exists()


def test_a_request_of_one_kind_does_not_open_the_other(application, partner, one, two):
    certify(partner)
    request = onboarding.propose_production(partner, named_in_public=True, by=one)

    with pytest.raises(decide.NoLongerOpen):
        onboarding.allow_resuming(request.pk, by=two)
    with pytest.raises(decide.NoLongerOpen):
        onboarding.approve(request.pk, by=two)


# --- suspended, resumed, gone -----------------------------------------------------------------------------------


def live_key(partner: Partner) -> dict[str, str]:
    issued = keys.issue(partner, environment=Environment.LIVE, scopes=[Scope.LIST_READ], name="k", by="tests")
    return {"Authorization": f"Bearer {issued.text}"}


def test_one_person_suspends_at_once_and_two_lift_it(partner, one, two, committed):
    partner = in_production(partner, one, two)
    headers = live_key(partner)
    entry = "/api/v1/hash-list/entries/" + "0" * 32 + "/"
    assert Client().get(entry, headers=headers).status_code == 404

    committed(onboarding.suspend, partner, because="A leaked key.", by=one)

    assert Client().get(entry, headers=headers).status_code == 403
    assert not ListReader.objects.public().exists()
    assert "A leaked key." in str(mail.outbox[0].body)
    assert onboarding.next_step(partner).explanation == "A leaked key."
    request = onboarding.propose_resuming(partner, named_in_public=True, by=one)
    with pytest.raises(decide.NotYoursToDecide):
        onboarding.allow_resuming(request.pk, by=one)
    onboarding.allow_resuming(request.pk, by=two)
    assert Client().get(entry, headers=headers).status_code == 404
    assert ListReader.objects.public().count() == 1
    partner.refresh_from_db()
    assert (partner.state, partner.suspended_because) == ("production", "")


def test_a_suspended_sandbox_goes_back_to_being_one(partner, one, two):
    onboarding.suspend(partner, because="Unanswered questions.", by=one)
    request = onboarding.propose_resuming(partner, named_in_public=True, by=one)

    assert onboarding.allow_resuming(request.pk, by=two).state == "sandbox"
    with pytest.raises(WrongState):
        onboarding.propose_resuming(Partner.objects.get(), named_in_public=True, by=one)


def test_who_leaves_reads_nothing_more_and_is_not_named(partner, one, two, committed):
    partner = in_production(partner, one, two)
    headers = live_key(partner)
    hook = partner.webhooks.create(reader=partner.reader, url="https://birch.example/hook")

    committed(onboarding.leave, partner, by="ada@birch.example")
    onboarding.leave(partner, by="ada@birch.example")

    assert Client().get("/api/v1/hash-list/head/", headers=headers).status_code == 401
    assert ApiKey.objects.live().count() == 0
    assert not ListReader.objects.public().exists()
    hook.refresh_from_db()
    assert hook.removed_at is not None
    assert Invitation.objects.open().count() == 0
    assert TermsAcceptance.objects.count() == 1
    done = AuditEvent.objects.filter(within="partner:birch", actor="ada@birch.example").values_list("action", flat=True)
    assert sorted(done) == ["left", "removed a webhook", "revoked a key", "withdrew an invitation"]
    with pytest.raises(WrongState):
        onboarding.suspend(partner, because="x", by=one)


def test_who_left_comes_back_into_the_sandbox_by_two_people(partner, one, two):
    in_production(partner, one, two)
    request = onboarding.propose_leaving(partner, by=one)
    onboarding.allow_leaving(request.pk, by=two)
    partner.refresh_from_db()
    assert onboarding.next_step(partner).name == "left"

    request = onboarding.propose_resuming(partner, named_in_public=True, by=one)
    back = onboarding.allow_resuming(request.pk, by=two)

    assert (back.state, back.certified_at) == ("sandbox", None)
    assert not ListReader.objects.public().exists()
    in_production(back, one, two)
    assert ListReader.objects.public().count() == 1


# --- what comes next --------------------------------------------------------------------------------------------


def test_each_step_names_the_next(partner, one, two):
    def now() -> str:
        partner.refresh_from_db()
        return onboarding.next_step(partner).name

    assert now() == "accept_invitation"
    partner.memberships.create(account=Account.objects.create_user("ada@birch.example"), role="owner")
    TermsAcceptance.objects.all().delete()
    assert now() == "accept_terms"
    terms.accept(partner, by="ada@birch.example")
    assert now() == "issue_test_key"
    keys.issue(partner, environment=Environment.TEST, scopes=[Scope.LIST_READ], name="k", by="tests")
    assert now() == "take_self_test"
    SelfTest.objects.create(partner=partner, judged_at=timezone.now(), passed=False)
    assert now() == "repeat_self_test"
    certify(partner)
    assert now() == "staff_propose"
    request = onboarding.propose_production(partner, named_in_public=False, by=one)
    assert now() == "staff_allow"
    onboarding.allow_production(request.pk, by=two)
    assert now() == "issue_live_key"
    live_key(partner)
    assert now() == "take_first_copy"
    ListReader.objects.filter(partner=partner).update(reached_on=timezone.localdate(), diverged_at=timezone.now())
    assert now() == "repair_copy"
    ListReader.objects.filter(partner=partner).update(diverged_at=None)
    assert now() == "takes_part"


# --- at once ----------------------------------------------------------------------------------------------------


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_of_two_who_approve_at_once_one_makes_the_partner(application, one):
    request = onboarding.propose_approval(application, code="birch", group="birch", by=one)
    together = Barrier(2)

    def approve(who: str) -> str:
        together.wait(timeout=30)
        try:
            return onboarding.approve(request.pk, by=who).code
        except Refused as refusal:
            return refusal.code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(approve, [staff("two"), staff("three")])) == ["birch", "no_longer_open"]
    assert Partner.objects.count() == Invitation.objects.count() == 1
