"""Recompute the list from its log."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from matching.models import HashList
from matching.verification import Findings, verify


class Command(BaseCommand):
    help = "Recomputes chain, set hash, every signed head and every commitment of each list; fails on any difference."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--list", default="", help="one list by its name; all of them without it")

    def handle(self, *args: Any, **options: Any) -> None:
        lists = HashList.objects.order_by("name")
        if options["list"]:
            lists = lists.filter(name=options["list"])
            if not lists:
                raise CommandError(f"There is no list {options['list']}.")
        wrong = [text for hash_list in lists for text in self._verify(hash_list).wrong]
        if wrong:
            raise CommandError("\n".join(wrong))

    def _verify(self, hash_list: HashList) -> Findings:
        started = time.monotonic()
        findings = verify(hash_list, self._progress(hash_list))
        seconds = time.monotonic() - started
        verdict = f"{len(findings.wrong)} wrong" if findings.wrong else "all right"
        self.stdout.write(
            f"{hash_list.name}: {findings.rows} rows, {findings.changes} changes, {findings.heads} heads"
            f" recomputed in {seconds:.1f} s: {verdict}"
        )
        return findings

    def _progress(self, hash_list: HashList) -> Any:
        total = max(1, hash_list.seq - hash_list.begun_at_seq)

        def show(done: int) -> None:
            if sys.stderr.isatty() and done % 5_000 == 0:
                self.stderr.write(f"\r{hash_list.name}: {100 * done // total} %", ending="")

        return show
