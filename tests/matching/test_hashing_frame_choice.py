"""Which moments count is arithmetic that a device repeats: tests/vectors/frame_choice.json binds both."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from matching.hashing.frame_choice import FARTHEST_MS, moments

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "frame_choice.json").read_text())
TIMES = st.integers(0, 2**50)


@pytest.mark.parametrize("vector", VECTORS["moments"], ids=lambda vector: vector["name"])
def test_moments_are_those_of_the_vectors(vector):
    chosen = moments(vector["keyframes_ms"], vector["end_ms"], limit=vector["limit"])

    assert chosen == vector["moments_ms"]


@given(st.lists(TIMES, max_size=50), TIMES, st.integers(2, 40))
def test_moments_ascend_within_limit_and_video(keyframes, end, limit):
    chosen = moments(keyframes, end, limit=limit)

    assert chosen == sorted(set(chosen))
    assert len(chosen) <= limit
    assert chosen[:1] == sorted(keyframes)[:1]
    assert all(moment <= max([end, *keyframes]) for moment in chosen)


@given(st.lists(st.integers(0, 200_000), min_size=1, max_size=50), st.integers(0, 200_000))
def test_moments_leave_no_stretch_unseen(keyframes, end):
    chosen = moments(keyframes, end)

    assert all(later - earlier <= FARTHEST_MS for earlier, later in pairwise([*chosen, max(end, chosen[-1])]))


def test_moments_of_a_long_video_are_spread_over_all_of_it():
    chosen = moments(range(0, 7_200_000, 1000), 7_200_000)

    steps = [later - earlier for earlier, later in pairwise(chosen)]
    assert (len(chosen), chosen[0], chosen[-1], min(steps), max(steps)) == (600, 0, 7_199_000, 12_000, 13_000)
