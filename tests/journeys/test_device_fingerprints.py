"""The fingerprints a real browser makes are those that Python makes, and what makes them cannot reach the network."""

from __future__ import annotations

import hashlib
import re
import shutil
import struct
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from tests.device import Device, apart, served, value_of
from tests.matching.test_hashing_pdq import PICTURE
from tests.pictures import draw, photographs, saved

PHOTOGRAPHS = dict(photographs())
PHOTOGRAPH = PHOTOGRAPHS.get("coffee.png", Image.fromarray(draw(PICTURE)))


def display_p3() -> bytes:
    """A profile whose colours differ from sRGB's: a matrix profile with Display P3's primaries, written here."""

    def xyz(x: float, y: float, z: float) -> bytes:
        return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65536) for value in (x, y, z)))

    text = b"desc\0\0\0\0" + struct.pack(">I", 3) + b"P3\0" + bytes(78)
    tags = {
        b"desc": text,
        b"cprt": b"text\0\0\0\0none\0",
        b"wtpt": xyz(0.9642, 1, 0.8249),
        b"rXYZ": xyz(0.5151, 0.2412, -0.0011),
        b"gXYZ": xyz(0.2920, 0.6922, 0.0419),
        b"bXYZ": xyz(0.1571, 0.0666, 0.7841),
        **dict.fromkeys(
            (b"rTRC", b"gTRC", b"bTRC"), b"curv\0\0\0\0" + struct.pack(">IH", 1, round(1.8 * 256)) + b"\0\0"
        ),
    }
    table, data = struct.pack(">I", len(tags)), b""
    for name, value in tags.items():
        padded = value + bytes(-len(value) % 4)
        table += name + struct.pack(">II", 128 + 4 + 12 * len(tags) + len(data), len(value))
        data += padded
    body = table + data
    header = struct.pack(">I4sI4s4s4s", 128 + len(body), bytes(4), 0x02400000, b"mntr", b"RGB ", b"XYZ ")
    header += bytes(12) + b"acsp" + bytes(28) + struct.pack(">3i", 63190, 65536, 54061)
    return header.ljust(128, b"\0") + body


