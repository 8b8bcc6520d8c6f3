"""What the client keeps, in one SQLite file of its own: the rows and the head they add up to, every head ever verified,
pinned keys, alarms with their evidence, entries left out on this side, and reports not yet delivered.

Rows, their sum and their head change in one transaction or not at all (WAL, synchronous=FULL). Values of removed rows
are overwritten at once (secure_delete) and the write-ahead log that still showed them is truncated.
"""

import contextlib
import fcntl
import json
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Self

from .errors import CopyMoved, LocalCopyDamaged, NoteRefused, NotSetUp, SyncRunning
from .listhash import SetSum
from .notes import Head, KeyPeriod, VerifierKey, parse_head
from .rows import Row

DATABASE_NAME = "list.sqlite3"
HEADS_KEPT = 10_000

Table = Literal["rows", "staged_rows"]  # the copy that is matched with; the one a snapshot is read into
_COLUMNS = "id, trust, commitment, type, media, value, nonce"
_ROWS = """(
    id BLOB PRIMARY KEY, trust INTEGER NOT NULL, commitment BLOB NOT NULL,
    type TEXT, media TEXT, value TEXT, nonce BLOB)"""
_SCHEMA = f"""
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS rows {_ROWS};
CREATE TABLE IF NOT EXISTS copy (one INTEGER PRIMARY KEY CHECK (one = 1), head TEXT NOT NULL, sum BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS heads (
    epoch INTEGER NOT NULL, seq INTEGER NOT NULL, state TEXT NOT NULL, note TEXT NOT NULL, issued INTEGER NOT NULL,
    PRIMARY KEY (epoch, seq));
CREATE TABLE IF NOT EXISTS verifier_keys (key TEXT PRIMARY KEY, until INTEGER, pinned_by TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS alarms (
    id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, detail TEXT NOT NULL, evidence TEXT NOT NULL,
    first_at INTEGER NOT NULL, last_at INTEGER NOT NULL, times INTEGER NOT NULL, closed_at INTEGER);
CREATE TABLE IF NOT EXISTS left_out (entry BLOB PRIMARY KEY, reason TEXT NOT NULL, at INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS outbox (
    client_id TEXT PRIMARY KEY, path TEXT NOT NULL, body TEXT NOT NULL, at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, refusal TEXT NOT NULL DEFAULT '');
"""


