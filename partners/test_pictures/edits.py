"""What people do to a picture before they post it again: forty edits, from a fresh JPEG to one nobody could match."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageOps

Change = Callable[[Image.Image], Image.Image]


@dataclass(frozen=True)
class Edit:
    """One edit: what an engineer reads about it, what it does to an RGB picture, and how the file is written."""

    name: str
    change: Change = lambda image: image
    format: str = "JPEG"
    quality: int = 85

    def apply(self, image: Image.Image) -> bytes:
        """The bytes of the edited picture's file; the same on every run with the same libraries."""
        return encoded(self.change(image), self.format, self.quality)

    @property
    def suffix(self) -> str:
        return SUFFIXES[self.format]


SUFFIXES: Final = {"JPEG": "jpg", "PNG": "png", "WEBP": "webp", "GIF": "gif", "BMP": "bmp"}


def encoded(image: Image.Image, format: str, quality: int = 85) -> bytes:
    """A picture as a file. `quality` counts for JPEG and WebP."""
    file = io.BytesIO()
    options: dict[str, int] = {"JPEG": {"quality": quality}, "WEBP": {"quality": quality, "method": 2}}.get(format, {})
    image.save(file, format, **options)
    return file.getvalue()


# --- changes ----------------------------------------------------------------------------------------------------


def scaled(factor: float, down: float | None = None) -> Change:
    def change(image: Image.Image) -> Image.Image:
        size = round(image.width * factor), round(image.height * (down or factor))
        return image.resize(size, Image.Resampling.LANCZOS)

    return change


def cropped(share: float) -> Change:
    """Take `share` of the width and height away, half at each side."""

    def change(image: Image.Image) -> Image.Image:
        x, y = round(image.width * share / 2), round(image.height * share / 2)
        return image.crop((x, y, image.width - x, image.height - y))

    return change


def cut_below(share: float) -> Change:
    return lambda image: image.crop((0, 0, image.width, round(image.height * (1 - share))))


def bordered(pixels: int, colour: str) -> Change:
    return lambda image: ImageOps.expand(image, pixels, colour)


def turned(degrees: float) -> Change:
    """Counter-clockwise; corners are black, as editors leave them."""
    return lambda image: image.rotate(degrees, Image.Resampling.BICUBIC, expand=degrees % 90 == 0)


def gamma(exponent: float) -> Change:
    table = [round(255 * (level / 255) ** exponent) for level in range(256)] * 3
    return lambda image: image.point(table)


def noisy(spread: float) -> Change:
    def change(image: Image.Image) -> Image.Image:
        dice = np.random.Generator(np.random.PCG64(48_213))
        pixels = np.asarray(image, dtype=np.float64)
        return Image.fromarray(np.clip(pixels + dice.normal(0, spread, pixels.shape), 0, 255).astype(np.uint8))

    return change


def tinted(red: float, green: float, blue: float) -> Change:
    def change(image: Image.Image) -> Image.Image:
        parts = zip(image.split(), (red, green, blue), strict=True)
        return Image.merge("RGB", [band.point([min(255, round(i * by)) for i in range(256)]) for band, by in parts])

    return change


def lettered(text: str, size: int, *, bar: bool = False) -> Change:
    """White letters with a dark edge near the bottom, on a black bar where asked for."""

    def change(image: Image.Image) -> Image.Image:
        copy = image.copy()
        canvas = ImageDraw.Draw(copy)
        if bar:
            canvas.rectangle((0, copy.height - 2 * size, copy.width, copy.height), fill="black")
        where = (copy.width // 12, copy.height - size - size // 2)
        canvas.text(where, text, fill="white", stroke_fill="black", stroke_width=1, font_size=size)
        return copy

    return change


def stickered(image: Image.Image) -> Image.Image:
    copy = image.copy()
    side = image.height // 4
    ImageDraw.Draw(copy).ellipse((side // 2, side // 2, side // 2 + side, side // 2 + side), fill="yellow")
    return copy


def screenshot(image: Image.Image) -> Image.Image:
    """As a phone shows it: a white page, the picture in its upper half, a line of text below."""
    page = Image.new("RGB", (image.width, image.width * 16 // 9), "white")
    page.paste(image, (0, page.height // 8))
    ImageDraw.Draw(page).text((20, page.height // 8 + image.height + 20), "12:04   Reply   Share", fill="black")
    return page


def palette(image: Image.Image) -> Image.Image:
    return image.quantize(128, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)


def grey(image: Image.Image) -> Image.Image:
    return image.convert("L")


# --- the forty --------------------------------------------------------------------------------------------------

EDITS: Final = (
    Edit("JPEG, quality 95", quality=95),
    Edit("JPEG, quality 70", quality=70),
    Edit("JPEG, quality 40", quality=40),
    Edit("JPEG, quality 15", quality=15),
    Edit("WebP", format="WEBP", quality=75),
    Edit("GIF of 128 colours", palette, format="GIF"),
    Edit("BMP, half the size", scaled(0.5), format="BMP"),
    Edit("PNG, half the size", scaled(0.5), format="PNG"),
    Edit("three quarters of the size", scaled(0.75)),
    Edit("a third of the size", scaled(1 / 3)),
    Edit("half as large again", scaled(1.5), quality=75),
    Edit("stretched to a square", scaled(0.75, 1.0)),
    Edit("brighter by a third", lambda image: ImageEnhance.Brightness(image).enhance(1.33)),
    Edit("darker by a third", lambda image: ImageEnhance.Brightness(image).enhance(0.67)),
    Edit("more contrast", lambda image: ImageEnhance.Contrast(image).enhance(1.4)),
    Edit("less contrast", lambda image: ImageEnhance.Contrast(image).enhance(0.6)),
    Edit("gamma 0.7", gamma(0.7)),
    Edit("gamma 1.5", gamma(1.5)),
    Edit("blurred by 1 pixel", lambda image: image.filter(ImageFilter.GaussianBlur(1))),
    Edit("blurred by 3 pixels", lambda image: image.filter(ImageFilter.GaussianBlur(3))),
    Edit("sharpened", lambda image: image.filter(ImageFilter.SHARPEN)),
    Edit("noise, weak", noisy(6)),
    Edit("noise, strong", noisy(20)),
    Edit("grey", grey),
    Edit("warmer colours", tinted(1.15, 1.0, 0.85)),
    Edit("stronger colours", lambda image: ImageEnhance.Color(image).enhance(1.8)),
    Edit("cropped by 2 %", cropped(0.02)),
    Edit("cropped by 5 %", cropped(0.05)),
    Edit("thin white border", bordered(4, "white")),
    Edit("thick black border", bordered(20, "black")),
    Edit("small watermark", lettered("@example", 12)),
    Edit("large caption on a bar", lettered("look at this", 24, bar=True)),
    Edit("sticker in a corner", stickered),
    Edit("turned by 1°", turned(1)),
    Edit("turned by 90°", turned(90)),
    Edit("turned by 180°", turned(180)),
    Edit("mirrored", ImageOps.mirror),
    Edit("cropped to half", cropped(0.5)),
    Edit("lower third cut off", cut_below(0.33)),
    Edit("screenshot of a phone", screenshot),
)
