"""The command `takeitdown-client`.

Exit codes: 0 done (for `match`: nothing matched) · 1 matches found, or alarms open · 2 wrong use or not set up ·
3 the portal could not be reached or refused; the copy at hand is good · 4 proof failed: rollback, fork, bad page or
snapshot, damaged copy · 5 another sync is running.
"""

import argparse
import dataclasses
import json
import os
import sqlite3
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from getpass import getpass
from pathlib import Path

from . import __version__, listen, pictures
from .audit import audit
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
from .follow import follow, wait_after_success
from .http import UrlTransport, checked_url
from .match import REVIEW, Match, Matcher, nearest_first, types_of
from .notes import VerifierKey
from .portal import Portal
from .progress import for_terminal
from .reports import OPINIONS, OUTCOMES, REASONS, Reports
from .rows import DEFAULT_MIN_WAIT_SECONDS, TRUST_NAMES
from .store import Store, read_key, write_key
from .sync import Outcome, Synchroniser, is_stale

DONE, FOUND, WRONG_USE, NO_ANSWER, NOT_PROVEN, BUSY = range(6)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit code."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except ClientFailure as failure:
        _say(f"{failure.detail}\n{failure.next_step}")
        return _exit_code(failure)
    except sqlite3.DatabaseError as error:
        _say(f"The client's database cannot be used ({error}).\nIs the disk full? If the file is damaged, move it away")
        _say("and run `init` and `sync` again: the list comes back whole, alarms and reports that wait do not.")
        return NOT_PROVEN
    except KeyboardInterrupt:
        _say("Stopped. Nothing is half done.")
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
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    init = commands.add_parser("init", help="set up a directory: portal, key, verifier key")
    init.add_argument("--url", required=True, help="https://… of the portal, from your console")
    init.add_argument("--key", help="API key; without it, TAKEITDOWN_KEY or a prompt")
    init.add_argument("--verifier-key", required=True, help="from your console: portal.example+1a2b3c4d+…")
    init.add_argument("--list", default="production", help="production, or sandbox-<your code>")
    init.set_defaults(run=_init)

    sync = commands.add_parser("sync", help="bring the copy up to date, prove it, say so to the portal")
    sync.add_argument("--follow", action="store_true", help="go on until interrupted, as often as the portal likes")
    sync.add_argument("--now", action="store_true", help="even if the last sync was only just (after a ping)")
    sync.set_defaults(run=_sync)

    listener = commands.add_parser("listen", help="take webhooks, behind your own TLS proxy, and poll as well")
    listener.add_argument("--port", type=int, required=True, help="of 127.0.0.1")
    listener.add_argument("--secrets", type=Path, required=True, metavar="FILE", help="one whsec_… a line")
    listener.set_defaults(run=_listen)

    status = commands.add_parser("status", help="what this copy is and how fresh")
    status.add_argument("--json", action="store_true")
    status.set_defaults(run=_status)

    match = commands.add_parser("match", help=f"look files or hashes up. {REVIEW}")
    match.add_argument("what", nargs="+", metavar="FILE|HASH")
    match.add_argument("--json", action="store_true")
    match.set_defaults(run=_match)

    report = commands.add_parser("report", help="tell the portal what became of a match")
    report.add_argument("entry", metavar="ENTRY")
    report.add_argument("--outcome", required=True, choices=OUTCOMES)
    report.add_argument("--reason", default="", choices=("", *REASONS), help="with declined, and only with it")
    report.set_defaults(run=_report)

    feedback = commands.add_parser("feedback", help="say whether an entry is right; a dispute leaves it out here")
    feedback.add_argument("entry", metavar="ENTRY")
    feedback.add_argument("opinion", choices=OPINIONS)
    feedback.add_argument("--reason", default="", choices=("", *REASONS))
    feedback.set_defaults(run=_feedback)

    commands.add_parser("verify", help="recompute the copy from its rows").set_defaults(run=_verify)

    alarms = commands.add_parser("alarms", help="what a person should look at")
    alarms.add_argument("--close", type=int, metavar="NUMBER", help="you have seen to it")
    alarms.add_argument("--all", action="store_true", help="closed ones too")
    alarms.add_argument("--json", action="store_true", help="with the signed notes kept as evidence")
    alarms.set_defaults(run=_alarms)
    return parser


# --- commands ------------------------------------------------------------------------------------------------------


