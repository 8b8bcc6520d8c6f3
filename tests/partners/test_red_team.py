"""A drill: harmless pictures are smuggled on to the list and a platform lies. What is left of it after the votes?"""

from __future__ import annotations

import random
from collections.abc import Iterable
from uuid import UUID

import pytest

from matching import hashlist
from matching.hashlist import Wanted
from matching.models import EntryReview, HashListEntry, ReviewCause
from matching.sequencer import Sequencer
from partners import reports, votes
from partners.models import Partner
from tests import make
from tests.partners.conftest import Platform, new_platform

ITEMS = 200
LIST_ROWS = 200_000  # so many the list has besides; each platform may then dispute 200 entries a day


@pytest.mark.slow
def test_no_poisoned_item_stays_and_no_true_item_goes(sequencer, production):
    """200 harmless items and 200 true ones; four honest platforms and one that lies about everything it sees.

    At honest platforms people tell one from the other. Two of them meet each harmless item, one meets each true one.
    The liar disputes every true item and agrees with half of the harmless ones, so that the disputes of the honest
    quarantine nothing by themselves there: people have to look, see who agrees with what, and set it aside.
    """
    dice = random.Random(11)
    honest = [new_platform(production, f"honest-{number}") for number in range(4)]
    liar = new_platform(production, "liar")
    poisoned, true = publish_many(sequencer, ITEMS), publish_many(sequencer, ITEMS)
    shielded = poisoned[: ITEMS // 2]
    said = [(who, entry, "dispute") for entry in poisoned for who in dice.sample(honest, 2)]
    said += [(who, entry, "agree") for entry in true for who in dice.sample(honest, 1)]
    dice.shuffle(said)
    # The liar is quicker than people who look.
    lies = [(liar, entry, "dispute") for entry in true] + [(liar, entry, "agree") for entry in shielded]
    said = lies + said
    for number, (who, entry, opinion) in enumerate(said):
        say(who, entry, opinion, number, sequencer)
    sequencer.run_until_idle()

    assert live(true) == ids(true)
    assert live(poisoned) == ids(shielded) == queue(ReviewCause.DISPUTED)  # of 200, 100 gone by votes alone

    Partner.objects.update(votes_counted=True)  # the sweep has been here before
    votes.set_aside(liar.partner, by="staff@example.org")
    votes.recount()
    sequencer.run_until_idle()

    assert (len(live(poisoned)), len(ids(true) - live(true))) == (0, 0)


def publish_many(sequencer: Sequencer, count: int) -> list[HashListEntry]:
    holds = hashlist.ask([Wanted("pdq", "image", make.pdq()) for _ in range(count)], asker=bytes(16))
    sequencer.run_until_idle()
    return list(HashListEntry.objects.filter(holds__in=holds).order_by("pk"))


def say(who: Platform, entry: HashListEntry, opinion: str, number: int, sequencer: Sequencer) -> None:
    if number % 300 == 0:
        sequencer.run_until_idle()
    who.reader.hash_list.live = LIST_ROWS
    reports.record_feedback(
        partner=who.partner,
        reader=who.reader,
        client_id=str(number),
        entry=entry.pk.hex,
        opinion=opinion,
        reason="harmless" if opinion == "dispute" else "",
    )


def ids(entries: Iterable[HashListEntry]) -> set[UUID]:
    return {entry.pk for entry in entries}


def live(entries: Iterable[HashListEntry]) -> set[UUID]:
    return set(HashListEntry.objects.listed().filter(pk__in=ids(entries)).values_list("pk", flat=True))


def queue(cause: ReviewCause) -> set[UUID]:
    return set(EntryReview.objects.open().filter(cause=cause).values_list("entry", flat=True))
