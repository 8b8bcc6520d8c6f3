"""A name for an address that lasts an hour and can't be turned back."""

import ipaddress

import pytest
from django.core.cache import cache

from takeitdown import pseudonym

HOUR = 3600


@pytest.fixture(autouse=True)
def _forgotten():
    pseudonym._keys.clear()


def at(hour: float):
    return lambda: hour * HOUR


def test_same_address_same_name_within_the_hour_only():
    first = pseudonym.of_address("203.0.113.7", clock=at(500_000))

    assert pseudonym.of_address("203.0.113.7", clock=at(500_000.9)) == first
    assert pseudonym.of_address("203.0.113.8", clock=at(500_000)) != first
    assert pseudonym.of_address("203.0.113.7", clock=at(500_001)) != first


def test_every_process_gives_the_same_name():
    first = pseudonym.of_address("203.0.113.7", clock=at(500_000))
    pseudonym._keys.clear()  # another process, which reads the key from Redis

    assert pseudonym.of_address("203.0.113.7", clock=at(500_000)) == first


def test_the_key_is_gone_for_ever_after_two_hours():
    first = pseudonym.of_address("203.0.113.7", clock=at(500_000))
    pseudonym.of_address("203.0.113.7", clock=at(500_002))
    cache.clear()

    assert pseudonym.of_address("203.0.113.7", clock=at(500_000)) != first


def test_a_household_of_ipv6_has_one_name():
    names = {pseudonym.of_address(f"2a02:8071:aaaa:bb{part}::1", clock=at(1)) for part in ("00", "01", "ff")}

    assert len(names) == 1
    assert pseudonym.of_address("2a02:8071:aaaa:cc00::1", clock=at(1)) not in names
    assert pseudonym.of_address("::ffff:203.0.113.7", clock=at(1)) == pseudonym.of_address("203.0.113.7", clock=at(1))


@pytest.mark.parametrize("address", ["203.0.113.7", "::1", "", "nonsense", "unix:"])
def test_it_is_always_an_address_of_the_documentation_block(address):
    assert ipaddress.ip_address(pseudonym.of_address(address)) in ipaddress.ip_network("2001:db8::/32")
