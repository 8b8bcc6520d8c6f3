"""Inner loops as machine code, where numba is there to make it.

Compiled code is kept in `var/numba`, or where numba's own `NUMBA_CACHE_DIR` says, so that starting costs no compiling.
Where neither can be written, every process compiles for itself, a few seconds at its first use.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar


def _numba() -> Any:
    """None where there is no wheel for this machine: matching/index.py then measures the whole list each time."""
    try:
        importlib.import_module("numba.extending")
    except ImportError:
        return None
    return importlib.import_module("numba")


numba: Final[Any] = _numba()

AVAILABLE: Final = numba is not None
FOLDER: Final = Path(__file__).resolve().parent.parent / "var" / "numba"
Function = TypeVar("Function", bound=Callable[..., Any])


def can_keep(folder: Path) -> bool:
    """Whether compiled code can be kept in a folder; makes it. Nobody else may: what lies there is run."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError:
        return False
    return os.access(folder, os.W_OK | os.X_OK)


def _keeps() -> bool:
    if not numba.config.CACHE_DIR:
        numba.config.CACHE_DIR = str(FOLDER)
    return can_keep(Path(numba.config.CACHE_DIR))


_OPTIONS: Final[dict[str, Any]] = {"cache": _keeps(), "nogil": True, "error_model": "numpy"} if AVAILABLE else {}


def compiled(function: Function) -> Function:
    """The function as machine code that runs beside other threads; itself where numba is missing."""
    if not AVAILABLE:
        return function
    made: Function = numba.njit(**_OPTIONS)(function)
    return made


def _plain_ones(word: int) -> int:
    return int(word).bit_count()


def _plain_lowest(word: int) -> int:
    return (int(word) & -int(word)).bit_length() - 1


def _instruction(name: str) -> Callable[[Any], Any]:
    """One instruction of the processor, from `uint64` to `int64`."""

    def typed(context: Any, word: Any) -> Any:
        def emit(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            if name == "ones":
                return builder.ctpop(arguments[0])
            return builder.cttz(arguments[0], context.get_constant(numba.types.boolean, True))

        return numba.types.int64(numba.types.uint64), emit

    made: Callable[[Any], Any] = numba.extending.intrinsic(typed)
    return made


ones: Final[Callable[[Any], Any]] = _instruction("ones") if AVAILABLE else _plain_ones
"""How many bits of a word are set."""
lowest: Final[Callable[[Any], Any]] = _instruction("lowest") if AVAILABLE else _plain_lowest
"""The position of the lowest bit that is set, of a word that is not 0."""