def _init(options: argparse.Namespace) -> int:
    url, verifier_key = checked_url(options.url), VerifierKey.parse(options.verifier_key)
    key = options.key or os.environ.get("TAKEITDOWN_KEY", "")
    if not key and sys.stdin.isatty():
        key = getpass("API key: ")
    key = key.strip()
    if not key or not key.isascii() or not key.isprintable() or " " in key:
        raise InvalidInput("Give the API key with --key, in TAKEITDOWN_KEY, or at the prompt.")
    with Store(options.dir, create=True) as store:
        store.set_up(url=url, list_name=options.list, verifier_key=verifier_key)
        if options.key or not os.environ.get("TAKEITDOWN_KEY"):
            write_key(options.dir, key)
    print(f"Set up in {options.dir} for {verifier_key.name}, list “{options.list}”.")
    print("Next: takeitdown-client sync")
    return DONE


def _sync(options: argparse.Namespace) -> int:
    with Store(options.dir) as store:
        portal = _portal(store)
        synchroniser = Synchroniser(store, portal, progress=for_terminal())
        reports = Reports(store, portal)
        if options.follow:
            follow(lambda: _sync_once(synchroniser, reports), tell=_tell)
            return DONE
        if not options.now and (wait := _too_soon(store)):
            print(f"The last sync was only just; the portal asks for {wait:.0f} s more. --now syncs at once.")
            return DONE
        _tell(_sync_once(synchroniser, reports), None)
        open_alarms = store.alarms()
        for alarm in open_alarms:
            _say(f"Alarm {alarm.id}, {alarm.kind}: {alarm.detail}")
        return FOUND if open_alarms else DONE


def _listen(options: argparse.Namespace) -> int:
    try:
        secrets = listen.read_secrets(options.secrets.read_text("ascii"))
    except (OSError, ValueError):
        raise InvalidInput(f"The file of secrets, {options.secrets}, cannot be read.") from None
    bell = listen.Bell()
    with Store(options.dir) as store:
        portal = _portal(store)
        server = listen.serve(bell, secrets, port=options.port)
        print(f"Listening on 127.0.0.1:{server.server_address[1]}.", flush=True)
        synchroniser, reports = Synchroniser(store, portal, progress=for_terminal()), Reports(store, portal)
        listen.work(synchroniser, bell, tell=_tell, after_sync=reports.deliver)
    return DONE


def _sync_once(synchroniser: Synchroniser, reports: Reports) -> Outcome:
    outcome = synchroniser.sync()
    reports.deliver()
    return outcome


def _too_soon(store: Store) -> float:
    """Seconds still to wait by the portal's wish; 0 when a sync is due, or the last one failed."""
    last, wish = store.setting("last_sync_at"), store.setting("min_wait_seconds") or str(DEFAULT_MIN_WAIT_SECONDS)
    if not last or store.setting("last_error"):
        return 0.0
    passed = time.time() - int(last)
    wait = wait_after_success(float(wish), draw=lambda: 0.0)
    return max(wait - passed, 0.0) if passed >= 0 else 0.0


def _status(options: argparse.Namespace) -> int:
    with Store(options.dir) as store:
        facts = _facts(store)
    if options.json:
        print(json.dumps(facts, indent=1))
        return DONE
    for name, value in facts.items():
        shown = "; ".join(map(str, value)) if isinstance(value, list) else value
        print(f"{name.replace('_', ' '):22} {shown}")
    return DONE


def _facts(store: Store) -> dict[str, object]:
    head, acknowledged = store.copy().head, store.setting("last_acknowledgement_error")
    last_sync, last_error = store.setting("last_sync_at"), store.setting("last_error")
    outbox = store.outbox()
    return {
        "portal": store.setting("url"),
        "list": f"{store.origin} {store.list_name}",
        "verifier_keys": [period.key.text for period in store.key_periods()],
        "position": f"epoch {head.epoch}, change {head.seq}" if head else "no copy yet",
        "rows": head.live if head else 0,
        "rows_by_type": [f"{type} {TRUST_NAMES.get(int(trust), '?')} {rows:,}" for type, trust, rows in store.counts()],
        "set_hash": head.set_hash.hex() if head else "",
        "signed": _utc(head.issued) if head else "",
        "last_sync": _utc(int(last_sync)) if last_sync else "never",
        "acknowledged": acknowledged or ("yes" if last_sync else "no"),
        "last_error": f"{last_error} ({_utc(int(store.setting('last_error_at')))})" if last_error else "",
        "stale": is_stale(store, now=time.time()),
        "left_out": len(store.left_out()),
        "reports_waiting": sum(not letter.refusal for letter in outbox),
        "reports_refused": [f"{letter.body.get('entry')}: {letter.refusal}" for letter in outbox if letter.refusal],
        "open_alarms": [alarm.kind for alarm in store.alarms()],
    }


