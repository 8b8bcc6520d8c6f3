import json

import pytest
from fake_portal import pdq
from takeitdown_client import match, pictures
from takeitdown_client.match import Matcher, types_of
from test_sync import publish


@pytest.fixture(params=["numpy", "plain"])
def matcher(request, client, monkeypatch):
    """Both ways of counting bits."""
    if request.param == "plain":
        monkeypatch.setattr(match, "numpy", None)
    elif match.numpy is None:
        pytest.skip("numpy is not installed")
    return Matcher(client.store)


def flip(value: str, bits: int) -> str:
    return f"{int(value, 16) ^ ((1 << bits) - 1):064x}"


def found(matches):
    return [(m.entry, m.type, m.distance) for m in matches]


def test_pdq_matches_within_31_bits(portal, client, matcher):
    one, _ = publish(portal, 1, 2)
    client.sync()
    assert [found(matcher.match("pdq", flip(pdq(1), bits))) for bits in (0, 31, 32)] == [
        [(one, "pdq", 0)],
        [(one, "pdq", 31)],
        [],
    ]  # fmt: skip


def test_no_rows_no_match(client, matcher):
    client.sync()
    assert matcher.match("pdq", pdq(1)) == []


def test_exact_types_match_exactly_and_by_type(portal, client, matcher):
    md5 = portal.add(1, type="md5", media="video", value="0" * 31 + "1")
    sha = portal.add(2, type="sha256", value="ab" * 32)
    hash = portal.add(3, type="phash", value="c" * 16)
    portal.add(4, type="newtype", value="0" * 31 + "1")
    portal.tick()
    client.sync()
    assert found(matcher.match_any("0" * 31 + "1")) == [(md5, "md5", 0)]
    assert found(matcher.match("sha256", "ab" * 32)) == [(sha, "sha256", 0)]
    assert found(matcher.match("phash", "c" * 16)) == [(hash, "phash", 0)]
    assert matcher.match("newtype", "0" * 31 + "1") == matcher.match("md5", "0" * 32) == []


def test_withheld_and_left_out_rows_do_not_match(portal, client, matcher):
    one, two = publish(portal, 1, 2)
    portal.withheld.add(two)
    client.sync()
    client.store.leave_out(bytes.fromhex(one), reason="harmless", at=0)
    assert matcher.match("pdq", pdq(1)) == matcher.match("pdq", pdq(2)) == []
    client.store.take_back_in(bytes.fromhex(one))
    assert found(matcher.match("pdq", pdq(1))) == [(one, "pdq", 0)]


def test_the_matcher_follows_the_copy(portal, client, matcher):
    one, _ = publish(portal, 1, 2)
    client.sync()
    assert len(matcher.match("pdq", pdq(1))) == 1
    portal.remove(one)
    portal.tick()
    client.sync()
    assert matcher.match("pdq", pdq(1)) == []


def test_a_value_that_is_no_pdq_is_kept_and_not_matched(portal, client, matcher):
    portal.add(1, value="zz")
    portal.tick()
    client.sync()
    assert matcher.match("pdq", pdq(1)) == []


def test_a_stale_copy_says_that_a_person_decides(portal, client):
    publish(portal, 1)
    client.sync()
    assert [Matcher(client.store, stale=stale).match("pdq", pdq(1))[0].decide for stale in (False, True)] == [
        "review", "person",
    ]  # fmt: skip


@pytest.mark.parametrize(("value", "types"), [
    ("0" * 32, ["md5"]), ("0" * 64, ["sha256"]), (pdq(1), ["sha256", "pdq"]), ("0" * 16, ["phash"]), ("A" * 32, []),
    ("0" * 32 + "\n", []), ("", []),
])  # fmt: skip
def test_types_of_a_bare_hash(value, types):
    assert types_of(value) == types


