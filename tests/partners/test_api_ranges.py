"""One span of a file."""

import pytest

from partners.api.ranges import NotSatisfiable, Span, wanted


@pytest.mark.parametrize(
    ("header", "span"),
    [
        ("", Span(0, 100, partial=False)),
        ("bytes=0-", Span(0, 100)),
        ("bytes=99-", Span(99, 100)),
        ("bytes=10-19", Span(10, 20)),
        ("bytes=10-1000", Span(10, 100)),
        ("bytes=-1", Span(99, 100)),
        ("bytes=-1000", Span(0, 100)),
        ("bytes=0-0,5-6", Span(0, 100, partial=False)),
        ("items=0-1", Span(0, 100, partial=False)),
    ],
)
def test_wanted_bytes(header, span):
    assert wanted(header, 100) == span


@pytest.mark.parametrize(
    "header", ["bytes=100-", "bytes=2-1", "bytes=-0", "bytes=-", "bytes= 1-2", "bytes=1-2 ", "bytes=x"]
)
def test_spans_without_a_byte(header):
    with pytest.raises(NotSatisfiable):
        wanted(header, 100)


def test_nothing_of_an_empty_file():
    with pytest.raises(NotSatisfiable):
        wanted("bytes=0-", 0)