@dataclass(slots=True)
class Copy:
    """A copy of the list that adds up: where it stands and the sum of its rows. The rows are in `table`."""

    table: Table
    head: Head | None  # None: an empty copy at the start of an epoch not known yet
    sum: SetSum


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something a person should look at. `evidence` are signed notes; times are unix seconds."""

    id: int
    kind: str
    detail: str
    evidence: tuple[str, ...]
    first_at: int
    last_at: int
    times: int
    closed_at: int | None


@dataclass(frozen=True, slots=True)
class Letter:
    """A report on its way to the portal. `refusal` says why the portal will never take it; empty while it waits."""

    client_id: str
    path: str
    body: Mapping[str, Any]
    attempts: int
    refusal: str


def nothing(point: str) -> None:
    """The fail-point hook outside of tests."""


class Store:
    """One client's directory. Open it once a process; other processes may read and match meanwhile."""

    def __init__(self, directory: Path, *, create: bool = False) -> None:
        """Open `directory`. Raises NotSetUp when there is no client in it and `create` is false."""
        self.directory = Path(directory)
        path = self.directory / DATABASE_NAME
        if create:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        elif not path.exists():
            raise NotSetUp(f"There is no client in {self.directory}.")
        if not path.exists():
            path.touch(mode=0o600)
        self._db = sqlite3.connect(path, isolation_level=None, timeout=30)
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON", "busy_timeout=30000"):
            self._db.execute(f"PRAGMA {pragma}")
        if create or not self._db.execute("SELECT 1 FROM sqlite_master WHERE name = 'outbox'").fetchone():
            self._db.executescript(_SCHEMA)
            self._index("rows")

    def close(self) -> None:
        self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing. A crash inside leaves what was there before."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    @contextlib.contextmanager
    def sync_lock(self) -> Iterator[None]:
        """One sync at a time over all processes; the kernel lets go when a process dies. Raises SyncRunning."""
        with open(self.directory / "sync.lock", "w") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise SyncRunning("Another sync is running in this directory.") from None
            yield

    # --- settings and keys -----------------------------------------------------------------------------------

    def setting(self, name: str, default: str = "") -> str:
        row = self._db.execute("SELECT value FROM settings WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else default

    def set(self, **settings: str) -> None:
        self._db.executemany("INSERT OR REPLACE INTO settings VALUES (?, ?)", settings.items())

    @property
    def origin(self) -> str:
        """The portal's name as its verifier key says it."""
        return self.setting("origin")

    @property
    def list_name(self) -> str:
        return self.setting("list")

    def set_up(self, *, url: str, list_name: str, verifier_key: VerifierKey) -> None:
        """Record whose list this is and pin its key. Changing portal or list forgets the rows and heads of the old."""
        with self.transaction():
            if (self.origin, self.list_name) not in {("", ""), (verifier_key.name, list_name)}:
                for table in ("rows", "copy", "heads", "verifier_keys", "left_out"):
                    self._db.execute(f"DELETE FROM {table}")  # noqa: S608 - constants
            self.set(url=url, origin=verifier_key.name, list=list_name)
            self._db.execute("INSERT OR REPLACE INTO verifier_keys VALUES (?, NULL, 'you')", (verifier_key.text,))
        self._truncate_log()

    def key_periods(self) -> list[KeyPeriod]:
        """Every key pinned by hand or learnt. `until` is 2^63 - 1 while nobody has set an end; `from_` is not kept."""
        found = self._db.execute("SELECT key, until FROM verifier_keys ORDER BY key").fetchall()
        return [KeyPeriod(VerifierKey.parse(key), 0, 2**63 - 1 if until is None else until) for key, until in found]

    def learn_keys(self, periods: Iterable[KeyPeriod]) -> None:
        """Take in a verified keys note: new keys are added, ends of known ones are set. None is ever forgotten."""
        with self.transaction():
            self._db.executemany(
                "INSERT INTO verifier_keys VALUES (?, ?, 'keys note')"
                " ON CONFLICT (key) DO UPDATE SET until = excluded.until",
                [(period.key.text, period.until) for period in periods],
            )

    # --- heads seen ------------------------------------------------------------------------------------------

    def head_at(self, position: tuple[int, int]) -> tuple[str, str] | None:
        """(state, note) of the head verified at a position, if ever."""
        row = self._db.execute("SELECT state, note FROM heads WHERE epoch = ? AND seq = ?", position).fetchone()
        return (row[0], row[1]) if row else None

    def highest(self) -> Head | None:
        """The highest head ever verified for this list, by (epoch, seq)."""
        row = self._db.execute("SELECT note FROM heads ORDER BY epoch DESC, seq DESC LIMIT 1").fetchone()
        return _reopened(row[0]) if row else None

    def signed_time(self) -> int:
        """The latest moment any verified head was issued at: a clock that only the portal's signatures move."""
        return int(self._db.execute("SELECT coalesce(max(issued), 0) FROM heads").fetchone()[0])

    def remember_head(self, head: Head) -> None:
        """Keep a verified head, the newest statement for each position. Old positions are let go past a bound."""
        self._db.execute(
            "INSERT INTO heads VALUES (?, ?, ?, ?, ?) ON CONFLICT (epoch, seq) DO UPDATE"
            " SET note = excluded.note, issued = excluded.issued WHERE excluded.issued >= issued",
            (*head.position, head.state, head.note, head.issued),
        )
        self._db.execute(
            "DELETE FROM heads WHERE (epoch, seq) <"
            " (SELECT epoch, seq FROM heads ORDER BY epoch DESC, seq DESC LIMIT 1 OFFSET ?)",
            (HEADS_KEPT,),
        )

    # --- rows ------------------------------------------------------------------------------------------------

    def copy(self) -> Copy:
        """The copy that is matched with. Raises LocalCopyDamaged when its own record cannot be read."""
        found = self._db.execute("SELECT head, sum FROM copy").fetchone()
        if found is None:
            return Copy("rows", None, SetSum())
        try:
            return Copy("rows", _reopened(found[0]), SetSum.from_stored(found[1]))
        except (ValueError, TypeError, NoteRefused) as error:
            raise LocalCopyDamaged("The record of what this copy adds up to is damaged.") from error

    def rows_by_id(self, table: Table, ids: Sequence[bytes]) -> dict[bytes, Row]:
        found: dict[bytes, Row] = {}
        for start in range(0, len(ids), 500):
            part = ids[start : start + 500]
            marks = ",".join("?" * len(part))
            sql = f"SELECT {_COLUMNS} FROM {table} WHERE id IN ({marks})"  # noqa: S608 - constants and marks
            found.update((record[0], _row(record)) for record in self._db.execute(sql, part))
        return found

    def rows(self, table: Table = "rows", *, shown_only: bool = False) -> Iterator[Row]:
        """Every row, in no order, without holding them all in memory."""
        where = "WHERE value IS NOT NULL" if shown_only else ""
        for record in self._db.execute(f"SELECT {_COLUMNS} FROM {table} {where}"):  # noqa: S608 - constants
            yield _row(record)

    def rows_with_value(self, type: str, value: str) -> list[Row]:
        """Rows that show exactly this value."""
        sql = f"SELECT {_COLUMNS} FROM rows WHERE value = ? AND type = ?"  # noqa: S608 - constants
        return [_row(record) for record in self._db.execute(sql, (value, type))]

    def values_of(self, type: str) -> Iterator[tuple[bytes, str]]:
        """(id, value) of the shown rows of one type."""
        yield from self._db.execute("SELECT id, value FROM rows WHERE type = ? AND value IS NOT NULL", (type,))

    def count(self, table: Table = "rows") -> int:
        return int(self._db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - constants

    def counts(self) -> list[tuple[str, str, int]]:
        """(type or "withheld", trust number as text, rows), for people to read."""
        return self._db.execute(
            "SELECT coalesce(type, 'withheld'), trust, count(*) FROM rows GROUP BY 1, 2 ORDER BY 1, 2"
        ).fetchall()

    def store_page(
        self,
        base: Copy,
        *,
        gone: Sequence[bytes],
        put: Sequence[Row],
        head: Head,
        sum: SetSum,
        at: Callable[[str], None] = nothing,
    ) -> None:
        """Rows, sum and head in one transaction; then nothing of a removed value is left in the files.

        For the staged copy only rows are stored: its head lives in memory until the swap. Raises CopyMoved when the
        copy is no longer the one the page was proven on.
        """
        with self.transaction():
            self._check_unmoved(base)
            self.write_rows(base.table, gone=gone, put=put)
            at("rows_written")
            self.remember_head(head)
            if base.table == "rows":
                self.write_copy(head, sum)
            at("head_written")
        self._truncate_log()

    def write_rows(self, table: Table, *, gone: Sequence[bytes], put: Iterable[Row]) -> None:
        """Inside a transaction."""
        self._db.executemany(f"DELETE FROM {table} WHERE id = ?", [(id,) for id in gone])  # noqa: S608 - constants
        self._db.executemany(
            f"INSERT OR REPLACE INTO {table} ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - constants
            map(_record, put),
        )

    def write_copy(self, head: Head, sum: SetSum) -> None:
        """Inside a transaction: where the copy stands and what it adds up to."""
        self._db.execute("INSERT OR REPLACE INTO copy VALUES (1, ?, ?)", (head.note, sum.stored()))

    def _check_unmoved(self, base: Copy) -> None:
        if base.table == "rows":
            found = self._db.execute("SELECT head FROM copy").fetchone()
            if (found[0] if found else None) != (base.head.note if base.head else None):
                raise CopyMoved("The local copy was changed by another process meanwhile.")

    # --- snapshots: read into a second table, then put in place of the first ------------------------------------

    def begin_staging(self) -> None:
        """An empty second table. Whatever a crash left in it is erased."""
        self.discard_staging()
        self._db.execute(f"CREATE TABLE staged_rows {_ROWS}")

    def stage(self, rows: Iterable[Row]) -> None:
        """Add rows to it, one transaction. Raises sqlite3.IntegrityError when an id comes twice."""
        with self.transaction():
            self._db.executemany(
                f"INSERT INTO staged_rows ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",  # noqa: S608 - constants
                map(_record, rows),
            )

    def discard_staging(self) -> None:
        if self._db.execute("SELECT 1 FROM sqlite_master WHERE name = 'staged_rows'").fetchone():
            self._db.execute("DROP TABLE staged_rows")
            self._truncate_log()

    def replace_copy(self, base: Copy | None, staged: Copy, *, at: Callable[[str], None] = nothing) -> None:
        """Put the staged rows in place of the copy, with their head and sum, in one transaction; erase the old ones.

        Raises CopyMoved when the copy was changed since `base` was read; None: it could not be read, replace it.
        """
        assert staged.head is not None
        with self.transaction():
            if base is not None:
                self._check_unmoved(base)
            self._db.execute("DROP TABLE rows")
            self._db.execute("ALTER TABLE staged_rows RENAME TO rows")
            self._index("rows")
            at("rows_swapped")
            self.remember_head(staged.head)
            self.write_copy(staged.head, staged.sum)
            at("head_written")
        self._truncate_log()

    def _index(self, table: Table) -> None:
        self._db.execute(f"CREATE INDEX IF NOT EXISTS rows_by_value ON {table} (value) WHERE value IS NOT NULL")

    def _truncate_log(self) -> None:
        """Move the write-ahead log into the file and empty it: the log shows values that were just erased."""
        self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    # --- alarms ----------------------------------------------------------------------------------------------

    def alarm(self, kind: str, detail: str, *, at: int, evidence: Sequence[str] = ()) -> None:
        """Raise an alarm, or count it again when the same one is still open."""
        notes = json.dumps(list(evidence))
        again = self._db.execute(
            "UPDATE alarms SET last_at = ?, times = times + 1, detail = ?"
            " WHERE kind = ? AND evidence = ? AND closed_at IS NULL",
            (at, detail, kind, notes),
        )
        if not again.rowcount:
            self._db.execute(
                "INSERT INTO alarms (kind, detail, evidence, first_at, last_at, times) VALUES (?, ?, ?, ?, ?, 1)",
                (kind, detail, notes, at, at),
            )

    def close_alarms(self, *, at: int, kind: str | None = None, id: int | None = None) -> int:
        """Close by kind (the condition has passed) or by number (a person has seen it). How many were open."""
        return self._db.execute(
            "UPDATE alarms SET closed_at = ? WHERE closed_at IS NULL AND (kind = ? OR id = ?)", (at, kind, id)
        ).rowcount

    def alarms(self, *, closed: bool = False) -> list[Alarm]:
        """Open alarms, oldest first; with `closed`, all that ever were."""
        found = self._db.execute(
            "SELECT id, kind, detail, evidence, first_at, last_at, times, closed_at FROM alarms"
            " WHERE closed_at IS NULL OR ? ORDER BY id",
            (closed,),
        )
        return [
            Alarm(id, kind, detail, tuple(json.loads(evidence)), first_at, last_at, times, closed_at)
            for id, kind, detail, evidence, first_at, last_at, times, closed_at in found
        ]

    # --- left out, outbox --------------------------------------------------------------------------------------

    def leave_out(self, entry: bytes, *, reason: str, at: int) -> None:
        """Match no more with an entry on this side. The list itself is not touched by it."""
        self._db.execute("INSERT OR REPLACE INTO left_out VALUES (?, ?, ?)", (entry, reason, at))

    def take_back_in(self, entry: bytes) -> None:
        self._db.execute("DELETE FROM left_out WHERE entry = ?", (entry,))

    def left_out(self) -> dict[bytes, str]:
        """Entry id to reason."""
        return dict(self._db.execute("SELECT entry, reason FROM left_out").fetchall())

    def post(self, client_id: str, path: str, body: Mapping[str, Any], *, at: int) -> None:
        """Put a report into the outbox; it survives crashes until the portal has it."""
        self._db.execute(
            "INSERT INTO outbox (client_id, path, body, at) VALUES (?, ?, ?, ?)",
            (client_id, path, json.dumps(body), at),
        )

    def outbox(self) -> list[Letter]:
        """Reports not delivered yet, oldest first, the refused ones too."""
        found = self._db.execute("SELECT client_id, path, body, attempts, refusal FROM outbox ORDER BY at, rowid")
        return [Letter(client_id, path, json.loads(body), tries, no) for client_id, path, body, tries, no in found]

    def delivered(self, client_id: str) -> None:
        self._db.execute("DELETE FROM outbox WHERE client_id = ?", (client_id,))

    def not_delivered(self, client_id: str, *, refusal: str = "") -> None:
        self._db.execute(
            "UPDATE outbox SET attempts = attempts + 1, refusal = ? WHERE client_id = ?", (refusal, client_id)
        )


def _record(row: Row) -> tuple[Any, ...]:
    return row.id, row.trust, row.commitment, row.type, row.media, row.value, row.nonce


def _row(record: tuple[Any, ...]) -> Row:
    """Raises LocalCopyDamaged when the disk holds something that was never a row."""
    id, trust, commitment = record[:3]
    if trust not in (1, 2) or not _is_bytes(id, 16) or not _is_bytes(commitment, 32):
        raise LocalCopyDamaged("A row on this disk is damaged.")
    return Row(*record)


def _is_bytes(value: object, length: int) -> bool:
    return isinstance(value, bytes) and len(value) == length


def _reopened(note: str) -> Head:
    """A head that was verified when it was stored."""
    return parse_head(note, note[: note.rfind("\n\n") + 1])


def write_key(directory: Path, key: str) -> None:
    """Keep the API key beside the database, for this user's eyes only (mode 0600), replaced in one step."""
    fresh = directory / "key.new"
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        os.fchmod(handle, 0o600)
        file.write(key + "\n")
        file.flush()
        os.fsync(handle)
    fresh.replace(directory / "key")


def read_key(directory: Path) -> str:
    """The key from TAKEITDOWN_KEY, else from the directory. Raises NotSetUp when there is none."""
    key = os.environ.get("TAKEITDOWN_KEY", "").strip()
    if not key:
        with contextlib.suppress(FileNotFoundError):
            key = (directory / "key").read_text().strip()
    if not key:
        raise NotSetUp("There is no key: neither in TAKEITDOWN_KEY nor in the client's directory.")
    return key
