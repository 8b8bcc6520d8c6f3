import hashlib
import io
import json
import zipfile

import pytest
from fake_portal import FakePortal, client_of, ok, pdq, problem
from takeitdown_client.errors import MalformedAnswer, PortalRefusal
from takeitdown_client.http import Response
from takeitdown_client.self_test import SelfTest, table


def packed(names: dict[str, bytes]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in names.items():
            archive.writestr(name, content)
    return file.getvalue()


class SandboxPortal(FakePortal):
    """A portal with a self-test of two files. `refusals` are given out first; it judges when a later head is known."""

    def __init__(self):
        super().__init__()
        self.archive = packed({"001.jpg": b"one", "002.png": b"two"})
        self.sha256 = hashlib.sha256(self.archive).hexdigest()
        self.refusals: list[Response] = []
        self.answers: list[dict] = []
        self.rounds = 0

    def _answer(self, method, name, params, body, headers):
        if not name.startswith("self-test"):
            return super()._answer(method, name, params, body, headers)
        if self.refusals and method == "POST":
            return self.refusals.pop(0)
        if name == "self-test/pictures":
            return Response(200, {"Content-Length": str(len(self.archive))}, self.archive)
        if name == "self-test/answers":
            self.answers.append(body["matches"])
            return ok(self._run("acknowledgement"))
        if method == "POST":
            return ok(self._run("answers"), status=201)
        self.rounds += 1
        stage = "passed" if self.answers and self.rounds > 2 else "acknowledgement" if self.answers else "answers"
        return ok({"pictures": {"sha256": self.sha256}, "run": self._run(stage)})

    def _run(self, stage):
        return {"id": "5b1f0c6a" + "0" * 24, "stage": stage, "result": None, "advice": ["Do\x1b[2J this."]}


@pytest.fixture
def portal():
    portal = SandboxPortal()
    portal.list_name = "sandbox-example"
    for number in (1, 2):
        portal.add(number, value=pdq(number))
    portal.tick()
    return portal


@pytest.fixture
def tested(portal, tmp_path):
    """`tested()` runs the self-test with a matcher that finds entry `e` in each JPEG; `tested.waits` are its pauses."""
    waits: list[float] = []
    with client_of(portal, tmp_path / "client", list_name="sandbox-example") as client:

        def run(find=lambda path: ["e" * 32] if path.suffix == ".jpg" else []):
            return SelfTest(client.store, client.synchroniser.portal, find=find, sleep=waits.append).run()

        run.waits, run.directory = waits, client.store.directory
        yield run


def test_it_answers_with_what_the_matcher_found_and_acknowledges(portal, tested):
    run = tested()

    assert run["stage"] == "passed"
    assert portal.answers == [{"001.jpg": ["e" * 32]}]
    assert portal.acknowledged
    assert portal.requests.index("self-test/answers") > portal.requests.index("acknowledgements")


def test_the_archive_is_fetched_once(portal, tested):
    tested()
    tested()

    assert portal.requests.count("self-test/pictures") == 1
    assert sorted(path.name for path in tested.directory.glob("test-pictures*")) == ["test-pictures.zip"]


def test_it_waits_while_the_portal_prepares_and_no_longer(portal, tested):
    portal.refusals = [problem(503, "pictures_being_made"), problem(409, "tombstones_not_ready")]
    assert tested()["stage"] == "passed"
    assert len(tested.waits) >= 2

    portal.refusals = [problem(403, "sandbox_only")]
    with pytest.raises(PortalRefusal):
        tested()


def test_a_damaged_archive_is_refused(portal, tested):
    portal.sha256 = "0" * 64

    with pytest.raises(MalformedAnswer):
        tested()
    assert portal.answers == []


@pytest.mark.parametrize("name", ["../001.jpg", "/001.jpg", "001.jpg/x", "a.jpg", "001.jpg\n"])
def test_files_with_other_names_are_never_written(portal, tested, name):
    portal.archive = packed({name: b"x"})
    portal.sha256 = hashlib.sha256(portal.archive).hexdigest()

    with pytest.raises(MalformedAnswer):
        tested()


def test_the_table_shows_what_to_look_at_and_no_control_characters(portal, tested):
    found = {"file": "017.gif", "edit": "GIF of 128 colours", "distance": 20}
    counts = {"caught": 1, "to_catch": 2, "borderline": 0, "borderline_caught": 0, "diverged": 0}
    lists = {"missed": [found], "wrong": [], "decoys": [{**found, "distance": None}], "withdrawn": [], "far": []}
    lines = table({**tested(), "result": {**counts, **lists, "dropped_after_seconds": 1.5}})

    text = "\n".join(lines)
    assert "017.gif    GIF of 128 colours             20 bits" in lines[lines.index("Missed:") + 1]
    assert "after 1.5 s" in text
    assert lines[-1] == "Do[2J this."
    assert json.dumps(text).count("\\u001b") == 0
