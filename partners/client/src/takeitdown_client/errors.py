"""What can go wrong between this client and the portal, each named as the fact it is.

Every failure carries `detail` (one sentence, safe to show: never a key, never a fingerprint) and `next_step`
(what the reader should do now). Anything that is not a `ClientFailure` is a bug or a broken machine: let it rise.
"""


class ClientFailure(Exception):
    """Parent of everything this package understands and declines."""

    next_step = "Run `takeitdown-client status`; if this goes on, write to the portal's staff."

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


# --- the way there ---------------------------------------------------------------------------------------------


class Unreachable(ClientFailure):
    """No answer: name, connection, TLS, timeout, or a connection cut in the middle of an answer."""

    next_step = "Check the network and the portal's address; the client tries again by itself."


class RedirectRefused(ClientFailure):
    """The portal's address answered with a redirect to another host: a key is never carried there."""

    next_step = "Check the address given to `init --url`; use the one your console shows."


class AnswerTooLarge(ClientFailure):
    """An answer is larger than this client ever needs. Nothing of it was used."""


class MalformedAnswer(ClientFailure):
    """The bytes are not an answer of this protocol: no JSON, duplicate or missing members, wrong types."""

    next_step = "Nothing was changed. A proxy between here and the portal may have replaced or cut the answer."


# --- what the portal says --------------------------------------------------------------------------------------


class PortalRefusal(ClientFailure):
    """A problem+json answer. `status` is HTTP's, `code` the portal's word for it, `retry_after` seconds or None."""

    def __init__(self, detail: str, *, status: int, code: str = "", retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.retry_after = retry_after


class KeyNotAccepted(PortalRefusal):
    """401: the key is unknown, expired or revoked."""

    next_step = "Make a new key in your console and run `takeitdown-client init` again in the same directory."


class NotAllowed(PortalRefusal):
    """403: the key is good and its scope does not cover this."""

    next_step = "Give the key the scope it lacks, in your console."


class NotFound(PortalRefusal):
    """404: no such thing, or not for you."""


class TooManyRequests(PortalRefusal):
    """429: slower, please. Snapshots are limited to six a day."""

    next_step = "Wait; the client waits at least as long as the portal asks."


class PortalFailed(PortalRefusal):
    """5xx: the portal is ill. Matching goes on with the copy at hand."""

    next_step = "Nothing to do here: the client tries again after 1, 2, 4 … 60 minutes."


class ResyncNeeded(PortalRefusal):
    """409 `resync`: a snapshot is needed.

    `reason` is other_epoch, below_floor or unknown_position; `latest` is the note that came with it.
    """

    def __init__(self, detail: str, *, reason: str, latest: str) -> None:
        super().__init__(detail, status=409, code="resync")
        self.reason = reason
        self.latest = latest


class Diverged(PortalRefusal):
    """409 `diverged`: the set hash we acknowledged is not the portal's for that position."""


# --- what is wrong with what it says ----------------------------------------------------------------------------


class NoteRefused(ClientFailure):
    """A signed note that does not count: malformed, for another list, or its signature is wrong."""

    next_step = "Compare the verifier key in your console with the one shown by `takeitdown-client status`."


class UnknownSigner(NoteRefused):
    """A well-formed note that no pinned key signed."""


class Misconduct(ClientFailure):
    """Signed notes that an honest portal does not make. `notes` are the two to keep as proof."""

    kind = "misconduct"
    next_step = "Keep the notes (`takeitdown-client alarms --json`) and call the portal's staff by another way."

    def __init__(self, detail: str, *, notes: tuple[str, str]) -> None:
        super().__init__(detail)
        self.notes = notes


class Rollback(Misconduct):
    """The newest head on offer is older than one already verified."""

    kind = "rollback"


class Fork(Misconduct):
    """Two heads for one position with different state."""

    kind = "fork"


class BadPage(ClientFailure):
    """A page of changes does not prove itself. Nothing of it was stored."""


class StrayPage(BadPage):
    """A page that answers another question than the one asked: other epoch or other position."""


class BadSnapshot(ClientFailure):
    """A snapshot does not prove itself. The copy at hand was not touched."""


class LocalCopyDamaged(ClientFailure):
    """The rows on this disk no longer add up to the head they were stored with."""

    next_step = "Run `takeitdown-client sync`: it takes a fresh snapshot."


# --- this machine ------------------------------------------------------------------------------------------------


class NotSetUp(ClientFailure):
    """The directory holds no client yet."""

    next_step = "Run `takeitdown-client init --url … --verifier-key …` first."


class SyncRunning(ClientFailure):
    """Another process is syncing this directory."""

    next_step = "Nothing to do: one sync at a time is enough."


class CopyMoved(ClientFailure):
    """The local copy changed between reading and storing: somebody else wrote. Nothing was stored."""

    next_step = "Run one sync at a time."


class InvalidInput(ClientFailure):
    """Something typed on the command line is not what it should be."""

    next_step = "See `takeitdown-client --help`."
