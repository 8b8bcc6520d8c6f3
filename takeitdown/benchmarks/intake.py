"""How many reports a second the portal takes over HTTP, ten fingerprints each, and how long a person waits."""

from __future__ import annotations

import statistics
from typing import Any, Final

from takeitdown.benchmarks import intake_load, intake_pages, intake_portal, intake_profile, scratch
from takeitdown.benchmarks.intake_cpu import Meter
from takeitdown.benchmarks.intake_load import Answers

WARM_UP: Final = 200
STEADY_A_SECOND: Final = 100
STEADY_SECONDS: Final = 10
Figures = dict[str, Any]


def run(size: int | None = None) -> Figures:
    """`size` reports, 2,000 by default, as fast as gunicorn with two workers takes them; then a hundred a second.

    A fresh PostgreSQL, two fresh Redis and production's settings. What sends the reports runs on the same cores: its
    share of them is among the figures.
    """
    with intake_portal.opened() as portal:
        intake_load.send_all(portal.port, intake_load.requests(WARM_UP, seed=6))
        flat_out = _flat_out(portal, size or 2_000)
        steady = _steady(portal)
        pages = intake_pages.weight(portal)
        alone = intake_profile.of_one_report(portal.environment)
    return {
        **flat_out,
        "at_a_hundred_a_second": steady,
        "one_report_alone": alone,
        **pages,
        **scratch.facts(),
        "database": "postgresql",
        "workers": intake_portal.WORKERS,
        "connections": intake_load.CONNECTIONS,
    }


def table(result: Figures) -> list[list[str]]:
    """The result as rows of text, headings first; what a figure is part of stands before it."""
    return [["what", "value"], *_rows(result)]


def _rows(figures: Figures, within: str = "") -> list[list[str]]:
    rows: list[list[str]] = []
    for name, value in figures.items():
        words = within + str(name).replace("_", " ")
        rows += _rows(value, f"{words}: ") if isinstance(value, dict) else [[words, str(value)]]
    return rows


def _flat_out(portal: intake_portal.Portal, count: int) -> Figures:
    """Every connection sends its next report as soon as the last one is answered."""
    requests = intake_load.requests(count, seed=7)
    with Meter(portal.processes) as meter:
        answers = intake_load.send_all(portal.port, requests)
    rate = count / answers.seconds
    return {
        "cases": count,
        "cases_a_second": round(rate, 1),
        "fingerprints_a_second": round(intake_load.FINGERPRINTS * rate),
        **_waits(answers),
        "share_of_the_cores_in_percent": meter.shares(),
        "cpu_ms_a_report": meter.milliseconds(over=count),
        "bound_by": meter.bound_by(),
    }


def _steady(portal: intake_portal.Portal) -> Figures:
    """Reports come when people send them, not when the portal has time: each wait begins when its report was due."""
    requests = intake_load.requests(STEADY_A_SECOND * STEADY_SECONDS, seed=9)
    with Meter(portal.processes) as meter:
        answers = intake_load.send_all(portal.port, requests, a_second=STEADY_A_SECOND)
    rate = round(len(requests) / answers.seconds, 1)
    return {
        "cases": len(requests),
        "cases_a_second": rate,
        **_waits(answers),
        "share_of_the_cores_in_percent": meter.shares(),
    }


def _waits(answers: Answers) -> Figures:
    took = sorted(answers.took_ms)
    hundredths = statistics.quantiles(took, n=100)
    return {
        "p50_ms": round(hundredths[49], 1),
        "p99_ms": round(hundredths[98], 1),
        "longest_ms": round(took[-1], 1),
        "errors": sum(count for status, count in answers.statuses.items() if status != intake_load.CREATED),
        "statuses": dict(answers.statuses),
    }
