"""A video's frames are found again in its copies, whatever the format; what is no video is refused by name."""

from __future__ import annotations

import io
from dataclasses import replace
from functools import partial
from itertools import combinations

import numpy as np
import pytest
from PIL import Image

from matching.hashing import keyframes, video_frames
from matching.hashing.keyframes import NothingToSee, fingerprint_video
from matching.hashing.pdq import pdq_of_luma
from matching.hashing.video_frames import NoPicture, UnknownCodec, UnreadableVideo, VideoTooLarge, shots
from matching.signal_types import VIDEO, VPDQ, Frame, canonical, distance
from takeitdown.benchmarks.clips import Clip, encoded, frames, letterboxed, sound, view

CLIP = Clip(seconds=5)
MATCHES = 31


@pytest.fixture(scope="module")
def original() -> list[Frame]:
    return fingerprint_video(encoded(CLIP))


@pytest.fixture(scope="module")
def every_frame() -> list[Frame]:
    hashes = [pdq_of_luma(np.asarray(image.convert("L"))) for image in frames(CLIP)]
    return [Frame(pdq=hashed.value, quality=hashed.quality, seconds=0) for hashed in hashes]


def seconds(found: list[Frame]) -> list[float]:
    return [frame.seconds for frame in found]


def share(of: list[Frame], among: list[Frame]) -> float:
    return sum(any(distance(one.pdq, other.pdq) <= MATCHES for other in among) for one in of) / len(of)


@pytest.mark.parametrize(
    "clip",
    [
        replace(CLIP, format="mov"),
        replace(CLIP, codec="libx265"),
        replace(CLIP, format="webm", codec="libvpx"),
        replace(CLIP, format="webm"),
        replace(CLIP, format="webm", codec="libsvtav1"),
        replace(CLIP, format="matroska"),
        replace(CLIP, format="avi"),
        replace(CLIP, format="avi", codec="mjpeg"),
        replace(CLIP, codec="libx265", pixels="yuv420p10le"),
        replace(CLIP, format="gif"),
        replace(CLIP, width=480, height=360),
        replace(CLIP, width=160, height=120),
        replace(CLIP, options={"crf": "40"}),
        replace(CLIP, rotation=90, change=lambda image: image.rotate(-90, expand=True)),
        replace(CLIP, rotation=-90, change=lambda image: image.rotate(90, expand=True)),
        replace(CLIP, rotation=180, change=lambda image: image.rotate(180)),
    ],
    ids=lambda clip: f"{clip.format} {clip.codec} {clip.width} {clip.rotation} {clip.pixels}",
)
def test_a_copy_shares_its_frames_with_the_original(original, clip):
    copy = fingerprint_video(encoded(clip))

    print(f"shared: {share(original, copy):.0%} of {len(original)}, {share(copy, original):.0%} of {len(copy)}")
    assert seconds(original) == [0, 1, 2, 3, 4]
    assert share(original, copy) >= 0.8
    assert canonical(VPDQ, VIDEO, [str(frame) for frame in copy])


def test_another_video_shares_none(original):
    assert share(original, fingerprint_video(encoded(replace(CLIP, picture=7)))) == 0


def test_a_picture_turned_without_a_note_is_another(original):
    turned = replace(CLIP, change=lambda image: image.rotate(90, expand=True))

    assert share(original, fingerprint_video(encoded(turned))) == 0


