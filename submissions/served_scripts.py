"""Which scripts the report page runs, and the SHA-256 of each as it is served, so that anybody can compare."""

from __future__ import annotations

import functools
import hashlib
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import ManifestFilesMixin, staticfiles_storage

FOLDER = "submissions/js"
ENTRIES = ("exit.js", "report.js", "qr.js", "hash-worker.js", "heic-worker.js")
_storage: Any = staticfiles_storage  # which class it is depends on the settings
_IMPORT = re.compile(r"""^\s*(?:import|export)\b[^;]*?["']\./([^"']+)["'];""", re.MULTILINE)


@dataclass(frozen=True)
class Script:
    """A served file: its address and what its content, once decompressed, digests to."""

    url: str
    sha256: str


@functools.cache
def digests() -> list[Script]:
    """Every script that the report page loads, in the order it loads them. Files don't change while a process lives."""
    seen: dict[str, Script] = {}
    for entry in ENTRIES:
        for name, content in _with_imports(_served_name(f"{FOLDER}/{entry}")):
            seen.setdefault(name, Script(settings.STATIC_URL + name, hashlib.sha256(content).hexdigest()))
    return list(seen.values())


def _with_imports(name: str, above: frozenset[str] = frozenset()) -> Iterator[tuple[str, bytes]]:
    path = _path(name)
    if path is None or name in above:
        return  # not built on this machine, or a circle of imports
    content = path.read_bytes()
    yield name, content
    for imported in _IMPORT.findall(content.decode()):
        yield from _with_imports(posixpath.join(posixpath.dirname(name), imported), above | {name})


def _served_name(name: str) -> str:
    """With the digest that collectstatic puts into names; the plain name where nothing was collected."""
    if not isinstance(_storage, ManifestFilesMixin):
        return name
    try:
        return str(_storage.stored_name(name))
    except (FileNotFoundError, ValueError):
        return name  # not built on this machine


def _path(name: str) -> Path | None:
    """Where the served file lies: in STATIC_ROOT, or in its own folder while tests run."""
    is_collected = isinstance(_storage, ManifestFilesMixin)
    found = _storage.path(name) if is_collected else finders.find(name)
    return Path(found) if isinstance(found, str) and Path(found).is_file() else None
