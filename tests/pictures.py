"""Pictures for tests: drawn by rule, so that Python and JavaScript draw the same pixels, or photographs that a package
ships. None of the photographs used shows a person, and none is committed.
"""

from __future__ import annotations

import importlib.util
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TypedDict

import numpy as np
import numpy.typing as npt
from PIL import Image

Pixels = npt.NDArray[np.uint8]


class Recipe(TypedDict):
    """A picture as data. A wave is `[across, down, twist, phase]`; each channel averages its waves."""

    name: str
    width: int
    height: int
    channels: list[list[list[int]]]


def draw(recipe: Recipe) -> Pixels:
    """`uint8[h, w, 3]`. Whole numbers only: tests/js/pictures.js draws the same."""
    y, x = np.mgrid[0 : recipe["height"], 0 : recipe["width"]].astype(np.int64)
    planes = [
        sum(
            np.abs((x * across + y * down + (x * y * twist >> 8) + phase) % 512 - 256)
            for across, down, twist, phase in waves
        )
        // len(waves)
        for waves in recipe["channels"]
    ]
    pixels: Pixels = np.minimum(np.stack(planes, axis=2), 255).astype(np.uint8)
    return pixels


PHOTOGRAPHS = [
    "brick.png", "cell.png", "chelsea.png", "clock_motion.png", "coffee.png", "coins.png",
    "grass.png", "gravel.png", "hubble_deep_field.jpg", "ihc.png", "moon.png", "motorcycle_left.png",
    "motorcycle_right.png", "page.png", "retina.jpg", "rocket.jpg", "text.png",
]  # fmt: skip
"""Files of scikit-image's data folder; those with people in them are left out."""


def photographs() -> Iterator[tuple[str, Image.Image]]:
    """The photographs that are installed, decoded, as grey or RGB; none if scikit-image is missing."""
    package = importlib.util.find_spec("skimage")  # found, not imported: importing it takes seconds
    if package is None or package.origin is None:
        return
    for name in PHOTOGRAPHS:
        path = Path(package.origin).parent / "data" / name
        if path.exists():
            with Image.open(path) as image:
                yield name, image.convert("L" if image.mode == "L" else "RGB")


def crops(image: Image.Image, sizes: Sequence[int]) -> Iterator[Image.Image]:
    """Squares of the given sides, moved by half a side, over a picture."""
    for side in sizes:
        for top in range(0, image.height - side + 1, side // 2):
            for left in range(0, image.width - side + 1, side // 2):
                yield image.crop((left, top, left + side, top + side))


def saved(image: Image.Image, format: str, **options: object) -> bytes:
    """The bytes of a picture in a file format."""
    file = io.BytesIO()
    image.save(file, format=format, **options)
    return file.getvalue()