def test_bars_a_hash_forgives_are_narrow(original):
    """PDQ looks at the whole frame. The limit is written down, so that nobody promises more."""
    shares = {}
    for part in (96, 48, 16):
        bars = replace(CLIP, change=partial(letterboxed, bar=CLIP.height // part))
        shares[part] = share(original, fingerprint_video(encoded(bars)))
    print({f"1/{part}": f"{found:.0%}" for part, found in shares.items()})

    assert shares[96] >= 0.8


def test_between_keyframes_far_apart_frames_are_sampled():
    found = fingerprint_video(encoded(replace(CLIP, seconds=10, keyframe_every=1000)))

    assert seconds(found) == [0, 2.4, 4.9, 7.4]


def test_a_variable_rate_keeps_each_frames_own_time():
    times = (0, 40, 700, 2_500, 2_540, 5_900, 6_000, 11_000)
    found = fingerprint_video(encoded(replace(CLIP, format="matroska", times_ms=times, keyframe_every=1)))

    assert {round(frame.seconds * 1000) for frame in found} <= set(times)
    assert len(found) >= 4


def test_frames_that_look_alike_are_one():
    still = replace(CLIP, change=lambda image: view(0))

    assert seconds(fingerprint_video(encoded(still))) == [0]


def test_frames_left_out_are_near_the_one_kept():
    grey = [np.asarray(image.convert("L")) for image in frames(replace(CLIP, rate=25))]
    looks, hashes = [keyframes._look(luma) for luma in grey], [pdq_of_luma(luma).value for luma in grey]
    near = [
        distance(hashes[one], hashes[other])
        for one, other in combinations(range(len(grey)), 2)
        if looks[one] - looks[other] <= keyframes.SAME_LOOK_BITS
    ]

    assert len(near) > 20
    assert max(near) < MATCHES


def test_only_what_is_wanted_of_a_scene_is_decoded(monkeypatch):
    fed = []
    decoded = video_frames._Reader._decoded

    def counted(self, packet):
        fed.append(packet)
        return decoded(self, packet)

    monkeypatch.setattr(video_frames._Reader, "_decoded", counted)

    found = list(shots(encoded(CLIP)))

    assert len(found) == 5
    assert len([packet for packet in fed if packet is not None]) == 5


def test_the_luma_is_the_plane_at_full_size():
    [shot, *_] = shots(encoded(replace(CLIP, width=322, height=242)))

    assert shot.luma.shape == (242, 322)


def test_a_plain_video_has_nothing_to_see():
    black = replace(CLIP, change=lambda image: Image.new("RGB", image.size))

    with pytest.raises(NothingToSee):
        fingerprint_video(encoded(black))


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (b"", UnreadableVideo),
        (bytes(range(256)) * 400, UnreadableVideo),
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n", UnreadableVideo),
        (b"ffconcat version 1.0\nfile /etc/hostname\n", UnreadableVideo),
        (encoded(replace(CLIP, format="mpegts", codec="libx264")).getvalue(), UnreadableVideo),
        (sound().getvalue(), NoPicture),
        (encoded(replace(CLIP, format="matroska", codec="ffv1")).getvalue(), UnknownCodec),
    ],
    ids=["empty", "garbage", "playlist", "concat", "transport stream", "sound only", "unknown codec"],
)
def test_what_is_no_video_is_refused_by_name(content, refusal):
    with pytest.raises(UnreadableVideo) as refused:
        fingerprint_video(io.BytesIO(content))

    assert type(refused.value) is refusal


@pytest.mark.parametrize("format", ["mp4", "webm", "matroska", "avi", "gif"])
def test_a_video_cut_off_anywhere_has_frames_or_a_refusal(format, every_frame):
    whole = encoded(replace(CLIP, format=format)).getvalue()
    found = []
    for part in range(0, 100, 7):
        try:
            found.append(fingerprint_video(io.BytesIO(whole[: len(whole) * part // 100])))
        except UnreadableVideo:
            found.append([])

    # An MP4 has its table of contents at the end: without it nothing can be read.
    assert bool(found[-1]) == (format != "mp4")
    # The frame at the cut may be half a frame.
    assert all(share(some, every_frame) >= 1 - 1 / len(some) for some in found if some)


def test_a_damaged_stretch_is_passed_over(original):
    content = bytearray(encoded(replace(CLIP, format="matroska")).getvalue())
    middle = len(content) // 2
    content[middle : middle + 2000] = bytes(2000)

    found = fingerprint_video(io.BytesIO(bytes(content)))

    assert 0.0 in seconds(found)
    assert len(found) >= 2


def test_frames_of_too_many_pixels_are_refused(monkeypatch):
    monkeypatch.setattr(video_frames, "MAX_PIXELS", 320 * 240 - 1)

    with pytest.raises(VideoTooLarge):
        fingerprint_video(encoded(CLIP))


def test_too_many_frames_are_refused(monkeypatch):
    monkeypatch.setattr(video_frames, "MAX_PACKETS", 49)

    with pytest.raises(VideoTooLarge):
        fingerprint_video(encoded(CLIP))


def test_progress_rises_to_one():
    told: list[float] = []

    fingerprint_video(encoded(CLIP), told.append)

    assert told == sorted(told)
    assert told[-1] == 1.0
