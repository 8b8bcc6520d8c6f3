"""The command `takeitdown-client`: its arguments, and what its exit codes mean.

Exit codes: 0 done (`match`: nothing matched; `self-test`: passed) · 1 matches found, alarms open, or not passed ·
2 wrong use or not set up · 3 the portal could not be reached or refused; the copy at hand is good · 4 proof failed:
rollback, fork, bad page or snapshot, damaged copy · 5 another sync is running.
"""

import argparse
import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

from . import __version__, commands
from .commands import BUSY, NO_ANSWER, NOT_PROVEN, WRONG_USE, say
from .errors import (
    BadPage,
    BadSnapshot,
    ClientFailure,
    InvalidInput,
    LocalCopyDamaged,
    Misconduct,
    NoteRefused,
    NotSetUp,
    SyncRunning,
)
from .match import REVIEW
from .reports import OPINIONS, OUTCOMES, REASONS


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except ClientFailure as failure:
        say(f"{failure.detail}\n{failure.next_step}")
        return _exit_code(failure)
    except sqlite3.DatabaseError as error:
        say(f"The client's database cannot be used ({error}).\nIs the disk full? If the file is damaged, move it away")
        say("and run `init` and `sync` again: the list comes back whole, alarms and reports that wait do not.")
        return NOT_PROVEN
    except KeyboardInterrupt:
        say("Stopped. Nothing is half done.")
        return 130


def _exit_code(failure: ClientFailure) -> int:
    if isinstance(failure, SyncRunning):
        return BUSY
    if isinstance(failure, InvalidInput | NotSetUp):
        return WRONG_USE
    if isinstance(failure, Misconduct | NoteRefused | BadPage | BadSnapshot | LocalCopyDamaged):
        return NOT_PROVEN
    return NO_ANSWER


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="takeitdown-client",
        description=f"Keeps a proven copy of the Take It Down hash list. {REVIEW}",
        epilog="Exit codes: 0 done · 1 matches or alarms · 2 wrong use · 3 no answer or refused"
        " · 4 proof failed · 5 another sync is running",
    )
    parser.add_argument("--version", action="version", version=__version__)
    default = os.environ.get("TAKEITDOWN_DIR") or Path.home() / ".takeitdown-client"
    parser.add_argument("--dir", type=Path, default=default, help="the client's directory (%(default)s)")
    into = parser.add_subparsers(required=True, metavar="COMMAND")
    add = _adder(into)
    _add_copying(add)
    _add_matching(add)
    _add_looking_after(add)
    return parser


Add = Callable[[str, Callable[[argparse.Namespace], int], str], argparse.ArgumentParser]


def _adder(into: "argparse._SubParsersAction[argparse.ArgumentParser]") -> Add:
    def add(name: str, run: Callable[[argparse.Namespace], int], help: str) -> argparse.ArgumentParser:
        command = into.add_parser(name, help=help)
        command.set_defaults(run=run)
        return command

    return add


def _add_copying(add: Add) -> None:
    init = add("init", commands.init, "set up a directory: portal, key, verifier key")
    init.add_argument("--url", required=True, help="https://… of the portal, from your console")
    init.add_argument("--key", help="API key; without it, TAKEITDOWN_KEY or a prompt")
    init.add_argument("--verifier-key", required=True, help="from your console: portal.example+1a2b3c4d+…")
    init.add_argument("--list", default="production", help="production, or sandbox-<your code>")
    sync = add("sync", commands.sync, "bring the copy up to date, prove it, say so to the portal")
    sync.add_argument("--follow", action="store_true", help="go on until interrupted, as often as the portal likes")
    sync.add_argument("--now", action="store_true", help="even if the last sync was only just (after a ping)")
    listener = add("listen", commands.listen, "take webhooks, behind your own TLS proxy, and poll as well")
    listener.add_argument("--port", type=int, required=True, help="of 127.0.0.1")
    listener.add_argument("--secrets", type=Path, required=True, metavar="FILE", help="one whsec_… a line")


def _add_matching(add: Add) -> None:
    match = add("match", commands.match, f"look files or hashes up. {REVIEW}")
    match.add_argument("what", nargs="+", metavar="FILE|HASH")
    match.add_argument("--json", action="store_true")
    report = add("report", commands.report, "tell the portal what became of a match")
    report.add_argument("entry", metavar="ENTRY")
    report.add_argument("--outcome", required=True, choices=OUTCOMES)
    report.add_argument("--reason", default="", choices=("", *REASONS), help="with declined, and only with it")
    feedback = add("feedback", commands.feedback, "say whether an entry is right; a dispute leaves it out here")
    feedback.add_argument("entry", metavar="ENTRY")
    feedback.add_argument("opinion", choices=OPINIONS)
    feedback.add_argument("--reason", default="", choices=("", *REASONS))


def _add_looking_after(add: Add) -> None:
    status = add("status", commands.status, "what this copy is and how fresh")
    status.add_argument("--json", action="store_true")
    tested = add("self-test", commands.self_test, "test pictures on your sandbox list: what your side catches")
    tested.add_argument("--json", action="store_true")
    add("verify", commands.verify, "recompute the copy from its rows")
    alarms = add("alarms", commands.alarms, "what a person should look at")
    alarms.add_argument("--close", type=int, metavar="NUMBER", help="you have seen to it")
    alarms.add_argument("--all", action="store_true", help="closed ones too")
    alarms.add_argument("--json", action="store_true", help="with the signed notes kept as evidence")
