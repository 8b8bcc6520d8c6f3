"""Where webhooks may go. Nothing here leaves the machine: a hook of the interpreter sees every connection that any code
of this process asks for, refuses it, and notes it down.
"""

from __future__ import annotations

import contextlib
import random
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import IPv4Address, ip_address

import pytest

from partners import outbound
from partners.address_table import NOT_PUBLIC, Opening, is_public, may_connect
from partners.errors import AddressRefused
from partners.outbound import Failure, Limits, SendFailed

QUICK = Limits(connect_seconds=0.5, total_seconds=1.0)
PUBLIC = "93.184.215.14"


@dataclass
class Connections:
    """Internet addresses that somebody wanted to connect to while `watching`."""

    wanted: list[tuple[str, int]] = field(default_factory=list)
    watching: bool = False
    installed: bool = False

    def see(self, event: str, arguments: tuple[object, ...]) -> None:
        if not self.watching or event != "socket.connect":
            return
        sock, address = arguments
        assert isinstance(sock, socket.socket)
        if sock.family in {socket.AF_INET, socket.AF_INET6} and isinstance(address, tuple):
            self.wanted.append((str(address[0]), int(address[1])))
            raise ConnectionRefusedError("no test connects there")


_connections = Connections()


@pytest.fixture
def connections() -> Iterator[Connections]:
    if not _connections.installed:  # a hook of the interpreter stays for good
        sys.addaudithook(_connections.see)
        _connections.installed = True
    _connections.wanted.clear()
    _connections.watching = True
    yield _connections
    _connections.watching = False


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """What a resolver outside answers: for each name a list of answers, the last one again and again."""
    zone: dict[str, list[list[str]]] = {}

    def look_up(host: str) -> list[str]:
        answers = zone.get(host)
        if not answers:
            raise socket.gaierror(socket.EAI_NONAME, "not known")
        return answers.pop(0) if len(answers) > 1 else answers[0]

    monkeypatch.setattr(outbound, "look_up", look_up)
    return zone


def failure_of(url: str) -> str:
    with pytest.raises(SendFailed) as failed:
        outbound.post(url, b"{}", {}, limits=QUICK)
    return str(failed.value.failure.value)


# --- what an address of a webhook may look like --------------------------------------------------------------------

SCHEMES = """
http://good.example/ | ftp://good.example/ | file:///etc/passwd | gopher://127.0.0.1:6379/_FLUSHALL | javascript:x
unix:/var/run/redis.sock | data:text/plain,x | //good.example/ | good.example | https:good.example | https:/good.example
ws://good.example/ | httpss://good.example/ | ldap://good.example/ | dict://127.0.0.1:11211/
"""
IPV4 = """
127.0.0.1 | 127.1 | 0 | 0.0.0.0 | 2130706433 | 0x7f000001 | 017700000001 | 0177.0.0.1 | 0x7f.1 | ①②⑦.⓪.⓪.①
127。0。0。1 | 127.0.0.1. | 10.0.0.1 | 172.16.0.1 | 192.168.0.1 | 100.64.0.1
169.254.169.254 | 169.254.170.2 | 100.100.100.200
168.63.129.16 | 192.0.0.192 | 192.0.2.1 | 192.88.99.1 | 198.18.0.1 | 198.51.100.1 | 203.0.113.1 | 224.0.0.1 | 240.0.0.1
255.255.255.255 | 8.8.8.8 | 1.1 | 4294967295 | 0xa9fea9fe | 0251.0376.0251.0376 | 127.0.0.0x1 | １２７.0.0.1 | ₁₂₇.0.0.1
"""
IPV6 = """
::1 | :: | ::ffff:127.0.0.1 | ::127.0.0.1 | ::ffff:0:127.0.0.1 | 64:ff9b::7f00:1 | 64:ff9b:1::a00:1 | 2002:7f00:1::
2001:0:7f00:1:: | fe80::1%25lo | fec0::1 | fc00::1 | fd00:ec2::254 | ff02::1 | 100::1 | 5f00::1 | 3fff::1 | 2001:db8::1
2606:2800:21f:cb07:6820:80da:af6b:8b2c | 0:0:0:0:0:0:0:1 | ::ffff:7f00:1 | ::ffff:a9fe:a9fe
"""
NAMES = """
localhost | localhost. | LOCALHOST | foo.localhost | redis | db | metadata.google.internal | router.local | nas.lan
intranet.corp | printer.home | 1.0.0.127.in-addr.arpa | hidden.onion | good.example. | .good.example | good..example
-good.example | good-.example | good_name.example | good.example:0 | good.example:22 | good.example:25 | good.example:80
good.example:5432 | good.example:6379 | good.example:65536 | good.example:443x | good.example: | good.123 | good.0x7f
takeitdown.example | TAKEITDOWN.example | *.example | good.exa mple
"""
TRICKS = [
    "https://good.example@127.0.0.1/",
    "https://user:secret@good.example/",
    "https://127.0.0.1\\@good.example/",
    "https://good.example#@127.0.0.1/",
    "https://good.example:443@127.0.0.1:6379/",
    "https://good.exam\tple/",
    "https://good.exam\nple/",
    "https://good.example/\r\nX-Evil: 1",
    " https://good.example/",
    "https://good.example/ ",
    "https:\\\\127.0.0.1",
    "https:////127.0.0.1",
    "https:///etc/passwd",
    "https://",
    "https://good.example%00.evil.example/",
    "https://good%2eexample/",
    "https://good.example/?secret=1",
    "https://good.example/#x",
    "https://[good.example]/",
    "https://good.example/\x00",
    "https://good.example/é",
    "https://good.example/{{7*7}}",
    'https://good.example/"><script>',
    "https://" + "a" * 64 + ".example/",
    "https://" + "a." * 130 + "example/",
    "https://good.example/" + "a" * 40_000,
    "",
]


