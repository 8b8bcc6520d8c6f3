"""Every page of the console × every role × every method, from the URLconf: a new page without a row fails."""

import uuid

import pytest
from django.urls import reverse

from partners.console import doors, urls
from partners.models import Membership, Partner, PartnerState, Role
from takeitdown.accounts.models import Account
from tests.partners.console.conftest import browser_of, member_of

pytestmark = pytest.mark.django_db
LOOK, REVIEW, ENGINEER, OWNER = Role.READ_ONLY, Role.REVIEWER, Role.ENGINEER, Role.OWNER
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
NOBODYS = uuid.UUID(int=1)
EXAMPLES = {
    "key_id": "x", "entry_id": NOBODYS, "report_id": 0, "hook_id": NOBODYS, "deed": "test", "request_id": 0,
    "member_id": 0, "invitation_id": 0,
}  # fmt: skip

# For each page: the least role that may GET it, the least that may POST to it, and whether a fresh factor is asked for.
TABLE = {
    "overview": (LOOK, None, False),
    "guide": (LOOK, None, False),
    "keys": (LOOK, None, False),
    "new_key": (ENGINEER, ENGINEER, True),
    "rotate_key": (ENGINEER, ENGINEER, True),
    "revoke_key": (ENGINEER, ENGINEER, True),
    "webhooks": (LOOK, None, False),
    "new_webhook": (ENGINEER, ENGINEER, True),
    "webhook": (LOOK, None, False),
    "webhook_secret": (ENGINEER, ENGINEER, True),
    "webhook_address": (ENGINEER, ENGINEER, True),
    "remove_webhook": (ENGINEER, ENGINEER, True),
    "decide_address": (ENGINEER, ENGINEER, True),
    "webhook_deed": (None, ENGINEER, False),
    "list": (LOOK, REVIEW, False),
    "entry": (LOOK, REVIEW, False),
    "reports": (LOOK, REVIEW, False),
    "feedback": (LOOK, REVIEW, False),
    "clock": (LOOK, None, False),
    "decide": (REVIEW, REVIEW, False),
    "disputes": (LOOK, None, False),
    "self_test": (LOOK, ENGINEER, False),
    "withdraw_entries": (None, ENGINEER, False),
    "members": (LOOK, None, False),
    "invite": (OWNER, OWNER, True),
    "change_role": (OWNER, OWNER, True),
    "remove_member": (OWNER, OWNER, True),
    "withdraw_invitation": (OWNER, OWNER, True),
    "terms": (LOOK, OWNER, False),
    "leave": (OWNER, OWNER, True),
    "usage": (LOOK, None, False),
    "audit": (LOOK, None, False),
}
REFUSED_FOR_LACK = {"self_test": {403, 503}}  # no sandbox, and perhaps no test pictures yet
WITHOUT_A_DOOR = {"login"}  # the way in


def address(pattern):
    return reverse(f"console:{pattern.name}", kwargs={name: EXAMPLES[name] for name in pattern.pattern.converters})


def pages():
    """Every address with a door: its name, an example, and the least role by method."""
    for pattern in urls.urlpatterns:
        if pattern.name in TABLE:
            get, post, _fresh = TABLE[pattern.name]
            yield pattern.name, address(pattern), {"GET": get, "POST": post}


def test_every_page_has_a_row_and_its_door_says_the_same():
    assert {pattern.name for pattern in urls.urlpatterns} - WITHOUT_A_DOOR == set(TABLE)
    for pattern in urls.urlpatterns:
        if pattern.name in TABLE:
            get, post, fresh = TABLE[pattern.name]
            least = {"GET": get, "HEAD": get, "POST": post}
            door = vars(pattern.callback)["door"]
            assert door.least == {method: role for method, role in least.items() if role}, pattern.name
            assert door.fresh is fresh, pattern.name


def test_what_asks_for_a_fresh_factor_can_be_opened_by_get():
    """Whoever shows it comes back by GET; a page that only takes forms would lose them."""
    assert all(row[0] for row in TABLE.values() if row[2])


@pytest.mark.parametrize("role", Role)
def test_each_role_may_what_the_table_says_and_no_more(role, platform):
    browser = browser_of(member_of(platform.partner, role).account)

    for name, there, least in pages():
        for method in METHODS:
            answer = browser.generic(method, there)
            expected = least.get(method)
            if expected is None:
                assert answer.status_code == 405, (name, method)
                assert method not in answer.headers["Allow"].split(", "), (name, method)
            elif doors.ORDER.index(role) < doors.ORDER.index(expected):
                assert answer.status_code == 403, (name, method)
            else:
                assert answer.status_code in {200, 302, 404, *REFUSED_FOR_LACK.get(name, ())}, (name, method)
                assert not answer.headers.get("Location", "").startswith("/accounts/"), (name, method)


def test_nobody_comes_in_without_login_membership_or_second_factor(client, platform):
    staff = browser_of(Account.objects.create_superuser("staff@example.org", "x"))
    stranger = browser_of(Account.objects.create_user("stranger@example.org", "x"))
    half_in = browser_of(member_of(platform.partner, Role.OWNER).account, factor_shown_seconds_ago=None)

    for name, there, least in pages():
        for method in (method for method, role in least.items() if role):
            says = (name, method)
            assert client.generic(method, there).headers["Location"].startswith("/accounts/login/?next=%2Fc"), says
            assert staff.generic(method, there).status_code == 403, says
            assert stranger.generic(method, there).status_code == 403, says
            asked = half_in.generic(method, there).headers["Location"]
            assert asked.startswith("/accounts/2fa/reauthenticate/?next=%2Fconsole%2F"), says


@pytest.mark.parametrize(("seconds", "opens"), [(290, True), (310, False)])
def test_a_fresh_factor_is_five_minutes_old_at_most(engineer, seconds, opens):
    browser = browser_of(engineer.account, factor_shown_seconds_ago=seconds)

    answer = browser.get("/console/keys/new/")

    if opens:
        assert answer.status_code == 200
    else:
        assert answer.headers["Location"] == "/accounts/2fa/reauthenticate/?next=%2Fconsole%2Fkeys%2Fnew%2F"
    assert browser.get("/console/keys/").status_code == 200  # looking needs no fresh one


def test_who_has_no_second_factor_is_led_to_set_one_up(platform):
    account = Account.objects.create_user("new@example.org", "correct horse battery")
    Membership.objects.create(account=account, partner=platform.partner, role=Role.OWNER)

    answer = browser_of(account, factor_shown_seconds_ago=None).get("/console/")

    assert answer.headers["Location"] == "/accounts/2fa/totp/activate/?next=%2Fconsole%2F"


def test_members_never_see_case_management(owner):
    assert browser_of(owner.account).get("/admin/", follow=True).status_code == 403


def test_after_leaving_only_overview_and_audit_open(owner, platform):
    Partner.objects.filter(pk=platform.partner.pk).update(state=PartnerState.LEFT)
    browser = browser_of(owner.account)

    statuses = {
        pattern.name: browser.get(address(pattern)).status_code
        for pattern in urls.urlpatterns
        if pattern.name in TABLE and TABLE[pattern.name][0]
    }

    assert {name for name, status in statuses.items() if status == 200} == {"overview", "audit"}
    assert {status for name, status in statuses.items() if name not in {"overview", "audit"}} == {403}


def test_login_leads_to_the_login_and_members_on(client, owner):
    assert client.get("/console/login/", follow=True).request["PATH_INFO"] == "/accounts/login/"
    assert browser_of(owner.account).get("/console/login/", follow=True).request["PATH_INFO"] == "/console/"
