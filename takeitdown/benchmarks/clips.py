"""Videos encoded on the spot, for benchmarks and tests: a view that wanders over a drawn picture, with cuts."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from typing import cast

import av
import numpy as np
import numpy.typing as npt
from av.container import OutputContainer
from av.video.stream import VideoStream
from PIL import Image

from takeitdown.demonstration_pictures import draw

Pixels = npt.NDArray[np.uint8]

CUT_EVERY_MS = 4000
CODEC_OF = {
    "mp4": "libx264",
    "mov": "libx264",
    "webm": "libvpx-vp9",
    "matroska": "libx264",
    "avi": "mpeg4",
    "gif": "gif",
}
QUICK = {
    "libx264": {"preset": "ultrafast", "sc_threshold": "0"},
    "libx265": {"preset": "ultrafast", "x265-params": "log-level=error:scenecut=0"},
    "libvpx": {"deadline": "realtime", "cpu-used": "8"},
    "libvpx-vp9": {"deadline": "realtime", "cpu-used": "8"},
    "libsvtav1": {"preset": "12"},
}


@dataclass(frozen=True)
class Clip:
    """What to encode. `times_ms` of the frames stand for a variable rate; without them there are `rate` a second."""

    format: str = "mp4"
    codec: str = ""
    seconds: float = 4.0
    rate: int = 10
    width: int = 320
    height: int = 240
    keyframe_every: int = 10
    rotation: int = 0
    pixels: str = ""
    picture: int = 1
    times_ms: tuple[int, ...] = ()
    options: dict[str, str] = field(default_factory=dict, hash=False)
    change: Callable[[Image.Image], Image.Image] | None = None

    @property
    def frames_ms(self) -> tuple[int, ...]:
        return self.times_ms or tuple(number * 1000 // self.rate for number in range(round(self.seconds * self.rate)))


@lru_cache(maxsize=8)
def _scenery(number: int) -> Image.Image:
    return draw(number).resize((960, 720))


def view(ms: int, *, picture: int = 1) -> Image.Image:
    """What the camera sees after so many milliseconds: 480 × 360, another scene after each cut."""
    scenery = _scenery(picture + ms // CUT_EVERY_MS)
    left, top = (ms // 50) % 480, (ms // 110) % 360
    return scenery.crop((left, top, left + 480, top + 360))


def frames(clip: Clip) -> Iterator[Image.Image]:
    for ms in clip.frames_ms:
        image = view(ms, picture=clip.picture).resize((clip.width, clip.height))
        yield clip.change(image).resize((clip.width, clip.height)) if clip.change else image


def encoded(clip: Clip) -> io.BytesIO:
    """The file."""
    file = io.BytesIO()
    with av.open(file, "w", format=clip.format) as container:
        stream = _stream(container, clip)
        for number, image in enumerate(frames(clip)):
            frame = av.VideoFrame.from_ndarray(np.asarray(image))
            if clip.times_ms:
                frame.pts, frame.time_base = clip.times_ms[number], Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    file.seek(0)
    return file


def _stream(container: OutputContainer, clip: Clip) -> VideoStream:
    codec = clip.codec or CODEC_OF[clip.format]
    stream = cast(
        VideoStream, container.add_stream(codec, rate=clip.rate, options={**QUICK.get(codec, {}), **clip.options})
    )
    stream.width, stream.height = clip.width, clip.height
    stream.pix_fmt = clip.pixels or {"gif": "rgb8", "mjpeg": "yuvj420p"}.get(codec, "yuv420p")
    stream.codec_context.gop_size = clip.keyframe_every
    if clip.times_ms:
        stream.codec_context.time_base = Fraction(1, 1000)
    if clip.rotation:
        stream.set_display_rotation(clip.rotation)
    return stream


def sound() -> io.BytesIO:
    """A second of silence, and no picture."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=48_000, layout="mono")
        for _ in range(40):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), dtype=np.float32), format="fltp", layout="mono")
            frame.sample_rate = 48_000
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    file.seek(0)
    return file


def letterboxed(image: Image.Image, bar: int) -> Image.Image:
    """Black bars of so many pixels above and below, as an editor adds them."""
    canvas = Image.new("RGB", image.size)
    canvas.paste(image.resize((image.width, image.height - 2 * bar)), (0, bar))
    return canvas
