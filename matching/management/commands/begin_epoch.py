"""After a restore: replay the withdrawals, begin a new epoch."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from matching import epochs
from matching.management.commands.run_sequencer import load
from matching.models import HashList
from matching.single import only_sequencer


class Command(BaseCommand):
    help = (
        "After the database was restored from a backup: takes off the list what was withdrawn since, and begins a new "
        "epoch, so that every platform takes a snapshot. Stop the sequencer first."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--yes", action="store_true", help="really do it: every platform will take a snapshot")

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["yes"]:
            raise CommandError("This makes every platform download the whole list again. Repeat with --yes.")
        tries = iter(range(4))
        with only_sequencer(lambda: next(tries, None) is None) as alone:
            if not alone:
                raise CommandError("The sequencer is running. Stop it first.")
            sequencer = load()
            for hash_list in HashList.objects.order_by("name"):
                gone = epochs.begin_after_restore(sequencer, hash_list)
                self.stdout.write(f"{hash_list.name}: new epoch, {gone} entries taken off by the withdrawal ledger")
