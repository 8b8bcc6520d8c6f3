"""Production refuses to start unsafe, and is clean under `check --deploy` when it is set up as README.md says."""

import os
import secrets
import subprocess
import sys

import pytest
from django.conf import settings

from takeitdown import checks
from takeitdown.database import POSTGRESQL_KEEPS_QUIET


@pytest.fixture
def production(tmp_path):
    """A whole environment as a server would have it."""
    (tmp_path / "static-built").mkdir()
    return {
        "PATH": os.environ["PATH"],
        "TAKEITDOWN_VAR": str(tmp_path),
        "DATABASE_URL": "postgresql://web:secret@db.internal/portal",
        "BROKER_URL": "redis://broker.internal:6379/0",
        "CACHE_URL": "redis://limits.internal:6379/0",
        "PUBLIC_URL": "https://takeitdown.example",
        "SECRET_KEY": secrets.token_urlsafe(50),
        "PEPPERS": f"2:{secrets.token_hex(32)},1:{secrets.token_hex(32)}",
        "RECEIPT_MASTER": secrets.token_hex(32),
        "WEBHOOK_MASTER": secrets.token_hex(32),
        "BEHIND_TLS_PROXY": "1",
        "TRUSTED_PROXIES": "10.0.0.0/8",
        "EMAIL_HOST": "mail.internal",
    }


def python(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=settings.BASE_DIR, env=environment, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.mark.slow
def test_production_is_clean(production):
    done = python(production, "manage.py", "check", "--deploy", "--fail-level", "INFO")

    assert done.returncode == 0, done.stdout + done.stderr
    assert "no issues" in done.stdout


def test_production_says_when_its_mail_reaches_nobody(settings):
    settings.EMBEDDED = False
    settings.EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    assert [found.id for found in checks.mail_goes_out(None)] == ["tid.W017"]
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    assert list(checks.mail_goes_out(None)) == []


WORKER = ["-m", "celery", "-A", "takeitdown", "worker", "--pool", "solo"]
UNSAFE = [
    ({"HTTPS": False}, "tid.E010"),
    ({"DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3"}}}, "tid.E011"),
    ({"CACHE_URL": "redis://broker.internal:6379/0"}, "tid.E012"),
    ({"ANONYMITY_CASES": 1}, "tid.E013"),
    ({"ANONYMITY_SECONDS": 5}, "tid.E013"),
    ({"ALLOWED_HOSTS": ["*"]}, "tid.E014"),
    ({"DEBUG": True}, "tid.E015"),
    ({"SECRET_KEY": "a" * 64}, "tid.E001"),
    ({"PEPPERS": ["1:abcd"]}, "tid.E002"),
    ({"RECEIPT_MASTER": "0" * 64}, "tid.E003"),
    ({"WEBHOOK_MASTER": "0" * 64}, "tid.E004"),
    ({"OUTBOUND_TEST_NETWORKS": "127.0.0.0/8:9000-9100"}, "tid.E016"),
]


@pytest.fixture
def safe(settings):
    """Settings of a safe production, in this process."""
    settings.EMBEDDED, settings.HTTPS, settings.DEBUG = False, True, False
    settings.DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql"}}
    settings.BROKER_URL, settings.CACHE_URL = "redis://broker.internal:6379/0", "redis://limits.internal:6379/0"
    settings.ANONYMITY_CASES, settings.ANONYMITY_SECONDS = 3, 600
    settings.ALLOWED_HOSTS = ["takeitdown.example"]
    return settings


def found() -> list[str | None]:
    return [problem.id for check in (checks.keys_are_strong, checks.production_is_safe) for problem in check(None)]


@pytest.mark.parametrize(("change", "code"), UNSAFE)
@pytest.mark.filterwarnings("ignore:Overriding setting DATABASES")
def test_each_unsafe_setting_is_found(safe, change, code):
    assert found() == []
    for name, value in change.items():
        setattr(safe, name, value)

    assert found() == [code]


@pytest.mark.filterwarnings("ignore:Overriding setting DATABASES")
def test_a_language_without_its_words_is_refused(safe, tmp_path):
    assert list(checks.languages_are_compiled(None)) == []
    safe.LOCALE_PATHS = [tmp_path]
    problems = list(checks.languages_are_compiled(None))
    assert [(problem.id, problem.msg[:18]) for problem in problems] == [
        ("tid.E018", "The words of es ar"),
        ("tid.E018", "The words of ar ar"),
    ]
    safe.EMBEDDED = True
    assert list(checks.languages_are_compiled(None)) == []


@pytest.mark.slow
@pytest.mark.parametrize("start", [["manage.py", "run_sequencer"], ["-c", "import takeitdown.wsgi"], WORKER])
def test_no_process_starts_unsafe(production, start):
    done = python({**production, "PUBLIC_URL": "http://takeitdown.example"}, *start)

    assert done.returncode != 0
    assert "tid.E010" in done.stderr


@pytest.mark.slow
def test_the_demonstration_is_refused_in_production(production):
    for command in ("run_portal", "seed_demonstration"):
        done = python(production, "manage.py", command)
        assert done.returncode != 0
        assert "try-out" in done.stderr


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
def test_a_database_that_forgets_commits_is_refused():
    from django.db import connection

    assert list(checks.commits_are_durable(None, databases=["default"])) == []
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")

    try:
        assert [problem.id for problem in checks.commits_are_durable(None, databases=["default"])] == ["tid.E020"]
    finally:
        connection.close()


@pytest.mark.postgresql
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("name", POSTGRESQL_KEEPS_QUIET)
def test_a_database_whose_log_tells_is_refused(settings, name):
    from django.db import connection

    settings.EMBEDDED = False
    assert list(checks.logs_keep_quiet(None, databases=["default"])) == []
    loud = {"log_min_error_statement": "error", "log_error_verbosity": "verbose", "log_statement": "all"}
    with connection.cursor() as cursor:
        cursor.execute(f"SET {name} = '{loud.get(name, '1')}'")

    try:
        assert [problem.id for problem in checks.logs_keep_quiet(None, databases=["default"])] == ["tid.E021"]
    finally:
        connection.close()