def with_orientation(format: str, orientation: int, **options: object) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(PHOTOGRAPH, format, exif=exif, **options)


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(pixels: np.ndarray, colour: int, *extra: bytes, interlace: int = 0) -> bytes:
    """A PNG that Pillow would not write: 16 bits a channel, or with extra chunks before the picture."""
    height, width = pixels.shape[:2]
    raw = pixels.astype(">u2" if pixels.dtype == np.uint16 else np.uint8)
    lines = b"".join(b"\0" + row.tobytes() for row in raw)
    header = struct.pack(">2I5B", width, height, raw.itemsize * 8, colour, 0, 0, interlace)
    chunks = [chunk(b"IHDR", header), *extra, chunk(b"IDAT", zlib.compress(lines)), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def wide(image: Image.Image) -> np.ndarray:
    """16 bits a channel with a low byte that rounding would carry."""
    return np.asarray(image).astype(np.uint16) * 256 + 0xE0


def transparent(image: Image.Image) -> Image.Image:
    with_alpha = image.convert("RGBA")
    with_alpha.putalpha(Image.radial_gradient("L").resize(image.size))
    return with_alpha


def pictures() -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Every kind of file that a phone, a browser or an editor makes."""
    image, alpha = PHOTOGRAPH, transparent(PHOTOGRAPH)
    for quality in (30, 60, 85, 95):
        yield f"JPEG {quality}", partial(saved, image, "JPEG", quality=quality)
    yield "JPEG progressive", partial(saved, image, "JPEG", progressive=True)
    yield "JPEG 4:4:4", partial(saved, image, "JPEG", subsampling=0)
    yield "JPEG grey", partial(saved, image.convert("L"), "JPEG")
    yield "JPEG CMYK", partial(saved, image.convert("CMYK"), "JPEG")
    yield "PNG", partial(saved, image, "PNG")
    yield "PNG grey", partial(saved, image.convert("L"), "PNG")
    yield "PNG palette", partial(saved, image.quantize(64), "PNG")
    yield "PNG palette with transparency", partial(saved, image.quantize(64), "PNG", transparency=7)
    yield "PNG one bit", partial(saved, image.convert("1"), "PNG")
    yield "PNG alpha", partial(saved, alpha, "PNG")
    yield "PNG grey alpha", partial(saved, alpha.convert("LA"), "PNG")
    yield "PNG 16 bits", partial(png, wide(image), 2)
    yield "PNG 16 bits alpha", partial(png, wide(alpha), 6)
    yield "PNG 16 bits grey", partial(png, wide(image.convert("L")), 0)
    yield "PNG gamma", partial(png, np.asarray(image), 2, chunk(b"gAMA", struct.pack(">I", 100000)))
    yield "WebP", partial(saved, image, "WEBP", quality=80)
    yield "WebP lossless", partial(saved, image, "WEBP", lossless=True)
    yield "WebP alpha", partial(saved, alpha, "WEBP", quality=80, exact=True)
    yield "WebP lossless alpha", partial(saved, alpha, "WEBP", lossless=True, exact=True)
    yield (
        "WebP lossless alpha with profile",
        partial(saved, alpha, "WEBP", lossless=True, exact=True, icc_profile=display_p3()),
    )
    yield "AVIF", partial(saved, image, "AVIF", quality=70)
    yield "AVIF alpha", partial(saved, alpha, "AVIF", quality=70)
    yield "GIF", partial(saved, image, "GIF")
    yield "GIF with transparency", partial(saved, image.quantize(64), "GIF", transparency=9)
    yield "GIF animated", partial(saved, image, "GIF", save_all=True, append_images=[ImageOps.mirror(image)])
    yield "BMP", partial(saved, image, "BMP")
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for name, profile in [("sRGB", srgb), ("wide", display_p3())]:
        for format in ("JPEG", "PNG", "WEBP", "AVIF"):
            yield f"{format} with {name} profile", partial(saved, image, format, icc_profile=profile)
    for orientation in range(1, 9):
        yield f"JPEG orientation {orientation}", partial(with_orientation, "JPEG", orientation)
    for format in ("PNG", "WEBP", "AVIF"):
        for orientation in (3, 6, 8):
            yield f"{format} orientation {orientation}", partial(with_orientation, format, orientation)
    yield "JPEG orientation 9", partial(with_orientation, "JPEG", 9)
    yield "very wide", partial(saved, image.resize((9000, 70)), "JPEG")
    yield "very high", partial(saved, image.resize((70, 9000)), "JPEG")
    yield "small", partial(saved, image.resize((31, 23)), "PNG")


PICTURES = dict(pictures())
NOT_EQUAL = {
    "WebP lossless alpha": "browsers hand out its pixels multiplied by alpha",
    "WebP lossless alpha with profile": "browsers hand out its pixels multiplied by alpha",
}


@pytest.mark.parametrize("name", PICTURES)
def test_every_kind_of_picture_hashes_as_in_python(phone, name):
    notices = ["many_frames"] if "animated" in name else []
    assert apart(phone, PICTURES[name](), *notices) <= (4 if name in NOT_EQUAL else 0)


def test_photographs_hash_as_in_python(phone, capsys):
    """At most 4 bits for 95 of 100 photographs, at most 10 for any."""
    if not PHOTOGRAPHS:
        pytest.skip("scikit-image, which ships the photographs, is not installed")
    distances = []
    for photograph in PHOTOGRAPHS.values():
        kinds: list[tuple[int, str, dict[str, Any]]] = [
            (1, "PNG", {}),
            (2, "JPEG", {"quality": 75}),
            (2, "JPEG", {"quality": 92, "icc_profile": display_p3()}),
            (1, "WEBP", {"quality": 75}),
            (1, "AVIF", {"quality": 60}),
        ]
        for scale, format, options in kinds:
            distances.append(apart(phone, saved(ImageOps.scale(photograph, scale), format, **options)))
    with capsys.disabled():
        print(
            f"\nbits between browser and Python over {len(distances)} files: {dict(sorted(Counter(distances).items()))}"
        )
    assert np.percentile(distances, 95) <= 4
    assert max(distances) <= 10


def test_a_picture_of_50_megapixels_is_hashed(phone):
    file = saved(PHOTOGRAPH.resize((8160, 6120)), "JPEG", quality=80)

    assert apart(phone, file) == 0


def test_the_worker_says_that_it_cannot_reach_the_network(phone):
    phone.fingerprint(saved(PHOTOGRAPH, "PNG"))

    assert phone.ready == {"kind": "ready", "networkRefused": True, "md5": True}
    asked = [request for request in phone.site.requests if "favicon" not in request]
    assert phone.heic_ready == {"kind": "ready", "networkRefused": True}
    assert sorted(asked) == ["GET /", "GET /hash-worker.js", "GET /heic-worker.js"]


@pytest.mark.parametrize("policy", [None, "connect-src 'self'"])
def test_the_worker_does_not_claim_it_where_the_policy_is_missing(browser, worker_file, policy):
    with served(worker_file, policy=policy) as site:
        page = browser.new_page()
        ready = Device(page, site).ready
        page.close()

    assert ready["networkRefused"] is False
    assert "HEAD /hash-worker.js" in site.requests


def test_without_webassembly_pictures_keep_pdq_and_sha256(browser, worker_file):
    """iOS in Lockdown Mode."""
    file = saved(PHOTOGRAPH, "JPEG")
    with served(worker_file, policy="default-src 'none'") as site:
        page = browser.new_page()
        phone = Device(page, site)
        outcome = phone.fingerprint(file)
        page.close()

    assert phone.ready["md5"] is False
    assert [one["type"] for one in outcome["fingerprints"]] == ["pdq", "sha256"]
    assert (value_of(outcome, "sha256"), outcome["notices"]) == (hashlib.sha256(file).hexdigest(), ["no_md5"])


def test_the_built_worker_imports_nothing_and_holds_no_way_out(worker_file):
    source = worker_file.read_text()

    for word in ("import(", "importScripts", "XMLHttpRequest", "WebSocket", "sendBeacon", "EventSource", "indexedDB"):
        assert word not in source
    assert not [line for line in source.splitlines() if line.startswith(("import ", "export "))]
    # Both are the attempt at the start, before any file.
    assert source.count("fetch(") == 2
    # The one name read is that of hash-wasm's own code.
    assert set(re.findall(r"(\w+)\.name\b", source)) == {"binary"}


def bomb(width: int, height: int) -> bytes:
    """A PNG that declares far more pixels than it has bytes."""
    header = struct.pack(">2I5B", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(9000))) + chunk(b"IEND", b"")
    )


JPEG = saved(PHOTOGRAPH, "JPEG")
REFUSED = {
    "empty": (b"", "empty_file"),
    "text": (b"this is a letter, not a picture" * 20, "not_a_picture"),
    "PDF": (b"%PDF-1.7\n" + bytes(400), "not_a_picture"),
    "SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not_a_picture"),
    "sound": (b"\0\0\0\x20ftypM4A " + bytes(400), "not_a_picture"),
    "four bytes": (JPEG[:4], "cannot_decode"),
    "head only": (JPEG[:200], "cannot_decode"),
    "noise in a JPEG's clothes": (JPEG[:3] + bytes(range(256)) * 40, "cannot_decode"),
    "truncated alpha PNG": (saved(transparent(PHOTOGRAPH), "PNG")[:5000], "cannot_decode"),
    "blank": (saved(Image.new("RGB", (300, 300), "beige"), "PNG"), "blank"),
    "one pixel": (saved(Image.new("RGB", (1, 1)), "GIF"), "blank"),
}


@pytest.mark.parametrize(("file", "code"), REFUSED.values(), ids=REFUSED)
def test_a_file_that_cannot_be_fingerprinted_is_refused_with_a_code(phone, file, code):
    outcome = phone.fingerprint(file)

    assert (outcome["kind"], outcome.get("code")) == ("failed", code)


def test_a_format_this_browser_cannot_read_still_gets_exact_hashes(phone):
    outcome = phone.fingerprint(b"II*\0\x08\0\0\0" + bytes(400))

    assert outcome["notices"] == ["no_picture_fingerprint"]
    assert [one["type"] for one in outcome["fingerprints"]] == ["md5", "sha256"]


def test_a_flat_picture_gets_exact_hashes_only(phone):
    y, x = np.mgrid[0:400, 0:400]
    soft = Image.fromarray(((x + y) // 8 + 60).astype(np.uint8))

    outcome = phone.fingerprint(saved(soft, "PNG"))

    assert (outcome["notices"], [one["type"] for one in outcome["fingerprints"]]) == (
        ["low_quality"],
        ["md5", "sha256"],
    )


def test_an_exact_mirror_image_comes_with_a_notice(phone):
    half = PHOTOGRAPH.resize((160, 300))
    both = Image.new("RGB", (320, 300))
    both.paste(half, (0, 0))
    both.paste(ImageOps.mirror(half), (160, 0))

    assert phone.fingerprint(saved(both, "PNG"))["notices"] == ["near_symmetric"]


def test_the_name_and_the_declared_type_count_for_nothing(phone, tmp_path):
    lying = tmp_path / "letter from school.txt"
    lying.write_bytes(JPEG)
    phone.page.set_input_files("input", lying)

    outcome = phone.page.evaluate("hash('lying', document.querySelector('input').files[0])")

    assert value_of(outcome, "md5") == hashlib.md5(JPEG).hexdigest()
    assert "school" not in phone.page.evaluate("JSON.stringify(messages)")


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """200 MB that begin like an MP4; only the exact bytes count for now."""
    folder = tmp_path_factory.mktemp("video")
    piece = np.random.default_rng(7).bytes(1 << 20)
    with (folder / "clip.bin").open("wb") as file:
        file.write(b"\0\0\0\x18ftypisom\0\0\2\0isommp42")
        for _ in range(200):
            file.write(piece)
    yield folder / "clip.bin"
    shutil.rmtree(folder)


def test_a_video_of_200_mb_is_digested_as_it_streams(phone, video):
    phone.page.set_input_files("input", video)

    outcome, seconds = phone.page.evaluate(
        """async () => {
          messages.length = 0;
          const begun = performance.now();
          const outcome = await hash("video", document.querySelector("input").files[0]);
          return [outcome, (performance.now() - begun) / 1000];
        }"""
    )

    content = video.read_bytes()
    assert outcome == {
        "kind": "done",
        "id": "video",
        "media": "video",
        "fingerprints": [
            {"type": "md5", "value": hashlib.md5(content).hexdigest()},
            {"type": "sha256", "value": hashlib.sha256(content).hexdigest()},
        ],
        "notices": [],
        "width": 0,
        "height": 0,
    }
    assert seconds < 60  # 2 s alone on two cores; other tests may share them
    progress = phone.page.evaluate("messages.filter(({ kind }) => kind === 'progress')")
    assert [one["done"] for one in progress] == sorted(one["done"] for one in progress)
    assert {(one["id"], one["total"], one["stage"]) for one in progress} == {("video", len(content), "digests")}
    assert progress[-1]["done"] == len(content)
    assert len(progress) > 3


def test_a_file_may_be_cancelled_while_it_is_read_and_while_it_waits(phone, video):
    phone.page.set_input_files("input", video)

    outcomes = phone.page.evaluate(
        """async () => {
          const file = document.querySelector("input").files[0];
          const outcomes = [hash("read", file), hash("waits", file), hash("stays", file.slice(0, 1000))];
          const isRead = ({ kind, id }) => kind === "progress" && id === "read";
          messages.length = 0;
          while (!messages.some(isRead)) await new Promise((resolve) => setTimeout(resolve, 5));
          for (const id of ["read", "waits", "unknown"]) worker.postMessage({ kind: "cancel", id });
          const cancelled = performance.now();
          const first = await outcomes[0];
          return [(await Promise.all(outcomes)).map(({ kind, code }) => code ?? kind), performance.now() - cancelled];
        }"""
    )

    assert outcomes[0] == ["cancelled", "cancelled", "done"]
    assert outcomes[1] < 1500


def test_several_files_are_answered_in_order_and_each_under_its_own_id(phone):
    files = {f"file {at}": saved(PHOTOGRAPH.rotate(at * 20), "JPEG") for at in range(4)}
    phone.page.evaluate("messages.length = 0")

    phone.page.evaluate(
        """async (files) => Promise.all(files.map(async ([id, hex]) =>
          hash(id, new Blob([new Uint8Array(hex.match(/../g).map((byte) => parseInt(byte, 16)))]))))""",
        [[name, file.hex()] for name, file in files.items()],
    )

    done = phone.page.evaluate("messages.filter(({ kind }) => kind === 'done')")
    assert [(one["id"], value_of(one, "md5")) for one in done] == [
        (name, hashlib.md5(file).hexdigest()) for name, file in files.items()
    ]
