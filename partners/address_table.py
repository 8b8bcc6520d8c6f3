"""Which network addresses are somebody's public server. Pure: no Django, no network.

A table of its own, because `ipaddress.is_global` calls loopback behind NAT64 and 6to4, multicast and site-local
addresses global. Sources: the IANA special-purpose address registries for IPv4 and IPv6, whole blocks even where
single addresses of them are reachable, the multicast registries, and what clouds answer on by custom.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NOT_PUBLIC_V4: Final = (
    "0.0.0.0/8",  # this network
    "10.0.0.0/8",  # private
    "100.64.0.0/10",  # carriers' own
    "127.0.0.0/8",  # loopback
    "168.63.129.16/32",  # a cloud's metadata and health service, on an address that looks like any other
    "169.254.0.0/16",  # link-local, with the metadata services of clouds
    "172.16.0.0/12",  # private
    "192.0.0.0/24",  # protocol assignments
    "192.0.2.0/24",  # documentation
    "192.31.196.0/24",  # AS112
    "192.52.193.0/24",  # AMT
    "192.88.99.0/24",  # 6to4 relays, as they were
    "192.168.0.0/16",  # private
    "192.175.48.0/24",  # AS112
    "198.18.0.0/15",  # measuring
    "198.51.100.0/24",  # documentation
    "203.0.113.0/24",  # documentation
    "224.0.0.0/4",  # multicast
    "240.0.0.0/4",  # reserved, and broadcast
)
# All unicast there is. It leaves out ::/96, mapped IPv4, NAT64 in both prefixes, 100::/64, 5f00::/16, fc00::/7,
# fe80::/10, fec0::/10 and ff00::/8 without naming them.
_UNICAST_V6: Final = IPv6Network("2000::/3")
_NOT_PUBLIC_V6: Final = (
    "2001::/23",  # protocol assignments: Teredo, measuring, ORCHID
    "2001:db8::/32",  # documentation
    "2002::/16",  # 6to4: any IPv4 address in disguise
    "2620:4f:8000::/48",  # AS112
    "3fff::/20",  # documentation
)
NOT_PUBLIC: Final[tuple[Network, ...]] = tuple(map(ip_network, (*_NOT_PUBLIC_V4, *_NOT_PUBLIC_V6)))


def is_public(address: Address) -> bool:
    """Whether it is an address of the public internet that one machine may have. Scoped addresses never are."""
    if isinstance(address, IPv6Address) and (address not in _UNICAST_V6 or address.scope_id is not None):
        return False
    return not any(address in network for network in NOT_PUBLIC if network.version == address.version)


@dataclass(frozen=True)
class Opening:
    """A network and ports that tests reach besides the public internet."""

    network: Network
    ports: range

    @classmethod
    def parse(cls, text: str) -> Opening:
        """`127.0.0.0/8:9000-9100`. Raises ValueError."""
        network, _, ports = text.rpartition(":")
        first, _, last = ports.partition("-")
        return cls(ip_network(network), range(int(first), int(last or first) + 1))

    def covers(self, address: Address, port: int) -> bool:
        return address.version == self.network.version and address in self.network and port in self.ports


def may_connect(address: str, port: int, *, own: Iterable[str] = (), openings: Sequence[Opening] = ()) -> bool:
    """Whether the sender may connect there: public and not one of our `own` addresses, or inside an opening.

    `address` is what a resolver gave, as text; what does not parse is refused.
    """
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    if any(opening.covers(parsed, port) for opening in openings):
        return True
    return is_public(parsed) and address not in set(own)
