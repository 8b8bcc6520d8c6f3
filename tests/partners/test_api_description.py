"""The API's description: valid, complete, true to what the portal answers, and readable."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import hypothesis
import hypothesis.strategies as st
import pytest
import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from django.test import Client
from drf_spectacular.validation import validate_schema
from schemathesis import checks

from matching import epochs
from partners import keys
from partners import sandbox as partner_sandbox
from partners.api import docs, urls
from partners.api.guide import Guide
from partners.models import Environment, Scope
from tests.partners.conftest import publish

REQUESTS_FOR_EACH_OPERATION = 160  # eight of them, in about a minute on two cores
FEWER_REQUESTS = 40  # for each operation of the self-test and of webhooks, whose shapes are small, and for batches


@pytest.mark.django_db
def test_description_is_valid_and_made_without_a_warning(tmp_path):
    call_command("spectacular", validate=True, fail_on_warn=True, file=str(tmp_path / "schema.yml"))

    validate_schema(docs.schema())


@pytest.mark.django_db
def test_description_names_every_address_of_version_1():
    described = {path.replace("{", "<entry_id:").replace("}", ">") for path in docs.schema()["paths"]}

    assert described == {
        "/api/" + str(pattern.pattern) for pattern in urls.urlpatterns if str(pattern.pattern).startswith("v1/")
    }


def _speechless(schema: Any, path: str) -> Iterator[str]:
    for name, said in schema.get("properties", {}).items():
        if not said.get("description"):
            yield f"{path}.{name}"


@pytest.mark.django_db
def test_every_member_and_parameter_is_explained():
    schema = docs.schema()
    members = (_speechless(facts, name) for name, facts in schema["components"]["schemas"].items())
    operations = [facts for methods in schema["paths"].values() for facts in methods.values()]
    parameters = [parameter for facts in operations for parameter in facts.get("parameters", [])]

    assert list(itertools.chain(*members)) == []
    assert [parameter["name"] for parameter in parameters if not parameter.get("description")] == []
    assert all(facts["summary"] and facts["description"] for facts in operations)
    assert all(facts["security"] == [{"optInKey": []}] for facts in operations)


@pytest.mark.django_db
def test_page_says_of_every_member_what_it_is():
    schema = docs.schema()
    tags = {tag for methods in schema["paths"].values() for facts in methods.values() for tag in facts["tags"]}
    operations = [operation for tag in sorted(tags) for operation in Guide(schema, "").operations(tag)]
    tables = [(operation.id, table) for operation in operations for table in operation.takes + operation.gives]

    assert [(id, member.name) for id, table in tables for member in table.members if not member.kind] == []


@pytest.mark.django_db
def test_page_explains_every_operation_and_runs_without_strangers(django_assert_num_queries):
    docs.schema()  # once for each process
    with django_assert_num_queries(0):
        answer = Client().get("/api/")

    text = answer.content.decode()
    operations = [facts for methods in docs.schema()["paths"].values() for facts in methods.values()]
    assert [facts["operationId"] for facts in operations if f'id="{facts["operationId"]}"' not in text] == []
    assert 'src="http' not in text
    assert "style=" not in text
    assert answer.cookies == {}


# --- requests made from the description -------------------------------------------------------------------------

checks.load_all_checks()
CHECKS: list[Any] = [
    checks.not_a_server_error,
    *(
        checks.CHECKS.get_one(name)
        for name in [
            "status_code_conformance",
            "content_type_conformance",
            "response_headers_conformance",
            "response_schema_conformance",
            "negative_data_rejection",
            "allow_header_conformance",
        ]
    ),
]
VERSIONED = [pattern for pattern in urls.urlpatterns if str(pattern.pattern).startswith("v1/")]
OPERATIONS = [
    ("/api/" + str(pattern.pattern).replace("<entry_id:entry_id>", "{entry_id}"), method)
    for pattern in VERSIONED
    for method in ("get", "post")
    if hasattr(getattr(pattern.callback, "view_class", None), method)
]


@pytest.fixture
def one_connection() -> Iterator[None]:
    """Requests through WSGI stay in this test's transaction, as those of Django's test client do."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def sandbox_key(platform, archive, sequencer) -> str:
    """A key of the platform's filled sandbox."""
    partner_sandbox.open_sandbox(platform.partner)
    epochs.begin_new_lists(sequencer)
    sequencer.run_until_idle()
    issued = keys.issue(
        platform.partner, environment=Environment.TEST, scopes=[Scope.LIST_READ], name="tests", by="tests"
    )
    return issued.text


def _said(body: Any) -> list[Any]:
    """What speaks of an entry: the body itself, or items of a batch."""
    items = body.get("items") if isinstance(body, dict) else None
    said = items if isinstance(items, list) else [body]
    return [words for words in said if isinstance(words, dict) and "entry" in words]


@pytest.mark.slow
@pytest.mark.usefixtures("one_connection")
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_generated_requests_meet_no_failure(path, method, platform, sandbox_key, sequencer, settings):
    settings.API_RATE = "1000000/m"
    settings.SNAPSHOTS_PER_DAY = 1_000_000
    entry = publish(sequencer, 3)[0].pk.hex
    operation = schemathesis.openapi.from_wsgi("/api/schema/", WSGIHandler())[path][method.upper()]
    is_self_test, is_batch = "/self-test/" in path, path.endswith("/batches/")
    is_small = is_self_test or is_batch or "/webhooks/" in path
    # A batch answers 200 and refuses each malformed item in its place.
    asked = [check for check in CHECKS if not (is_batch and check.__name__ == "negative_data_rejection")]
    headers = {"Authorization": f"Bearer {sandbox_key}"} if is_self_test else platform.headers

    @hypothesis.given(case=operation.as_strategy(), is_ours=st.booleans())
    @hypothesis.settings(
        max_examples=FEWER_REQUESTS if is_small else REQUESTS_FOR_EACH_OPERATION,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )
    def send(case: Any, is_ours: bool) -> None:
        for words in _said(case.body) if is_ours else []:
            words["entry"] = entry  # else none of them would ever be found
        response = case.call(headers=headers)
        case.validate_response(response, checks=asked, headers=headers)

    send()
