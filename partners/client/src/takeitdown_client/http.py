"""The way to the portal: one small protocol, and its form over `urllib`. The only module that opens a connection.

Tests and proxies plug in here: anything with a `request` like `Transport.request` will do.
"""

import time
import urllib.error
import urllib.parse
import urllib.request
import zlib
from collections.abc import Mapping
from http.client import HTTPException
from io import BytesIO
from typing import Protocol

from . import __version__
from .errors import AnswerTooLarge, InvalidInput, MalformedAnswer, RedirectRefused, Unreachable

TIMEOUT_SECONDS = 30.0  # without a single byte
ANSWER_SECONDS = 180.0  # for a whole answer but a snapshot: a portal that drips bytes must not hold a sync for ever
MAX_ANSWER_BYTES = 32 << 20  # unpacked; a page is 4 MiB
_CHUNK = 1 << 16
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class Readable(Protocol):
    """Bytes to come. `read(n)` gives at most n, and b"" at the end."""

    def read(self, size: int, /) -> bytes: ...


class Response:
    """An answer whose body may still be on its way. Header names are lower case here."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes | Readable) -> None:
        self.status = status
        self.headers = {name.lower(): value for name, value in headers.items()}
        self._body: Readable = BytesIO(body) if isinstance(body, bytes) else body

    def read(self, size: int = _CHUNK) -> bytes:
        """The next bytes as they came, still packed. Raises Unreachable when the connection breaks."""
        try:
            return self._body.read(size)
        except (OSError, HTTPException) as error:
            raise Unreachable(f"The connection broke during an answer ({type(error).__name__}).") from error

    def content(self, *, limit: int = MAX_ANSWER_BYTES) -> bytes:
        """The whole body, unpacked, `limit` bytes at most.

        Raises AnswerTooLarge, Unreachable (cut or dripping), MalformedAnswer (packed wrongly).
        """
        give_up_at = time.monotonic() + ANSWER_SECONDS
        packed = bytearray()
        while chunk := self.read():
            packed += chunk
            if len(packed) > limit:
                raise AnswerTooLarge("The portal's answer is too large to be one.")
            if time.monotonic() > give_up_at:
                raise Unreachable("The portal's answer came too slowly.")
        length = self.headers.get("content-length", "")
        if length.isdecimal() and len(packed) < int(length):
            raise Unreachable("The portal's answer was cut short.")
        if self.headers.get("content-encoding", "").lower() == "gzip":
            return _unpack(bytes(packed), limit)
        return bytes(packed)


class Transport(Protocol):
    """How a request reaches the portal.

    `path` is absolute (`/api/v1/…`), `params` are unescaped, `headers` hold the Authorization. An answer of any
    status is returned; only the lack of one raises Unreachable.
    """

    def request(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response: ...


class UrlTransport:
    """`urllib` with timeouts and certificate checks. `base_url` is https, or http on this very machine."""

    def __init__(self, base_url: str, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self.base_url = checked_url(base_url)
        self._timeout = timeout_seconds
        self._opener = urllib.request.build_opener(_SameHostRedirects)

    def request(
        self,
        method: str,
        path: str,
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        url = self.base_url + path + ("?" + urllib.parse.urlencode(params) if params else "")
        sent = {"User-Agent": f"takeitdown-client/{__version__}", **(headers or {})}
        request = urllib.request.Request(url, data=body, headers=sent, method=method)  # noqa: S310 - checked_url
        try:
            answer = self._opener.open(request, timeout=self._timeout)
        except urllib.error.HTTPError as error:
            return Response(error.code, dict(error.headers.items()), error)
        except (OSError, HTTPException, ValueError) as error:
            reason = getattr(error, "reason", None) or type(error).__name__
            raise Unreachable(f"The portal cannot be reached ({reason}).") from error
        return Response(answer.status, dict(answer.headers.items()), answer)


def checked_url(url: str) -> str:
    """The address without a slash at its end. Raises InvalidInput unless it is https, or http to this machine."""
    parts = urllib.parse.urlsplit(url)
    safe = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    if not safe or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise InvalidInput("The portal's address must begin with https:// (http:// only on this machine).")
    return url.rstrip("/")


class _SameHostRedirects(urllib.request.HTTPRedirectHandler):
    """Follows a GET to the same scheme, host and port; everything else would carry the key to a stranger."""

    max_redirections = 3

    def redirect_request(  # type: ignore[no-untyped-def]
        self, req: urllib.request.Request, fp, code: int, msg: str, headers, newurl: str
    ) -> urllib.request.Request | None:
        here, there = urllib.parse.urlsplit(req.full_url), urllib.parse.urlsplit(newurl)
        if req.get_method() not in {"GET", "HEAD"} or (here.scheme, here.netloc) != (there.scheme, there.netloc):
            raise RedirectRefused(f"The portal's address redirects to {there.hostname}; that is not followed.")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _unpack(packed: bytes, limit: int) -> bytes:
    unpacker = zlib.decompressobj(wbits=31)
    try:
        content = unpacker.decompress(packed, limit + 1)
    except zlib.error:
        raise MalformedAnswer("The portal's answer is packed wrongly.") from None
    if len(content) > limit:
        raise AnswerTooLarge("The portal's answer is too large to be one.")
    if not unpacker.eof or unpacker.unused_data:
        raise MalformedAnswer("The portal's answer is packed wrongly.")
    return content
