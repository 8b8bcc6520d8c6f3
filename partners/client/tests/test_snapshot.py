import gzip
import json
import random
import zlib

import pytest
from fake_portal import EPOCH, client_of, pdq
from takeitdown_client.errors import BadSnapshot, ClientFailure, Unreachable
from takeitdown_client.http import Response
from takeitdown_client.snapshot import lines
from test_sync import expected, publish


@pytest.fixture
def resyncing(portal, client):
    """A client whose next sync takes a snapshot of six rows."""
    publish(portal, 1, 2, 3)
    client.sync()
    publish(portal, 4, 5, 6)
    portal.new_epoch(EPOCH + 100)
    portal.take_snapshot()
    portal.requests.clear()
    return client


def cut(*ends: int):
    """Cut the first answers after so many bytes, as a broken connection does."""
    left = list(ends)

    def fault(method, name, response):
        if name != "snapshot" or not left:
            return None
        return Response(response.status, response.headers, response.content()[: left.pop(0)])

    return fault


def test_a_cut_download_goes_on_where_it_stopped(portal, resyncing):
    portal.fault = cut(100, 50, 1)
    ranges, request = [], portal.request

    def spy(method, path, params=None, body=None, headers=None):
        ranges.append((headers.get("Range"), headers.get("If-Range"))) if path.endswith("snapshot/") else None
        return request(method, path, params, body, headers)

    resyncing.synchroniser.portal._transport = type("Spy", (), {"request": staticmethod(spy)})
    resyncing.sync()
    etag = portal.snapshot_at[1]
    assert ranges == [(None, None), ("bytes=100-", etag), ("bytes=150-", etag), ("bytes=151-", etag)]
    assert resyncing.values() == expected(portal)


def test_a_file_that_changed_meanwhile_is_fetched_anew(portal, resyncing):
    first = cut(100)

    def fault(method, name, response):
        if name == "snapshot" and "snapshot" not in portal.requests[:-1]:
            shortened = first(method, name, response)
            publish(portal, 7)
            portal.take_snapshot()
            return shortened
        return None

    portal.fault = fault
    resyncing.sync()
    assert resyncing.values() == expected(portal)


def test_a_download_goes_on_in_a_new_process(portal, resyncing, tmp_path):
    before = resyncing.values()
    portal.fault = cut(120, *[0] * 9)
    with pytest.raises(Unreachable):
        resyncing.sync()
    assert (resyncing.values(), resyncing.kinds()) == (before, ["resync_failed"])
    resyncing.store.close()
    portal.fault, portal.requests[:] = None, []
    with client_of(portal, tmp_path / "client") as again:
        again.sync()
        assert (again.values(), portal.requests.count("snapshot")) == (expected(portal), 1)
        assert not (again.store.directory / "snapshot.part").exists()


def test_a_crash_after_the_download_does_not_fetch_it_again(portal, resyncing):
    class Crash(BaseException):
        pass

    def crash(point):
        if point == "snapshot_fetched":
            raise Crash

    resyncing.synchroniser.at = crash
    with pytest.raises(Crash):
        resyncing.sync()
    resyncing.synchroniser.at = lambda point: None
    statuses = []
    portal.fault = lambda m, n, r: statuses.append(r.status) if n == "snapshot" else None
    resyncing.sync()
    assert (statuses, resyncing.values()) == ([304], expected(portal))


def test_a_wrong_range_is_not_glued_on(portal, resyncing):
    first = cut(100)

    def fault(method, name, response):
        if name == "snapshot" and response.status == 206:
            response.headers["content-range"] = response.headers["content-range"].replace("bytes 100", "bytes 101")
            return response
        return first(method, name, response)

    portal.fault = fault
    resyncing.sync()
    assert resyncing.values() == expected(portal)


