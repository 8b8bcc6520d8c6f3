"""Webhooks as a platform's machines see them: are they told, and does a test arrive. Changing one takes a person."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from partners import webhooks
from partners.api.base import PartnerView
from partners.api.examples import ENTRY_ID
from partners.api.fields import Body, EntryId, read_query
from partners.errors import NoSuchWebhook
from partners.models import Mode, Scope, WebhookEndpoint

CONDITIONS: Final = {
    "on": "told of each new head",
    "unconfirmed": "has not answered its challenge yet",
    "paused": "paused by a person",
    "off": "switched off after five days of failure or a 410; a test that arrives switches it on",
}


class WebhookFacts(serializers.Serializer[Any]):
    id = EntryId(help_text="Names the webhook.")
    url = serializers.CharField(help_text="Where it goes.")
    sends = serializers.ChoiceField(choices=Mode.values, help_text="`ping`: that the list moved; `delta`: small pages.")
    condition = serializers.ChoiceField(
        choices=list(CONDITIONS), help_text="; ".join(f"`{word}`: {words}" for word, words in CONDITIONS.items()) + "."
    )
    told_epoch = serializers.IntegerField(help_text="Epoch of the last head it answered for with 2xx; 0: none yet.")
    told_seq = serializers.IntegerField(help_text="Number of that head.")
    failures = serializers.IntegerField(help_text="Failed deliveries since the last that arrived.")
    failing_since = serializers.DateTimeField(allow_null=True, help_text="When the first of those failed.")


class WebhooksAnswer(serializers.Serializer[Any]):
    webhooks = WebhookFacts(many=True, help_text="Those that follow the list your key opens.")


class TestBody(Body):
    webhook = EntryId(help_text="Which one, by its id.")


class TestAnswer(serializers.Serializer[Any]):
    arrived = serializers.BooleanField(help_text="Whether your server answered 2xx.")
    status = serializers.IntegerField(allow_null=True, help_text="What it answered; null where no answer came.")
    failure = serializers.CharField(allow_null=True, help_text="What went wrong, in one word; null where nothing did.")


TEST: Final = OpenApiExample("webhook", value={"webhook": ENTRY_ID}, request_only=True)


class WebhooksView(PartnerView):
    """GET webhooks/: how each one fares."""

    scope = Scope.HOOK_MANAGE

    @extend_schema(
        operation_id="webhooks",
        summary="How your webhooks fare",
        description="For your monitoring: a webhook that is `off`, or fails for long, is worth a call in the night. "
        "Webhooks are added and changed in your console.",
        responses=WebhooksAnswer,
        tags=["webhooks"],
    )
    def get(self, request: Request) -> Response:
        read_query(request)
        rows = WebhookEndpoint.objects.filter(reader=self.reader, partner=self.key.partner, removed_at=None)
        return Response({"webhooks": [_facts(row) for row in rows]})


class TestsView(PartnerView):
    """POST webhooks/tests/: send a test now."""

    scope = Scope.HOOK_MANAGE

    @extend_schema(
        operation_id="test_webhook",
        summary="Send a webhook a test",
        description='Sends `{"type": "webhook.test"}`, signed, and waits up to five seconds for your answer. A test '
        "that arrives switches a webhook on again that was switched off. Ten a minute for all of yours. 404 "
        "`no_such_webhook`, 409 `challenge_open`: its address has not answered its challenge yet.",
        request=TestBody,
        responses=TestAnswer,
        examples=[TEST],
        tags=["webhooks"],
    )
    def post(self, request: Request) -> Response:
        read_query(request)
        body = TestBody(data=request.data)
        body.is_valid(raise_exception=True)
        theirs = WebhookEndpoint.objects.filter(reader=self.reader, partner=self.key.partner, removed_at=None)
        endpoint = theirs.filter(pk=body.validated_data["webhook"]).first()
        if endpoint is None:
            raise NoSuchWebhook
        sent = webhooks.send_test(endpoint, by=self.key.prefix)
        return Response({"arrived": sent.succeeded, "status": sent.status, "failure": sent.failure or None})


def _facts(row: WebhookEndpoint) -> dict[str, Any]:
    return {
        "id": row.pk.hex,
        "url": row.url,
        "sends": row.mode,
        "condition": _condition(row),
        "told_epoch": row.acked_epoch,
        "told_seq": row.acked_seq,
        "failures": row.failures,
        "failing_since": row.failing_since,
    }


def _condition(row: WebhookEndpoint) -> str:
    if row.disabled_at is not None:
        return "off"
    if row.confirmed_at is None:
        return "unconfirmed"
    return "paused" if row.paused_at is not None else "on"
