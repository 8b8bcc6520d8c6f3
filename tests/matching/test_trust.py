"""The rules of an entry's life, against a model that knows no counts (LIST.md §7)."""

from __future__ import annotations

import random
from itertools import product

import pytest

from matching import trust
from matching.models import DecisionKind, State, Trust
from matching.trust import CONFIRMED, LISTED, UNVERIFIED, Ruling, Standing, Votes

NEW, SURE = Standing(LISTED, UNVERIFIED), Standing(LISTED, CONFIRMED)


def test_its_words_are_those_of_the_tables():
    assert {trust.CONFIRM, trust.UNCONFIRM, trust.QUARANTINE, trust.RESTORE, trust.REFUSE} == set(DecisionKind.values)
    assert {trust.HELD, trust.LISTED, trust.QUARANTINED, trust.REFUSED} == set(State.values) - {State.GONE}
    assert (trust.UNVERIFIED, trust.CONFIRMED) == (Trust.UNVERIFIED, Trust.CONFIRMED)


@pytest.mark.parametrize(
    ("agreements", "disputes", "standing", "expected"),
    [
        (0, 0, NEW, Ruling(None)),
        (1, 0, NEW, Ruling("confirm")),
        (3, 0, SURE, Ruling(None)),
        (0, 0, SURE, Ruling("unconfirm")),
        (0, 1, NEW, Ruling(None)),  # one platform's dispute affects only itself
        (0, 1, SURE, Ruling("unconfirm")),
        (1, 1, NEW, Ruling("confirm")),
        (0, 2, NEW, Ruling("quarantine")),
        (0, 2, SURE, Ruling("quarantine")),  # the last agreement was changed into a dispute
        (1, 2, SURE, Ruling(None, people_look=True)),
        (1, 2, NEW, Ruling("confirm", people_look=True)),
        (2, 5, SURE, Ruling(None, people_look=True)),
    ],
)
def test_what_votes_ask_for(agreements, disputes, standing, expected):
    assert trust.ruling(Votes(agreements, disputes), standing) == expected


@pytest.mark.parametrize("state", sorted(set(State.values) - {State.LISTED}))
def test_votes_move_nothing_that_is_not_listed(state):
    for agreements, disputes, level in product(range(3), range(4), (UNVERIFIED, CONFIRMED)):
        assert trust.ruling(Votes(agreements, disputes), Standing(state, level)) == Ruling(None)


def test_what_is_final_stays():
    for state, decision, level in product(("refused", "gone"), DecisionKind.values, (UNVERIFIED, CONFIRMED)):
        assert trust.after(decision, Standing(state, level)) is None


def test_ten_thousand_histories_end_where_the_words_of_the_page_say():
    """Platforms vote at random; each step the ruling is carried out, or not yet. A model applies the sentences of
    LIST.md §7 to who said what, without counting.
    """
    dice = random.Random(7)
    for _history in range(10_000):
        said: dict[str, str] = {}
        standing = NEW
        for _step in range(dice.randrange(1, 12)):
            said[dice.choice("abcd")] = dice.choice(["agree", "dispute", "silence"])
            opinions = list(said.values())
            votes = Votes(opinions.count("agree"), opinions.count("dispute"))
            if dice.random() < 0.3:
                continue  # the sequencer comes later, and finds what is said by then
            ruling = trust.ruling(votes, standing)
            standing = (ruling.decision and trust.after(ruling.decision, standing)) or standing
            if standing.state != LISTED:
                assert _another(said, "dispute")
                assert not _some(said, "agree")
                break
            assert (standing.trust == CONFIRMED) is _some(said, "agree")
            assert ruling.people_look is (_some(said, "agree") and _another(said, "dispute"))


def _some(said: dict[str, str], what: str) -> bool:
    return what in said.values()


def _another(said: dict[str, str], what: str) -> bool:
    return sorted(said.values()).count(what) > 1


@pytest.mark.parametrize(("live", "cap"), [(0, 50), (49_999, 50), (51_000, 51), (1_000_000, 1_000)])
def test_cap_is_fifty_or_one_in_a_thousand(live, cap):
    assert trust.disputes_a_day(live) == cap
