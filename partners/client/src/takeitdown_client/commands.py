"""The commands of `takeitdown-client`: read, call one process, say what came of it. Each returns an exit code."""

import argparse
import dataclasses
import json
import os
import sys
import time
from datetime import UTC, datetime
from getpass import getpass
from pathlib import Path

from . import listen as listening
from . import pictures
from . import self_test as testing
from .audit import audit
from .errors import ClientFailure, InvalidInput, LocalCopyDamaged
from .follow import follow, wait_after_success
from .heads import is_stale
from .http import UrlTransport, checked_url
from .match import REVIEW, Match, Matcher, nearest_first, types_of
from .notes import VerifierKey
from .portal import Portal
from .progress import for_terminal
from .reports import Reports
from .rows import DEFAULT_MIN_WAIT_SECONDS, TRUST_NAMES
from .store import Store, read_key, write_key
from .sync import Outcome, Synchroniser

DONE, FOUND, WRONG_USE, NO_ANSWER, NOT_PROVEN, BUSY = range(6)


def init(options: argparse.Namespace) -> int:
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


def sync(options: argparse.Namespace) -> int:
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
            say(f"Alarm {alarm.id}, {alarm.kind}: {alarm.detail}")
        return FOUND if open_alarms else DONE


def listen(options: argparse.Namespace) -> int:
    try:
        secrets = listening.read_secrets(options.secrets.read_text("ascii"))
    except (OSError, ValueError):
        raise InvalidInput(f"The file of secrets, {options.secrets}, cannot be read.") from None
    bell = listening.Bell()
    with Store(options.dir) as store:
        portal = _portal(store)
        server = listening.serve(bell, secrets, port=options.port)
        print(f"Listening on 127.0.0.1:{server.server_address[1]}.", flush=True)
        synchroniser, reports = Synchroniser(store, portal, progress=for_terminal()), Reports(store, portal)
        listening.work(synchroniser, bell, tell=_tell, after_sync=reports.deliver)
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


def status(options: argparse.Namespace) -> int:
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


def match(options: argparse.Namespace) -> int:
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
        say("Only exact copies were looked for: pip install 'takeitdown-client[pictures]' finds edited ones too.")


def self_test(options: argparse.Namespace) -> int:
    with Store(options.dir) as store:
        run = testing.SelfTest(store, _portal(store), progress=for_terminal()).run()
    print(json.dumps(run, indent=1) if options.json else "\n".join(testing.table(run)))
    return DONE if run.get("stage") == "passed" else FOUND


def report(options: argparse.Namespace) -> int:
    with Store(options.dir) as store:
        reports = Reports(store, _portal(store))
        reports.report(options.entry, outcome=options.outcome, reason=options.reason)
        return _delivered(reports)


def feedback(options: argparse.Namespace) -> int:
    with Store(options.dir) as store:
        reports = Reports(store, _portal(store))
        reports.feedback(options.entry, options.opinion, reason=options.reason)
        if options.opinion == "dispute":
            print("The entry is left out on this side from now on; the list changes when others agree.")
        return _delivered(reports)


def _delivered(reports: Reports) -> int:
    result = reports.deliver()
    if result.refused:
        say(f"The portal refused {result.refused} report(s): see `takeitdown-client status`.")
        return NO_ANSWER
    print("Delivered." if not result.waiting else "Kept; the next sync delivers it.")
    return DONE


def verify(options: argparse.Namespace) -> int:
    with Store(options.dir) as store:
        found = audit(store, progress=for_terminal())
    print(f"{found.rows:,} rows, set hash {found.set_hash.hex()}")
    for problem in found.problems:
        say(problem)
    if found.problems:
        raise LocalCopyDamaged("This copy is not what the portal signed.")
    print("This is the list the portal signed.")
    return DONE


def alarms(options: argparse.Namespace) -> int:
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


def say(line: str) -> None:
    print(line, file=sys.stderr)
