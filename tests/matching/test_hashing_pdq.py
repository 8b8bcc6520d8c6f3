"""PDQ equals the reference bit for bit (tests/vectors/pdq.json) and sees a picture as a person does."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from matching.hashing.pdq import PdqHash, filter_matrix, pdq_of_image, pdq_of_luma, pdq_of_pixels
from matching.signal_types import distance
from tests.pictures import Recipe, draw, photographs, saved

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "pdq.json").read_text())
PHOTOGRAPHS = dict(photographs())
PICTURE: Recipe = next(vector for vector in VECTORS["drawn"] if vector["name"] == "200x300")


def seen(result: PdqHash) -> dict[str, str | int]:
    return {"pdq": result.value, "quality": result.quality}


def expected(vector: dict[str, str | int]) -> dict[str, str | int]:
    return {"pdq": vector["pdq"], "quality": vector["quality"]}


@pytest.mark.parametrize("vector", VECTORS["drawn"], ids=lambda vector: vector["name"])
def test_pdq_of_a_drawn_picture_is_the_references(vector):
    assert seen(pdq_of_pixels(draw(vector))) == expected(vector)


@pytest.mark.parametrize("vector", VECTORS["scikit-image 0.26.0"], ids=lambda vector: vector["name"])
def test_pdq_of_a_photograph_is_the_references(vector):
    if vector["name"] not in PHOTOGRAPHS:
        pytest.skip("scikit-image 0.26.0, which ships the photographs, is not installed")

    assert seen(pdq_of_image(PHOTOGRAPHS[vector["name"]])) == expected(vector)


def test_pdq_of_photographs_at_camera_size_is_the_references():
    pdqhash = pytest.importorskip("pdqhash", reason="the reference is compiled, and not installed here")
    for name, photograph in list(PHOTOGRAPHS.items())[::4]:
        pixels = np.asarray(photograph.convert("RGB").resize((1203, 1604), Image.Resampling.BICUBIC))
        bits, quality = pdqhash.compute(pixels)

        assert (name, seen(pdq_of_pixels(pixels))) == (
            name,
            {"pdq": np.packbits(bits.astype(np.uint8)).tobytes().hex(), "quality": quality},
        )


@pytest.mark.parametrize("length", [5, 63, 64, 65, 127, 128, 129, 1000, 4032])
def test_filter_matrix_keeps_brightness(length):
    assert np.allclose(filter_matrix(length).sum(axis=1), 1)


def test_pdq_of_luma_is_the_hash_of_the_same_picture_in_grey():
    grey = np.asarray(Image.fromarray(draw(PICTURE)).convert("L"))

    assert pdq_of_luma(grey) == pdq_of_luma(grey.astype(np.float32))
    assert distance(pdq_of_luma(grey).value, pdq_of_pixels(np.stack([grey] * 3, axis=2)).value) == 0


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pdq_of_image_turns_it_upright(orientation):
    upright = Image.fromarray(draw(PICTURE))
    stored = {
        1: [],
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }[orientation]
    turned = upright
    for turn in stored:
        turned = turned.transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation

    with Image.open(io.BytesIO(saved(turned, "PNG", exif=exif))) as image:
        assert pdq_of_image(image).value == pdq_of_image(upright).value


@pytest.mark.parametrize("mode", ["RGBA", "P", "LA", "L", "CMYK", "1", "I;16", "YCbCr"])
def test_pdq_of_image_reads_every_mode(mode):
    image = Image.fromarray(draw(PICTURE))
    grey = np.asarray(image.convert("L"))
    converted = Image.fromarray(grey.astype(np.uint16) << 8) if mode == "I;16" else image.convert(mode)

    assert distance(pdq_of_image(converted).value, pdq_of_image(image).value) <= 40
    assert pdq_of_image(converted).quality == 100


def test_pdq_of_image_drops_alpha_and_keeps_the_colours_under_it():
    image = Image.fromarray(draw(PICTURE))
    transparent = image.copy()
    transparent.putalpha(Image.linear_gradient("L").resize(image.size))

    assert pdq_of_image(transparent) == pdq_of_image(image)


@pytest.mark.parametrize("size", [(1, 1), (4, 4), (4, 500), (500, 500)])
def test_pdq_of_a_blank_picture_says_so(size):
    blank = pdq_of_image(Image.new("RGB", size, "beige"))

    assert (blank.quality, blank.is_blank) == (0, True)


@pytest.mark.parametrize(("width", "said"), [(160, True), (200, False)])
def test_pdq_of_an_exact_mirror_image_says_so(width, said):
    """Where the filter's windows mirror each other too (320 columns), half of the coefficients are the median but for
    rounding: saving such a photograph as JPEG once moved 52 to 68 bits. At 400 columns they don't, and it moved 0 to 8.
    """
    half = draw({**PICTURE, "width": width})

    mirrored = pdq_of_pixels(np.concatenate([half, half[:, ::-1]], axis=1))

    assert (mirrored.is_near_symmetric, pdq_of_pixels(half).is_near_symmetric) == (said, False)
