"""Bad input: what a report may not say, and that no refusal repeats what was sent."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from matching.signal_types import InvalidFingerprint
from submissions.errors import InvalidReport, NothingToList
from submissions.reports import read_addition, read_report
from takeitdown.errors import Refused
from tests import make

Change = Callable[[dict[str, Any]], object]


def refused(body: object) -> Refused:
    with pytest.raises(Refused) as caught:
        read_report(body)
    assert 400 <= caught.value.status < 500
    return caught.value


def with_file(**members: Any) -> dict[str, Any]:
    return make.report(make.picture(**members))


def with_fingerprint(type: object, value: object, **members: Any) -> dict[str, Any]:
    return with_file(fingerprints=[{"type": type, "value": value, **members}])


@pytest.mark.parametrize("body", [None, 1, "x", [], {}, [{}], {"files": []}])
def test_what_is_no_report_is_refused(body: object):
    assert isinstance(refused(body), InvalidReport)


@pytest.mark.parametrize(
    "members",
    [
        {"about": None}, {"about": "me"}, {"about": []}, {"about": {}}, {"about": 1}, {"about": "ME_UNDER_18"},
        {"statement": False}, {"statement": None}, {"statement": 1}, {"statement": "true"}, {"statement": []},
        {"files": []}, {"files": {}}, {"files": None}, {"files": "x"}, {"files": [None]}, {"files": [[]]},
        {"birth": "2010-01-01"}, {"__proto__": {}}, {"file_name": "holiday.jpg"},
    ],
)  # fmt: skip
def test_consent_and_members_are_exact(members: dict[str, Any]):
    assert isinstance(refused(make.report(**members)), InvalidReport)


@pytest.mark.parametrize("missing", ["idempotency_key", "about", "statement", "files"])
def test_nothing_may_be_missing(missing: str):
    body = make.report()
    del body[missing]
    assert isinstance(refused(body), InvalidReport)


@pytest.mark.parametrize(
    "key",
    ["", "A" * 43, "a" * 15, "a" * 10**6, None, 7, ["x"], make.idempotency_key() + "=", make.idempotency_key()[:-1],
     make.idempotency_key()[:-1] + "+", make.idempotency_key()[:-1] + "\n", make.idempotency_key()[:-1] + "９"],
)  # fmt: skip
def test_idempotency_keys_are_32_random_bytes(key: object):
    refused(make.report(idempotency_key=key))


def test_a_key_has_one_spelling():
    key = make.idempotency_key()
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    other = key[:-1] + alphabet[alphabet.index(key[-1]) + 1]  # the same 32 bytes to a lenient reader
    read_report(make.report(idempotency_key=key))
    refused(make.report(idempotency_key=other))


def test_25_files_are_taken_and_26_refused():
    assert len(read_report(make.report(*[make.picture() for _ in range(25)])).files) == 25
    refused(make.report(*[make.picture() for _ in range(26)]))


@pytest.mark.parametrize("media", ["audio", "", None, 3, [], {}, "IMAGE", "image "])
def test_media_are_image_and_video(media: object):
    refused(with_file(media=media))


@pytest.mark.parametrize("kind", ["sha1", "", None, 5, [], {}, "__proto__", "constructor", "{{7*7}}", "${jndi:ldap://x}",
                                  "';--", "PDQ", "pdq "])  # fmt: skip
def test_unknown_types_are_refused(kind: object):
    assert isinstance(refused(with_fingerprint(kind, make.digest())), InvalidFingerprint)


def spellings(value: str) -> list[object]:
    return [
        value[:-1], value + "0", value.upper() + "", "0x" + value[2:], value[:10] + " " + value[11:], value + "\n",
        "\t" + value[1:], value[:-1] + "ａ", "", None, 0, True, [], {}, [value], value * 10_000, "0" * 64, "f" * 64,
        "55" * 32, "AA" * 32, "0" * 63 + "1", f"{(1 << 127) - 1:064x}", f"{(1 << 129) - 1:064x}",
    ]  # fmt: skip


@pytest.mark.parametrize("place", range(23))
def test_a_pdq_has_one_spelling(place: int):
    value = spellings("abcdef" + make.pdq()[6:])[place]
    assert isinstance(refused(with_fingerprint("pdq", value, quality=90)), InvalidFingerprint)


@pytest.mark.parametrize("quality", [-1, 101, True, "50", 1e308, 50.0, None, [], {}])
def test_a_quality_is_a_whole_number_up_to_100(quality: object):
    refused(with_fingerprint("pdq", make.pdq(), quality=quality))


def test_quality_goes_with_pdq_and_only_there():
    refused(with_fingerprint("pdq", make.pdq()))
    refused(with_fingerprint("sha256", make.digest(), quality=80))


def test_types_are_not_mistaken_for_each_other():
    values = {"md5": make.digest("md5"), "sha256": make.digest(), "phash": "d1c4f0a53b2e9687"}
    for kind in ("md5", "phash"):
        for other, value in values.items():
            if other != kind:
                refused(with_fingerprint(kind, value))
    refused(with_fingerprint("sha256", values["md5"]))


def test_a_file_has_one_fingerprint_of_each_type():
    twice = [{"type": "sha256", "value": make.digest()}, {"type": "sha256", "value": make.digest()}]
    assert isinstance(refused(with_file(fingerprints=twice)), InvalidReport)
    value = make.pdq()
    same = [{"type": "pdq", "value": value, "quality": 90}, {"type": "sha256", "value": value}]
    assert isinstance(refused(with_file(fingerprints=same)), InvalidReport)
    refused(with_file(fingerprints=[{"type": "sha256", "value": make.digest()}] * 1000))
    refused(with_file(fingerprints=[]))


@pytest.mark.parametrize("digest", ["d41d8cd98f00b204e9800998ecf8427e", "68b329da9893e34099c7d8ad5cb9c940", "0" * 32])
def test_digests_of_empty_files_are_refused(digest: str):
    refused(with_fingerprint("md5", digest))


def frame(seconds: str, quality: int = 80) -> str:
    return f"{make.pdq()},{quality},{seconds}"


@pytest.mark.parametrize(
    "frames",
    [[], None, "x", [frame("-1.000")], [frame("NaN")], [frame("2.000"), frame("1.000")], [frame("1")], [1],
     [frame("1.000")] * 2, [frame(f"{second}.000") for second in range(601)], [frame("1.000", 49)]],
)  # fmt: skip
def test_frames_are_bounded_and_ascending(frames: object):
    fingerprint = {"type": "vpdq", "value": frames}
    refused(make.report({"media": "video", "fingerprints": [fingerprint]}))


def test_a_video_is_listed_by_frames_and_digests():
    video = {
        "media": "video",
        "fingerprints": [
            {"type": "vpdq", "value": [frame("0.000"), frame("1.001")]},
            {"type": "sha256", "value": make.digest()},
        ],
    }
    (file,) = read_report(make.report(video)).files
    assert [one.wanted.type for one in file.fingerprints] == ["vpdq", "sha256"]
    assert file.fingerprints[0].wanted.value == "\n".join(video["fingerprints"][0]["value"])  # type: ignore[index]


def test_a_plain_picture_alone_cannot_be_listed():
    assert isinstance(refused(with_fingerprint("pdq", make.pdq(), quality=49)), NothingToList)
    assert isinstance(refused(with_fingerprint("phash", "d1c4f0a53b2e9687")), NothingToList)


def test_an_addition_says_nothing_about_who():
    body = make.report()
    with pytest.raises(InvalidReport):
        read_addition(body)
    del body["about"]
    assert read_addition(body).about == ""


def test_refusals_repeat_nothing_that_was_sent():
    canary = "canary7f3a9b"
    for body in (
        make.report(about=canary), make.report(**{canary: 1}), with_file(media=canary),
        with_fingerprint(canary, make.digest()), with_fingerprint("md5", canary), make.report(idempotency_key=canary),
    ):  # fmt: skip
        refusal = refused(body)
        assert canary not in repr(refusal) + str(refusal) + refusal.detail + str(refusal.members)
