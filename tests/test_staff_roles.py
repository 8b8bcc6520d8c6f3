"""Each role of staff × each page × each action of the admin, written out: a page without a row here fails."""

from __future__ import annotations

from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.db.models import Model
from django.test import Client, RequestFactory
from django.urls import NoReverseMatch, reverse

from takeitdown.accounts import roles
from takeitdown.accounts.models import Account
from tests import make

pytestmark = pytest.mark.django_db

R, P, K, A = roles.REVIEWER, roles.PARTNER_MANAGER, roles.KEY_CUSTODIAN, roles.AUDITOR
NOBODY: set[str] = set()
# Who opens the page, who adds by hand, who changes by hand, and who may press each action of the list.
Row = tuple[set[str], set[str], set[str], dict[str, set[str]]]
PAGES: dict[str, Row] = {
    "accounts.Account": ({A}, NOBODY, NOBODY, {}),
    "approvals.ApprovalRequest": ({R, P, K, A}, NOBODY, NOBODY, {}),
    "audit.AuditEvent": ({A}, NOBODY, NOBODY, {}),
    "auth.Group": ({A}, NOBODY, NOBODY, {}),
    "matching.AdditionsInHour": ({R, A}, NOBODY, NOBODY, {}),
    "matching.BenignHash": ({R, A}, NOBODY, NOBODY, {"ask_to_forget": {R}}),
    "matching.EntryReview": (
        {R, A},
        NOBODY,
        NOBODY,
        {"quarantine": {R}, "ask_to_restore": {R}, "ask_to_refuse": {R}, "leave": {R}},
    ),
    "matching.HashList": (
        {R, P, K, A},
        NOBODY,
        NOBODY,
        {"freeze": {R}, "ask_to_unfreeze": {R}, "ask_to_unfreeze_and_list": {R}},
    ),
    "matching.HashListEntry": (
        {R, A},
        NOBODY,
        NOBODY,
        {"quarantine": {R}, "ask_to_restore": {R}, "ask_to_refuse": {R}},
    ),
    "matching.ListHead": ({R, K, A}, NOBODY, NOBODY, {}),
    "matching.ListReader": (
        {R, P, K, A},
        NOBODY,
        {P},
        {"ask_for_canaries": {P}, "ask_to_retire_canaries": {P}},
    ),
    "matching.SigningKey": ({K, A}, NOBODY, NOBODY, {}),
    "partners.ApiKey": ({P, K, A}, {K}, NOBODY, {"revoke_keys": {K}}),
    "partners.Application": ({P, A}, NOBODY, NOBODY, {}),
    "partners.Delivery": ({P, A}, NOBODY, NOBODY, {}),
    "partners.Feedback": ({R, P, A}, NOBODY, NOBODY, {"set_aside": {P}, "take_up": {P}}),
    "partners.Invitation": ({P, A}, NOBODY, NOBODY, {}),
    "partners.MatchReport": ({R, P, A}, NOBODY, NOBODY, {}),
    "partners.Membership": ({P, A}, NOBODY, NOBODY, {}),
    "partners.PagesRead": ({P, K, A}, NOBODY, NOBODY, {}),
    "partners.Partner": ({R, P, K, A}, NOBODY, NOBODY, {}),
    "partners.SelfTest": ({P, A}, NOBODY, NOBODY, {}),
    "partners.SnapshotDownload": ({P, K, A}, NOBODY, NOBODY, {}),
    "partners.WebhookEndpoint": ({P, K, A}, NOBODY, NOBODY, {"pause": {P}}),
    "submissions.Case": ({R, A}, NOBODY, NOBODY, {}),
    "submissions.Helpline": ({R, A}, {R}, {R}, {}),
    "submissions.Message": ({R}, {R}, NOBODY, {}),
    "submissions.RemovalPage": ({R, A}, {R}, {R}, {}),
}
# Pages of our own: how to reach one, with which method, and who gets past the door (any answer but 403).
OWN: dict[str, tuple[list[Any], str, set[str]]] = {
    "approvals_approvalrequest_decide": ([1], "post", {R, P, K, A}),  # each kind then asks for its own permission
    "matching_benignhash_propose": ([], "get", {R}),
    "matching_find": ([], "get", {R, A}),
    "matching_listreader_trace": ([], "get", {P}),
    "partners_application_deed": (["{application}", "refuse"], "post", {P}),
    "partners_partner_deed": (["{partner}", "production"], "post", {P}),
}
EVERYBODY = (R, P, K, A, "no role")


@pytest.fixture(autouse=True)
def _second_factor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("takeitdown.staff_site.used_a_second_factor", lambda request: True)


@pytest.fixture(autouse=True)
def _roles(db: None) -> None:
    """A test before this one may have emptied the tables."""
    roles.write_down(apps.get_app_config("partners"), "default")


