"""The self-test on a platform's sandbox: begin, fetch the pictures, answer, withdraw entries to practise on."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from partners import picture_archive, sandbox, self_tests
from partners.api import downloads, self_test_shapes
from partners.api.authentication import HasScope
from partners.api.base import PartnerView
from partners.api.downloads import Download
from partners.api.fields import read_query
from partners.errors import NoSelfTestOpen, SandboxOnly
from partners.models import ApiKey, Environment, Scope


class HasSandboxKey(HasScope):
    """As for the list, with a key of the sandbox: nothing here has to do with the production list."""

    def has_permission(self, request: Request, view: Any) -> bool:
        allowed = super().has_permission(request, view)
        if isinstance(request.auth, ApiKey) and request.auth.environment != Environment.TEST:
            raise SandboxOnly
        return allowed


class SandboxView(PartnerView):
    """An address for keys of the sandbox."""

    scope = Scope.LIST_READ
    permission_classes = (HasSandboxKey,)


class SelfTestView(SandboxView):
    """GET: where the self-test stands. POST: begin a run."""

    @extend_schema(
        operation_id="self_test",
        summary="Where your self-test stands",
        description="Whether the archive of pictures is ready, your newest run with what it caught and missed, and "
        "when you last passed. Works with a key of your sandbox, as all of this part.",
        responses=self_test_shapes.SelfTestAnswer,
        examples=[self_test_shapes.STATE],
        tags=["self-test"],
    )
    def get(self, request: Request) -> Response:
        read_query(request)
        return Response(self_test_shapes.state_of(self.key.partner))

    @extend_schema(
        operation_id="begin_self_test",
        summary="Begin a self-test",
        description="One run at a time: a run that is still open is closed as `abandoned`. Then sync your sandbox "
        "copy, match every file of the archive, and send what you found. A hundred runs a day. 503 "
        "`pictures_being_made` (`done`, `of`) before the archive is there.",
        request=self_test_shapes.BeginBody,
        responses={201: self_test_shapes.RunFacts, 503: None},
        examples=[self_test_shapes.BEGIN],
        tags=["self-test"],
    )
    def post(self, request: Request) -> Response:
        read_query(request)
        self_test_shapes.BeginBody(data=request.data).is_valid(raise_exception=True)
        run = self_tests.begin(self.key.partner, by=self.key.prefix)
        return Response(self_test_shapes.run_facts(run), status=status.HTTP_201_CREATED)


class PicturesView(SandboxView):
    """GET pictures/: the archive."""

    @extend_schema(
        operation_id="test_pictures",
        summary="The test pictures",
        description="A zip of about 9 MB with 368 files: eight harmless generated pictures, forty edits of each, and "
        "pictures that match nothing. It is the same for everybody and stays the same; names tell nothing.",
        parameters=downloads.PARAMETERS,
        responses={
            (200, "application/zip"): OpenApiTypes.BINARY,
            (206, "application/zip"): OpenApiTypes.BINARY,
            304: None,
            416: None,
            503: None,
        },
        tags=["self-test"],
    )
    def get(self, request: Request) -> HttpResponseBase:
        read_query(request)
        archive = picture_archive.archive()
        return Download(archive.path.open("rb"), archive.etag, "application/zip", "test-pictures.zip").answer(request)


class AnswersView(SandboxView):
    """POST answers/: what the platform's matcher found."""

    @extend_schema(
        operation_id="answer_self_test",
        summary="Send what you matched",
        description="Once a run. The answer says at once what was caught and missed; then three entries of your "
        "sandbox are withdrawn, and the clock runs until you acknowledge a copy without them. 409 "
        "`no_self_test_open`: begin first, or these answers were taken already. 409 `tombstones_not_ready`: send the "
        "same again in a few seconds.",
        request=self_test_shapes.AnswersBody,
        responses={200: self_test_shapes.RunFacts, 503: None},
        examples=[self_test_shapes.ANSWERS, self_test_shapes.RUN],
        tags=["self-test"],
    )
    def post(self, request: Request) -> Response:
        read_query(request)
        body = self_test_shapes.AnswersBody(data=request.data)
        body.is_valid(raise_exception=True)
        run = self_tests.latest(self.key.partner)
        if run is None:
            raise NoSelfTestOpen
        run = self_tests.answer(run, body.validated_data["matches"], by=self.key.prefix)
        return Response(self_test_shapes.run_facts(run))


class TombstonesView(SandboxView):
    """POST tombstones/: entries to drop, on demand."""

    @extend_schema(
        operation_id="withdraw_in_sandbox",
        summary="Withdraw entries of your sandbox",
        description="To practise dropping what people withdraw: takes spare entries off your sandbox list, other ones "
        "each time, and lists new ones. Three hundred a day. Needs no self-test.",
        request=self_test_shapes.TombstonesBody,
        responses={201: self_test_shapes.TombstonesAnswer},
        examples=[self_test_shapes.TOMBSTONES],
        tags=["self-test"],
    )
    def post(self, request: Request) -> Response:
        read_query(request)
        body = self_test_shapes.TombstonesBody(data=request.data)
        body.is_valid(raise_exception=True)
        withdrawn = sandbox.withdraw_some(self.key.partner, count=body.validated_data["count"], by=self.key.prefix)
        return Response({"withdrawn": withdrawn}, status=status.HTTP_201_CREATED)
