"""What platforms give back: match reports and feedback."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from matching.models import State
from partners import reports, votes
from partners.api import examples, serializers
from partners.api.base import PartnerView
from partners.api.fields import read_query
from partners.models import Feedback, MatchReport, Opinion, Scope

# An entry's states in the words of its removals (LIST.md §3). What was never listed has no feedback.
STATE_WORDS = {State.LISTED: "listed", State.QUARANTINED: "quarantined", State.REFUSED: "removed"}


def status_of(is_new: bool) -> int:
    return status.HTTP_201_CREATED if is_new else status.HTTP_200_OK


def _next(rows: Sequence[Feedback] | Sequence[MatchReport]) -> str | None:
    return rows[-1].client_id if len(rows) == reports.PAGE else None


class GivenBackView(PartnerView):
    """An address that takes what a platform gives back, and shows what it gave."""

    scope = Scope.FEEDBACK_WRITE

    def asked_for(self, request: Request) -> dict[str, Any]:
        """Whose rows, of which list, and the page of them."""
        query = read_query(request, serializers.GivenBackQuery)
        whose = {"reader": self.reader, "partner": self.key.partner}
        return {**whose, "after": query["after"], "only_open": "open" in query}


class MatchReportsView(GivenBackView):
    """POST: what became of a match. GET: what was reported."""

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
        return Response(report_shown(report), status=status_of(is_new))

    @extend_schema(
        operation_id="match_reports",
        summary="The match reports you sent",
        description="Oldest first, 200 at a time. `open=true`: those whose 48-hour clock still runs.",
        parameters=[serializers.GivenBackQuery],
        responses=serializers.MatchReportsAnswer,
        tags=["giving back"],
    )
    def get(self, request: Request) -> Response:
        rows = reports.matches_reported(**self.asked_for(request))
        return Response({"match_reports": [report_shown(row) for row in rows], "next": _next(rows)})


class FeedbackView(GivenBackView):
    """POST: what a person at the platform thinks of an entry. GET: what was said, and what came of it."""

    @extend_schema(
        operation_id="give_feedback",
        summary="Say what you think of an entry",
        description="After a person at your side looked at a match. One platform's `agree` confirms the entry for "
        "everybody. Your `dispute` alone changes nothing on the list: leave the entry out on your side. When platforms "
        "that have nothing to do with each other dispute it and none agrees, it leaves the list at once; where another "
        "one agrees, our staff look. 201, 200 and 409 as with match reports; a later opinion replaces yours.",
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
        return Response(feedback_answer(given, is_new), status=status_of(is_new))

    @extend_schema(
        operation_id="feedback",
        summary="The feedback you gave, and what became of the entries",
        description="Oldest first, 200 at a time. `open=true`: your disputes of entries that are still listed or in "
        "quarantine.",
        parameters=[serializers.GivenBackQuery],
        responses=serializers.FeedbackGivenAnswer,
        tags=["giving back"],
    )
    def get(self, request: Request) -> Response:
        rows = reports.feedback_given(**self.asked_for(request))
        counted = votes.count({row.entry for row in rows}, self.reader.hash_list)
        listed = [_given(row, disputes=counted[row.entry_id].votes.disputes) for row in rows]
        return Response({"feedback": listed, "next": _next(rows)})


def your_feedback(said: Feedback | None) -> dict[str, Any] | None:
    """A partner's present opinion of an entry."""
    if said is None:
        return None
    day = said.given_at.date().isoformat()
    return {"opinion": said.opinion, "reason": said.reason, "given_on": day, "counted": votes.counts_now(said)}


def report_shown(report: MatchReport) -> dict[str, Any]:
    """A match report as its platform is shown it."""
    return {
        "client_id": report.client_id,
        "entry": report.entry_id.hex,
        "outcome": report.outcome,
        "reason": report.reason,
        "received_at": report.received_at,
        "acted_at": report.acted_at,
    }


def feedback_answer(given: Feedback, is_new: bool) -> dict[str, Any]:
    """An opinion that was sent, and what its platform says of the entry now: another one, if this is a late repeat."""
    last = given if is_new else reports.feedback_on(given.partner, given.entry)
    return {**_opinion(given), "your_feedback": your_feedback(last)}


def _opinion(given: Feedback) -> dict[str, Any]:
    return {
        "client_id": given.client_id,
        "entry": given.entry_id.hex,
        "opinion": given.opinion,
        "reason": given.reason,
        "given_at": given.given_at,
        "counted": votes.counts_now(given),
    }


def _given(given: Feedback, *, disputes: int) -> dict[str, Any]:
    """One row of the list. Others' disputes are shown to whoever disputes it, too."""
    is_dispute = given.opinion == Opinion.DISPUTE and given.superseded_at is None
    state = STATE_WORDS.get(State(given.entry.state), "withdrawn")
    return {**_opinion(given), "state": state, "disputes": disputes if is_dispute else None}
