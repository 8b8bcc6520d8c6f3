"""Measure one thing and print it as a table, or as JSON for a machine to compare."""

from __future__ import annotations

import importlib
import json
import os
import pkgutil
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from takeitdown import benchmarks


def names() -> list[str]:
    """The benchmarks there are: modules of takeitdown/benchmarks that have `run` and `table`."""
    found = [module.name for module in pkgutil.iter_modules(benchmarks.__path__)]
    return [name for name in found if hasattr(_module(name), "run")]


def _module(name: str) -> Any:
    return importlib.import_module(f"takeitdown.benchmarks.{name}")


class Command(BaseCommand):
    help = "Runs a benchmark: `bench` alone lists them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("name", nargs="?", help="which one")
        parser.add_argument("--size", type=int, help="how much work; each benchmark says what of")
        parser.add_argument("--json", metavar="FILE", help="write the figures there; - is standard output")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"]
        if name is None:
            self._list()
            return
        if name not in names():
            raise CommandError(f"There is no benchmark {name}; there are {', '.join(names())}.")
        module = _module(name)
        self.stderr.write(f"{name}: on {os.cpu_count()} cores, shared with whatever else runs here.")
        result = module.run(options["size"])
        self._show(module.table(result), to_stderr=options["json"] == "-")
        self._save(result, options["json"])

    def _list(self) -> None:
        for name in names():
            self.stdout.write(f"{name:<12} {(_module(name).__doc__ or name).splitlines()[0]}")

    def _show(self, rows: list[list[str]], *, to_stderr: bool) -> None:
        widths = [
            max(len(str(row[column])) for row in rows if column < len(row)) for column in range(max(map(len, rows)))
        ]
        lines = ["  ".join(str(cell).ljust(width) for cell, width in zip(row, widths, strict=False)) for row in rows]
        print("\n".join(line.rstrip() for line in lines), file=sys.stderr if to_stderr else sys.stdout)

    def _save(self, result: dict[str, Any], where: str | None) -> None:
        text = json.dumps(result, indent=2, default=str)
        if where == "-":
            print(text)
        elif where:
            Path(where).write_text(text + "\n")
