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


class TooManyItems(Refused):
    code = "too_many_items"
    status = 413
    default_detail = "A batch takes 100 items at most, and none of these was kept. Send them in several."


class KeysNotPublished(Refused):
    """The sequencer has not signed anything yet."""

    code = "keys_not_published"
    status = 503
    default_detail = "The list is being set up. Try again in a few seconds."
    retry_after = 5


class AddressRefused(Refused):
    """A webhook may not point there; the detail says what to enter instead."""

    code = "address_refused"
    default_detail = "This address cannot be used for a webhook."


class TooManyWebhooks(Refused):
    code = "too_many_webhooks"
    status = 409
    default_detail = "Five webhooks are the most one organisation can have. Remove one first."


class TooManyTries(Refused):
    code = "too_many_tries"
    status = 429
    default_detail = "That was tried often just now. Wait a minute, then try again."
    retry_after = 60


class WebhookRemoved(Refused):
    code = "webhook_removed"
    status = 409
    default_detail = "This webhook was removed. Add a new one instead."


class NoSuchWebhook(Refused):
    code = "no_such_webhook"
    status = 404
    default_detail = "You have no such webhook on this list. The addresses you have stand in your console."


class ChallengeOpen(Refused):
    code = "challenge_open"
    status = 409
    default_detail = "This address has not answered its challenge yet. Send the challenge first."


class SandboxOnly(Refused):
    code = "sandbox_only"
    status = 403
    default_detail = "The self-test runs on your sandbox list: use a key that begins with tid_test_."


class PicturesBeingMade(Refused):
    """`done` of `of` files are ready."""

    code = "pictures_being_made"
    status = 503
    default_detail = "The test pictures are being made; this takes a minute, once. Try again in a few seconds."
    retry_after = 5

    def __init__(self, *, done: int, of: int) -> None:
        super().__init__(done=done, of=of)


class TombstonesNotReady(Refused):
    code = "tombstones_not_ready"
    status = 409
    default_detail = "New test entries are being published, so that some can be withdrawn. Try again in a few seconds."
    retry_after = 5


class TombstoneQuotaReached(Refused):
    code = "tombstone_quota_reached"
    status = 429
    default_detail = "Your sandbox withdrew as many entries as it may in a day. Go on tomorrow."
    retry_after = 3_600


class SelfTestQuotaReached(Refused):
    code = "self_test_quota_reached"
    status = 429
    default_detail = "You began as many self-tests as you may in a day. Finish the last one, or go on tomorrow."
    retry_after = 3_600


class NoSelfTestOpen(Refused):
    code = "no_self_test_open"
    status = 409
    default_detail = "No self-test waits for answers. Begin one first; each run takes one set of answers."


class UnknownTestFile(Refused):
    code = "unknown_test_file"
    status = 400
    default_detail = "One of these file names is not in the archive of test pictures. Use its names as they are."
