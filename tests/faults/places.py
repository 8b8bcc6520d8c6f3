"""Everywhere a portal leaves something behind, as bytes to search."""

from __future__ import annotations

import contextlib
import gzip
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import redis

from tests.faults.stack import Stack

# The list is there to hold fingerprints: these columns may, and so may the files that PostgreSQL keeps those tables in.
LIST_COLUMNS = {("matching_hold", "value"), ("matching_hashlistentry", "value")}
LIST_TABLES = sorted({table for table, _ in LIST_COLUMNS})
_COPY = re.compile(r"^COPY public\.(\w+) \((.*)\) FROM stdin;$")
_ZEROS = re.compile(rb"\0{64,}")
Piece = tuple[str, str, bytes]
"""Kind of place, where exactly, what stands there."""


def everywhere(stack: Stack) -> Iterator[Piece]:
    """All of it. Kinds that end in `(list)` are where a listed fingerprint may stand."""
    yield from dump(stack)
    yield from data_files(stack)
    yield "PostgreSQL log", "server.log", (stack.postgres.folder / "server.log").read_bytes()
    for path in sorted(stack.folder.glob("*.log")):
        yield "process log", path.name, path.read_bytes()
    for kind in ("broker", "limits"):
        yield f"Redis {kind}", "keys and values", _memory(stack.folder / f"{kind}.sock")
    for path in [*stack.folder.glob("*.aof"), *stack.folder.glob("*.rdb"), *_files(stack.folder / "appendonlydir")]:
        yield "Redis files", path.name, path.read_bytes()
    for folder, kind in ((stack.var, "var"), (stack.folder / "tmp", "temporary files")):
        for path in _files(folder):
            yield _named(kind, path), str(path.relative_to(folder)), _content(path)
    yield from open_files(stack)


# --- PostgreSQL -------------------------------------------------------------------------------------------------


def dump(stack: Stack) -> Iterator[Piece]:
    """pg_dump, the list's columns apart from the rest."""
    command = [str(stack.postgres.programs / "pg_dump"), "-h", str(stack.postgres.folder), "-U", "postgres", "portal"]
    text = subprocess.run(command, capture_output=True, check=True, timeout=60).stdout.decode()
    values, rest = [], []
    allowed: set[int] = set()
    for line in text.splitlines():
        if begin := _COPY.match(line):
            columns = begin[2].split(", ")
            allowed = {place for place, name in enumerate(columns) if (begin[1], name.strip('"')) in LIST_COLUMNS}
        elif line == "\\.":
            allowed = set()
        cells = line.split("\t")
        values += [cell for place, cell in enumerate(cells) if place in allowed and len(cells) > 1]
        rest.append("\t".join(cell for place, cell in enumerate(cells) if place not in allowed or len(cells) == 1))
    yield "pg_dump", "portal", "\n".join(rest).encode()
    yield "pg_dump (list)", "portal", "\n".join(values).encode()


def data_files(stack: Stack) -> Iterator[Piece]:
    """Every file of the data folder, written out first. The log ahead of writes repeats what tables hold."""
    of_the_list = set()
    with psycopg.connect(stack.postgres.url.replace("/postgres?", "/portal?"), autocommit=True) as connection:
        connection.execute("CHECKPOINT")
        for table in LIST_TABLES:
            sql = """SELECT pg_relation_filepath(c.oid) FROM pg_class c WHERE c.oid = %s::regclass
                     OR c.oid = (SELECT reltoastrelid FROM pg_class WHERE oid = %s::regclass)"""
            of_the_list |= {row[0] for row in connection.execute(sql, [table, table])}
    for path in _files(stack.postgres.data):
        name = str(path.relative_to(stack.postgres.data))
        if name.startswith("pg_wal/"):
            yield "PostgreSQL WAL (list)", name, _content(path)
        elif name.partition(".")[0] in of_the_list:
            yield "PostgreSQL files (list)", name, _content(path)
        else:
            yield "PostgreSQL files", name, _content(path)


# --- Redis ------------------------------------------------------------------------------------------------------


def _memory(socket: Path) -> bytes:
    """Every key with its value, uncompressed: an RDB dump would squeeze them."""
    client = redis.Redis(unix_socket_path=str(socket))
    parts: list[Any] = []
    for key in client.scan_iter(count=1000):
        readers: dict[Any, Any] = {
            b"string": client.get,
            b"list": lambda key: client.lrange(key, 0, -1),
            b"set": client.smembers,
            b"zset": lambda key: client.zrange(key, 0, -1),
            b"hash": client.hgetall,
        }
        parts += [key, readers[client.type(key)](key)]
    client.close()
    return b"\n".join(_flat(parts))


def _flat(value: Any) -> Iterator[bytes]:
    if isinstance(value, bytes):
        yield value
    elif isinstance(value, dict):
        yield from _flat([*value.keys(), *value.values()])
    elif value is not None:
        for part in value:
            yield from _flat(part)


# --- files ------------------------------------------------------------------------------------------------------


def open_files(stack: Stack) -> Iterator[Piece]:
    """What the processes hold open, deleted files among them, and how they were called."""
    for pid in stack.pids():
        with contextlib.suppress(OSError):
            yield "command lines", str(pid), Path(f"/proc/{pid}/cmdline").read_bytes()
            for handle in os.listdir(f"/proc/{pid}/fd"):
                path = f"/proc/{pid}/fd/{handle}"
                if os.readlink(path).endswith(" (deleted)"):
                    yield "open files", f"{pid}: {os.readlink(path)}", Path(path).read_bytes()


def _named(kind: str, path: Path) -> str:
    return "snapshots (list)" if "snapshots" in path.parts else kind


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())


def _content(path: Path) -> bytes:
    try:
        data = path.read_bytes()
    except FileNotFoundError:  # a temporary file may just have gone
        return b""
    if data[:2] == b"\x1f\x8b":
        with contextlib.suppress(EOFError):
            data += gzip.decompress(data)
    return _ZEROS.sub(bytes(64), data)
