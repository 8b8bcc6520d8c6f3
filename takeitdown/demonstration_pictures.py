"""Harmless pictures drawn by rule, the same ones every time: coloured shapes on a slope of colour, with grain."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from random import Random

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

from matching.hashing.digests import digests_of
from matching.hashing.pdq import pdq_of_image
from matching.hashlist import Wanted
from matching.signal_types import IMAGE, MD5, PDQ, QUALITY_FLOOR, SHA256, VIDEO

PICTURES = 40
VIDEOS = 3
WIDTH, HEIGHT = 480, 360
SHAPES = 18


def make_all(folder: Path) -> list[list[Wanted]]:
    """Write the pictures into `folder`; returns what to ask for, one list for each picture and each video."""
    folder.mkdir(parents=True, exist_ok=True)
    return [_picture(number, folder) for number in range(1, PICTURES + 1)] + [_video(n) for n in range(1, VIDEOS + 1)]


def draw(number: int) -> Image.Image:
    """Picture `number`."""
    random = Random(f"take it down, picture {number}")  # noqa: S311  the same picture on every machine is the point
    image = Image.fromarray(_slope(random))
    canvas = ImageDraw.Draw(image)
    for _ in range(SHAPES):
        colour = tuple(random.randrange(256) for _ in range(3))
        x, y = random.randrange(-60, WIDTH), random.randrange(-60, HEIGHT)
        box = [x, y, x + random.randrange(30, 200), y + random.randrange(30, 200)]
        random.choice([canvas.ellipse, canvas.rectangle])(box, fill=colour)
    return image


def _slope(random: Random) -> npt.NDArray[np.uint8]:
    """`uint8[HEIGHT, WIDTH, 3]` from one colour to another in a random direction, with grain."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    along = (x * random.uniform(-1, 1) + y * random.uniform(-1, 1)) / WIDTH
    start, end = (np.array([random.randrange(256) for _ in range(3)]) for _ in range(2))
    grain = np.random.default_rng(random.randrange(2**32)).integers(-8, 9, (HEIGHT, WIDTH, 1))
    pixels: npt.NDArray[np.uint8] = np.clip(start + (end - start) * along[..., None] + grain, 0, 255).astype(np.uint8)
    return pixels


def _picture(number: int, folder: Path) -> list[Wanted]:
    image = draw(number)
    hashed = pdq_of_image(image)
    if hashed.quality < QUALITY_FLOOR:
        raise ValueError(f"Picture {number} is too plain to be listed.")
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    (folder / f"picture-{number:02}.png").write_bytes(file.getvalue())
    file.seek(0)
    digests = digests_of(file)
    return [Wanted(PDQ, IMAGE, hashed.value), Wanted(MD5, IMAGE, digests.md5), Wanted(SHA256, IMAGE, digests.sha256)]


def _video(number: int) -> list[Wanted]:
    return [Wanted(SHA256, VIDEO, hashlib.sha256(f"take it down, video {number}".encode()).hexdigest())]
