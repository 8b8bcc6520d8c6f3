"""The only code that opens a socket to a partner: one POST to a checked address, within hard limits.

Whoever names an address chooses where this machine connects to. So the name is resolved here and once, every address
it has must be public, and the connection goes to one of those very addresses: a name that changes its mind between
check and use changes nothing. What answers is believed to be hostile: one deadline for everything, few bytes read,
nothing followed, nothing remembered. `http.client` only parses; the socket under it is ours.
"""

from __future__ import annotations

import contextlib
import http.client
import io
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from queue import Empty, SimpleQueue
from typing import Any, Final
from urllib.parse import urlsplit

import psutil
from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from partners import target
from partners.address_table import Opening, may_connect
from partners.errors import AddressRefused
from partners.target import Target

_LOOK_UPS_AT_ONCE: Final = 16
_looking_up = threading.BoundedSemaphore(_LOOK_UPS_AT_ONCE)
_OWN_KEPT_SECONDS: Final = 60


class Failure(models.TextChoices):
    """Why nothing came back that counts. The value stands in `Delivery.failure`."""

    NOT_ALLOWED = "address_refused", _("the address may not be used")
    NO_NAME = "name_not_found", _("the host name was not found")
    NOT_PUBLIC = "address_not_public", _("the host name leads to an address that is not public")
    NO_CONNECTION = "no_connection", _("no connection")
    BAD_CERTIFICATE = "bad_certificate", _("the certificate is not valid for this name")
    NO_TLS = "no_tls", _("no secure connection (TLS 1.2 or newer)")
    CUT = "cut", _("the connection was cut before an answer came")
    TOO_SLOW = "too_slow", _("no whole answer in time")
    TOO_MUCH = "too_much", _("the answer was too long")
    NOT_HTTP = "not_http", _("the answer was not HTTP")


class SendFailed(Exception):
    """Nothing came back that counts."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.value)
        self.failure = failure


@dataclass(frozen=True)
class Limits:
    """What one attempt may take. `total_seconds` covers name, connection, TLS, sending and the whole answer."""

    connect_seconds: float = 3.0
    total_seconds: float = 10.0
    head_bytes: int = 16 * 1024
    body_bytes: int = 1024


LIMITS: Final = Limits()


@dataclass(frozen=True)
class Reply:
    """The status, the Retry-After header as it came, and the first bytes of the body where they were asked for."""

    status: int
    retry_after: str = ""
    body: bytes = b""


def check_url(url: str) -> Target:
    """Where `url` leads, by its looks alone: fit for a form. Raises AddressRefused."""
    ports = [opening.ports for opening in _openings()]
    return target.parse(url, ours=_our_names(), extra_ports=ports, inside=bool(ports))


def post(
    url: str, body: bytes, headers: Mapping[str, str], *, wants_body: bool = False, limits: Limits = LIMITS
) -> Reply:
    """Send `body` as JSON once. Any status is a Reply, also 3xx: nothing is followed. Raises SendFailed.

    The body of the answer is read only where it is wanted, `limits.body_bytes` of it.
    """
    deadline = Deadline(limits.total_seconds)
    try:
        place = check_url(url)
    except AddressRefused:
        raise SendFailed(Failure.NOT_ALLOWED) from None
    addresses = _checked_addresses(place, deadline)
    with _connected(addresses, place.port, deadline, limits) as plain, _secured(plain, place, deadline) as secured:
        _send(secured, place, body, headers, deadline)
        return _receive(secured, deadline, limits, wants_body=wants_body)


class Deadline:
    """One moment for the whole attempt. Raises SendFailed once it has passed."""

    def __init__(self, seconds: float) -> None:
        self._at = time.monotonic() + seconds

    def left(self, at_most: float = float("inf")) -> float:
        """Seconds until then, `at_most` so many."""
        left = min(self._at - time.monotonic(), at_most)
        if left <= 0:
            raise SendFailed(Failure.TOO_SLOW)
        return left


# --- names ------------------------------------------------------------------------------------------------------


def look_up(host: str) -> list[str]:
    """All addresses of a name, as the system's resolver gives them. Raises OSError."""
    absolute = host if host == "localhost" else f"{host}."  # a bare name would try the search domains
    found = socket.getaddrinfo(absolute, None, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(sockaddr[0]) for *_rest, sockaddr in found))


def _resolve(host: str, deadline: Deadline) -> list[str]:
    """`look_up` in a thread that may be left behind: the system's resolver takes no deadline. Few at a time."""
    if not _looking_up.acquire(timeout=deadline.left()):
        raise SendFailed(Failure.TOO_SLOW)
    answer: SimpleQueue[list[str] | OSError] = SimpleQueue()

    def work() -> None:
        try:
            answer.put(look_up(host))
        except (OSError, UnicodeError) as error:
            answer.put(OSError(str(error)))
        finally:
            _looking_up.release()

    threading.Thread(target=work, name="look-up", daemon=True).start()
    try:
        found = answer.get(timeout=deadline.left())
    except Empty:
        raise SendFailed(Failure.TOO_SLOW) from None
    if isinstance(found, OSError) or not found:
        raise SendFailed(Failure.NO_NAME)
    return found


