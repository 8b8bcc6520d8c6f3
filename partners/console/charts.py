"""Charts as plain geometry, for templates to draw as SVG. Pure: no Django, no clock.

Each is told apart by pattern and by number, not by colour, and stands beside a table of the same figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 640, 200  # of the drawing, in its own units; the page scales it
LEFT, RIGHT, TOP, BOTTOM = 52, 8, 14, 26  # room for the scale at the left and the labels below
LABEL_HALF = 22  # half the width of a date: the last one must not run out of the drawing
LABELS = 7  # so many labels below at most: more would run into each other on a telephone


@dataclass(frozen=True)
class Series:
    """One kind of figure, a value for each label."""

    name: str
    values: Sequence[int]


@dataclass(frozen=True)
class Bar:
    """A rectangle; `pattern` is the number of its series."""

    x: float
    y: float
    width: float
    height: float
    pattern: int
    title: str


@dataclass(frozen=True)
class Mark:
    """A word beside an axis."""

    x: float
    y: float
    text: str


@dataclass(frozen=True)
class Chart:
    """Columns, stacked where there are several series, and the table behind them."""

    id: str
    title: str
    labels: Sequence[str]
    series: Sequence[Series]
    unit: str

    width, height, left, right = WIDTH, HEIGHT, LEFT, WIDTH - RIGHT
    baseline = HEIGHT - BOTTOM

    @property
    def is_empty(self) -> bool:
        return not any(any(series.values) for series in self.series)

    @property
    def top(self) -> int:
        """The end of the scale: a round number that no column passes, and 4 at least."""
        return nice_ceiling(max([4, *map(sum, zip(*(series.values for series in self.series), strict=True))]))

    @property
    def bars(self) -> list[Bar]:
        slot = (WIDTH - LEFT - RIGHT) / max(1, len(self.labels))
        drawn = []
        for column, label in enumerate(self.labels):
            floor = 0.0
            for pattern, series in enumerate(self.series):
                value = series.values[column]
                height = self._length(value)
                y = self.baseline - floor - height
                title = f"{label}: {value:,} {series.name}"
                if value:
                    x = LEFT + slot * (column + 0.15)
                    drawn.append(Bar(round(x, 1), round(y, 1), round(slot * 0.7, 1), round(height, 1), pattern, title))
                floor += height
        return drawn

    @property
    def scale(self) -> list[Mark]:
        """Three lines across, with their figures."""
        steps = [0, self.top // 2, self.top]
        return [Mark(LEFT - 6, round(self.baseline - self._length(step), 1), f"{step:,}") for step in steps]

    @property
    def below(self) -> list[Mark]:
        """Some of the labels, the last one always among them."""
        slot = (WIDTH - LEFT - RIGHT) / max(1, len(self.labels))
        every = -(-len(self.labels) // LABELS) or 1
        chosen = range(len(self.labels) - 1, -1, -every)
        places = [(min(LEFT + slot * (column + 0.5), WIDTH - LABEL_HALF), column) for column in reversed(chosen)]
        return [Mark(round(x, 1), HEIGHT - 8, self.labels[column]) for x, column in places]

    @property
    def rows(self) -> list[tuple[str, list[int]]]:
        """The table: each label with its figures."""
        return [(label, [series.values[i] for series in self.series]) for i, label in enumerate(self.labels)]

    def _length(self, value: int) -> float:
        return (self.baseline - TOP) * value / self.top


def nice_ceiling(value: int) -> int:
    """The smallest even number of the shape 2, 4, 10, 20, 40, 100 … that is at least `value`."""
    power = 1
    while True:
        for step in (2, 4, 10):
            if step * power >= value:
                return step * power
        power *= 10
