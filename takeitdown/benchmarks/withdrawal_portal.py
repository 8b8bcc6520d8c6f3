"""A portal with twenty platforms that take webhooks: real processes, TLS on loopback, the published client."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connections
from django.utils import timezone

from matching.models import HashList, ListHead, ListReader, SigningKey
from partners import keys, webhooks
from partners.models import Environment, Mode, Partner, PartnerState, Scope, WebhookEndpoint
from takeitdown import embedded_redis
from takeitdown.benchmarks import beside
from takeitdown.benchmarks.receivers import OPENINGS, Answer, Authority, Receiver, TarPit
from takeitdown.database import from_url
from takeitdown.ports import first_free

STARTS_WITHIN_SECONDS = 60


class Platform:
    """A partner with a webhook, and the client behind it, whose thread alone touches its copy of the list.

    `dropped` tells when (`time.monotonic`) each entry left the copy, by the entry's id in hex.
    """

    def __init__(self, number: int, folder: Path, authority: Authority, portal_url: str) -> None:
        sys.path.insert(0, str(settings.BASE_DIR / "partners" / "client" / "src"))
        from takeitdown_client.listen import Bell

        self.partner, key = _partner(f"platform-{number}")
        self.dropped: dict[str, float] = {}
        self.ready = False
        self.secrets: list[str] = []
        self.bell: Any = Bell()
        self._folder = folder / f"platform-{number}"
        self._stopping = False
        self._receiver = Receiver(authority.context(), self._take)
        self._thread = threading.Thread(target=self._work, args=(portal_url, key), daemon=True)

    def __enter__(self) -> Platform:
        self._receiver.__enter__()
        self.endpoint = webhooks.add(
            self.partner, environment=Environment.LIVE, url=self._receiver.url, mode=Mode.PING.value, by="bench"
        )
        self.secrets = webhooks.secrets_of(self.endpoint)
        assert webhooks.challenge(self.endpoint).succeeded
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._stopping = True
        self.bell.ring({})
        self._thread.join()
        self._receiver.__exit__()

    # The client is a package of its own, which nothing of ours imports but what measures it.

    def _take(self, headers: Mapping[str, str], body: bytes) -> Answer:
        from takeitdown_client.receive import answer, verify

        message = verify(headers, body, self.secrets)
        self.bell.ring(message)
        return answer(message)[0], {}, answer(message)[1]

    def _work(self, portal_url: str, key: str) -> None:
        from takeitdown_client.http import UrlTransport
        from takeitdown_client.notes import VerifierKey
        from takeitdown_client.portal import Portal
        from takeitdown_client.receive import take
        from takeitdown_client.store import Store
        from takeitdown_client.sync import Synchroniser

        with Store(self._folder, create=True) as store:
            verifier = VerifierKey.parse(SigningKey.objects.get().verifier)
            connections.close_all()
            store.set_up(url=portal_url, list_name="production", verifier_key=verifier)
            synchroniser = Synchroniser(store, Portal(UrlTransport(portal_url), key=key))
            synchroniser.sync()
            held = {row.id.hex() for row in store.rows()}
            self.ready = True
            while (message := self.bell.wait(600)) is not None and not self._stopping:
                if take(synchroniser, message) is not None:
                    now, left = time.monotonic(), {row.id.hex() for row in store.rows()}
                    self.dropped |= dict.fromkeys(held - left, now)
                    held = left


def _partner(code: str) -> tuple[Partner, str]:
    reader = ListReader.objects.create(hash_list=HashList.objects.get(name="production"), name=code, is_public=False)
    partner = Partner.objects.create(
        name=code, code=code, group=code, state=PartnerState.PRODUCTION, reader=reader, sandbox_reader=None
    )
    issued = keys.issue(partner, environment=Environment.LIVE, scopes=[Scope.LIST_READ], name="bench", by="bench")
    return partner, issued.text


@contextlib.contextmanager
def opened() -> Iterator[tuple[ExitStack, Path, Authority, str]]:
    """PostgreSQL, two Redis, web, sequencer, beat and the webhooks' worker, until the block ends.

    Gives a stack to open platforms on, a folder, the receivers' authority and the portal's address.
    """
    from tests.postgres import PostgresCluster  # the throwaway server is the tests'

    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="tid-bench-", dir="/tmp")))
        cluster = stack.enter_context(PostgresCluster.temporary())
        stack.enter_context(embedded_redis.both(sockets=folder, data=folder))
        authority = Authority(folder)
        url = f"http://localhost:{(port := first_free(0))}"
        _point_to(folder, cluster.url, authority, url)
        stack.callback(connections.close_all)
        call_command("migrate", verbosity=0)
        given = beside.environment(TAKEITDOWN_VAR=str(folder))
        for name, *arguments in _processes(port):
            stack.enter_context(beside.process(folder / f"{name}.log", given, *arguments))
        stack.enter_context(beside.beat(folder / "beat.log", given))
        stack.enter_context(beside.webhooks_worker(folder / "worker.log", given))
        wait_until(ListHead.objects.exists)
        yield stack, folder, authority, url


def _processes(port: int) -> list[tuple[str, ...]]:
    gunicorn = ("-m", "gunicorn", "-c", "takeitdown/gunicorn_conf.py", "-b", f"127.0.0.1:{port}", "takeitdown.wsgi")
    return [("sequencer", "manage.py", "run_sequencer"), ("web", *gunicorn)]


def _point_to(folder: Path, database_url: str, authority: Authority, url: str) -> None:
    """This process becomes a part of the portal that is measured."""
    connections.close_all()
    connections.settings["default"] = {**connections.settings["default"], **from_url(database_url)}
    del connections["default"]
    settings.BROKER_URL = f"redis+socket://{folder}/broker.sock?virtual_host=0"
    settings.CACHE_URL = f"unix://{folder}/limits.sock?db=0"
    settings.PUBLIC_URL = url
    settings.OUTBOUND_TEST_NETWORKS = list(OPENINGS)
    settings.OUTBOUND_TEST_CA = str(authority.path)


def tar_pit(stack: ExitStack) -> WebhookEndpoint:
    """An endpoint that takes every connection and never says a word; paused for now."""
    pit = stack.enter_context(TarPit())
    partner, _key = _partner("tar-pit")
    endpoint = webhooks.add(partner, environment=Environment.LIVE, url=pit.url, mode=Mode.PING.value, by="bench")
    now = timezone.now()
    WebhookEndpoint.objects.filter(pk=endpoint.pk).update(confirmed_at=now, paused_at=now)
    return endpoint


def wait_until(holds: Callable[[], bool]) -> None:
    """Raises TimeoutError."""
    deadline = time.monotonic() + STARTS_WITHIN_SECONDS
    while not holds():
        if time.monotonic() > deadline:
            raise TimeoutError("The portal does not come to the expected state.")
        time.sleep(0.05)
