"""Refuse to start unsafe: system checks that run before every command, and deeper ones with `check --deploy`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.conf import settings
from django.core.checks import ERROR, CheckMessage, Error, Tags, Warning, register, run_checks
from django.db import DatabaseError, connection, connections

from takeitdown.database import POSTGRESQL_KEEPS_QUIET


def _short(value: str) -> bool:
    return len(set(value)) < 8 or len(value) < 32


@register(Tags.security)
def keys_are_strong(app_configs: Any, **kwargs: Any) -> Iterable[CheckMessage]:
    """Keys that are short or repetitive open every case."""
    peppers = [part.partition(":") for part in settings.PEPPERS]
    if _short(settings.SECRET_KEY):
        yield Error("SECRET_KEY is too short.", hint="At least 32 characters from a random source.", id="tid.E001")
    if any(not version.isdigit() or _short(value) or len(value) < 64 for version, _, value in peppers):
        yield Error("PEPPERS must be version:hex pairs of 32 random bytes each.", id="tid.E002")
    if _short(settings.RECEIPT_MASTER):
        yield Error("RECEIPT_MASTER must be 32 random bytes in hex.", id="tid.E003")
    if _short(settings.WEBHOOK_MASTER):
        yield Error("WEBHOOK_MASTER must be 32 random bytes in hex.", id="tid.E004")


@register(Tags.security)
def production_is_safe(app_configs: Any, **kwargs: Any) -> Iterable[CheckMessage]:
    """Outside the embedded try-out: https, PostgreSQL, two different Redis, several cases to a batch."""
    if settings.EMBEDDED:
        return
    if not settings.HTTPS:
        yield Error("PUBLIC_URL must start with https://.", id="tid.E010")
    if settings.DATABASES["default"]["ENGINE"] != "django.db.backends.postgresql":
        yield Error("DATABASE_URL must name PostgreSQL; SQLite is the embedded try-out's.", id="tid.E011")
    if settings.BROKER_URL == settings.CACHE_URL:
        yield Error("BROKER_URL and CACHE_URL must be two Redis: a full cache would evict tasks.", id="tid.E012")
    if settings.ANONYMITY_CASES < 2 or settings.ANONYMITY_SECONDS < 60:
        yield Error("ANONYMITY_CASES or ANONYMITY_SECONDS is too small to hide when somebody reported.", id="tid.E013")
    if "*" in settings.ALLOWED_HOSTS:
        yield Error("ALLOWED_HOSTS must name this portal's hosts.", id="tid.E014")
    if settings.OUTBOUND_TEST_NETWORKS or settings.OUTBOUND_TEST_CA:
        yield Error(
            "OUTBOUND_TEST_NETWORKS and OUTBOUND_TEST_CA open inside networks; they are for tests.", id="tid.E016"
        )
    if settings.DEBUG:
        yield Error("DEBUG shows what people sent.", id="tid.E015")


@register(Tags.translation)
def languages_are_compiled(app_configs: Any, **kwargs: Any) -> Iterable[CheckMessage]:
    """A language that is offered and not compiled would show English words, in Arabic even from right to left."""
    if settings.EMBEDDED:
        return  # there set-up compiles them
    for code, _name in settings.LANGUAGES:
        catalogue = settings.LOCALE_PATHS[0] / code / "LC_MESSAGES" / "django.mo"
        if code != settings.LANGUAGE_CODE and not catalogue.exists():
            command = f"python -m takeitdown.translations {catalogue.with_suffix('.po')}"
            yield Error(f"The words of {code} are not compiled: run {command}", id="tid.E018")


@register(Tags.security, deploy=True)
def mail_goes_out(app_configs: Any, **kwargs: Any) -> Iterable[CheckMessage]:
    """Without a mail server nobody can confirm an application or take up an invitation."""
    if not settings.EMBEDDED and settings.EMAIL_BACKEND.endswith("filebased.EmailBackend"):
        yield Warning("Mail is written to files and reaches nobody.", hint="Set EMAIL_HOST.", id="tid.W017")


@register(Tags.database)
def commits_are_durable(app_configs: Any, databases: Any = None, **kwargs: Any) -> Iterable[CheckMessage]:
    """An acknowledged report must survive a crash: PostgreSQL must not commit asynchronously (A3)."""
    if not databases or connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        for name in ("synchronous_commit", "fsync"):
            cursor.execute(f"SHOW {name}")
            if cursor.fetchone()[0] == "off":
                yield Error(f"PostgreSQL runs with {name}=off: acknowledged reports could be lost.", id="tid.E020")


@register(Tags.database)
def logs_keep_quiet(app_configs: Any, databases: Any = None, **kwargs: Any) -> Iterable[CheckMessage]:
    """A failing statement must not write case numbers, PINs or fingerprints into PostgreSQL's log."""
    if not databases or settings.EMBEDDED or connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        for name, wanted in POSTGRESQL_KEEPS_QUIET.items():
            cursor.execute(f"SHOW {name}")
            if (found := cursor.fetchone()[0]) != wanted:
                hint = f"ALTER SYSTEM SET {name} = '{wanted}', or ALTER ROLE … SET, as a superuser."
                message = f"PostgreSQL runs with {name}={found}: its log could tell what people sent; set {wanted}."
                yield Error(message, hint=hint, id="tid.E021")


def refuse_unsafe() -> None:
    """End this process, a line for each reason, when settings are unsafe. Web, worker, beat and sequencer call it.

    A database that is away is no reason: the portal then says so honestly and comes back by itself.
    """
    problems = [message for message in run_checks() if message.is_serious(ERROR) and not message.is_silenced()]
    try:
        problems += [*commits_are_durable(None, databases=["default"]), *logs_keep_quiet(None, databases=["default"])]
    except DatabaseError:
        pass
    finally:
        connections.close_all()  # gunicorn forks after this; two processes must not share a connection
    if problems:
        raise SystemExit("\n".join(f"{problem.id}: {problem.msg}" for problem in problems))
