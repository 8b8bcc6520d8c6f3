"""`GET snapshot/`: a whole copy of the list, from a file everybody shares and a last part for one reader."""

from __future__ import annotations

from typing import BinaryIO

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request

from matching import readers, snapshots
from matching.models import ListReader
from matching.snapshots import SnapshotBeingMade
from partners import reading
from partners.api import downloads
from partners.api.base import PartnerView
from partners.api.downloads import Download
from partners.api.fields import read_query
from partners.models import Scope


def _copy_for(reader: ListReader) -> Download:
    file, snapshot = _open(reader)
    tail = snapshots.tail(snapshot, reader)
    return Download(file, snapshots.etag(snapshot, tail), "application/gzip", "hash-list.jsonl.gz", tail)


def _open(reader: ListReader) -> tuple[BinaryIO, snapshots.Snapshot]:
    """The newest snapshot's file; another process may take it away between finding and opening, so twice."""
    for _again in range(2):
        snapshot = snapshots.for_reader(reader)
        try:
            return snapshot.path.open("rb"), snapshot
        except FileNotFoundError:
            continue
    raise SnapshotBeingMade


class SnapshotView(PartnerView):
    """A whole copy to start from (LIST.md §4)."""

    scope = Scope.LIST_READ

    @extend_schema(
        operation_id="snapshot",
        summary="A whole copy of the list",
        description='gzip of JSON lines: `{"head": note}`, the rows in no order, `{"rows": count}`. Served without '
        "`Content-Encoding`: save the bytes, then unpack them. Six a day; going on with a cut download is free.",
        parameters=downloads.PARAMETERS,
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
        copy = _copy_for(self.reader)
        return copy.answer(
            request,
            begin=lambda span: reading.take_snapshot(
                self.key, self.reader, etag=copy.etag, from_the_middle=span.start > 0
            ),
            end=lambda: readers.took_whole_copy(self.reader),
        )
