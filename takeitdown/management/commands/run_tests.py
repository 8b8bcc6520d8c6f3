"""Every check and every test, on SQLite and on PostgreSQL; or, with arguments, the tests they choose."""

from __future__ import annotations

import sys

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Runs lint, types, migrations, JavaScript and all tests. Arguments go to pytest, on SQLite alone."
    requires_system_checks = ()  # there are tests for them

    def run_from_argv(self, argv: list[str]) -> None:
        """Past Django's own options: `-k` and `-v` are pytest's here."""
        from tests import run

        sys.exit(run.chosen(argv[2:]) if argv[2:] else run.everything())
