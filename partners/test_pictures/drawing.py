"""Pictures of nothing: clouds of colour with shapes on them. The same seed draws the same pixels on every machine."""

from __future__ import annotations

from random import Random
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw

WIDTH: Final = 400
HEIGHT: Final = 300
SHAPES: Final = 14
_GRIDS: Final = ((5, 4, 70.0), (10, 8, 45.0), (20, 15, 28.0), (40, 30, 14.0))
"""Clouds from coarse to fine: points across, points down, how strong."""


def draw(seed: str, *, width: int = WIDTH, height: int = HEIGHT) -> Image.Image:
    """An RGB picture full of structure: its PDQ says much (quality 100 where tried) and lies far from others."""
    random = Random(seed)  # noqa: S311  the same picture for the same seed is the point
    image = Image.fromarray(_clouds(random, width, height))
    canvas = ImageDraw.Draw(image)
    for _ in range(SHAPES):
        x, y = random.randrange(-width // 8, width), random.randrange(-height // 8, height)
        box = [x, y, x + random.randrange(width // 16, width // 4), y + random.randrange(height // 16, height // 4)]
        random.choice([canvas.ellipse, canvas.rectangle])(box, fill=_colour(random))
    return image


def _clouds(random: Random, width: int, height: int) -> npt.NDArray[np.uint8]:
    dice = np.random.Generator(np.random.PCG64(random.randrange(2**32)))
    picture = np.full((height, width, 3), 128.0)
    for across, down, strength in _GRIDS:
        points = dice.integers(0, 256, (down, across, 3), dtype=np.uint8)
        smooth = Image.fromarray(points).resize((width, height), Image.Resampling.BICUBIC)
        picture += (np.asarray(smooth, dtype=np.float64) - 127.5) / 127.5 * strength
    grain = dice.integers(-4, 5, (height, width, 1))
    pixels: npt.NDArray[np.uint8] = np.clip(picture + grain, 0, 255).astype(np.uint8)
    return pixels


def _colour(random: Random) -> tuple[int, int, int]:
    return random.randrange(256), random.randrange(256), random.randrange(256)
