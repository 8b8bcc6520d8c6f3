"""The native list's addresses: head, pages of changes, acknowledgements, single entries, keys (LIST.md §4)."""

from __future__ import annotations

from django.http import HttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from matching import pages, readers
from matching.errors import Diverged
from matching.models import KeysNote
from partners import reading, reports, self_tests
from partners.api import examples, report_views, serializers
from partners.api.base import PartnerView
from partners.api.fields import read_query
from partners.errors import KeysNotPublished
from partners.models import Environment, Scope


class HeadView(PartnerView):
    """The newest signed head."""

    scope = Scope.LIST_READ

    @extend_schema(
        operation_id="head",
        summary="The newest signed head",
        description="A small answer to poll: has the list moved, and is the portal's statement fresh?",
        responses=serializers.HeadAnswer,
        examples=[examples.HEAD],
        tags=["hash list"],
    )
    def get(self, request: Request) -> Response:
        read_query(request)
        return Response(pages.newest_head(self.reader))


class ChangesView(PartnerView):
    """GET changes/?epoch=&after=: whole batches past a position, closed by a signed head."""

    scope = Scope.LIST_READ

    @extend_schema(
        operation_id="changes",
        summary="Changes past a position",
        description="Whole batches past the head you hold, at most 2,000 changes or 4 MiB, closed by a signed head. "
        "Ask again from `head` until it equals `latest`. 409 `resync` (`reason`: `other_epoch`, `below_floor`, "
        "`unknown_position`, `trust_floor`; `latest`: the newest head): take a snapshot.",
        parameters=[serializers.ChangesQuery],
        responses=serializers.ChangesAnswer,
        examples=[examples.CHANGES],
        tags=["hash list"],
    )
    def get(self, request: Request) -> Response:
        query = read_query(request, serializers.ChangesQuery)
        page = pages.after(self.reader, **query)
        if request.method == "GET":
            reading.count_page(self.reader, changes=len(page["changes"]))
        return Response(page)


class AcknowledgementsView(PartnerView):
    """POST acknowledgements/: what a copy adds up to."""

    scope = Scope.LIST_READ

    @extend_schema(
        operation_id="acknowledge",
        summary="Say what your copy adds up to",
        description="After each sync. That is how you, and we, know that the copies are equal. 409 `diverged`: yours "
        "is another set than the one of that position; take a snapshot. Our staff see it, too.",
        request=serializers.Acknowledgement,
        responses={204: None},
        examples=[examples.ACKNOWLEDGEMENT],
        tags=["hash list"],
    )
    def post(self, request: Request) -> Response:
        read_query(request)
        body = serializers.Acknowledgement(data=request.data)
        body.is_valid(raise_exception=True)
        said = body.validated_data
        try:
            readers.reached(self.reader, epoch=said["epoch"], seq=said["seq"], set_hash=said["set"])
        except Diverged:
            if self.key.environment == Environment.TEST:
                self_tests.note_diverged(self.key.partner)
            raise
        if self.key.environment == Environment.TEST:
            self_tests.note_acknowledged(self.key.partner, epoch=said["epoch"], seq=said["seq"])
        return Response(status=status.HTTP_204_NO_CONTENT)


class EntryView(PartnerView):
    """GET entries/{id}/: one row as shown to the partner, and what it said about it."""

    scope = Scope.LIST_READ

    @extend_schema(
        operation_id="entry",
        summary="One entry as shown to you",
        description="The row, whether it is listed now, and your own last opinion. Entries that were never published, "
        "and those of other lists, look like none: 404.",
        parameters=[
            OpenApiParameter(
                "entry_id",
                {"type": "string", "pattern": "^[0-9a-f]{32}$"},
                OpenApiParameter.PATH,
                description="32 lowercase hex digits.",
            )
        ],
        responses=serializers.EntryAnswer,
        examples=[examples.ENTRY],
        tags=["hash list"],
    )
    def get(self, request: Request, entry_id: str) -> Response:
        read_query(request)
        entry, row = pages.entry_row(self.reader, entry_id)
        said = reports.feedback_on(self.key.partner, entry)
        return Response({**row, "your_feedback": report_views.your_feedback(said)})


class KeysView(PartnerView):
    """GET keys/: the keys that sign heads, signed by a current one. Text, as notes are."""

    scope = Scope.LIST_READ

    @extend_schema(
        operation_id="keys",
        summary="The portal's verifier keys",
        description="A signed note: `tid-keys/1`, the origin, then `key <verifier key> from <UTC> until <UTC>` lines. "
        "Pin your first key from the console, not from here; learn new ones only if a pinned key signed this note.",
        responses={(200, "text/plain"): OpenApiTypes.STR, 503: None},
        examples=[examples.KEYS],
        tags=["hash list"],
    )
    def get(self, request: Request) -> HttpResponse:
        read_query(request)
        note = KeysNote.objects.order_by("-signed_at", "-pk").values_list("text", flat=True).first()
        if note is None:
            raise KeysNotPublished
        return HttpResponse(note, content_type="text/plain; charset=utf-8")
