"""A value is exactly what the list publishes, or it is refused (LIST.md §2)."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from matching import signal_types
from matching.hashing import pdq
from matching.signal_types import InvalidFingerprint, canonical, committed, distance, from_committed
from tests.pictures import crops, photographs

GENUINE = "f8f8f0cee0f4a84f06370a22038f63f0b36e2ed596621e1d33e6b39c4e9c9b22"
OTHER = "07070f311f0b57b0f9c8f5ddfc709c0f4c91d12a699de1e2cc194c63b16364dd"
MD5 = hashlib.md5(b"a holiday").hexdigest()
SHA256 = hashlib.sha256(b"a holiday").hexdigest()
FRAMES = [f"{GENUINE},100,0.000", f"{OTHER},87,2.002"]


@pytest.mark.parametrize(
    ("kind", "media", "value", "covered"),
    [
        ("pdq", "image", GENUINE, GENUINE.encode()),
        ("phash", "image", "d1c4f0e29b3a6587", b"d1c4f0e29b3a6587"),
        ("md5", "image", MD5, MD5.encode()),
        ("md5", "video", MD5, MD5.encode()),
        ("sha256", "image", SHA256, SHA256.encode()),
        ("sha256", "video", SHA256, SHA256.encode()),
        ("vpdq", "video", FRAMES, "\n".join(FRAMES).encode()),
    ],
)
def test_canonical_keeps_a_genuine_value_and_commits_to_its_bytes(kind, media, value, covered):
    assert canonical(kind, media, value) == value
    assert committed(kind, value) == covered
    assert from_committed(kind, covered) == value


@pytest.mark.parametrize(
    ("kind", "media"),
    [
        ("pdq", "video"), ("phash", "video"), ("vpdq", "image"), ("pdq", "text"), ("pdq", ""), ("pdq", None),
        ("pdq", ["image"]), ("PDQ", "image"), ("", "image"), (None, "image"), ({}, "image"), ("sha1", "image"),
        ("__proto__", "image"), ("constructor", "image"), ("{{7*7}}", "image"), ("pdq\n", "image"),
        ("pdq\ud800", "image"),
    ],
)  # fmt: skip
def test_canonical_refuses_an_unknown_type_or_media(kind, media):
    with pytest.raises(InvalidFingerprint):
        canonical(kind, media, GENUINE)


@pytest.mark.parametrize(
    "value",
    [
        "", GENUINE[:-1], GENUINE + "0", GENUINE[:-2], "0x" + GENUINE[:-2], GENUINE.upper(), f" {GENUINE[1:]}",
        f"{GENUINE[:30]}\t{GENUINE[31:]}", GENUINE + "\n", GENUINE[:-1] + "\n", GENUINE.replace("0", "０"),
        GENUINE.replace("3", "٣"), "+PjwzuD0qE8GNwoiA49j8LNuLtWWYh4dM+aznE6cmyI=", GENUINE.encode(), bytearray(32), 17,
        1e308, float("nan"), True, None, [GENUINE], {"value": GENUINE}, "\ud800" * 64, "\0" * 64, "g" * 64,
        "0" * 10_000_000,
    ],
    ids=lambda value: repr(value)[:20],
)  # fmt: skip
def test_canonical_refuses_every_other_spelling_of_a_pdq(value):
    with pytest.raises(InvalidFingerprint):
        canonical("pdq", "image", value)


@pytest.mark.parametrize(
    "value",
    [
        "0" * 64, "f" * 64, "0" * 63 + "1", "8" + "0" * 63, "5" * 64, "a" * 64, "c" * 64, "0f" * 32, "00ff" * 16,
        "5555aaaa" * 8, "0123456789abcdef" * 4, "0" * 32 + "f" * 32, "f" * 32 + "0" * 32, "00000000ffffffff" * 4,
        "0" * 31 + "1" + "f" * 31 + "e", "5" * 63 + "6", "5555aaaa" * 7 + "5555aaa9",
        # one bit too many, one too few
        GENUINE[:-1] + "3", GENUINE[:-1] + "0",
    ],
)  # fmt: skip
def test_canonical_refuses_a_pdq_that_no_picture_has(value):
    with pytest.raises(InvalidFingerprint):
        canonical("pdq", "image", value)


@pytest.mark.slow
def test_canonical_accepts_the_pdq_of_every_photograph_in_every_orientation():
    """No refusals over at least 2,000 real pictures in eight orientations."""
    accepted = 0
    for _, photograph in photographs():
        for crop in crops(photograph, [80, 100, 130]):
            for result in _hashes_in_eight_orientations(crop):
                if result.quality >= signal_types.QUALITY_FLOOR:
                    canonical("pdq", "image", result.value)
                    accepted += 1
    if not accepted:
        pytest.skip("scikit-image, which ships the photographs, is not installed")
    assert accepted > 2000 * 8


def _hashes_in_eight_orientations(crop: Image.Image) -> list[pdq.PdqHash]:
    """Turning the 64 × 64 samples is as good as turning the picture, and 64 times as quick."""
    luma = np.asarray(crop.convert("L"))
    samples = pdq.filter_matrix(crop.height) @ luma @ pdq.filter_matrix(crop.width).T
    flips = (samples, samples[:, ::-1])
    return [pdq._hash_of_samples(np.rot90(flipped, turns)) for flipped in flips for turns in range(4)]


@pytest.mark.parametrize("kind", ["md5", "sha256"])
@pytest.mark.parametrize("file", signal_types._TRIVIAL_FILES, ids=lambda file: repr(file)[:24])
def test_canonical_refuses_the_digest_of_a_file_that_everybody_has(kind, file):
    with pytest.raises(InvalidFingerprint):
        canonical(kind, "image", hashlib.new(kind, file).hexdigest())


@pytest.mark.parametrize(("kind", "value"), [("md5", "0" * 32), ("sha256", "f" * 64), ("phash", "8000000000000000")])
def test_canonical_refuses_a_digest_that_no_file_has(kind, value):
    with pytest.raises(InvalidFingerprint):
        canonical(kind, "image", value)


@pytest.mark.parametrize("kind", ["pdq", "phash", "md5", "sha256", "vpdq"])
@pytest.mark.parametrize("given_as", ["pdq", "phash", "md5", "sha256", "vpdq"])
def test_canonical_refuses_one_type_given_as_another(kind, given_as):
    values = {"pdq": GENUINE, "phash": "d1c4f0e29b3a6587", "md5": MD5, "sha256": SHA256, "vpdq": FRAMES}
    # PDQ and SHA-256 have one length; a SHA-256 passes as PDQ only if it has 128 one bits, a PDQ always as SHA-256.
    if kind == given_as or (kind, given_as) == ("pdq", "sha256"):
        return
    with pytest.raises(InvalidFingerprint):
        canonical(given_as, "video" if given_as == "vpdq" else "image", values[kind])


@pytest.mark.parametrize(
    "frames",
    [
        [], FRAMES * 301, [FRAMES[0]] * 2, FRAMES[::-1], None, {}, FRAMES[0], "\n".join(FRAMES), [FRAMES], [None], [1],
        [f"{GENUINE},49,0.000"], [f"{GENUINE},101,0.000"], [f"{GENUINE},050,0.000"], [f"{GENUINE},1e2,0.000"],
        [f"{GENUINE},100,0.00"], [f"{GENUINE},100,0.0000"], [f"{GENUINE},100,-1.000"], [f"{GENUINE},100,nan"],
        [f"{GENUINE},100,00.000"], [f"{GENUINE},100,1e3.000"], [f"{GENUINE},100,.500"], [f"{GENUINE},100,1234567.000"],
        [f"{GENUINE},100,0.000\n"], [f" {GENUINE},100,0.000"], [f"{GENUINE},100, 0.000"], [f"{GENUINE},100,0.000,"],
        [f"{GENUINE},１００,0.000"], [f"{'0' * 64},100,0.000"], [f"{GENUINE.upper()},100,0.000"],
    ],
    ids=lambda frames: repr(frames)[:40],
)  # fmt: skip
def test_canonical_refuses_frames_that_are_not_to_the_letter(frames):
    with pytest.raises(InvalidFingerprint):
        canonical("vpdq", "video", frames)


def test_canonical_accepts_600_frames_up_to_a_day():
    frames = [f"{GENUINE},{50 + at % 51},{at * 144}.{at:03}" for at in range(600)]

    assert canonical("vpdq", "video", frames) == frames
    assert [str(frame) for frame in signal_types.frames(frames)] == frames


@pytest.mark.parametrize("quality", [-1, 101, True, "50", 50.0, 1e308, None, float("nan"), [50]])
def test_check_quality_refuses_what_is_not_0_to_100(quality):
    with pytest.raises(InvalidFingerprint):
        signal_types.check_quality(quality)


def test_check_quality_keeps_both_ends():
    assert [signal_types.check_quality(quality) for quality in (0, 50, 100)] == [0, 50, 100]


def test_distance_counts_bits():
    assert distance(GENUINE, GENUINE) == 0
    assert distance(GENUINE, OTHER) == 256
    assert distance("d1c4f0e29b3a6587", "d1c4f0e29b3a6586") == 1
    with pytest.raises(InvalidFingerprint):
        distance(GENUINE, "d1c4f0e29b3a6587")


def test_matching_limits_are_the_published_ones():
    limits = {name: kind.match_within_bits for name, kind in signal_types.SIGNAL_TYPES.items()}

    assert limits == {"pdq": 31, "phash": 6, "md5": 0, "sha256": 0, "vpdq": 31}
    assert [kind.name for kind in signal_types.SIGNAL_TYPES.values() if kind.is_exact] == ["md5", "sha256"]


def test_a_refusal_never_repeats_what_was_sent():
    with pytest.raises(InvalidFingerprint) as refusal:
        canonical("pdq", "image", "<script>" * 8)

    assert "script" not in json.dumps([refusal.value.detail, str(refusal.value)])


def test_the_hashes_of_the_shared_vectors_are_canonical():
    vectors = json.loads((Path(__file__).parents[1] / "vectors" / "pdq.json").read_text())
    listable = [one for one in vectors["drawn"] if one["quality"] >= signal_types.QUALITY_FLOOR]

    assert [canonical("pdq", "image", one["pdq"]) for one in listable] == [one["pdq"] for one in listable]
