"""What a newcomer finds in the try-out: a list with harmless pictures on it, a platform's key, two logins.

Everything is made once. Which part is done stands in the audit log, written in the transaction that did it, so that a
start which was cut off goes on where it stopped. It crosses the rooms, therefore it lives here.
"""

from __future__ import annotations

import json
import os
import secrets
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret
from django.conf import settings
from django.db import transaction

import partners.demonstration
import submissions.demonstration
from matching import hashlist
from matching.models import PRODUCTION, HashList, HashListEntry, Hold, SigningKey
from takeitdown import demonstration_pictures as pictures
from takeitdown.accounts.models import Account
from takeitdown.audit.models import AuditEvent, record

WITHDRAWN = 5
ENTRIES_OF_HISTORY = 8
SEQUENCER_WITHIN_SECONDS = 30
STAFF_EMAIL = "staff@takeitdown.example"
COLLEAGUE_EMAIL = "colleague@takeitdown.example"
MEMBER_EMAIL = "owner@example-platform.example"
ACTOR = "demonstration"


class SequencerIsSilent(RuntimeError):
    """The list did not move in time: is run_sequencer up?"""


def seed() -> dict[str, Any]:
    """Make what is missing and write `var/demo.json`; returns its contents."""
    path = settings.VAR / "demo.json"
    known = _read(path) if _is_done("listed") else {}  # a file that outlived its database opens nothing
    _wait(lambda: HashList.objects.filter(name=PRODUCTION).exists() and SigningKey.objects.exists())
    list_pictures()
    submissions.demonstration.seed()
    demo = {
        **_addresses(),
        "partner_key": partner_key(known.get("partner_key", "")),
        "verifier_key": SigningKey.objects.latest("valid_from").verifier,
        "staff": staff_login(known.get("staff", {})),
        "colleague": staff_login(known.get("colleague", {}), email=COLLEAGUE_EMAIL),
        "member": member_login(known.get("member", {})),
        "python": sys.executable,
        "pictures": str(settings.VAR / "demonstration"),
    }
    _write(path, demo)
    withdraw_some()
    write_history()
    return demo


# --- the list ---------------------------------------------------------------------------------------------------


def list_pictures() -> None:
    """Ask for every picture and video; the files stay in `var/demonstration/` for a platform to match."""
    if _is_done("listed"):
        return
    made = pictures.make_all(settings.VAR / "demonstration")
    with transaction.atomic():
        holds = [hashlist.ask(wanted, asker=secrets.token_bytes(16)) for wanted in made]
        withdraw = [str(hold.pk) for asked in holds[:WITHDRAWN] for hold in asked]
        record(actor=ACTOR, action="listed", target=ACTOR, withdraw=withdraw)


def withdraw_some() -> None:
    """Take five pictures off again once they are on the list, so that it holds tombstones."""
    if _is_done("withdrew"):
        return
    ids = [uuid.UUID(text) for text in AuditEvent.objects.get(actor=ACTOR, action="listed").detail["withdraw"]]
    _wait(lambda: Hold.objects.filter(pk__in=ids, entry__isnull=False).count() == len(ids))
    with transaction.atomic():
        hashlist.release(ids)
        record(actor=ACTOR, action="withdrew", target=ACTOR)


def write_history() -> None:
    """Two weeks of a platform's work, on pictures that stay on the list."""
    if _is_done("wrote history"):
        return
    listed = HashListEntry.objects.listed().filter(hash_list__name=PRODUCTION, canary_for=None)
    _wait(lambda: listed.count() >= ENTRIES_OF_HISTORY)
    with transaction.atomic():
        partners.demonstration.write_history(list(listed.order_by("pk")[:ENTRIES_OF_HISTORY]))
        record(actor=ACTOR, action="wrote history", target=ACTOR)


def _is_done(part: str) -> bool:
    return AuditEvent.objects.filter(actor=ACTOR, action=part).exists()


def _wait(condition: Any) -> None:
    deadline = time.monotonic() + SEQUENCER_WITHIN_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise SequencerIsSilent
        time.sleep(0.1)


def partner_key(known: str) -> str:
    """The demonstration platform's opt-in key; a new one when the old one's text is lost or it was revoked."""
    return partners.demonstration.seed() or known or partners.demonstration.seed(rotate=True)


# --- people -----------------------------------------------------------------------------------------------------


@transaction.atomic
def staff_login(known: dict[str, str], *, email: str = STAFF_EMAIL) -> dict[str, str]:
    """The login in `known` if it still opens, else a new password and a new second factor.

    There are two members of staff, for what one asks another has to allow.
    """
    return known if _opens(known) else _new_login(email, is_staff=True)


@transaction.atomic
def member_login(known: dict[str, str]) -> dict[str, str]:
    """The same for the owner of the example platform, who logs in to the console."""
    login = known if _opens(known) else _new_login(MEMBER_EMAIL)
    partners.demonstration.make_owner(Account.objects.get(email=MEMBER_EMAIL))
    return login


def _opens(login: dict[str, str]) -> bool:
    account = Account.objects.filter(email=login.get("email", "")).first()
    return bool(account and account.check_password(login["password"]) and _factors(account).exists())


def _new_login(email: str, *, is_staff: bool = False) -> dict[str, str]:
    """Account, password and second factor, made or replaced."""
    login = {"email": email, "password": secrets.token_urlsafe(12), "totp_secret": generate_totp_secret()}
    make = Account.objects.create_superuser if is_staff else Account.objects.create_user
    account = Account.objects.filter(email=email).first() or make(email)
    account.set_password(login["password"])
    account.save()
    EmailAddress.objects.get_or_create(user=account, email=email, defaults={"primary": True, "verified": True})
    _factors(account).delete()
    TOTP.activate(account, login["totp_secret"])
    return login


def _factors(account: Account) -> Any:
    return Authenticator.objects.filter(user=account, type=Authenticator.Type.TOTP)


# --- the file ---------------------------------------------------------------------------------------------------


def _addresses() -> dict[str, str]:
    """Where everything is. Written out, not reversed: this file is a contract with whoever reads it."""
    paths = {
        "portal_url": "/en/",
        "platforms_url": "/en/platforms/",
        "apply_url": "/en/platforms/apply/",
        "console_url": "/console/login/",
        "admin_url": "/admin/login/",
        "api_url": "/api/v1/",
    }
    return {name: settings.PUBLIC_URL + path for name, path in paths.items()}


def _read(path: Path) -> dict[str, Any]:
    try:
        demo: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return demo


def _write(path: Path, demo: dict[str, Any]) -> None:
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix="demo.")  # mode 0600: it holds a password
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(demo, file, indent=2)
        file.write("\n")
    os.replace(temporary, path)