def member_of(role: str) -> Account:
    account = Account.objects.create_user(f"{role.replace(' ', '-')}@ncmec.example", is_staff=True)
    account.groups.set(Group.objects.filter(name=role))
    return account


def browser(role: str) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(member_of(role))
    return client


def registered() -> dict[str, type[Model]]:
    return {model._meta.label: model for model in admin.site._registry}


def own_addresses() -> set[str]:
    """Names of the admin's addresses beyond Django's own for each model."""
    usual = ("_changelist", "_add", "_history", "_delete", "_change")
    return {
        pattern.name
        for model_admin in admin.site._registry.values()
        for pattern in model_admin.get_urls()
        if pattern.name and not pattern.name.endswith(usual)
    }


def test_every_page_of_the_admin_has_a_row():
    assert set(PAGES) == set(registered())
    assert set(OWN) == own_addresses()
    for label, model in registered().items():
        assert set(PAGES[label][3]) == {str(name) for name in admin.site._registry[model].actions or ()}, label


@pytest.mark.parametrize("role", EVERYBODY)
def test_a_role_opens_its_pages_and_no_other(role):
    client = browser(role)
    for label, (looks, adds, _changes, _actions) in PAGES.items():
        name = label.lower().replace(".", "_")
        assert client.get(reverse(f"admin:{name}_changelist")).status_code == (200 if role in looks else 403), label
        assert client.get(reverse(f"admin:{name}_add")).status_code == (200 if role in adds else 403), label


@pytest.mark.parametrize("role", EVERYBODY)
def test_a_role_presses_its_actions_and_no_other(role):
    request = RequestFactory().get("/")
    request.user = member_of(role)
    for label, model in registered().items():
        _looks, _adds, changes, actions = PAGES[label]
        model_admin = admin.site._registry[model]
        assert set(model_admin.get_actions(request)) - {"delete_selected"} == {
            name for name, who in actions.items() if role in who
        }, label
        assert model_admin.has_change_permission(request) == (role in changes), label
        assert not model_admin.has_delete_permission(request), label
        assert "delete_selected" not in model_admin.get_actions(request), label


@pytest.mark.parametrize("role", EVERYBODY)
def test_a_role_gets_past_the_door_of_its_own_pages_and_no_other(role):
    from partners.models import Application, Partner

    rows = {
        "{partner}": Partner.objects.create(name="Oak", code="oak", group="oak").pk,
        "{application}": Application.objects.create(token_digest=bytes(32), terms_version="1").pk,
    }
    client = browser(role)
    make.production_list()
    from takeitdown.approvals.models import ApprovalRequest

    asked = ApprovalRequest.objects.create(kind="x", payload={}, payload_hash="", requester="x")
    for name, (parts, method, who) in OWN.items():
        arguments = [asked.pk if part == 1 else rows.get(part, part) for part in parts]
        answer = getattr(client, method)(reverse(f"admin:{name}", args=arguments))
        assert (answer.status_code != 403) == (role in who), (name, answer.status_code)
        assert answer.status_code < 500, name


def test_roles_hold_exactly_what_is_written_and_migrating_restores_it():
    reviewer = Group.objects.get(name=R)
    before = set(reviewer.permissions.values_list("codename", flat=True))
    reviewer.permissions.add(Permission.objects.get(codename="change_account"))
    reviewer.permissions.remove(Permission.objects.get(codename="view_case"))

    call_command("migrate", verbosity=0)

    assert set(reviewer.permissions.values_list("codename", flat=True)) == before
    assert {"view_case", "change_entryreview"} <= before
    assert "change_account" not in before
    for role, models in roles.ROLES.items():
        held = Group.objects.get(name=role).permissions.count()
        assert held == sum(map(len, models.values())), role


def test_no_role_makes_staff_or_widens_itself():
    dangerous = {"add_account", "change_account", "change_group", "add_group", "change_auditevent", "delete_auditevent"}
    held = set(Permission.objects.filter(group__name__in=roles.ROLES).values_list("codename", flat=True))

    assert held & dangerous == set()


def test_second_factors_are_shown_to_nobody():
    with pytest.raises(NoReverseMatch):
        reverse("admin:mfa_authenticator_changelist")


def test_a_platforms_member_never_becomes_staff(client):
    from partners.models import Partner

    partner = Partner.objects.create(name="Oak", code="oak", group="oak")
    member = Account.objects.create_user("bea@oak.example")
    partner.memberships.create(account=member, role="owner")
    client.force_login(Account.objects.create_superuser("root@ncmec.example"))

    form = {"email": member.email, "is_staff": "on", "is_active": "on"}
    answer = client.post(f"/admin/accounts/account/{member.pk}/change/", form)

    assert "cannot be staff" in answer.content.decode()
    member.refresh_from_db()
    assert not member.is_staff
