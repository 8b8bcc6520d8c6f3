"""What every address of the platforms' API has in common."""

from __future__ import annotations

from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.cache import patch_vary_headers
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from matching.models import ListReader
from partners.models import ApiKey
from takeitdown import limits


class OneRepresentation(BaseContentNegotiation):
    """Each address has one way to answer and one parser, whatever `Accept`, `?format=` or the body's type say.

    The parser itself refuses what is not application/json.
    """

    def select_parser(self, request: Request, parsers: Any) -> BaseParser:
        parser: BaseParser = parsers[0]
        return parser

    def select_renderer(self, request: Request, renderers: Any, format_suffix: str | None = None) -> Any:
        renderer: BaseRenderer = renderers[0]
        return renderer, renderer.media_type


class PartnerView(APIView):
    """An address for one partner's machines. `scope` is what the key must allow."""

    scope: ClassVar[str]
    content_negotiation_class = OneRepresentation
    http_method_names = ["get", "head", "post"]  # noqa: RUF012  as Django declares it

    @property
    def key(self) -> ApiKey:
        key = self.request.auth
        assert isinstance(key, ApiKey)  # HasScope saw to it
        return key

    @property
    def reader(self) -> ListReader:
        """How the list that the key opens knows the partner."""
        reader = self.key.reader
        assert reader is not None  # HasScope saw to it
        return reader

    def check_throttles(self, request: Request) -> None:
        """One generous limit for each key, so that a runaway loop of one platform slows no other."""
        limits.check(request._request, group="partners-api", rate=settings.API_RATE, key=of_key(self.key))

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        answer: HttpResponseBase = super().finalize_response(request, response, *args, **kwargs)
        answer.headers.setdefault("Cache-Control", "private, no-store")
        patch_vary_headers(answer, ["Authorization"])
        return answer


def of_key(key: ApiKey) -> Any:
    """What limits count by: the key."""

    def key_id(group: str, request: HttpRequest) -> str:
        return key.key_id

    return key_id