@pytest.mark.skipif(not pictures.PICTURES, reason="the extra [pictures] is not installed")
def test_pdq_of_a_picture_is_the_reference_s(tmp_path):
    """The picture is drawn here; the value was made once with the reference implementation (pdqhash 0.2.8)."""
    from PIL import Image

    picture = Image.new("RGB", (320, 200))
    picture.putdata([
        ((x * x // 97 + 5 * y) % 256, (3 * x + y * y // 31) % 256, (x * y // 53) % 256)
        for y in range(200) for x in range(320)
    ])  # fmt: skip
    path = tmp_path / "picture.png"
    picture.save(path)
    hashed = pictures.pdq_of_file(path)
    assert (hashed.value, hashed.quality) == (REFERENCE, 100)
    assert int(hashed.value, 16).bit_count() == 128


REFERENCE = "7b94712acad59f80952b28df7b906d8f4b3e5270c2d5d2d1df81978097869728"


@pytest.mark.skipif(not pictures.PICTURES, reason="the extra [pictures] is not installed")
def test_a_file_that_is_no_picture_still_has_exact_hashes(tmp_path):
    path = tmp_path / "x.png"
    path.write_bytes(b"no picture")
    assert [f.type for f in pictures.fingerprints(path)] == ["md5", "sha256"]


def test_feedback_and_reports_wait_in_the_outbox(portal, client):
    from fake_portal import problem
    from takeitdown_client.reports import Reports

    (one,) = publish(portal, 1)
    client.sync()
    reports = Reports(client.store, client.synchroniser.portal)
    portal.fault = lambda m, n, r: problem(503, "ill")
    reports.report(one, outcome="removed")
    reports.feedback(one, "dispute", reason="harmless")
    assert reports.deliver().waiting == 2
    assert client.store.left_out() == {bytes.fromhex(one): "harmless"}
    portal.fault, portal.posted = None, {}
    assert (reports.deliver().delivered, client.store.outbox()) == (2, [])
    bodies = sorted(json.dumps({k: v for k, v in b.items() if k != "client_id"}) for b in portal.posted.values())
    assert bodies == [
        json.dumps({"entry": one, "opinion": "dispute", "reason": "harmless"}),
        json.dumps({"entry": one, "outcome": "removed"}),
    ]
    reports.feedback(one, "agree")
    assert client.store.left_out() == {}


def test_a_refused_report_is_kept_for_a_person_and_does_not_block_the_rest(portal, client):
    from takeitdown_client.reports import Reports

    one, gone = publish(portal, 1, 2)
    portal.remove(gone)
    reports = Reports(client.store, client.synchroniser.portal)
    reports.report(gone, outcome="found")
    reports.report(one, outcome="found")
    result = reports.deliver()
    assert (result.delivered, result.waiting, result.refused) == (1, 0, 1)
    assert [letter.refusal for letter in client.store.outbox()] == ["This entry has left the list."]
    portal.requests.clear()
    assert (reports.deliver().refused, portal.requests) == (1, [])


def test_a_day_of_reports_goes_out_a_hundred_at_a_time(portal, client):
    from takeitdown_client.reports import Reports

    (one,) = publish(portal, 1)
    reports = Reports(client.store, client.synchroniser.portal)
    for _ in range(101):
        reports.report(one, outcome="found")
    reports.feedback(one, "agree")
    portal.requests.clear()
    assert reports.deliver().delivered == len(portal.posted) == 102
    assert portal.requests == ["match-reports/batches"] * 2 + ["feedback/batches"]


@pytest.mark.parametrize(
    "answer",
    [{}, {"items": []}, {"items": [None]}, {"items": [{"status": "201"}]}, {"items": [{"status": 500}]}, {"items": 1}],
)
def test_an_answer_that_does_not_say_what_became_of_a_report_leaves_it_waiting(answer, portal, client):
    from fake_portal import ok
    from takeitdown_client.reports import Reports

    (one,) = publish(portal, 1)
    reports = Reports(client.store, client.synchroniser.portal)
    reports.report(one, outcome="found")
    portal.fault = lambda m, n, r: ok(answer)
    assert reports.deliver().waiting == 1
    portal.fault = None
    assert reports.deliver().delivered == 1


@pytest.mark.parametrize("status", [401, 403, 404, 413, 429, 503])
def test_whatever_refuses_a_whole_batch_leaves_it_waiting(status, portal, client):
    from fake_portal import problem
    from takeitdown_client.reports import Reports

    (one,) = publish(portal, 1)
    reports = Reports(client.store, client.synchroniser.portal)
    reports.report(one, outcome="found")
    portal.fault = lambda m, n, r: problem(status, "no")
    assert reports.deliver().waiting == 1
    portal.fault = None
    assert reports.deliver().delivered == 1