def urls() -> list[str]:
    def words(text: str) -> list[str]:
        return [word.strip() for line in text.strip().splitlines() for word in line.split(" | ")]

    addresses = [f"https://{word}/" for word in words(IPV4)] + [f"https://[{word}]/" for word in words(IPV6)]
    return [*words(SCHEMES), *addresses, *(f"https://{word}/" for word in words(NAMES)), *TRICKS]


def test_no_form_of_a_forbidden_address_is_taken_or_connected_to(connections, names, settings):
    settings.PUBLIC_URL = "https://takeitdown.example"
    names["good.example"] = [[PUBLIC]]
    forms = urls()
    assert len(set(forms)) == len(forms) >= 120

    taken, sent = [], []
    for url in forms:
        with contextlib.suppress(AddressRefused):
            taken.append(outbound.check_url(url))
        if failure_of(url) != Failure.NOT_ALLOWED:
            sent.append(url)

    assert (taken, sent, connections.wanted) == ([], [], [])


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://good.example", "https://good.example/"),
        ("HTTPS://Good.Example:443/a/b.c;d=e", "https://good.example/a/b.c;d=e"),
        ("https://hooks.good.example:8443/", "https://hooks.good.example:8443/"),
        ("https://bücher.example/", "https://xn--bcher-kva.example/"),
        ("https://gооd.example/", "https://xn--gd-fmca.example/"),  # two Cyrillic letters: shown as what it is
        ("https://1.2.3.example/%41", "https://1.2.3.example/%41"),
    ],
)
def test_a_public_name_is_taken_in_one_spelling(url, kept):
    assert outbound.check_url(url).url == kept


def test_a_public_name_is_connected_to_by_its_checked_address(connections, names):
    """The counterpart of all that is refused above: the hook does see connections."""
    names["good.example"] = [["2606:2800:21f:cb07:6820:80da:af6b:8b2c", PUBLIC]]

    assert failure_of("https://good.example/") == Failure.NO_CONNECTION
    assert connections.wanted == [("2606:2800:21f:cb07:6820:80da:af6b:8b2c", 443), (PUBLIC, 443)]


# --- what a name may lead to ---------------------------------------------------------------------------------------

_REFUSED = """
127.0.0.1 127.255.255.255 0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.0 100.127.255.255 100.100.100.200
168.63.129.16 169.254.0.1 169.254.169.254 169.254.170.2 172.16.0.0 172.31.255.255 192.0.0.1 192.0.0.192 192.0.2.1
192.88.99.1 192.168.0.0 192.168.255.255 198.18.0.0 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255
240.0.0.1 255.255.255.255 ::1 :: ::127.0.0.1 ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:0:127.0.0.1 64:ff9b::7f00:1
64:ff9b::808:808 64:ff9b:1::a00:1 100::1 100:0:0:1::1 2001::1 2001:0:7f00:1:: 2001:2::1 2001:10::1 2001:20::1
2001:1ff:ffff::1 2001:db8::1 2002:7f00:1:: 2002:808:808:: 3fff::1 3fff:fff:ffff::1 5f00::1 fc00::1 fd00:ec2::254
fe80::1 fe80::1%lo febf::1 fec0::1 ff02::1 ff0e::1 2620:4f:8000::1 4000::1 1fff::1 2606:2800::1%eth0
"""
_NEIGHBOURS = """
1.0.0.0 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0 168.63.129.15 168.63.129.17
169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 191.255.255.255 192.0.1.0 192.0.3.0 192.88.98.255 192.88.100.0
192.167.255.255 192.169.0.0 198.17.255.255 198.20.0.0 198.51.99.255 198.51.101.0 203.0.112.255 203.0.114.0
223.255.255.255 8.8.8.8 2001:200::1 2001:db7:ffff::1 2001:db9::1 2003::1 2606:2800::1 2620:4f:7fff::1 2620:4f:8001::1
2a00::1 3ffe:ffff::1 3fff:1000::1
"""
REFUSED, NEIGHBOURS = _REFUSED.split(), _NEIGHBOURS.split()


