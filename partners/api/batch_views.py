"""Many match reports, many opinions in one request, for a platform's nightly job. Each is answered on its own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from django.conf import settings
from drf_spectacular.utils import extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from partners import reports
from partners.api import examples, serializers
from partners.api.base import PartnerView, of_key
from partners.api.fields import Body, read_query
from partners.api.report_views import feedback_answer, report_shown, status_of
from partners.errors import TooManyItems
from partners.models import Feedback, MatchReport, Scope
from takeitdown import limits
from takeitdown.api.problems import problem
from takeitdown.errors import Refused

ITEMS_AT_MOST = 100
REQUESTS_A_BATCH = 10  # of a key's limit: an item of a batch costs us a fraction of a request of its own
Kept = tuple[Feedback, bool] | tuple[MatchReport, bool]
ABOUT = (
    "1 to 100 at once, for a job that sends a day's work. Each is kept or refused on its own, as if you had sent them "
    "one after another in your order: the answer is 200, and `items` says of each, in the same order, which status it "
    "would have had alone. Sending a batch again is harmless, as is sending a part of it alone. More than 100 are "
    "refused whole, with 413. A key may send a tenth as many batches a minute as requests."
)


class BatchView(PartnerView):
    """An address that takes many of what its neighbour takes one of."""

    scope = Scope.FEEDBACK_WRITE
    shape: ClassVar[type[Body]]

    def check_throttles(self, request: Request) -> None:
        super().check_throttles(request)
        rate = _fewer(settings.API_RATE)
        limits.check(request._request, group="partners-api-batches", rate=rate, key=of_key(self.key))

    def post(self, request: Request) -> Response:
        read_query(request)
        form = self.shape()
        checked = [_checked(form, item) for item in _items(request.data)]
        whose: dict[str, Any] = {"partner": self.key.partner, "reader": self.reader}
        kept = iter(self.record(**whose, items=[item for item in checked if isinstance(item, dict)]))
        return Response({"items": [self._said(next(kept) if isinstance(item, dict) else item) for item in checked]})

    def record(self, **batch: Any) -> Sequence[Kept | Refused]:
        raise NotImplementedError

    def answer(self, row: Any, is_new: bool) -> dict[str, Any]:
        raise NotImplementedError

    def _said(self, outcome: Kept | Exception) -> dict[str, Any]:
        if isinstance(outcome, Exception):
            declined = problem(outcome, {})
            assert declined is not None  # a refusal or a ValidationError
            return {"status": declined.status_code, "answer": None, "problem": declined.data}
        row, is_new = outcome
        return {"status": status_of(is_new), "answer": self.answer(row, is_new), "problem": None}


class MatchReportBatchesView(BatchView):
    """POST: what became of many matches."""

    shape = serializers.MatchReportBody

    @extend_schema(
        operation_id="report_matches",
        summary="Report what became of many matches",
        description=ABOUT,
        request=serializers.MatchReportBatch,
        responses=serializers.MatchReportBatchAnswer,
        examples=[examples.MATCH_REPORT_BATCH],
        tags=["giving back"],
    )
    def post(self, request: Request) -> Response:
        return super().post(request)

    def record(self, **batch: Any) -> Sequence[Kept | Refused]:
        return reports.record_match_reports(**batch)

    def answer(self, row: MatchReport, is_new: bool) -> dict[str, Any]:
        return report_shown(row)


class FeedbackBatchesView(BatchView):
    """POST: what people at the platform think of many entries."""

    shape = serializers.FeedbackBody

    @extend_schema(
        operation_id="give_feedback_on_many",
        summary="Say what you think of many entries",
        description=ABOUT,
        request=serializers.FeedbackBatch,
        responses=serializers.FeedbackBatchAnswer,
        examples=[examples.FEEDBACK_BATCH],
        tags=["giving back"],
    )
    def post(self, request: Request) -> Response:
        return super().post(request)

    def record(self, **batch: Any) -> Sequence[Kept | Refused]:
        return reports.record_feedbacks(**batch)

    def answer(self, row: Feedback, is_new: bool) -> dict[str, Any]:
        return feedback_answer(row, is_new)


def _items(body: Any) -> list[Any]:
    """Raises ValidationError, TooManyItems."""
    if not isinstance(body, dict) or set(body) != {"items"} or not isinstance(body["items"], list):
        raise ValidationError({"items": "Send an object with this one member: an array of 1 to 100."})
    if not body["items"]:
        raise ValidationError({"items": "At least one."})
    if len(body["items"]) > ITEMS_AT_MOST:
        raise TooManyItems
    return body["items"]


def _checked(form: Body, item: Any) -> dict[str, str] | ValidationError:
    """The words of one item, or what is wrong with it."""
    try:
        return dict(form.run_validation(item))
    except ValidationError as wrong:
        return wrong


def _fewer(rate: str) -> str:
    amount, _, period = rate.partition("/")
    return f"{max(1, int(amount) // REQUESTS_A_BATCH)}/{period}"
