"""Which port the try-out can have."""

from __future__ import annotations

import socket

TRIES = 50


class NoFreePort(RuntimeError):
    """Every port tried is taken."""


def is_free(port: int) -> bool:
    """Whether nobody listens there, on IPv4 or IPv6: browsers try both for `localhost`."""
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
        try:
            with socket.socket(family) as probe:
                probe.settimeout(0.5)
                if probe.connect_ex((address, port)) == 0:
                    return False
        except OSError:
            continue  # no IPv6 here
    try:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
    except OSError:
        return False
    return True


def first_free(wanted: int) -> int:
    """`wanted`, or the next port that is free; 0 is any."""
    if wanted == 0:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            return int(probe.getsockname()[1])
    for port in range(wanted, min(wanted + TRIES, 65536)):
        if is_free(port):
            return port
    raise NoFreePort(f"Ports {wanted} to {wanted + TRIES - 1} are taken: give another one with --port.")