def test_names_that_lead_inside_are_not_connected_to(connections, names):
    for address in REFUSED:
        names["good.example"] = [[address]]
        assert (address, failure_of("https://good.example/")) == (address, Failure.NOT_PUBLIC)

    assert connections.wanted == []


def test_the_table_stops_exactly_where_the_registries_do(connections, names):
    assert [address for address in NEIGHBOURS if not is_public(ip_address(address))] == []
    assert [address for address in REFUSED if is_public(ip_address(address))] == []
    edges = [network[0] for network in NOT_PUBLIC] + [network[-1] for network in NOT_PUBLIC]
    assert [address for address in edges if is_public(address)] == []


def spelled(dice: random.Random, address: int) -> str:
    """One of the ways in which the C library reads an IPv4 address."""

    def number(value: int) -> str:
        return dice.choice([str(value), hex(value), f"0{value:o}", hex(value).upper().replace("X", "x")])

    octets = [address >> shift & 255 for shift in (24, 16, 8, 0)]
    parts = dice.choice([4, 3, 2, 1])
    tail = address & ((1 << (8 * (5 - parts))) - 1)
    return ".".join([*map(number, octets[: parts - 1]), number(tail)])


def in_disguise(dice: random.Random, address: int) -> str:
    """The same address inside an IPv6 one: mapped, compatible, translated, NAT64, 6to4, Teredo."""
    form = dice.choice(
        ["::ffff:{0}", "::{0}", "::ffff:0:{0}", "64:ff9b::{0}", "64:ff9b:1::{0}", "2002:{1}::", "2001:0:{1}::"]
    )
    return form.format(IPv4Address(address), f"{address >> 16:x}:{address & 65535:x}")


def test_ten_thousand_spellings_of_inside_addresses_stay_inside(connections, names):
    """Each spelling is read by this machine's own C library, as a resolver would hand it on."""
    dice = random.Random(4)
    blocks = [(0x7F000000, 24), (0x0A000000, 24), (0xA9FE0000, 16)]
    passed = []
    for count in range(10_000):
        base, bits = dice.choice(blocks)
        address = base | dice.getrandbits(bits)
        text = in_disguise(dice, address) if count % 3 == 0 else spelled(dice, address)
        found = socket.getaddrinfo(text, 443, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
        host = f"[{text}]" if ":" in text else text
        try:
            passed.append(outbound.check_url(f"https://{host}/").url)
        except AddressRefused:
            passed += [text for *_rest, sockaddr in found if may_connect(str(sockaddr[0]), 443)]

    assert (passed, connections.wanted) == ([], [])


@pytest.mark.parametrize(
    "answer",
    [
        [PUBLIC, "::1"],
        ["2606:2800:21f:cb07:6820:80da:af6b:8b2c", "10.0.0.1"],
        [PUBLIC, "1.1.1.1", "8.8.8.8", "192.168.1.1"],
        ["not an address"],
        [PUBLIC, ""],
    ],
)
def test_one_inside_address_among_public_ones_refuses_them_all(connections, names, answer):
    names["good.example"] = [answer]

    assert failure_of("https://good.example/") == Failure.NOT_PUBLIC
    assert connections.wanted == []


def test_a_name_that_changes_its_mind_is_connected_to_where_it_was_checked(connections, names):
    """Time to live nothing, public at the first question and inside at the second: there is no second question."""
    names["good.example"] = [[PUBLIC], ["127.0.0.1"]]

    assert failure_of("https://good.example/") == Failure.NO_CONNECTION
    assert failure_of("https://good.example/") == Failure.NOT_PUBLIC
    assert connections.wanted == [(PUBLIC, 443)]


def test_a_long_answer_and_none_at_all_are_borne(connections, names):
    names["good.example"] = [[f"10.0.{number // 256}.{number % 256}" for number in range(4096)]]

    assert failure_of("https://good.example/") == Failure.NOT_PUBLIC
    assert failure_of("https://unknown.example/") == Failure.NO_NAME
    assert connections.wanted == []


def test_our_own_public_address_is_not_connected_to(connections, names, settings, monkeypatch):
    settings.PUBLIC_URL = "https://takeitdown.example"
    names["takeitdown.example"] = [["198.41.0.4"]]
    names["good.example"] = [["198.41.0.4"]]
    monkeypatch.setattr(outbound, "_own", (float("-inf"), frozenset()))

    assert failure_of("https://good.example/") == Failure.NOT_PUBLIC
    monkeypatch.setattr(outbound, "_own", (float("-inf"), frozenset()))
    assert connections.wanted == []


def test_an_opening_for_tests_opens_its_network_and_ports_only():
    opening = Opening.parse("127.0.0.0/8:9000-9100")

    assert [port for port in (8999, 9000, 9100, 9101) if may_connect("127.0.0.1", port, openings=[opening])] == [
        9000,
        9100,
    ]
    assert not may_connect("10.0.0.1", 9000, openings=[opening])
    assert not may_connect("::1", 9000, openings=[opening])
    assert may_connect("::1", 9000, openings=[Opening.parse("::1/128:9000")])
