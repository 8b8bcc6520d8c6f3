"""The ground the tests stand on: a Redis that can be killed, a PostgreSQL that survives being killed."""

import psycopg
import pytest
from django.core.cache import cache
from django.db import connection


def test_limits_redis_answers():
    cache.set("here", "yes", 5)

    assert cache.get("here") == "yes"


@pytest.mark.django_db
def test_database_is_migrated():
    assert "matching_listchange" in connection.introspection.table_names()


def test_postgres_cluster_keeps_what_it_committed_when_killed(postgres_cluster):
    with psycopg.connect(postgres_cluster.url) as session:
        session.execute("CREATE TABLE kept AS SELECT 7 AS number")

    postgres_cluster.kill()
    postgres_cluster.start()

    with psycopg.connect(postgres_cluster.url) as session:
        assert session.execute("SELECT number FROM kept").fetchall() == [(7,)]
