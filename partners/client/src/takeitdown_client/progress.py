"""A progress bar on stderr, drawn only where somebody is watching (a terminal)."""

import sys
import time
from typing import Protocol, TextIO

_WIDTH = 30
_REDRAW_SECONDS = 0.1


class Progress(Protocol):
    """What long work tells about itself. `total` may be 0: not known."""

    def start(self, what: str, total: int) -> None: ...

    def advance(self, by: int) -> None: ...

    def finish(self) -> None: ...


class NoProgress:
    """Nobody is watching."""

    def start(self, what: str, total: int) -> None:
        pass

    def advance(self, by: int) -> None:
        pass

    def finish(self) -> None:
        pass


class Bar:
    """One line that is drawn over itself, ten times a second at most."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._what, self._total, self._done, self._drawn_at = "", 0, 0, 0.0

    def start(self, what: str, total: int) -> None:
        self._what, self._total, self._done, self._drawn_at = what, total, 0, 0.0
        self._draw()

    def advance(self, by: int) -> None:
        self._done += by
        if time.monotonic() - self._drawn_at >= _REDRAW_SECONDS:
            self._draw()

    def finish(self) -> None:
        self._draw()
        self._out.write("\n")
        self._out.flush()

    def _draw(self) -> None:
        self._drawn_at = time.monotonic()
        if self._total:
            share = min(self._done / self._total, 1.0)
            full = int(share * _WIDTH)
            bar = f"[{'#' * full}{'.' * (_WIDTH - full)}] {share:4.0%} {self._done:,} of {self._total:,}"
        else:
            bar = f"{self._done:,}"
        self._out.write(f"\r\x1b[K{self._what} {bar}")
        self._out.flush()


def for_terminal() -> Progress:
    """A bar when stderr is a terminal, else nothing: cron's mails and journals stay clean."""
    return Bar(sys.stderr) if sys.stderr.isatty() else NoProgress()