def _match(options: argparse.Namespace) -> int:
    with Store(options.dir) as store:
        stale = is_stale(store, now=time.time())
        matcher = Matcher(store, stale=stale)
        progress = for_terminal()
        progress.start("Matching", len(options.what))
        found = {}
        for what in options.what:
            found[what] = _matches(matcher, what)
            progress.advance(1)
        progress.finish()
    if options.json:
        shown = [{"query": what, "matches": [dataclasses.asdict(match) for match in found[what]]} for what in found]
        print(json.dumps({"action_hint": "review", "stale": stale, "results": shown}, indent=1))
    else:
        _print_matches(found, stale=stale)
    return FOUND if any(found.values()) else DONE


def _matches(matcher: Matcher, what: str) -> list[Match]:
    if Path(what).is_file():
        return nearest_first(
            match for hash in pictures.fingerprints(Path(what)) for match in matcher.match(hash.type, hash.value)
        )
    if not types_of(what) and len(what) != 64:
        raise InvalidInput(f"“{what[:80]}” is neither a file nor a hash (lowercase hex: 16, 32 or 64 digits).")
    return nearest_first(matcher.match_any(what))


def _print_matches(found: dict[str, list[Match]], *, stale: bool) -> None:
    for what, matches in found.items():
        print(f"{what}: {len(matches)} match(es)" if matches else f"{what}: no match")
        for match in matches:
            print(f"  {match.entry}  {match.type}  {match.media}  {match.trust}  distance {match.distance}")
    if any(found.values()):
        print(REVIEW)
    if stale:
        print("This copy is older than 7 days: let a person decide every match.")
    if not pictures.PICTURES and any(Path(what).is_file() for what in found):
        _say("Only exact copies were looked for: pip install 'takeitdown-client[pictures]' finds edited ones too.")


def _report(options: argparse.Namespace) -> int:
    with Store(options.dir) as store:
        reports = Reports(store, _portal(store))
        reports.report(options.entry, outcome=options.outcome, reason=options.reason)
        return _delivered(reports)


def _feedback(options: argparse.Namespace) -> int:
    with Store(options.dir) as store:
        reports = Reports(store, _portal(store))
        reports.feedback(options.entry, options.opinion, reason=options.reason)
        if options.opinion == "dispute":
            print("The entry is left out on this side from now on; the list changes when others agree.")
        return _delivered(reports)


def _delivered(reports: Reports) -> int:
    result = reports.deliver()
    if result.refused:
        _say(f"The portal refused {result.refused} report(s): see `takeitdown-client status`.")
        return NO_ANSWER
    print("Delivered." if not result.waiting else "Kept; the next sync delivers it.")
    return DONE


def _verify(options: argparse.Namespace) -> int:
    with Store(options.dir) as store:
        found = audit(store, progress=for_terminal())
    print(f"{found.rows:,} rows, set hash {found.set_hash.hex()}")
    for problem in found.problems:
        _say(problem)
    if found.problems:
        raise LocalCopyDamaged("This copy is not what the portal signed.")
    print("This is the list the portal signed.")
    return DONE


def _alarms(options: argparse.Namespace) -> int:
    with Store(options.dir) as store:
        if options.close is not None and not store.close_alarms(at=int(time.time()), id=options.close):
            raise InvalidInput(f"There is no open alarm {options.close}.")
        alarms, still_open = store.alarms(closed=options.all), store.alarms()
    if options.json:
        print(json.dumps([dataclasses.asdict(alarm) for alarm in alarms], indent=1))
    else:
        for alarm in alarms:
            closed = f", closed {_utc(alarm.closed_at)}" if alarm.closed_at else ""
            print(f"{alarm.id}  {alarm.kind}  since {_utc(alarm.first_at)}, {alarm.times} time(s){closed}")
            print(f"   {alarm.detail}")
        if not alarms:
            print("No alarms.")
    return FOUND if still_open else DONE


# --- words -----------------------------------------------------------------------------------------------------------


def _portal(store: Store) -> Portal:
    return Portal(UrlTransport(store.setting("url")), key=read_key(store.directory))


def _tell(happened: Outcome | ClientFailure, wait_seconds: float | None) -> None:
    if isinstance(happened, ClientFailure):
        line = f"{happened.detail} {happened.next_step}"
    elif happened.head is None:
        line = "There is nothing on the list yet."
    else:
        line = (
            f"Epoch {happened.head.epoch}, change {happened.head.seq}: {happened.head.live:,} rows, proven"
            f"{' and acknowledged' if happened.acknowledged else ', not yet acknowledged'}"
            f" (+{happened.added} ~{happened.updated} -{happened.removed}"
            f"{', from a snapshot' if happened.snapshots else ''})."
        )
    if wait_seconds is not None:
        line = f"{_utc(int(time.time()))} {line} Next in {wait_seconds:.0f} s."
    print(line, flush=True)


def _utc(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def _say(line: str) -> None:
    print(line, file=sys.stderr)
