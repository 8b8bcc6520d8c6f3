from __future__ import annotations

import imagehash
from PIL import Image

from matching.hashing.phash import phash_of_image
from tests.matching.test_hashing_pdq import PICTURE
from tests.pictures import draw


def test_phash_of_image_is_what_imagehash_prints():
    image = Image.fromarray(draw(PICTURE))
    turned = image.transpose(Image.Transpose.ROTATE_90)
    turned.getexif()[0x0112] = 6

    assert phash_of_image(image) == str(imagehash.phash(image)) == phash_of_image(turned)