BAD_LINES = {
    "a row missing": lambda ls: ls.pop(1),
    "a row missing, count mended": lambda ls: (ls.pop(1), ls[-1].update(rows=5)),
    "a row twice": lambda ls: ls.insert(1, dict(ls[1])),
    "a row for another": lambda ls: ls.__setitem__(1, dict(ls[2])),
    "another value": lambda ls: ls[1].update(value=pdq(99)),
    "another trust": lambda ls: ls[1].update(trust="confirmed"),
    "no closing line": lambda ls: ls.pop(),
    "wrong count": lambda ls: ls[-1].update(rows=7),
    "more after the end": lambda ls: ls.append(dict(ls[1])),
    "no head": lambda ls: ls.pop(0),
    "head by nobody": lambda ls: ls[0].update(head=ls[0]["head"].replace("— p", "— q")),
    "no id": lambda ls: ls[1].pop("id"),
}


@pytest.mark.parametrize("name", BAD_LINES)
def test_a_bad_snapshot_is_refused_and_the_copy_stays(portal, resyncing, name):
    before = resyncing.values()
    snapshot = portal.snapshot_lines()
    BAD_LINES[name](snapshot)
    portal.snapshot_at = gzip.compress("\n".join(map(json.dumps, snapshot)).encode()), '"bad"'
    with pytest.raises(BadSnapshot):
        resyncing.sync()
    assert (resyncing.values(), resyncing.kinds()) == (before, ["resync_failed"])
    portal.take_snapshot()
    resyncing.sync()
    assert (resyncing.values(), resyncing.kinds()) == (expected(portal), [])


def test_random_damage_of_the_file_never_changes_what_is_stored(portal, resyncing):
    """Seeded. Damage of the gzip file, and of the lines inside a sound one."""
    rng = random.Random(11)  # noqa: S311 - a test's dice
    good, before = portal.snapshot_at[0], resyncing.values()
    inside, accepted = gzip.decompress(good), 0
    for turn in range(120):
        raw = bytearray(good if turn % 2 else inside)
        for _ in range(rng.choice((1, 1, 3))):
            place = rng.randrange(len(raw))
            kind = rng.randrange(3)
            if kind == 0:
                raw[place] ^= 1 << rng.randrange(8)
            elif kind == 1:
                del raw[place : place + rng.randrange(1, 20)]
            else:
                raw[place:place] = raw[rng.randrange(len(raw)) :][:20]
        packed = bytes(raw) if turn % 2 else gzip.compress(bytes(raw), 1)
        portal.snapshot_at = packed, f'"{turn}"'
        try:
            resyncing.sync()
        except ClientFailure:
            assert resyncing.values() == before
        else:
            before, accepted = expected(portal), accepted + 1
            assert resyncing.values() == before
            portal.new_epoch(portal.epoch + 1)
            portal.take_snapshot()
            good = portal.snapshot_at[0]
            inside = gzip.decompress(good)
    assert accepted < 24  # white space, an unused bit of a gzip header, a member nobody reads


def test_lines_of_several_members_with_odd_borders(tmp_path):
    path = tmp_path / "x"
    path.write_bytes(gzip.compress(b"one\ntw") + gzip.compress(b"") + gzip.compress(b"o\nthree"))
    assert list(lines(path)) == [b"one", b"two", b"three"]


@pytest.mark.parametrize(
    "spoil", [lambda raw: raw[:-1], lambda raw: raw[:20], lambda raw: raw + b"\0x", lambda _: b"{}"]
)
def test_a_file_that_is_no_whole_gzip_is_refused(tmp_path, spoil):
    path = tmp_path / "x"
    path.write_bytes(spoil(gzip.compress(b"one\ntwo\n")))
    with pytest.raises(BadSnapshot):
        list(lines(path))


def test_a_bomb_is_stopped_at_the_first_long_line(tmp_path):
    path = tmp_path / "bomb"
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    path.write_bytes(b"".join(packer.compress(bytes(1 << 20)) for _ in range(64)) + packer.flush())
    with pytest.raises(BadSnapshot, match="too long"):
        list(lines(path))
