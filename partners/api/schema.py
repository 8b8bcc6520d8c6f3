"""How the API's description names our key."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class OptInKey(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    target_class = "partners.api.authentication.ApiKeyAuthentication"
    name = "optInKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "tid_<live|test>_<id>_<secret>_<checksum>",
            "description": "Your opt-in key. It decides which list you read: production, or your own sandbox.",
        }
