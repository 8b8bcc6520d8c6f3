"""What two members of staff do to the list: one asks, another one allows exactly that.

A quarantine and a freeze need one alone: they are safe, and two undo them. There is no deed that withdraws entries:
only the people who reported them do that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from matching import canaries, decisions, floods, signal_types
from matching.errors import DecisionNoLongerFits
from matching.models import BenignHash, DecisionKind, HashList, HashListEntry, ListReader
from matching.resolution import digest_of
from takeitdown.approvals import decide
from takeitdown.approvals.kinds import Payload, staff_with
from takeitdown.approvals.models import ApprovalRequest
from takeitdown.audit.models import record

RESTORE, REFUSE, UNFREEZE = "matching.restore", "matching.refuse", "matching.unfreeze"
SEED, RETIRE = "matching.seed canaries", "matching.retire canaries"
ADD_HARMLESS, REMOVE_HARMLESS = "matching.add harmless", "matching.remove harmless"
ENTRIES_AT_ONCE = 200  # enough for a flood by the page, too few to empty a list by one slip


def register_deeds() -> None:
    """Called once, when the application starts."""
    entries, lists = staff_with("matching.change_hashlistentry"), staff_with("matching.change_hashlist")
    readers = staff_with("matching.change_listreader")
    add, remove = staff_with("matching.add_benignhash"), staff_with("matching.delete_benignhash")
    for kind, label, carry_out, describe, may in (
        (RESTORE, _("put entries back on the list"), _carry_out_restore, _describe_restore, entries),
        (REFUSE, _("refuse entries for good"), _carry_out_refuse, _describe_refuse, entries),
        (UNFREEZE, _("let additions through again"), _carry_out_unfreeze, _describe_unfreeze, lists),
        (SEED, _("seed canaries"), _carry_out_seed, _describe_seed, readers),
        (RETIRE, _("retire canaries"), _carry_out_retire, _describe_retire, readers),
        (ADD_HARMLESS, _("call a fingerprint harmless"), _carry_out_add, _describe_add, add),
        (REMOVE_HARMLESS, _("call fingerprints harmless no longer"), _carry_out_remove, _describe_remove, remove),
    ):
        decide.register(kind, carry_out, describe, label=label, may=may)


# --- entries ----------------------------------------------------------------------------------------------------


def propose(kind: str, entries: Sequence[HashListEntry], *, because: str, by: str) -> ApprovalRequest:
    """`by` wants entries restored or refused (RESTORE, REFUSE); another has to allow. Raises ValueError past 200."""
    if not 1 <= len(entries) <= ENTRIES_AT_ONCE:
        raise ValueError(f"1 to {ENTRIES_AT_ONCE} entries at a time")
    payload = {"entries": sorted(entry.pk.hex for entry in entries), "because": because}
    return decide.ask(requester=by, kind=kind, payload=payload)


def _decide(payload: Payload, kind: DecisionKind, by: str) -> int:
    """Carry out what still fits; returns how many. Raises DecisionNoLongerFits where nothing does."""
    done = 0
    for entry in HashListEntry.objects.filter(pk__in=payload["entries"]).order_by("pk"):
        try:
            decisions.decide(entry, kind, by=by, because=payload["because"])
        except DecisionNoLongerFits:
            continue  # withdrawn, or decided otherwise, since it was asked for
        done += 1
    if not done:
        raise DecisionNoLongerFits
    return done


def _carry_out_restore(payload: Payload, by: str) -> int:
    return _decide(payload, DecisionKind.RESTORE, by)


def _carry_out_refuse(payload: Payload, by: str) -> int:
    return _decide(payload, DecisionKind.REFUSE, by)


def _describe_restore(payload: Payload) -> str:
    count = len(payload["entries"])
    text = ngettext(
        "%(count)d entry goes on the list, unverified, and every platform receives it: %(which)s. Reason: %(why)s.",
        "%(count)d entries go on the list, unverified, and every platform receives them: %(which)s. Reason: %(why)s.",
        count,
    )
    return text % {"count": count, "which": _which(payload), "why": payload["because"]}


def _describe_refuse(payload: Payload) -> str:
    count = len(payload["entries"])
    text = ngettext(
        "%(count)d entry is refused for good, its fingerprint becomes a harmless one: %(which)s. Reason: %(why)s.",
        "%(count)d entries are refused for good, their fingerprints become harmless ones: %(which)s. Reason: %(why)s.",
        count,
    )
    return text % {"count": count, "which": _which(payload), "why": payload["because"]}


def _which(payload: Payload) -> str:
    return ", ".join(name[:8] for name in payload["entries"])


# --- additions --------------------------------------------------------------------------------------------------


def propose_unfreeze(hash_list: HashList, *, list_held: bool, by: str) -> ApprovalRequest:
    """`by` wants additions to flow again, and what was held meanwhile to be listed or to stay in the queue."""
    return decide.ask(requester=by, kind=UNFREEZE, payload={"list": hash_list.name, "list_held": list_held})


def _carry_out_unfreeze(payload: Payload, by: str) -> int:
    return floods.unfreeze(HashList.objects.get(name=payload["list"]), list_held=payload["list_held"], by=by)


def _describe_unfreeze(payload: Payload) -> str:
    if payload["list_held"]:
        text = gettext("New reports go on the list %s again, and everything held by the freeze goes on it now.")
    else:
        text = gettext("New reports go on the list %s again. What was held stays in the queue.")
    return text % str(payload["list"])


# --- canaries ---------------------------------------------------------------------------------------------------


def propose_canaries(reader: ListReader, *, by: str) -> ApprovalRequest:
    """`by` wants eight more canaries for a reader."""
    return decide.ask(requester=by, kind=SEED, payload={"reader": reader.pk, "count": canaries.ENOUGH})


def propose_retirement(reader: ListReader, *, by: str) -> ApprovalRequest:
    """`by` wants a reader's canaries off the list."""
    return decide.ask(requester=by, kind=RETIRE, payload={"reader": reader.pk})


