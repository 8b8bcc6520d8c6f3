"""What the case page says, in words: what the list made of each file, what each platform says.

Coarse on purpose. Names of platforms, never times or counts; what platforms did is told once a day and only from this
person's hold on. So a picture that was on the list before and one that was not look alike for ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from matching import outcomes, readers, signal_types
from matching.models import EntryOutcome, Hold, ListReader, State
from submissions.models import Case, Fingerprint, Submission

# The better news first: what one fingerprint of a file reached, the file reached.
FILE_WORDS: dict[str, str | Promise] = {
    State.LISTED: _("On the list. Platforms can look for it now."),
    "waiting": _("Waiting to go on the list. This is usually quick."),
    State.HELD: _("Waiting: being checked by our team. They see only numbers, never the picture."),
    State.QUARANTINED: _("Off the list for now: being checked again by our team. They never see the picture."),
    State.REFUSED: _("We cannot list this one. The reason is usually that the same picture is known to be harmless."),
    State.GONE: _("Withdrawn. It is off the list."),
}
WITHDRAWN = FILE_WORDS[State.GONE]

# The strongest first: a copy removed says more than a copy found.
OUTCOME_WORDS: dict[str, str | Promise] = {
    EntryOutcome.Kind.REMOVED: _("Found a copy and removed it."),
    EntryOutcome.Kind.BLOCKED: _("Stopped somebody from uploading a copy."),
    EntryOutcome.Kind.FOUND: _("Found something that may be a copy. A person there is checking it."),
    EntryOutcome.Kind.DECLINED: _("Found something, checked it and left it up. You can also ask them yourself."),
    EntryOutcome.Kind.NOT_A_MATCH: _("Has the list. No copy found so far."),
}
HAS_THE_LIST = _("Has the list. No copy found so far.")
NOT_YET = _("Will have it with its next list, usually by tomorrow.")


@dataclass(frozen=True)
class PlatformLine:
    """One platform and what it says about one file."""

    name: str
    words: str | Promise


@dataclass(frozen=True)
class FileLine:
    """One file on the case page. `platforms` is empty unless the file is on the list."""

    submission: Submission
    words: str | Promise
    exact_only: bool
    platforms: Sequence[PlatformLine] = field(default_factory=list)


def of_case(case: Case) -> list[FileLine]:
    """A line for each file of a case, in their order; five queries however many there are."""
    submissions = list(case.submissions.all())
    holds: dict[object, list[Hold]] = {submission.pk: [] for submission in submissions}
    for fingerprint in Fingerprint.objects.of(submissions):
        holds[fingerprint.submission_id].append(fingerprint.hold)
    said = outcomes.for_holds([hold for several in holds.values() for hold in several])
    platforms = readers.public()
    return [_line(submission, holds[submission.pk], said, platforms) for submission in submissions]


def _line(
    submission: Submission,
    holds: Sequence[Hold],
    said: dict[Hold, list[EntryOutcome]],
    platforms: Sequence[ListReader],
) -> FileLine:
    exact_only = all(signal_types.SIGNAL_TYPES[hold.type].is_exact for hold in holds)
    if submission.withdrawn_on:
        return FileLine(submission, WITHDRAWN, exact_only)
    state = _state(holds)
    listed = [hold for hold in holds if _state_of(hold) == State.LISTED]
    lines = [PlatformLine(platform.name, _platform_words(platform, listed, said)) for platform in platforms]
    return FileLine(submission, FILE_WORDS[state], exact_only, lines if listed else [])


def _state_of(hold: Hold) -> str:
    return hold.entry.state if hold.entry else "waiting"


def _state(holds: Sequence[Hold]) -> str:
    states = {_state_of(hold) for hold in holds}
    return next(state for state in FILE_WORDS if state in states)


def _platform_words(
    platform: ListReader, listed: Sequence[Hold], said: dict[Hold, list[EntryOutcome]]
) -> str | Promise:
    kinds = {outcome.kind for hold in listed for outcome in said[hold] if outcome.reader_id == platform.pk}
    for kind, words in OUTCOME_WORDS.items():
        if kind in kinds:
            return words
    return HAS_THE_LIST if any(_reached(platform, hold) for hold in listed) else NOT_YET


def _reached(platform: ListReader, hold: Hold) -> bool:
    """Whether the platform's copy holds everything that was listed up to this hold's day (readers.reached)."""
    if platform.reached_on is None or hold.resolved_hour is None:
        return False
    return platform.reached_on > timezone.localdate(hold.resolved_hour)