def _checked_addresses(place: Target, deadline: Deadline) -> list[str]:
    """The addresses of the name, if every single one may be connected to."""
    addresses = _resolve(place.host, deadline)
    openings, own = _openings(), _own_addresses(deadline)
    if not all(may_connect(address, place.port, own=own, openings=openings) for address in addresses):
        raise SendFailed(Failure.NOT_PUBLIC)
    return addresses


def _openings() -> list[Opening]:
    return [Opening.parse(text) for text in settings.OUTBOUND_TEST_NETWORKS]


def _our_names() -> set[str]:
    names = {urlsplit(settings.PUBLIC_URL).hostname or "", *settings.ALLOWED_HOSTS}
    return names - {"localhost"} if _openings() else names


_own: tuple[float, frozenset[str]] = (float("-inf"), frozenset())


def _own_addresses(deadline: Deadline) -> frozenset[str]:
    """Addresses of this machine's interfaces, and of the portal's own name; kept for a minute."""
    global _own  # a cache of one value; two threads at once ask twice, no more
    if time.monotonic() - _own[0] > _OWN_KEPT_SECONDS:
        interfaces = (entry.address for entries in psutil.net_if_addrs().values() for entry in entries)
        public: Sequence[str] = ()
        with contextlib.suppress(OSError, UnicodeError, SendFailed):
            public = _resolve(urlsplit(settings.PUBLIC_URL).hostname or "localhost", Deadline(deadline.left(2.0)))
        _own = (time.monotonic(), frozenset([*interfaces, *public]))
    return _own[1]


# --- the connection -----------------------------------------------------------------------------------------------


def _connected(addresses: Sequence[str], port: int, deadline: Deadline, limits: Limits) -> socket.socket:
    """A connection to the first address that takes one; `connect_seconds` for all of them together."""
    connecting = Deadline(limits.connect_seconds)
    for address in addresses:
        family = socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET
        plain = socket.socket(family, socket.SOCK_STREAM)
        try:
            plain.settimeout(deadline.left(connecting.left()))
            plain.connect((address, port))
        except (OSError, SendFailed):
            plain.close()
            continue
        return plain
    deadline.left()
    raise SendFailed(Failure.NO_CONNECTION)


def _secured(plain: socket.socket, place: Target, deadline: Deadline) -> ssl.SSLSocket:
    plain.settimeout(deadline.left())
    try:
        return _tls(settings.OUTBOUND_TEST_CA).wrap_socket(plain, server_hostname=place.host)
    except ssl.SSLCertVerificationError:
        raise SendFailed(Failure.BAD_CERTIFICATE) from None
    except TimeoutError:
        raise SendFailed(Failure.TOO_SLOW) from None
    except (OSError, ValueError):
        raise SendFailed(Failure.NO_TLS) from None


@lru_cache(maxsize=4)
def _tls(test_ca: str) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    if test_ca:
        context.load_verify_locations(test_ca)
    return context


# --- one request, one answer --------------------------------------------------------------------------------------


def _send(secured: ssl.SSLSocket, place: Target, body: bytes, headers: Mapping[str, str], deadline: Deadline) -> None:
    host = place.host if place.port == 443 else f"{place.host}:{place.port}"
    lines = {
        "Host": host,
        "User-Agent": "takeitdown-webhooks/1",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
        "Accept-Encoding": "identity",
        "Connection": "close",
        **headers,
    }
    head = f"POST {place.path} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    secured.settimeout(deadline.left())
    try:
        secured.sendall(head.encode("ascii") + b"\r\n" + body)
    except TimeoutError:
        raise SendFailed(Failure.TOO_SLOW) from None
    except OSError:
        pass  # it may have answered before it had read everything: what it says counts


class _Within(io.RawIOBase):
    """Bytes of a socket until the deadline, and no more of them than the budget."""

    def __init__(self, secured: ssl.SSLSocket, deadline: Deadline, budget: int) -> None:
        self._secured, self._deadline, self._budget = secured, deadline, budget

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if self._budget <= 0:
            raise SendFailed(Failure.TOO_MUCH)
        self._secured.settimeout(self._deadline.left())
        room = memoryview(buffer)[: self._budget]
        try:
            count = self._secured.recv_into(room)
        except TimeoutError:
            raise SendFailed(Failure.TOO_SLOW) from None
        except OSError:
            raise SendFailed(Failure.CUT) from None
        self._budget -= count
        return count


class _Readable:
    """What `http.client` asks of a socket."""

    def __init__(self, raw: _Within) -> None:
        self._raw = raw

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(self._raw, buffer_size=2048)


def _receive(secured: ssl.SSLSocket, deadline: Deadline, limits: Limits, *, wants_body: bool) -> Reply:
    raw = _Within(secured, deadline, limits.head_bytes + limits.body_bytes)
    like_a_socket: Any = _Readable(raw)
    response = http.client.HTTPResponse(like_a_socket, method="POST")
    try:
        response.begin()
        body = response.read(limits.body_bytes) if wants_body else b""
    except http.client.RemoteDisconnected:
        raise SendFailed(Failure.CUT) from None
    except (http.client.HTTPException, ValueError):
        raise SendFailed(Failure.NOT_HTTP) from None
    finally:
        response.close()
    return Reply(response.status, (response.headers.get("Retry-After") or "")[:64], body)
