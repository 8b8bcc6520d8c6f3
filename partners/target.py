"""What an address of a webhook may look like. Pure but for its words: nothing is looked up here."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from django.utils.translation import gettext as _

from partners.errors import AddressRefused

LONGEST: Final = 500
PORTS: Final = frozenset({443, 8443})
_SHAPE: Final = re.compile(
    r"(?i:https)://(?P<host>[^/?\#\\@:\[\]\s%]+)(?::(?P<port>[0-9]{1,5}))?(?P<path>/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?"
)
_LABEL: Final = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
# Names that mean something only inside a network. A last label that begins with a digit could be read as an address.
_INSIDE: Final = frozenset({"local", "localhost", "localdomain", "internal", "intranet", "lan", "home", "corp", "arpa"})
_TOP: Final = re.compile(r"[a-z][a-z0-9-]*")


@dataclass(frozen=True)
class Target:
    """Where a webhook goes: an ASCII host name, a port, and a path that begins with a slash."""

    host: str
    port: int
    path: str

    @property
    def url(self) -> str:
        """The same text for the same place."""
        port = "" if self.port == 443 else f":{self.port}"
        return f"https://{self.host}{port}{self.path}"


def parse(url: str, *, ours: Collection[str] = (), extra_ports: Collection[range] = (), inside: bool = False) -> Target:
    """Take an address apart. Raises AddressRefused, with what to write instead.

    `ours` are this portal's own host names. `extra_ports`, and `inside` for the name localhost, are for tests.
    """
    if not isinstance(url, str) or len(url) > LONGEST:
        raise AddressRefused(_("This address is too long: 500 characters at most."))
    if "?" in url or "#" in url:
        raise AddressRefused(_("Leave out everything from “?” or “#” on: the signature already proves who sends."))
    shape = _SHAPE.fullmatch(url)
    if shape is None:
        raise AddressRefused(_("Write the address as https://name.example/path, without user name or spaces."))
    host = _host(shape["host"], inside=inside)
    if host in ours:
        raise AddressRefused(_("This is our own address. Enter one of your servers."))
    port = int(shape["port"] or 443)
    if port not in PORTS and not any(port in ports for ports in extra_ports):
        raise AddressRefused(_("Use port 443 or 8443."))
    return Target(host, port, shape["path"] or "/")


def _host(text: str, *, inside: bool) -> str:
    """The name in ASCII and lower case; a public one of two labels or more."""
    host = _ascii(text)
    labels = host.split(".")
    if inside and host == "localhost":
        return host
    whole = all(map(_LABEL.fullmatch, labels)) and len(host) <= 253
    if not whole or len(labels) < 2 or not _TOP.fullmatch(labels[-1]):
        raise AddressRefused(_("Enter a host name such as hooks.name.example, not an IP address or a bare name."))
    if labels[-1] in _INSIDE or labels[-1] == "onion":
        raise AddressRefused(_("This name is not reachable from the public internet. Enter a public host name."))
    return host


def _ascii(text: str) -> str:
    if text.isascii():
        return text.lower()
    try:
        return text.encode("idna").decode("ascii").lower()
    except UnicodeError:
        raise AddressRefused(_("This host name cannot be written in ASCII. Enter its xn-- form.")) from None
