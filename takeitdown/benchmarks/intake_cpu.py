"""Who used the cores while something was measured."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Final, Self

import psutil  # type: ignore[import-untyped, unused-ignore]

GENERATOR: Final = "generator"
OTHERS: Final = "everything else"
IDLE: Final = "idle"
PLENTY: Final = 25.0
"""Percent of the cores. With more than that idle, nobody waits for a processor but for a disk or a lock."""


class Meter:
    """Processor time of named process trees, of this process, and of all else, between `with` and its end."""

    def __init__(self, processes: Mapping[str, list[int]]) -> None:
        self._roots = processes
        self._used: dict[str, float] = {}
        self._capacity = 0.0

    def __enter__(self) -> Self:
        self._used, self._begun = self._read(), time.perf_counter()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        before, self._used = self._used, self._read()
        self._capacity = (time.perf_counter() - self._begun) * (os.cpu_count() or 1)
        self._used = {name: seconds - before[name] for name, seconds in self._used.items()}
        busy = self._capacity - self._used[IDLE]
        self._used[OTHERS] = max(0.0, busy - sum(map(self._used.__getitem__, [*self._roots, GENERATOR])))

    def _read(self) -> dict[str, float]:
        machine = psutil.cpu_times()
        named = {name: sum(map(_seconds_of_tree, roots)) for name, roots in self._roots.items()}
        idle = machine.idle + getattr(machine, "iowait", 0.0)
        return {**named, GENERATOR: time.process_time(), OTHERS: 0.0, IDLE: idle}

    def shares(self) -> dict[str, float]:
        """Percent of all cores; they add up to about 100."""
        return {name: round(100 * seconds / self._capacity, 1) for name, seconds in self._used.items()}

    def milliseconds(self, *, over: int) -> dict[str, float]:
        """Processor time of each named part for one of so many."""
        ours = [*self._roots, GENERATOR]
        return {name: round(1000 * self._used[name] / over, 2) for name in ours}

    def bound_by(self) -> str:
        """A sentence for people: what would have to be quicker for the whole to be quicker."""
        shares = self.shares()
        if shares[IDLE] > PLENTY:
            return f"waiting for a disk or a lock: {shares[IDLE]:.0f} % of the cores were idle"
        most = max((name for name in shares if name != IDLE), key=shares.__getitem__)
        return f"the processor, most of it {most}: {shares[most]:.0f} % of the cores"


def _seconds_of_tree(root: int) -> float:
    """Processor time of a process, its children, and those that have ended."""
    process = psutil.Process(root)
    return sum(map(_seconds, [process, *process.children(recursive=True)]))


def _seconds(process: psutil.Process) -> float:
    try:
        return float(sum(process.cpu_times()[:4]))  # user, system, and both of the children that ended
    except psutil.NoSuchProcess:  # it ended between being listed and being asked; its parent counts it now
        return 0.0
