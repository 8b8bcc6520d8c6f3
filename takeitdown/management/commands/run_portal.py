"""The whole portal on one machine, in the foreground: for trying out, not for real reports."""

from __future__ import annotations

import contextlib
import fcntl
import functools
import json
import os
import signal
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from takeitdown import embedded_redis, env
from takeitdown.ports import NoFreePort, first_free
from takeitdown.processes import AskedToStop, ChildEnded, ProcessTree, end_leftovers, remember

HOME_ANSWERS_WITHIN_SECONDS = 60
NEVER = False


class Command(BaseCommand):
    """Start Redis, database, sequencer, demonstration, web server and Celery; end them all together."""

    help = "Runs the whole portal on this machine, for trying out."
    requires_system_checks = ()  # each child runs them itself

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="the first port to try (default 8000; 0: any)")

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.EMBEDDED:
            raise CommandError(
                "run_portal is the try-out. With DATABASE_URL set, start the units of README.md instead."
            )
        with _only_one():
            self._run(options["port"])

    def _run(self, wanted_port: int) -> None:
        noted = settings.VAR / "run_portal.processes"
        end_leftovers(noted)
        tree = ProcessTree(settings.BASE_DIR)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, tree.ask_to_stop)
        try:
            port = self._choose_port(wanted_port)
            for start in (self._redis, self._database, self._web, self._celery):
                start(tree, port)
                remember(tree.children, noted)
            self._announce()
            tree.wait_until(lambda: NEVER)
        except AskedToStop:
            self.stdout.write("Stopping …")
        except ChildEnded as ended:
            raise CommandError(f"{ended} The portal stops.") from None
        finally:
            tree.stop()
            noted.unlink(missing_ok=True)

    # --- what is started, in this order ---------------------------------------------------------------------------

    def _choose_port(self, wanted: int) -> int:
        try:
            port = first_free(wanted)
        except NoFreePort as none:
            raise CommandError(str(none)) from None
        if port != wanted and wanted:
            self.stdout.write(f"Port {wanted} is taken; using {port}.")
        address = os.environ.get("PUBLIC_URL") or f"http://localhost:{port}"
        os.environ["PUBLIC_URL"] = address  # for the children; the file is for manage.py beside us
        env.keep_for_others(PUBLIC_URL=address)
        return port

    def _redis(self, tree: ProcessTree, port: int) -> None:
        embedded_redis.make_private(settings.REDIS_SOCKETS)
        given = {"broker": "BROKER_URL", "limits": "CACHE_URL"}
        for kind in (kind for kind, name in given.items() if not os.environ.get(name)):
            command = embedded_redis.command(kind, sockets=settings.REDIS_SOCKETS, data=settings.VAR)
            tree.start(f"Redis ({kind})", command, is_server=True)
            socket: Path = settings.REDIS_SOCKETS / f"{kind}.sock"
            tree.wait_until(functools.partial(embedded_redis.is_ready, socket))

    def _database(self, tree: ProcessTree, port: int) -> None:
        tree.run("migrate", _manage("migrate", "--noinput", "-v", "0"))
        tree.start("The sequencer", _manage("run_sequencer"))
        tree.run("seed_demonstration", _manage("seed_demonstration"))

    def _web(self, tree: ProcessTree, port: int) -> None:
        command = _module("gunicorn", "-c", "takeitdown/gunicorn_conf.py", "-b", f"127.0.0.1:{port}")
        tree.start("The web server", [*command, "takeitdown.wsgi"])
        tree.wait_until(lambda: _answers(f"http://127.0.0.1:{port}/"))

    def _celery(self, tree: ProcessTree, port: int) -> None:
        celery = _module("celery", "--quiet", "-A", "takeitdown")
        worker = ["worker", "--loglevel", "WARNING", "--without-gossip", "--without-mingle"]
        default = ["-Q", "default", "--concurrency", "2", "-n", "default@%h", "-E"]
        tree.start("The Celery worker", [*celery, *worker, *default])
        # Threads: what a slow platform costs is waiting, and sixteen of them hold up nobody.
        webhooks = ["-Q", "webhooks", "-P", "threads", "--concurrency", "16", "-n", "webhooks@%h"]
        tree.start("The webhooks' worker", [*celery, *worker, *webhooks])
        beat = ["beat", "--schedule", str(settings.VAR / "beat.schedule"), "--pidfile=", "--loglevel", "WARNING"]
        tree.start("Celery beat", [*celery, *beat])

    def _announce(self) -> None:
        demo = json.loads((settings.VAR / "demo.json").read_text())
        staff, colleague, member = demo["staff"], demo["colleague"], demo["member"]
        self.stdout.write(
            f"""
Take It Down is ready: a try-out on this machine, not for real reports.

  Portal           {demo["portal_url"]}
  For platforms    {demo["platforms_url"]}
  Console          {demo["console_url"]}
    e-mail         {member["email"]}
    password       {member["password"]}
    second factor  {member["totp_secret"]} (for an authenticator app)
  API              {demo["api_url"]}
  Opt-in key       {demo["partner_key"]}
  Verifier key     {demo["verifier_key"]}
  Staff            {demo["admin_url"]}
    e-mail         {staff["email"]}
    password       {staff["password"]}
    second factor  {staff["totp_secret"]} (for an authenticator app)
  A second one     to allow what the first one asks for
    e-mail         {colleague["email"]}
    password       {colleague["password"]}
    second factor  {colleague["totp_secret"]}

All of it stands in {settings.VAR / "demo.json"}. Ctrl-C ends the portal.
"""
        )
        self.stdout.flush()


def _manage(*arguments: str) -> list[str]:
    return [sys.executable, str(settings.BASE_DIR / "manage.py"), *arguments]


def _module(*arguments: str) -> list[str]:
    return [sys.executable, "-m", *arguments]


def _answers(address: str) -> bool:
    """Whether the home page comes, through the redirect to its language."""
    try:
        with urllib.request.urlopen(address, timeout=10) as response:  # noqa: S310  our own address
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@contextlib.contextmanager
def _only_one() -> Iterator[None]:
    """One portal to a `var/`. The kernel lets go of the lock when its holder dies, however that happens."""
    path: Path = settings.VAR / "run_portal.lock"
    with path.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CommandError(f"A portal already runs on {settings.VAR}: stop it first.") from None
        yield
