"""`GET snapshot/`: a whole copy of the list, from a file everybody shares and a last part for one reader."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils.http import parse_etags
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.request import Request

from matching import snapshots
from matching.models import ListReader
from matching.snapshots import SnapshotBeingMade
from partners import reading
from partners.api import ranges
from partners.api.base import PartnerView
from partners.api.fields import read_query
from partners.models import Scope

CHUNK = 64 * 1024


class OpenCopy:
    """An open snapshot file with its trailing part. It stays readable when a newer one takes its place."""

    def __init__(self, reader: ListReader) -> None:
        self.file, snapshot = _open(reader)
        self.tail = snapshots.tail(snapshot, reader)
        self.common = self.file.seek(0, 2)
        self.size = self.common + len(self.tail)
        self.etag = snapshots.etag(snapshot, self.tail)

    def close(self) -> None:
        self.file.close()

    def pieces(self, span: ranges.Span) -> Pieces:
        return Pieces(self, span)


class Pieces:
    """The bytes of a span, 64 KiB at a time. The server closes it when the reader has gone, too."""

    def __init__(self, copy: OpenCopy, span: ranges.Span) -> None:
        self.copy = copy
        self.span = span

    def __iter__(self) -> Iterator[bytes]:
        position, common = self.span.start, self.copy.common
        self.copy.file.seek(min(position, common))
        while position < min(self.span.stop, common):
            piece = self.copy.file.read(min(CHUNK, self.span.stop - position))
            if not piece:
                return  # shorter than it was: the length tells the reader
            position += len(piece)
            yield piece
        if position < self.span.stop:
            yield self.copy.tail[position - common : self.span.stop - common]

    def close(self) -> None:
        self.copy.close()


def _open(reader: ListReader) -> tuple[BinaryIO, snapshots.Snapshot]:
    """The newest snapshot's file; another process may take it away between finding and opening, so twice."""
    for _again in range(2):
        snapshot = snapshots.for_reader(reader)
        try:
            return snapshot.path.open("rb"), snapshot
        except FileNotFoundError:
            continue
    raise SnapshotBeingMade


def _header(name: str, description: str) -> OpenApiParameter:
    return OpenApiParameter(name, str, OpenApiParameter.HEADER, description=description)


class SnapshotView(PartnerView):
    """A whole copy to start from (LIST.md §4)."""

    scope = Scope.LIST_READ

    @extend_schema(
        operation_id="snapshot",
        summary="A whole copy of the list",
        description='gzip of JSON lines: `{"head": note}`, the rows in no order, `{"rows": count}`. Served without '
        "`Content-Encoding`: save the bytes, then unpack them. Six a day; going on with a cut download is free.",
        parameters=[
            _header("Range", "`bytes=<from>-`, one range. Several ranges are answered with the whole file."),
            _header("If-Range", "The `ETag` of the file that was cut; if it has changed, the whole new file comes."),
            _header("If-None-Match", "The `ETag` you have: 304 when it is still the newest."),
        ],
        responses={
            (200, "application/gzip"): OpenApiTypes.BINARY,
            (206, "application/gzip"): OpenApiTypes.BINARY,
            304: None,
            416: None,
            503: None,
        },
        tags=["hash list"],
    )
    def get(self, request: Request) -> HttpResponseBase:
        read_query(request)
        copy = OpenCopy(self.reader)
        try:
            response = self._answer(request, copy)
        except BaseException:
            copy.close()
            raise
        response.headers["ETag"] = copy.etag
        response.headers["Accept-Ranges"] = "bytes"
        if not response.streaming:
            copy.close()
        return response

    def _answer(self, request: Request, copy: OpenCopy) -> HttpResponseBase:
        if _has_it(request, copy.etag):
            return HttpResponse(status=304)
        try:
            span = ranges.wanted(_range(request, copy.etag), copy.size)
        except ranges.NotSatisfiable:
            return HttpResponse(status=416, headers={"Content-Range": f"bytes */{copy.size}"})
        headers = _headers(span, copy.size)
        if request.method == "HEAD":
            return HttpResponse(status=200, headers=headers)
        reading.take_snapshot(self.key, self.reader, etag=copy.etag, from_the_middle=span.start > 0)
        return StreamingHttpResponse(copy.pieces(span), status=206 if span.partial else 200, headers=headers)


def _has_it(request: Request, etag: str) -> bool:
    known = parse_etags(request.headers.get("If-None-Match", ""))
    return "*" in known or any(tag.removeprefix("W/") == etag for tag in known)


def _range(request: Request, etag: str) -> str:
    """The Range header, unless it was meant for another file or the method has no use for it."""
    given = request.headers.get("If-Range", etag)
    header: str = request.headers.get("Range", "")
    return header if given == etag and request.method == "GET" else ""


def _headers(span: ranges.Span, size: int) -> dict[str, Any]:
    headers = {
        # No Content-Encoding: browsers, proxies and clients would unpack what the ETag and the ranges count packed.
        "Content-Type": "application/gzip",
        "Content-Disposition": 'attachment; filename="hash-list.jsonl.gz"',
        "Content-Length": str(span.stop - span.start),
    }
    if span.partial:
        headers["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{size}"
    return headers
