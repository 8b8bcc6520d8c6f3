"""A crash at every named point of a sync: the copy is the old one or the new one, and the next sync heals."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from fake_portal import EPOCH, client_of
from test_sync import expected, publish

PAGE_POINTS = ["latest_seen", "page_proven", "rows_written", "head_written", "page_stored", "acknowledged"]
SNAPSHOT_POINTS = [
    "latest_seen", "snapshot_fetched", "snapshot_staged", "rows_swapped", "head_written", "snapshot_stored",
    "acknowledged",
]  # fmt: skip


class Crash(BaseException):
    """Not an error the client may handle."""


def crash_at(wanted):
    def at(point):
        if point == wanted:
            raise Crash(point)

    return at


def sums_up(client) -> bool:
    from takeitdown_client.audit import audit

    return audit(client.store).problems == ()


@pytest.mark.parametrize("point", PAGE_POINTS)
def test_crash_in_a_page(portal, tmp_path, point):
    with client_of(portal, tmp_path) as client:
        one, _ = publish(portal, 1, 2)
        client.sync()
        old = client.values()
        portal.remove(one)
        publish(portal, 3)
        client.synchroniser.at = crash_at(point)
        with pytest.raises(Crash):
            client.sync()
    with client_of(portal, tmp_path) as again:
        stored = point in {"page_stored", "acknowledged"}
        assert (again.values(), sums_up(again)) == (expected(portal) if stored else old, True)
        assert again.sync().snapshots == 0
        assert (again.values(), again.kinds()) == (expected(portal), [])


@pytest.mark.parametrize("point", SNAPSHOT_POINTS)
def test_crash_in_a_snapshot(portal, tmp_path, point):
    with client_of(portal, tmp_path) as client:
        publish(portal, 1, 2)
        client.sync()
        old = client.values()
        publish(portal, 3)
        portal.new_epoch(EPOCH + 100)
        client.synchroniser.at = crash_at(point)
        with pytest.raises(Crash):
            client.sync()
    with client_of(portal, tmp_path) as again:
        stored = point in {"snapshot_stored", "acknowledged"}
        assert (again.values(), sums_up(again)) == (expected(portal) if stored else old, True)
        again.sync()
        assert (again.values(), again.kinds()) == (expected(portal), [])


@pytest.mark.parametrize("point", ["rows_written", "head_written", "page_stored"])
def test_a_killed_process_leaves_the_old_copy_or_the_new_one(tmp_path, point):
    """The same with a process that dies on the spot: no rollback, no closing of files."""
    script = f"""
import os
from pathlib import Path
from fake_portal import FakePortal, client_of
portal = FakePortal()
portal.add(1); portal.tick()
client = client_of(portal, Path({str(tmp_path)!r}))
client.sync()
portal.add(2); portal.tick()
client.synchroniser.at = lambda point: os._exit(9) if point == {point!r} else None
client.sync()
"""
    tests = Path(__file__).parent
    path = os.pathsep.join([str(tests), str(tests.parent / "src")])
    done = subprocess.run([sys.executable, "-c", script], env={**os.environ, "PYTHONPATH": path}, check=False)
    assert done.returncode == 9
    with client_of(None, tmp_path) as client:
        assert (len(client.values()), sums_up(client)) == (2 if point == "page_stored" else 1, True)
