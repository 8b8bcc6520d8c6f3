"""Write tests/vectors/pdq.json with Meta's own code: `python -m tests.vectors.make_pdq`. Needs pdqhash (a compiler)."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import numpy as np
import pdqhash

from tests.pictures import Pixels, Recipe, draw, photographs

SIZES = [
    (5, 5), (6, 9), (4, 200), (31, 47), (64, 64), (64, 100), (63, 65), (127, 129), (128, 128), (129, 127), (200, 300),
    (257, 255), (300, 61), (512, 512), (640, 480), (771, 1031), (1024, 768), (1500, 90), (2048, 1151), (1000, 2001),
]  # fmt: skip


def main() -> None:
    random = Random(20261122)
    drawn = [recipe(random, width, height) for width, height in SIZES]
    document = {
        "source": f"pdqhash {pdqhash.__version__} (facebook/ThreatExchange pdq), written by tests/vectors/make_pdq.py",
        "drawn": [{**one, **reference(draw(one))} for one in drawn],
        "scikit-image 0.26.0": [
            {"name": name, **reference(np.asarray(image.convert("RGB")))} for name, image in photographs()
        ],
    }
    Path(__file__).with_name("pdq.json").write_text(json.dumps(document, indent=1) + "\n")


def recipe(random: Random, width: int, height: int) -> Recipe:
    def wave() -> list[int]:
        # About one to five turns over the picture, so that neighbouring samples differ enough for a high quality.
        across, down = (random.randint(-2500, 2500) // side for side in (width, height))
        return [across, down, random.randint(-200_000, 200_000) // (width * height) * 2, random.randrange(512)]

    channels = [[wave() for _ in range(2)] for _ in range(3)]
    return {"name": f"{width}x{height}", "width": width, "height": height, "channels": channels}


def reference(pixels: Pixels) -> dict[str, str | int]:
    bits, quality = pdqhash.compute(np.ascontiguousarray(pixels))
    return {"pdq": np.packbits(bits.astype(np.uint8)).tobytes().hex(), "quality": int(quality)}


if __name__ == "__main__":
    main()
