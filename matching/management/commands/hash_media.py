"""Fingerprints of files on this machine, for staff and platforms."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from matching.hashing.media_file import Fingerprint, HashedFile, hash_file
from matching.signal_types import VPDQ
from takeitdown.errors import Refused

BAR = 30


class Command(BaseCommand):
    help = (
        "Fingerprints photographs and videos on this machine: PDQ and pHash, or vPDQ of a video's keyframes, with MD5 "
        "and SHA-256. Nothing is sent or kept. Fails if a file could not be read; the others are done all the same."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("files", nargs="+", type=Path, metavar="FILE")
        parser.add_argument("--json", action="store_true", help="a JSON object a line for each file, frames included")

    def handle(self, *args: Any, **options: Any) -> None:
        say = self._say_json if options["json"] else self._say
        unread = sum(not self._hash(path, say) for path in options["files"])
        if unread:
            raise CommandError(f"{unread} of {len(options['files'])} files could not be read.")

    def _hash(self, path: Path, say: Any) -> bool:
        """Whether it could be read."""
        try:
            with path.open("rb") as file:
                say(path, hash_file(file, self._progress(path)))
        except Refused as refusal:
            self._refuse(path, refusal.code, refusal.detail, say)
        except OSError as error:
            self._refuse(path, "not_readable", f"{error.strerror or 'This file cannot be read'}.", say)
        else:
            return True
        return False

    def _progress(self, path: Path) -> Any:
        def show(share: float) -> None:
            if sys.stderr.isatty():
                done = "\u2588" * round(BAR * share)
                self.stderr.write(f"\r{path.name}: {done:<{BAR}} {share:4.0%}", ending="" if share < 1 else "\r\033[K")

        return show

    def _say(self, path: Path, hashed: HashedFile) -> None:
        self.stdout.write(f"{path}: {hashed.media}, {hashed.size} bytes")
        for fingerprint in hashed.fingerprints:
            self.stdout.write(f"  {fingerprint.type:<6} {_words(fingerprint)}")
        if hashed.note:
            self.stdout.write(f"  {hashed.note}")

    def _say_json(self, path: Path, hashed: HashedFile) -> None:
        self.stdout.write(json.dumps({"file": str(path), **asdict(hashed)}, ensure_ascii=False))

    def _refuse(self, path: Path, code: str, detail: str, say: Any) -> None:
        if say == self._say_json:
            self.stdout.write(json.dumps({"file": str(path), "refused": code, "detail": detail}, ensure_ascii=False))
        else:
            self.stderr.write(f"{path}: {detail}")


def _words(fingerprint: Fingerprint) -> str:
    if fingerprint.type == VPDQ:
        return f"{len(fingerprint.value)} frames, the first {fingerprint.value[0]}"
    quality = "" if fingerprint.quality is None else f" (quality {fingerprint.quality})"
    return f"{fingerprint.value}{quality}"
