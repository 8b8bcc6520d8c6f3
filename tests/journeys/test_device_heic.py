"""Pictures of iPhones: browsers that cannot read them decode them by libheif, in a worker of its own."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from functools import partial

import pillow_heif
import pytest
from PIL import Image, ImageOps

from tests.device import Device, apart, value_of
from tests.matching.test_hashing_pdq import PICTURE
from tests.pictures import draw, photographs, saved

pillow_heif.register_heif_opener()
pytestmark = pytest.mark.slow

PHOTOGRAPH = dict(photographs()).get("coffee.png", Image.fromarray(draw(PICTURE))).resize((300, 200))


def with_alpha(image: Image.Image) -> Image.Image:
    copy = image.convert("RGBA")
    copy.putalpha(Image.radial_gradient("L").resize(image.size))
    return copy


def turned(orientation: int) -> bytes:
    """As a phone held sideways writes it: pillow-heif turns EXIF into the picture's own `irot` and `imir`."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return saved(PHOTOGRAPH, "HEIF", quality=80, exif=exif)


def several(primary: int) -> bytes:
    heif = pillow_heif.HeifFile()
    for angle in (0, 90, 200):
        heif.add_from_pillow(PHOTOGRAPH.rotate(angle, expand=True))
    file = io.BytesIO()
    heif.save(file, quality=70, primary_index=primary)
    return file.getvalue()


def pictures() -> Iterator[tuple[str, Callable[[], bytes]]]:
    for quality in (30, 80):
        yield f"quality {quality}", partial(saved, PHOTOGRAPH, "HEIF", quality=quality)
    yield "4:4:4", partial(saved, PHOTOGRAPH, "HEIF", quality=80, chroma=444)
    yield "grey", partial(saved, PHOTOGRAPH.convert("L"), "HEIF", quality=80)
    yield "alpha", partial(saved, with_alpha(PHOTOGRAPH), "HEIF", quality=80)
    yield "odd sides", partial(saved, PHOTOGRAPH.resize((333, 217)), "HEIF", quality=80)
    yield "small", partial(saved, PHOTOGRAPH.resize((70, 64)), "HEIF", quality=90)
    for orientation in (2, 3, 5, 6, 8):
        yield f"orientation {orientation}", partial(turned, orientation)


PICTURES = dict(pictures())


@pytest.mark.parametrize("name", PICTURES)
def test_heic_hashes_as_in_python(phone, name):
    assert apart(phone, PICTURES[name]()) == 0


def test_50_megapixels_are_hashed(phone):
    """What the newest phones take. One that has no room for it gets exact hashes only, as after any failed decoding."""
    file = saved(PHOTOGRAPH.resize((8160, 6120)), "HEIF", quality=40, enc_params={"preset": "ultrafast"})

    assert apart(phone, file) <= 2


@pytest.mark.parametrize("primary", [0, 2])
def test_of_several_pictures_the_primary_one_is_hashed(phone, primary):
    assert apart(phone, several(primary), "many_frames") == 0


@pytest.mark.parametrize("kept", [0.02, 0.5], ids=["head only", "half"])
def test_a_damaged_file_gets_exact_hashes_and_the_next_one_is_well(phone, kept):
    whole = saved(PHOTOGRAPH, "HEIF", quality=80)
    damaged = whole[: int(len(whole) * kept)]

    outcome = phone.fingerprint(damaged)

    assert outcome["notices"] == ["no_picture_fingerprint"]
    assert [one["type"] for one in outcome["fingerprints"]] == ["md5", "sha256"]
    assert value_of(outcome, "sha256") == hashlib.sha256(damaged).hexdigest()
    assert apart(phone, whole) == 0


def test_a_blank_one_is_refused(phone):
    outcome = phone.fingerprint(saved(Image.new("RGB", (300, 300), "beige"), "HEIF"))

    assert (outcome["kind"], outcome["code"]) == ("failed", "blank")


def test_without_the_heic_worker_exact_hashes_remain(phone: Device):
    """The page says so when that worker could not be loaded, or died."""
    file = saved(ImageOps.mirror(PHOTOGRAPH), "HEIF", quality=80)
    phone.page.evaluate("worker.postMessage({ kind: 'decoder', by: 'heic', port: null })")

    outcome = phone.fingerprint(file)

    assert outcome["notices"] == ["no_picture_fingerprint"]
    assert [one["type"] for one in outcome["fingerprints"]] == ["md5", "sha256"]


def test_the_served_file_names_its_licence_and_source(worker_file):
    source = worker_file.with_name("heic-worker.js").read_text()

    assert "LGPL-3.0" in source[:2000]
    assert "https://github.com/strukturag/libheif" in source[:2000]
    assert "libheif" not in worker_file.read_text()
    assert not [line for line in source.splitlines() if line.startswith(("import ", "export "))]
