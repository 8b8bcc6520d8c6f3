"""`manage.py hash_media`: photographs and videos by their content, refusals by name, never a traceback."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command
from PIL import Image

from matching.hashing.media_file import hash_file
from matching.signal_types import canonical
from takeitdown.benchmarks.clips import Clip, encoded, view
from tests.pictures import saved


def test_hash_media_tells_each_file_on_a_line_of_json(tmp_path):
    contents = {
        "a": saved(view(0), "JPEG"),
        "b": encoded(Clip(seconds=2)).getvalue(),
        "c": b"not a picture",
        "d": saved(Image.new("L", (64, 64)), "PNG"),
        "e": b"",
        "f": saved(view(0), "GIF"),
    }
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    said = io.StringIO()

    with pytest.raises(CommandError, match="3 of 7"):
        call_command("hash_media", *[str(tmp_path / name) for name in "abcdefg"], "--json", stdout=said)

    lines = [json.loads(line) for line in said.getvalue().splitlines()]
    kinds = [[found["type"] for found in line.get("fingerprints", [])] for line in lines]
    image, video, exact = ["pdq", "phash", "md5", "sha256"], ["vpdq", "md5", "sha256"], ["md5", "sha256"]
    assert kinds == [image, video, [], exact, [], image, []]
    refused = [line.get("refused") for line in lines]
    assert refused == [None, None, "unreadable_video", None, "empty_file", None, "not_readable"]
    for line in lines:
        for found in line.get("fingerprints", []):
            assert canonical(found["type"], line["media"], found["value"]) == found["value"]


def test_hash_media_speaks_to_people_too(tmp_path, capsys):
    path = tmp_path / "clip"
    path.write_bytes(encoded(Clip(seconds=2)).getvalue())

    call_command("hash_media", str(path))

    assert "video" in capsys.readouterr().out


def test_a_damaged_photograph_is_refused_and_heic_is_read_where_its_reader_is():
    with pytest.raises(Exception, match="read this photograph"):
        hash_file(io.BytesIO(saved(view(0), "JPEG")[:2000]))
    pillow_heif = pytest.importorskip("pillow_heif")
    pillow_heif.register_heif_opener()

    assert hash_file(io.BytesIO(saved(view(0), "HEIF"))).media == "image"


def test_a_gif_that_moves_is_a_video():
    assert hash_file(encoded(Clip(format="gif", seconds=1))).media == "video"
