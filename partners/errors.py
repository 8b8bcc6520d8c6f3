"""What the platforms' side declines."""

from __future__ import annotations

from takeitdown.errors import Refused


class KeyMissing(Refused):
    code = "key_missing"
    status = 401
    default_detail = "Send your opt-in key: Authorization: Bearer tid_…"


class KeyNotAccepted(Refused):
    """Malformed, unknown, revoked and expired keys look alike: a stranger learns nothing."""

    code = "key_not_accepted"
    status = 401
    default_detail = "This key does not open anything: it is mistyped, expired or revoked."


class PartnerNotActive(Refused):
    code = "partner_not_active"
    status = 403
    default_detail = "Your organisation may not use this list at present. Write to us if that surprises you."


class NoListForKey(Refused):
    code = "no_list_for_key"
    status = 403
    default_detail = "There is no list for this key yet. Your sandbox is made when your application is approved."


class ScopeMissing(Refused):
    code = "scope_missing"
    status = 403

    def __init__(self, scope: str) -> None:
        super().__init__(f"This key lacks the scope {scope}.", scope=scope)


class KeyNotLive(Refused):
    code = "key_not_live"
    status = 409
    default_detail = "This key is revoked or expired: issue a new one instead."


class InvalidQuery(Refused):
    code = "invalid_query"
    status = 400
    default_detail = "Each parameter once, and only those this address takes."


class SnapshotQuotaReached(Refused):
    """`retry_after` is in whole seconds."""

    code = "snapshot_quota_reached"
    status = 429
    default_detail = "You took all the whole copies of one day. Changes can still be read; a cut download can go on."

    def __init__(self, retry_after: int) -> None:
        super().__init__()
        self.retry_after = max(1, retry_after)


class ClientIdTaken(Refused):
    code = "client_id_taken"
    status = 409
    default_detail = "You used this client_id for something else. Take a new one for each report."


class EntryOffTheList(Refused):
    code = "entry_off_the_list"
    status = 409
    default_detail = "This entry has left the list. Drop it on your side; nothing more is needed."


class EntryWithheld(Refused):
    code = "entry_withheld"
    status = 409
    default_detail = "This entry is not shown to you, so there is nothing to report about it."


class KeysNotPublished(Refused):
    """The sequencer has not signed anything yet."""

    code = "keys_not_published"
    status = 503
    default_detail = "The list is being set up. Try again in a few seconds."
    retry_after = 5
