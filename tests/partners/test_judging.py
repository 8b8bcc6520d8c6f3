"""Answers beside the key: what counts, what is only reported, what fails a run."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import pytest

from partners import judging
from partners.judging import NOT_LISTED, compare, faults
from partners.test_pictures.making import DECOY, TestFile

NEAR, EDGE, FAR = TestFile("1.jpg", 0, "near", 10), TestFile("2.jpg", 0, "edge", 31), TestFile("3.jpg", 0, "far", 60)
DECOY_FILE = TestFile("4.jpg", None, DECOY, None)
FILES = [NEAR, EDGE, FAR, DECOY_FILE]


def judged(answers: dict[str, list[int]], **members: Any) -> dict[str, Any]:
    result = {**asdict(compare(FILES, answers)), "diverged": 0, "dropped_after_seconds": 2.0, **members}
    return {"faults": faults(result), **result}


def names(result: dict[str, Any]) -> dict[str, list[str]]:
    lists = ("missed", "wrong", "decoys", "withdrawn", "far")
    return {name: [finding["file"] for finding in result[name]] for name in lists if result[name]}


def test_perfect_answers_pass():
    result = judged({"1.jpg": [0], "2.jpg": [0]})

    assert (result["to_catch"], result["caught"]) == (1, 1)
    assert (result["borderline"], result["borderline_caught"]) == (1, 1)
    assert names(result) == {}
    assert result["faults"] == []


@pytest.mark.parametrize(
    ("answers", "found", "why"),
    [
        ({}, {"missed": ["1.jpg"]}, ["missed"]),
        ({"1.jpg": [0], "2.jpg": []}, {}, []),  # at the edge two good implementations may differ
        ({"1.jpg": [0, 1]}, {"wrong": ["1.jpg"]}, ["wrong"]),
        ({"1.jpg": [0], "3.jpg": [1]}, {"wrong": ["3.jpg"]}, ["wrong"]),
        ({"1.jpg": [0], "4.jpg": [1]}, {"decoys": ["4.jpg"]}, ["decoys"]),
        ({"1.jpg": [0, NOT_LISTED]}, {"withdrawn": ["1.jpg"]}, ["withdrawn"]),
        ({"1.jpg": [0], "4.jpg": [NOT_LISTED]}, {"withdrawn": ["4.jpg"]}, ["withdrawn"]),
        ({"1.jpg": [0], "3.jpg": [0]}, {"far": ["3.jpg"]}, []),  # turned copies may be looked for on purpose
    ],
)
def test_findings_name_files_and_decide(answers, found, why):
    result = judged(answers)

    assert names(result) == found
    assert result["faults"] == why


def test_one_in_twenty_may_be_missed():
    files = [TestFile(f"{number}.jpg", 0, "near", 5) for number in range(20)]
    for caught, why in ((20, []), (19, []), (18, ["missed"])):
        found = asdict(compare(files, {file.name: [0] for file in files[:caught]}))
        assert faults({**found, "diverged": 0, "dropped_after_seconds": 1.0}) == why


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ({"dropped_after_seconds": 3_600.0}, []),
        ({"dropped_after_seconds": 3_600.1}, ["not_dropped"]),
        ({"dropped_after_seconds": None}, ["not_dropped"]),
        ({"dropped_after_seconds": None, "diverged": 2}, ["diverged"]),
        ({"dropped_after_seconds": 9.0, "diverged": 2}, []),  # healed in time: the copies are equal
    ],
)
def test_tombstones_must_be_dropped_within_an_hour(members, why):
    assert judged({"1.jpg": [0]}, **members)["faults"] == why


def test_borderline_surrounds_the_threshold():
    assert (judging.WITHIN, list(judging.BORDERLINE)) == (31, [28, 29, 30, 31, 32, 33, 34])
