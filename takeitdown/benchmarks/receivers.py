"""Receivers of webhooks on loopback, with real TLS: for benchmarks and tests."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

LOOPBACK = "127.0.0.1"
OPENINGS = ("127.0.0.0/8:1024-65535", "::1/128:1024-65535")
"""For OUTBOUND_TEST_NETWORKS: what of this machine a sender under test may reach."""
DAY = datetime.timedelta(days=1)


class Authority:
    """Signs certificates for receivers; `path` is what OUTBOUND_TEST_CA names."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("Receivers' authority")
        self.path = folder / "authority.pem"
        builder = _builder(self._name, self._name, self._key).add_extension(x509.BasicConstraints(True, 0), True)
        self.path.write_bytes(builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))

    def certificate(self, name: str = "localhost", *, ends_in: datetime.timedelta = DAY) -> Path:
        """A file with key and certificate for `name`, valid from two days ago."""
        key = ec.generate_private_key(ec.SECP256R1())
        names = x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ip_address(LOOPBACK))])
        builder = _builder(_name(name), self._name, key, ends_in=ends_in).add_extension(names, False)
        path = self._folder / f"{name}-{x509.random_serial_number()}.pem"
        path.write_bytes(_private(key))
        with path.open("ab") as file:
            file.write(builder.sign(self._key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
        return path

    def context(self, name: str = "localhost", *, ends_in: datetime.timedelta = DAY) -> ssl.SSLContext:
        """A server's side of TLS with such a certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificate(name, ends_in=ends_in))
        return context


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, *, ends_in: datetime.timedelta = DAY
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - 2 * DAY)
        .not_valid_after(now + ends_in)
    )


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


Answer = tuple[int, Mapping[str, str], bytes]
Take = Callable[[Mapping[str, str], bytes], Answer]


class Receiver:
    """An HTTPS server at `url` that hands each POST's headers and body to `take` and sends what that returns.

    Use it in a `with` block. `take` runs in a thread of its own for each request.
    """

    def __init__(self, context: ssl.SSLContext, take: Take) -> None:
        self._server = _Server((LOOPBACK, 0), _handler(take))
        self._server.context = context
        self.url = f"https://localhost:{self._server.server_address[1]}/hook"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._server.shutdown()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64
    context: ssl.SSLContext

    def finish_request(self, request: Any, client_address: Any) -> None:
        """The handshake belongs to the connection's own thread: a slow one holds up nobody."""
        request.settimeout(10)
        try:
            secured = self.context.wrap_socket(request, server_side=True)
        except OSError:
            return
        with secured:
            super().finish_request(secured, client_address)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A sender that hangs up is what some tests are about."""


def _handler(take: Take) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, headers, content = take(dict(self.headers.items()), body)
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Handler


class TarPit:
    """Takes connections at `url` and never says a word."""

    def __init__(self) -> None:
        self._listener = socket.create_server((LOOPBACK, 0), backlog=64)
        self._held: list[socket.socket] = []
        self.url = f"https://localhost:{self._listener.getsockname()[1]}/hook"

    def __enter__(self) -> Self:
        threading.Thread(target=self._hold, daemon=True).start()
        return self

    def _hold(self) -> None:
        while True:
            try:
                self._held.append(self._listener.accept()[0])
            except OSError:
                return

    def __exit__(self, *exception: object) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for a connection
        self._listener.close()
        for connection in self._held:
            connection.close()
