"""Processes that stand and fall together."""

import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from takeitdown import ports
from takeitdown.processes import AskedToStop, ChildEnded, ProcessTree, end_leftovers, remember, started_at

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(15, signal.SIG_IGN); print(flush=True); time.sleep(60)",
]
PARENT = """
import sys, time, pathlib
from takeitdown.processes import ProcessTree
tree = ProcessTree(pathlib.Path("."))
print(tree.start("child", [sys.executable, "-c", "import time; time.sleep(60)"]).process.pid, flush=True)
time.sleep(60)
"""


def is_gone(pid: int, *, within: float = 5.0) -> bool:
    deadline = time.monotonic() + within
    while started_at(pid) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not started_at(pid)


@pytest.fixture
def tree(tmp_path):
    tree = ProcessTree(tmp_path)
    yield tree
    tree.stop()


def test_a_child_that_dies_is_named(tree):
    tree.start("The clock", SLEEP)
    tree.start("The worker", [sys.executable, "-c", "raise SystemExit(3)"])

    with pytest.raises(ChildEnded, match=r"The worker ended unexpectedly \(exit 3\)"):
        tree.wait_until(lambda: False)


def test_a_step_may_end_but_not_fail(tree):
    tree.run("step", [sys.executable, "-c", ""])

    with pytest.raises(ChildEnded, match=r"step failed \(exit 1\)"):
        tree.run("step", [sys.executable, "-c", "raise SystemExit(1)"])


def test_stop_kills_who_will_not_end(tree, monkeypatch):
    monkeypatch.setattr("takeitdown.processes.SERVANTS_END_WITHIN_SECONDS", 0.3)
    pids = [tree.start("stubborn", STUBBORN).process.pid, tree.start("clock", SLEEP, is_server=True).process.pid]
    time.sleep(0.3)

    begun = time.monotonic()
    tree.stop()

    assert time.monotonic() - begun < 5  # not the sixty seconds that they would sleep
    assert [is_gone(pid) for pid in pids] == [True, True]


def test_a_signal_ends_the_waiting(tree):
    tree.start("clock", SLEEP)
    tree.ask_to_stop(signal.SIGTERM, None)

    with pytest.raises(AskedToStop):
        tree.wait_until(lambda: False)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells children of their parent's death")
def test_children_end_with_a_parent_that_is_killed(repository):
    with subprocess.Popen([sys.executable, "-c", PARENT], cwd=repository, stdout=subprocess.PIPE, text=True) as parent:
        child = int(parent.stdout.readline() if parent.stdout else "")
        parent.kill()

    assert is_gone(child)


def test_leftovers_of_an_earlier_parent_are_ended_and_strangers_are_not(tree, tmp_path):
    noted = tmp_path / "noted"
    left = tree.start("left", SLEEP)
    remember([left], noted)
    noted.write_text(noted.read_text() + f"{os.getpid()} 12345\n")  # our own number, with another start time

    left.may_end = True
    assert end_leftovers(noted) == 1
    assert left.process.wait(5) == -signal.SIGTERM
    assert not noted.exists()
    assert end_leftovers(noted) == 0


def test_a_taken_port_is_passed_over():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        assert not ports.is_free(port)
        assert ports.first_free(port) > port
