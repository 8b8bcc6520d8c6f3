"""Files that machines fetch: an ETag, one range, and bytes that are packed already and sent as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import parse_etags
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from partners.api import ranges

CHUNK = 64 * 1024


def _header(name: str, description: str) -> OpenApiParameter:
    return OpenApiParameter(name, str, OpenApiParameter.HEADER, description=description)


PARAMETERS = [
    _header("Range", "`bytes=<from>-`, one range. Several ranges are answered with the whole file."),
    _header("If-Range", "The `ETag` of the file that was cut; if it has changed, the whole new file comes."),
    _header("If-None-Match", "The `ETag` you have: 304 when it is still the newest."),
]


@dataclass
class Download:
    """An open file and, after it, the bytes of `tail`. It stays readable when a newer file takes its place."""

    file: BinaryIO
    etag: str
    media_type: str
    filename: str
    tail: bytes = b""

    def __post_init__(self) -> None:
        self.common = self.file.seek(0, 2)
        self.size = self.common + len(self.tail)

    def answer(
        self,
        request: Request,
        *,
        begin: Callable[[ranges.Span], None] = lambda span: None,
        end: Callable[[], None] = lambda: None,
    ) -> HttpResponseBase:
        """The whole, the range asked for, 304 or 416; closes the file at the end of it.

        `begin` is called before bytes are sent, and may refuse; `end` when the file's last bytes go out, or are there.
        """
        try:
            response = self._answer(request, begin, end)
        except BaseException:
            self.file.close()
            raise
        response.headers["ETag"] = self.etag
        response.headers["Accept-Ranges"] = "bytes"
        if not response.streaming:
            self.file.close()
        return response

    def _answer(
        self, request: Request, begin: Callable[[ranges.Span], None], end: Callable[[], None]
    ) -> HttpResponseBase:
        if _has_it(request, self.etag):
            end()
            return HttpResponse(status=304)
        try:
            span = ranges.wanted(_range(request, self.etag), self.size)
        except ranges.NotSatisfiable:
            return HttpResponse(status=416, headers={"Content-Range": f"bytes */{self.size}"})
        headers = self._headers(span)
        if request.method == "HEAD":
            return HttpResponse(status=200, headers=headers)
        begin(span)
        return StreamingHttpResponse(_Pieces(self, span, end), status=206 if span.partial else 200, headers=headers)

    def _headers(self, span: ranges.Span) -> dict[str, Any]:
        headers = {
            # No Content-Encoding: browsers, proxies and clients would unpack what the ETag and the ranges count packed.
            "Content-Type": self.media_type,
            "Content-Disposition": f'attachment; filename="{self.filename}"',
            "Content-Length": str(span.stop - span.start),
        }
        if span.partial:
            headers["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{self.size}"
        return headers


class _Pieces:
    """The bytes of a span, 64 KiB at a time. The server closes it when the reader has gone, too."""

    def __init__(self, download: Download, span: ranges.Span, end: Callable[[], None]) -> None:
        self.download = download
        self.span = span
        self.end = end

    def __iter__(self) -> Iterator[bytes]:
        position, common = self.span.start, self.download.common
        self.download.file.seek(min(position, common))
        while position < min(self.span.stop, common):
            piece = self.download.file.read(min(CHUNK, self.span.stop - position))
            if not piece:
                return  # shorter than it was: the length tells the reader
            position += len(piece)
            if position == self.download.size:
                self.end()
            yield piece
        if position < self.span.stop:
            if self.span.stop == self.download.size:
                self.end()  # before they go out: whoever has them may ask for what comes next at once
            yield self.download.tail[position - common : self.span.stop - common]

    def close(self) -> None:
        self.download.file.close()


def _has_it(request: Request, etag: str) -> bool:
    known = parse_etags(request.headers.get("If-None-Match", ""))
    return "*" in known or any(tag.removeprefix("W/") == etag for tag in known)


def _range(request: Request, etag: str) -> str:
    """The Range header, unless it was meant for another file or the method has no use for it."""
    given = request.headers.get("If-Range", etag)
    header: str = request.headers.get("Range", "")
    return header if given == etag and request.method == "GET" else ""
