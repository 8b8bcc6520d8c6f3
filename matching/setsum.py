"""The set hash: LtHash over all live rows, in any order (LIST.md §3). Pure.

A row is a vector of 1,024 16-bit lanes; the state is their lane-wise sum modulo 2^16, so a row is taken out by
subtracting it. Source of the construction: Bellare and Micciancio, "A New Paradigm for Collision-Free Hashing" (1997),
with the parameters of Lewi et al., "Securing Update Propagation with Homomorphic Hashing" (2019).
"""

from __future__ import annotations

import hashlib
from typing import Self

import numpy as np
from numpy.typing import NDArray

STATE_BYTES = 2048
_LANES = np.dtype("<u2")


def member(entry_id: bytes, trust: int, commitment: bytes) -> NDArray[np.uint16]:
    """One row as 1,024 little-endian 16-bit lanes."""
    seed = b"tid-member/1\n" + entry_id + bytes([trust]) + commitment
    return np.frombuffer(hashlib.shake_128(seed).digest(STATE_BYTES), dtype=_LANES)


class SetSum:
    """The running sum of the members of all live rows."""

    def __init__(self, state: bytes = b"") -> None:
        """From `state`, 2,048 bytes as `bytes()` gave them; from nothing, the empty set."""
        self._lanes = np.frombuffer(state or bytes(STATE_BYTES), dtype=_LANES).copy()

    def add(self, entry_id: bytes, trust: int, commitment: bytes) -> Self:
        """Put a row in."""
        self._lanes += member(entry_id, trust, commitment)
        return self

    def remove(self, entry_id: bytes, trust: int, commitment: bytes) -> Self:
        """Take a row out that was put in with the same trust."""
        self._lanes -= member(entry_id, trust, commitment)
        return self

    def __bytes__(self) -> bytes:
        return self._lanes.tobytes()

    def digest(self) -> bytes:
        """`set`: 32 bytes."""
        return hashlib.sha256(b"tid-set/1\n" + bytes(self)).digest()
