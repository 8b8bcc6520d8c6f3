"""The pictures of the try-out can be listed, and none is mistaken for another."""

from itertools import combinations

from matching.signal_types import PDQ, canonical, distance
from takeitdown.demonstration_pictures import PICTURES, VIDEOS, make_all


def test_pictures_are_canonical_far_apart_and_the_same_every_time(tmp_path):
    made = make_all(tmp_path / "once")

    values = [wanted.value for asked in made for wanted in asked if wanted.type == PDQ]
    assert len(values) == PICTURES
    assert len(made) == PICTURES + VIDEOS
    for wanted in (wanted for asked in made for wanted in asked):
        assert canonical(wanted.type, wanted.media, wanted.value) == wanted.value
    assert min(distance(one, other) for one, other in combinations(values, 2)) > 62  # twice what counts as a match
    assert make_all(tmp_path / "twice") == made
