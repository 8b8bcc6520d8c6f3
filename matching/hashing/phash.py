"""pHash: 64 bits, as the `imagehash` package prints it, for small platforms that already match with it."""

from __future__ import annotations

import imagehash
from PIL import Image

from matching.hashing.pdq import pixels_of


def phash_of_image(image: Image.Image) -> str:
    """16 lowercase hexadecimal digits, of the upright picture; alpha is dropped as for PDQ."""
    return str(imagehash.phash(Image.fromarray(pixels_of(image))))
