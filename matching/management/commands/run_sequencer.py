"""The process that publishes the list."""

from __future__ import annotations

import logging
import signal
import time
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, connection

from matching import epochs, signing
from matching.ledger import Ledger
from matching.sequencer import RestoredBehindOurBack, Sequencer
from matching.single import only_sequencer

log = logging.getLogger("takeitdown.sequencer")
IDLE_SECONDS = 0.25
AFTER_AN_OUTAGE_SECONDS = 1.0
SIGN_AGAIN_EVERY_SECONDS = 60.0


def load() -> Sequencer:
    """A sequencer with this deployment's key and ledger. The embedded portal makes its key at first use."""
    if settings.EMBEDDED:
        signing.make_key_file(settings.SIGNING_KEY_FILE)
    signers = signing.read_key_file(settings.SIGNING_KEY_FILE, settings.LIST_ORIGIN)
    return Sequencer(signers, Ledger(settings.WITHDRAWAL_LEDGER))


class Command(BaseCommand):
    help = "Numbers, chains, signs and erases: the only writer of the public list. Run one; a second one waits."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--make-key", action="store_true", help="write a fresh signing key where none is, and end")
        parser.add_argument("--once", action="store_true", help="publish what is ready, and end")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["make_key"]:
            signing.make_key_file(settings.SIGNING_KEY_FILE)
            return
        self.stopping = False
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        while not self.stopping:
            try:
                self._serve(once=options["once"])
            except RestoredBehindOurBack as error:
                raise CommandError(str(error)) from None
            except DatabaseError as error:
                if options["once"]:
                    raise
                log.warning("The database is away (%s); trying again.", type(error).__name__)
                connection.close()
                time.sleep(AFTER_AN_OUTAGE_SECONDS)
            if options["once"]:
                return

    def _stop(self, *args: object) -> None:
        self.stopping = True

    def _serve(self, *, once: bool) -> None:
        """Hold the lock and work until told to stop. Marks are read behind the lock: another one may just have died."""
        with only_sequencer(lambda: self.stopping) as alone:
            if not alone:
                return
            sequencer = load()
            epochs.ensure_list(sequencer)
            signing.publish_keys(sequencer.origin, sequencer.signers)
            sign_at = 0.0
            while not self.stopping:
                worked = epochs.begin_new_lists(sequencer) + sequencer.run_until_idle()
                if time.monotonic() >= sign_at:
                    sequencer.sign_again()
                    sequencer.compact()
                    sign_at = time.monotonic() + SIGN_AGAIN_EVERY_SECONDS
                if once:
                    return
                if not worked:
                    time.sleep(IDLE_SECONDS)
