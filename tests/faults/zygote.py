"""Processes to kill: one that has loaded Django forks sequencers and writers as it is told, quicker than starting them.

Reads lines on standard input (`sequencer`, `writer <seed> <file>`) and answers each with the pid of the child.
"""

from __future__ import annotations

import contextlib
import os
import random
import sys
import time
from typing import Any


def serve() -> None:
    import django

    django.setup()
    for line in sys.stdin:
        words = line.split()
        pid = os.fork()
        if not pid:
            _child(words)
        print(pid, flush=True)
        _reap()
    os.killpg(os.getpgid(0), 9)


def _reap() -> None:
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _child(words: list[str]) -> None:
    try:
        if words[0] == "sequencer":
            sequencer()
        else:
            writer(int(words[1]), words[2])
    finally:
        os._exit(1)


def sequencer() -> None:
    """The real command, two of which compete."""
    from django.core.management import call_command

    call_command("run_sequencer", skip_checks=True)


def writer(seed: int, path: str) -> None:
    """Asks and releases in transactions of its own, some of them slow, and writes down what was acknowledged.

    A line is `asked <hold id>` or `released <hold id>`, written after the commit returned: from then on it must count.
    `trying` goes before a release: if the writer dies in between, the release may have happened or not.
    """
    from django.db import DatabaseError, connection

    dice = random.Random(seed)
    acknowledged = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    mine: list[Any] = []
    while True:
        try:
            _one_transaction(dice, acknowledged, mine)
        except DatabaseError:
            connection.close()
            time.sleep(0.05)


def _one_transaction(dice: random.Random, acknowledged: int, mine: list[Any]) -> None:
    from django.db import transaction

    from matching import hashlist
    from matching.hashlist import Wanted

    def note(word: str, hold_id: Any) -> None:
        os.write(acknowledged, f"{word} {hold_id.hex}\n".encode())

    victim = mine.pop(dice.randrange(len(mine))) if mine and dice.random() < 0.3 else None
    if victim:
        note("trying", victim)
    with transaction.atomic():
        values = [Wanted("sha256", "image", dice.randbytes(32).hex()) for _ in range(dice.randint(1, 4))]
        holds = hashlist.ask(values, asker=dice.randbytes(16))
        if victim:
            hashlist.release([victim])
        time.sleep(dice.choice([0, 0, 0, 0.002, 0.02]))
    for hold in holds:
        note("asked", hold.pk)
    if victim:
        note("released", victim)
    mine += [hold.pk for hold in holds]


if __name__ == "__main__":
    os.setpgid(0, 0)
    serve()
