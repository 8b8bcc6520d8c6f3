from __future__ import annotations

import hashlib
import io

import pytest

from matching.hashing import digests


@pytest.mark.parametrize("size", [0, 1, digests.PIECE_BYTES, digests.PIECE_BYTES * 2 + 1])
def test_digests_of_cover_the_whole_file(size):
    content = bytes(range(251)) * (size // 251) + bytes(size % 251)

    assert digests.digests_of(io.BytesIO(content)) == digests.Digests(
        md5=hashlib.md5(content).hexdigest(), sha256=hashlib.sha256(content).hexdigest(), size=size
    )
