"""Which deeds need two people. Each room registers its own in `ready()`, so that this leaf imports no room."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise

from takeitdown.accounts.models import Account

Payload = dict[str, Any]
CarryOut = Callable[[Payload, str], Any]
Describe = Callable[[Payload], str]
May = Callable[[Payload, str], bool]


@dataclass(frozen=True)
class Kind:
    """One deed: what it does, in words and in fact, and who may ask for it and allow it."""

    name: str
    label: str | Promise
    carry_out: CarryOut
    describe: Describe
    may: May


_kinds: dict[str, Kind] = {}


def staff_with(permission: str) -> May:
    """Staff who may log in and hold `permission` at this moment ("partners.change_partner")."""

    def may(payload: Payload, who: str) -> bool:
        account = Account.objects.filter(email=who, is_active=True, is_staff=True).first()
        return account is not None and account.has_perm(permission)

    return may


STAFF = staff_with("approvals.change_approvalrequest")


def register(
    kind: str, carry_out: CarryOut, describe: Describe, *, label: str | Promise | None = None, may: May = STAFF
) -> None:
    """Make `kind` known. Registering it again replaces it.

    `carry_out(payload, by)` does the deed inside the transaction that decides, may raise Refused (then nothing is
    decided) and returns what `decide.settle` hands on. `describe(payload)` says in a sentence or two exactly what will
    happen. `may(payload, who)` is asked for both people, by their accounts' addresses, at the moment of decision.
    """
    _kinds[kind] = Kind(kind, kind if label is None else label, carry_out, describe, may)


def get(kind: str) -> Kind | None:
    return _kinds.get(kind)


def all_kinds() -> list[Kind]:
    """By name."""
    return sorted(_kinds.values(), key=lambda kind: kind.name)
