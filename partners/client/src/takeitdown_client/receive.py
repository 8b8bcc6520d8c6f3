"""Webhooks on your side: is a message genuine, what to answer, what to do with it (LIST.md §5 rule 7).

A message is a bell and never the truth: it is verified, then a sync runs, or a delta is applied under the very rules
of a page that was pulled. One that is lost, late, doubled or out of order changes only the time of the next sync.
"""

import base64
import binascii
import hashlib
import hmac
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from . import rows
from .errors import ClientFailure, MalformedAnswer
from .sync import Outcome, Synchroniser

TOLERANCE_SECONDS = 300
LONGEST_BYTES = 64 * 1024
_PREFIX = "whsec_"


class NotGenuine(ClientFailure):
    """A webhook that no secret of yours signed, or that was signed too long ago. Nothing was done."""

    next_step = "Compare the secret with the one in your console, and the clock with the time."


def verify(
    headers: Mapping[str, str], body: bytes, secrets: Sequence[str], *, now: float | None = None
) -> dict[str, Any]:
    """The message, if one of `secrets` (`whsec_…`) signed these bytes within five minutes of `now` (unix seconds).

    Header names may be in any case. Give two secrets while one is being replaced. Raises NotGenuine; MalformedAnswer
    when genuine bytes are no JSON object.
    """
    lower = {name.lower(): value for name, value in headers.items()}
    id, stamp = lower.get("webhook-id", ""), lower.get("webhook-timestamp", "")
    if not id or not stamp.isascii() or not stamp.isdigit() or len(stamp) > 12:
        raise NotGenuine("The webhook lacks its id or its time.")
    if abs((time.time() if now is None else now) - int(stamp)) > TOLERANCE_SECONDS:
        raise NotGenuine("The webhook was signed more than five minutes ago, or a clock is wrong.")
    signed = f"{id}.{stamp}.".encode("utf-8", "surrogateescape") + body
    given = [_mac(word) for word in lower.get("webhook-signature", "").split(" ")[:8]]
    wanted = [hmac.new(_key(secret), signed, hashlib.sha256).digest() for secret in secrets]
    # All of them, so that the time taken says nothing about which one fits.
    if not sum(hmac.compare_digest(mac, known) for mac in given for known in wanted):
        raise NotGenuine("None of your secrets signed this webhook.")
    return rows.loads(body)


def _key(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except binascii.Error:
        raise NotGenuine("A webhook secret is mistyped: it is whsec_ and 44 characters.") from None


def _mac(word: str) -> bytes:
    """The signature of a `v1,…` word; nothing for other versions and nonsense."""
    version, _, encoded = word.partition(",")
    try:
        return base64.b64decode(encoded, validate=True) if version == "v1" else b""
    except (binascii.Error, ValueError):
        return b""


def answer(message: Mapping[str, Any]) -> tuple[int, bytes]:
    """Status and body to reply with at once, before anything is done: a challenge is echoed, the rest is 204."""
    if message.get("type") != "webhook.challenge":
        return 204, b""
    return 200, json.dumps({"challenge": message.get("challenge")}).encode()


def take(synchroniser: Synchroniser, message: Mapping[str, Any]) -> Outcome | None:
    """Do what a verified message asks for. None where there is nothing to do: other lists, known heads, tests.

    Raises as `Synchroniser.sync`; what failed is made good by the next sync.
    """
    kind = message.get("type")
    if kind == "list.delta":
        return synchroniser.take_delta(dict(message)) or synchroniser.sync()
    if kind != "list.head" or message.get("list") != synchroniser.store.list_name:
        return None
    return None if _is_known(synchroniser, message) else synchroniser.sync()


def _is_known(synchroniser: Synchroniser, message: Mapping[str, Any]) -> bool:
    try:
        told = rows.whole_number(dict(message), "epoch"), rows.whole_number(dict(message), "seq")
    except MalformedAnswer:
        return False
    head = synchroniser.store.copy().head
    return head is not None and told <= head.position
