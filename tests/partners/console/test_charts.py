"""Geometry of charts: what is drawn lies inside, stacks without a gap, and says the same as its table."""

import itertools

import pytest

from partners.console.charts import HEIGHT, WIDTH, Chart, Series, nice_ceiling


def chart(*columns, labels=None):
    labels = labels or [f"{day:02} Nov" for day in range(len(columns[0]))]
    return Chart("c", "Title", labels, [Series(f"s{i}", values) for i, values in enumerate(columns)], "pages")


@pytest.mark.parametrize(
    ("value", "top"), [(1, 2), (2, 2), (3, 4), (4, 4), (5, 10), (11, 20), (21, 40), (41, 100), (1001, 2000)]
)
def test_the_scale_ends_at_a_round_number_above_everything(value, top):
    assert nice_ceiling(value) == top


@pytest.mark.parametrize("count", [1, 2, 7, 30, 365])
@pytest.mark.parametrize("largest", [1, 3, 999_999_999])
def test_everything_lies_inside_the_drawing(count, largest):
    drawn = chart([largest] * count, [largest] * count)

    for bar in drawn.bars:
        assert 0 <= bar.x <= bar.x + bar.width <= WIDTH
        assert 0 <= bar.y <= bar.y + bar.height <= HEIGHT
    for mark in [*drawn.scale, *drawn.below]:
        assert 0 <= mark.x <= WIDTH
        assert 0 <= mark.y <= HEIGHT


def test_stacked_bars_touch_and_are_as_long_as_their_figures():
    lower, upper = chart([3], [1]).bars

    assert lower.y == pytest.approx(upper.y + upper.height, abs=0.2)
    assert lower.height == pytest.approx(3 * upper.height, abs=0.4)
    assert (lower.pattern, upper.pattern) == (0, 1)


def test_labels_below_keep_their_distance_and_name_the_last_day():
    below = chart([1] * 30).below

    assert below[-1].text == "29 Nov"
    assert len(below) <= 7
    assert all(right.x - left.x > 60 for left, right in itertools.pairwise(below))


def test_the_table_says_what_is_drawn():
    drawn = chart([0, 5], [2, 0], labels=["Mon", "Tue"])

    assert drawn.rows == [("Mon", [0, 2]), ("Tue", [5, 0])]
    assert [bar.title for bar in drawn.bars] == ["Mon: 2 s1", "Tue: 5 s0"]
    assert not drawn.is_empty
    assert chart([0, 0]).is_empty
    assert chart([], labels=[]).is_empty
