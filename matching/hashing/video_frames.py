"""Frames of a video at chosen moments: what is read, what is refused, and how little is decoded.

FFmpeg reads from an open file and from nothing else: it is told no name, so that no name can be an address, and formats
that point to other files (playlists, `concat`) are not among those it may use. It runs in this process: files from
strangers belong into a child process with limits of its own.
"""

from __future__ import annotations

import contextlib
import math
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import BinaryIO, Final, cast

import av
import numpy as np
import numpy.typing as npt
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from matching.hashing.frame_choice import moments
from takeitdown.errors import Refused

Luma = npt.NDArray[np.uint8]
Progress = Callable[[float], None]

FORMATS: Final = "mov,matroska,avi,gif"
"""FFmpeg's names: MP4, MOV and 3GP are one reader, MKV and WebM another."""
CODECS: Final = frozenset({"h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "msmpeg4v3", "h263", "mjpeg", "gif"})
NO_PROTOCOL: Final = "none"
"""An allow-list that holds no protocol; an empty one would allow all of them."""
MAX_PIXELS: Final = 8192 * 4608
"""A frame of 8K, of any aspect; checked by the decoder before it takes memory."""
MAX_PACKETS: Final = 2_000_000
"""Five hours at 120 frames a second. A file of nothing but tiny packets would keep the reader busy for ever."""
PLANAR_LUMA: Final = frozenset(
    {"yuv420p", "yuv422p", "yuv444p", "yuv440p", "yuv411p", "yuv410p", "nv12", "nv21", "nv16", "gray"}
    | {"yuvj420p", "yuvj422p", "yuvj444p", "yuvj440p", "yuva420p", "yuva422p", "yuva444p"}
)
"""Pixel formats whose first plane is brightness in whole bytes."""


class UnreadableVideo(Refused):
    """Not a video in a format we read, or one too damaged to show a single frame."""

    code = "unreadable_video"
    status = 422
    default_detail = "We can't read this as a video. MP4, MOV, WebM, MKV, AVI and GIF work."


class NoPicture(UnreadableVideo):
    """Sound only, or no frame at all."""

    code = "no_picture"
    default_detail = "There is no picture in this file, only sound or nothing at all."


class UnknownCodec(UnreadableVideo):
    """A codec that is not on our list."""

    code = "unknown_codec"
    default_detail = "This video is stored in a way we can't read. Save it as MP4 and try again."


class VideoTooLarge(UnreadableVideo):
    """More pixels a frame, or more frames, than we decode."""

    code = "video_too_large"
    default_detail = "This video is too large for us to read. Save it smaller or shorter and try again."


@dataclass(frozen=True, slots=True)
class Shot:
    """One decoded frame."""

    ms: int
    """Milliseconds after the first frame."""
    luma: Luma
    """`uint8[h, w]`, the full-size Y plane, turned as a player shows it."""


def shots(file: BinaryIO, progress: Progress = lambda share: None) -> Iterator[Shot]:
    """The frames at `frame_choice.moments` of a seekable file, in the order in which they are stored.

    Reads the file twice: for the times of its keyframes, then for the frames. Damaged stretches are passed over.
    Tells `progress` the share that is done, 0 to 1. Raises UnreadableVideo or one of its kinds.
    """
    with _opened(file) as (_, stream):
        timetable = _timetable(stream)
    with _opened(file) as (_, stream):
        wanted = moments(timetable.keyframes_ms, timetable.end_ms)
        yield from _Reader(stream, timetable, wanted, progress).shots()


@contextlib.contextmanager
def _opened(file: BinaryIO) -> Iterator[tuple[InputContainer, VideoStream]]:
    file.seek(0)
    try:
        container = av.open(
            file,
            mode="r",
            container_options={"format_whitelist": FORMATS, "protocol_whitelist": NO_PROTOCOL},
            options={"max_pixels": str(MAX_PIXELS)},
            metadata_errors="replace",
        )
    except (av.FFmpegError, ValueError, OSError):
        raise UnreadableVideo from None
    with container:
        yield container, _video_stream(container)


def _video_stream(container: InputContainer) -> VideoStream:
    """The picture of a film, not the cover of a song."""
    found = [stream for stream in container.streams.video if not stream.disposition & stream.disposition.attached_pic]
    if not found:
        raise NoPicture
    stream = found[0]
    if stream.codec_context is None or stream.codec_context.codec.canonical_name not in CODECS:
        raise UnknownCodec
    if stream.codec_context.width * stream.codec_context.height > MAX_PIXELS:
        raise VideoTooLarge
    return stream


@dataclass(frozen=True, slots=True)
class _Timetable:
    """Times in milliseconds after the first frame; `begin` is that frame's, in seconds of the file."""

    begin: Fraction
    keyframes_ms: list[int]
    scenes_ms: list[int]
    """Keyframes that can be decoded without what is before them."""
    end_ms: int


def _timetable(stream: VideoStream) -> _Timetable:
    """Read every packet, decode none."""
    times: list[tuple[Fraction, bool]] = []
    for packet in _packets(stream):
        # Where the file begins amid a scene its first packet stands for a keyframe: the decoder shows what it can.
        times.append((_seconds(packet), packet.is_keyframe or not times))
        if len(times) > MAX_PACKETS:
            raise VideoTooLarge
    if not times:
        raise NoPicture
    begin = min(seconds for seconds, _ in times)
    ends = _milliseconds(max(seconds for seconds, _ in times) - begin)
    paints_over = _paints_over(stream)
    keyframes = sorted({_milliseconds(seconds - begin) for seconds, is_keyframe in times if is_keyframe or paints_over})
    return _Timetable(begin, keyframes, keyframes[:1] if paints_over else keyframes, ends)


def _paints_over(stream: VideoStream) -> bool:
    """Whether each frame needs all before it, whatever is flagged, so that a GIF is decoded from its beginning."""
    return stream.codec_context.codec.canonical_name == "gif"


def _packets(stream: VideoStream) -> Iterator[Packet[VideoStream]]:
    """Packets that have a time, up to where the file ends or breaks off."""
    container = stream.container
    assert isinstance(container, InputContainer)
    with contextlib.suppress(av.FFmpegError):
        for packet in container.demux(stream):
            if packet.size and (packet.pts is not None or packet.dts is not None):
                yield packet


def _seconds(packet: Packet[VideoStream]) -> Fraction:
    time = packet.pts if packet.pts is not None else packet.dts
    assert time is not None
    return time * (packet.time_base or Fraction(1))


def _milliseconds(seconds: Fraction) -> int:
    """Rounded half up, as JavaScript's Math.round does."""
    return math.floor(seconds * 1000 + Fraction(1, 2))


class _Reader:
    """Decodes a scene, which is a keyframe and what follows it, no further than to the last moment wanted of it.

    Packets are chosen by their keyframe flag. The decoder's own `skip_frame` is not used: that of VP9 ignores it.
    """

    def __init__(self, stream: VideoStream, timetable: _Timetable, wanted: list[int], progress: Progress) -> None:
        self._stream = stream
        self._timetable = timetable
        self._wanted = wanted
        self._progress = progress
        self._begun_ms = 0  # when the scene begins
        self._due: deque[int] = deque()  # what is still wanted of it
        self._shown: _Timed | None = None  # its latest frame so far
        self._given: set[int] = set()

    def shots(self) -> Iterator[Shot]:
        begun = False
        for packet in _packets(self._stream):
            if (packet.is_keyframe and not _paints_over(self._stream)) or not begun:
                yield from self._end_scene()
                self._begin_scene(packet)
                begun = True
            if self._due:
                yield from self._feed(packet)
        yield from self._end_scene()
        if not self._given:
            raise UnreadableVideo("This video is damaged: no frame of it can be shown. Try the original file.")
        self._progress(1.0)

    def _begin_scene(self, packet: Packet[VideoStream]) -> None:
        scenes = self._timetable.scenes_ms
        self._begun_ms = _milliseconds(_seconds(packet) - self._timetable.begin)
        later = bisect_right(scenes, self._begun_ms)
        first = bisect_left(self._wanted, self._begun_ms)
        last = bisect_left(self._wanted, scenes[later]) if later < len(scenes) else len(self._wanted)
        self._due, self._shown = deque(self._wanted[first:last]), None
        self._stream.codec_context.flush_buffers()

    def _feed(self, packet: Packet[VideoStream]) -> Iterator[Shot]:
        yield from self._take(self._decoded(packet))
        if list(self._due) == [self._begun_ms]:
            # Only the keyframe itself is wanted, and the decoder holds it back until it has seen what follows.
            yield from self._end_scene()

    def _end_scene(self) -> Iterator[Shot]:
        if self._due:
            yield from self._take(self._decoded(None))
        if self._due and self._shown:
            self._due.clear()
            yield from self._give(self._shown)
        self._due.clear()

    def _decoded(self, packet: Packet[VideoStream] | None) -> list[_Timed]:
        try:
            frames = self._stream.codec_context.decode(packet)
        except av.FFmpegError:
            return []
        timed = [_Timed(self._time_of(frame), frame) for frame in frames]
        # What is shown before the keyframe is built on the scene before it, which the decoder has not seen.
        return [frame for frame in timed if frame.ms >= self._begun_ms]

    def _time_of(self, frame: VideoFrame) -> int:
        time = frame.pts if frame.pts is not None else frame.dts
        if time is None:
            return self._begun_ms
        # The stream's unit: a frame that is drained from the decoder has forgotten its own.
        return _milliseconds(time * (self._stream.time_base or Fraction(1)) - self._timetable.begin)

    def _take(self, frames: list[_Timed]) -> Iterator[Shot]:
        for frame in frames:
            while self._due and frame.ms > self._due[0]:
                self._due.popleft()
                yield from self._give(self._shown or frame)
            if self._due and frame.ms == self._due[0]:
                self._due.popleft()
                yield from self._give(frame)
            self._shown = frame

    def _give(self, frame: _Timed) -> Iterator[Shot]:
        if frame.ms in self._given:
            return
        self._given.add(frame.ms)
        yield Shot(frame.ms, _upright(_luma(frame.picture), frame.picture.rotation))
        self._progress(len(self._given) / len(self._wanted))


@dataclass(frozen=True, slots=True)
class _Timed:
    ms: int
    picture: VideoFrame


def _luma(frame: VideoFrame) -> Luma:
    """`uint8[h, w]`: the Y plane as it is stored, at full size; scaling it would move bits of the hash."""
    grey = frame if frame.format.name in PLANAR_LUMA else frame.reformat(format="gray")
    plane = grey.planes[0]
    # A plane lends its memory like bytes do, which its type does not say.
    rows: Luma = np.frombuffer(cast(bytes, plane), dtype=np.uint8).reshape(-1, plane.line_size)
    return rows[: grey.height, : grey.width]


def _upright(luma: Luma, degrees: float) -> Luma:
    """Turned by the display matrix, in quarters of a turn counter-clockwise.

    Telephones store what the sensor sees and note how to turn it. A person sees it turned, and the copies that
    platforms keep are encoded anew, upright and without the note: those are what must be found.
    """
    return np.rot90(luma, round(degrees / 90) % 4)
