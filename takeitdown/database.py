"""DATABASE_URL to Django's dictionary, with the settings that the promises need on each engine."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

# PostgreSQL would write failing or slow statements, values included, into its log. Most of these only a superuser may
# set, so the server or the role has to; `checks` asks each process's own connection.
POSTGRESQL_KEEPS_QUIET = {
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "log_parameter_max_length_on_error": "0",
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_min_duration_sample": "-1",
    "log_transaction_sample_rate": "0",
}
# Times on one connection: psycopg's own default. Django turns it off for the sake of poolers that hand out connections
# by transaction; put none before this portal.
PREPARED_AFTER = 5
SQLITE_PRAGMAS = "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;PRAGMA secure_delete=ON;"


def from_url(url: str) -> dict[str, Any]:
    """`sqlite:////absolute/path` or `postgresql://user:password@host:port/name?option=value`."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": unquote(parts.path[1:]) if parts.path.startswith("//") else unquote(parts.path),
            # IMMEDIATE: a transaction that reads first and writes later would otherwise fail with "database is locked".
            "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20, "init_command": SQLITE_PRAGMAS},
        }
    if parts.scheme in {"postgres", "postgresql"}:
        options: dict[str, Any] = dict(parse_qsl(parts.query))
        options.setdefault("connect_timeout", 3)
        # Values travel beside a statement, not in it: the server's list of what runs (pg_stat_activity) shows none. And
        # what comes often is parsed and planned once a connection, which saves intake a third of the server's time.
        options.setdefault("server_side_binding", True)
        options.setdefault("prepare_threshold", PREPARED_AFTER)
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(parts.path.lstrip("/")),
            "USER": unquote(parts.username or ""),
            "PASSWORD": unquote(parts.password or ""),
            "HOST": options.pop("host", None) or unquote(parts.hostname or ""),
            "PORT": str(parts.port or ""),
            "CONN_MAX_AGE": 60,
            "CONN_HEALTH_CHECKS": True,
            "OPTIONS": options,
        }
    raise ImproperlyConfigured("DATABASE_URL must start with postgresql:// or sqlite://.")
