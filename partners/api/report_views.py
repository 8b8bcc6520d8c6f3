"""What platforms give back: match reports and feedback."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from partners import reports
from partners.api import examples, serializers
from partners.api.base import PartnerView
from partners.api.fields import read_query
from partners.models import Scope


def _status(is_new: bool) -> int:
    return status.HTTP_201_CREATED if is_new else status.HTTP_200_OK


class MatchReportsView(PartnerView):
    """POST: what became of a match."""

    scope = Scope.FEEDBACK_WRITE

    @extend_schema(
        operation_id="report_match",
        summary="Report what became of a match",
        description="201 when it is new, 200 when you sent the same before, 409 `client_id_taken` when that "
        "`client_id` said something else, 409 `entry_off_the_list` when the entry has left. Never send an "
        "address, an account or a picture: there is no place for them.",
        request=serializers.MatchReportBody,
        responses={201: serializers.MatchReportAnswer, 200: serializers.MatchReportAnswer},
        examples=[examples.MATCH_REPORT],
        tags=["giving back"],
    )
    def post(self, request: Request) -> Response:
        read_query(request)
        body = serializers.MatchReportBody(data=request.data)
        body.is_valid(raise_exception=True)
        report, is_new = reports.record_match_report(
            partner=self.key.partner, reader=self.reader, **body.validated_data
        )
        answer = {
            "client_id": report.client_id,
            "entry": report.entry_id.hex,
            "outcome": report.outcome,
            "reason": report.reason,
            "received_at": report.received_at,
            "acted_at": report.acted_at,
        }
        return Response(answer, status=_status(is_new))


class FeedbackView(PartnerView):
    """POST: what a person at the platform thinks of an entry."""

    scope = Scope.FEEDBACK_WRITE

    @extend_schema(
        operation_id="give_feedback",
        summary="Say what you think of an entry",
        description="After a person at your side looked at a match. A dispute changes nothing on the list by itself: "
        "leave the entry out on your side. 201, 200 and 409 as with match reports; a later opinion replaces yours.",
        request=serializers.FeedbackBody,
        responses={201: serializers.FeedbackAnswer, 200: serializers.FeedbackAnswer},
        examples=[examples.FEEDBACK],
        tags=["giving back"],
    )
    def post(self, request: Request) -> Response:
        read_query(request)
        body = serializers.FeedbackBody(data=request.data)
        body.is_valid(raise_exception=True)
        given, is_new = reports.record_feedback(partner=self.key.partner, reader=self.reader, **body.validated_data)
        answer = {
            "client_id": given.client_id,
            "entry": given.entry_id.hex,
            "opinion": given.opinion,
            "reason": given.reason,
            "given_at": given.given_at,
        }
        return Response(answer, status=_status(is_new))