def _carry_out_seed(payload: Payload, by: str) -> int:
    return len(canaries.seed(ListReader.objects.get(pk=payload["reader"]), count=payload["count"], by=by))


def _carry_out_retire(payload: Payload, by: str) -> int:
    return canaries.retire(ListReader.objects.get(pk=payload["reader"]), by=by)


def _describe_seed(payload: Payload) -> str:
    words = {"count": payload["count"], "reader": _reader(payload)}
    return gettext("%(count)d made-up fingerprints go on the list, shown to %(reader)s alone.") % words


def _describe_retire(payload: Payload) -> str:
    return gettext("The made-up fingerprints shown to %s alone leave the list. Older leaks can't be traced then.") % (
        _reader(payload)
    )


def _reader(payload: Payload) -> str:
    reader = ListReader.objects.filter(pk=payload["reader"]).first()
    return reader.name if reader else gettext("a reader that is gone")


# --- what is harmless -------------------------------------------------------------------------------------------


def propose_harmless(*, type: str, value: str, reason: str, by: str) -> ApprovalRequest:
    """`by` knows a fingerprint of something harmless: what equals it is held. Raises InvalidFingerprint."""
    signal_types.check(type, signal_types.VIDEO if type == signal_types.VPDQ else signal_types.IMAGE, value)
    return decide.ask(requester=by, kind=ADD_HARMLESS, payload={"type": type, "value": value, "reason": reason})


def propose_harmless_no_more(rows: Sequence[BenignHash], *, by: str) -> ApprovalRequest:
    """`by` wants fingerprints off the harmless list. Raises ValueError past 200."""
    if not 1 <= len(rows) <= ENTRIES_AT_ONCE:
        raise ValueError(f"1 to {ENTRIES_AT_ONCE} at a time")
    return decide.ask(requester=by, kind=REMOVE_HARMLESS, payload={"rows": sorted(row.pk for row in rows)})


@transaction.atomic
def _carry_out_add(payload: Payload, by: str) -> BenignHash:
    row, _made = BenignHash.objects.get_or_create(
        type=payload["type"],
        value_digest=digest_of(payload["value"]),
        defaults={"value": payload["value"], "reason": payload["reason"]},
    )
    record(actor=by, action="called a fingerprint harmless", target=f"matching.benignhash:{row.pk}")
    return row


@transaction.atomic
def _carry_out_remove(payload: Payload, by: str) -> int:
    for pk in payload["rows"]:
        record(actor=by, action="called a fingerprint harmless no longer", target=f"matching.benignhash:{pk}")
    removed: dict[str, Any] = BenignHash.objects.filter(pk__in=payload["rows"]).delete()[1]
    return int(removed.get("matching.BenignHash", 0))


def _describe_add(payload: Payload) -> str:
    words = {"type": payload["type"], "value": payload["value"], "what": payload["reason"]}
    return gettext("Reports of %(type)s %(value)s are held instead of listed. What it is: %(what)s.") % words


def _describe_remove(payload: Payload) -> str:
    count = len(payload["rows"])
    text = ngettext(
        "%(count)d harmless fingerprint is forgotten, and reports of it are listed: number %(which)s.",
        "%(count)d harmless fingerprints are forgotten, and reports of them are listed: numbers %(which)s.",
        count,
    )
    return text % {"count": count, "which": ", ".join(map(str, payload["rows"]))}
