"""How long it takes to find every listed PDQ hash within 31 bits of one, beside FAISS in the same run."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from django.core.management.base import CommandError

from matching import compiling
from matching.bands import WITHIN, Words
from matching.index import PdqIndex

Search = Callable[[Words], set[int]]

QUESTIONS: Final = 1_000
SAMPLE: Final = 60
"""Questions that are also answered by measuring every hash, and by FAISS."""
MOST_MULTIHASH: Final = 2_000_000
"""Beyond, its hash tables take more memory and minutes than the comparison is worth."""
CLUSTER: Final = 40
"""Hashes around one centre: a picture and its copies."""


def run(size: int | None = None) -> dict[str, Any]:
    """`size` hashes, random and then in clusters; half of the questions are 0 to 31 bits from a listed one."""
    size = size or 1_000_000
    random, clustered = _measure(_random(size, seed=1)), _measure(_clustered(size))
    return {
        "size": size,
        "recall": min(random["recall"], clustered["recall"]),
        "wrongly_found": random["wrongly_found"] + clustered["wrongly_found"],
        "ratio_to_better_faiss": random["ratio_to_better_faiss"],
        "ratio_to_better_faiss_clustered": clustered["ratio_to_better_faiss"],
        "random": random,
        "clustered": clustered,
        "compiled": compiling.AVAILABLE,
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "shared_machine": True,
    }


def table(result: dict[str, Any]) -> list[list[str]]:
    """Figures of both kinds of hashes side by side."""
    names = list(result["random"])
    rows = [[name.replace("_", " "), str(result["random"][name]), str(result["clustered"][name])] for name in names]
    return [[f"{result['size']:,} hashes", "random", "clustered"], *rows]


def _measure(hashes: Words) -> dict[str, Any]:
    PdqIndex.build(hashes[:10_000]).query(hashes[0])  # compiles, if that has not been kept
    started = time.perf_counter()
    index = PdqIndex.build(hashes)
    building = time.perf_counter() - started
    questions = _questions(hashes)
    ours = _timed(lambda wanted: set(index.query(wanted).rows.tolist()), questions)
    found, missed, wrong = _recall(index, hashes, questions[:SAMPLE])
    faiss = _faiss(hashes, questions[:SAMPLE])
    better = min((times["median_ms"] for times in faiss.values()), default=None)
    return {
        "build_seconds": round(building, 2),
        "bytes": index.nbytes,
        "median_ms": round(ours["median_ms"], 4),
        "p99_ms": round(ours["p99_ms"], 4),
        "recall": found / max(1, found + missed),
        "neighbours_in_sample": found + missed,
        "wrongly_found": wrong,
        **{f"{name}_median_ms": round(times["median_ms"], 3) for name, times in faiss.items()},
        "ratio_to_better_faiss": None if better is None else round(better / ours["median_ms"], 1),
    }


# --- hashes and questions -----------------------------------------------------------------------------------------


def _random(count: int, *, seed: int) -> Words:
    return np.random.default_rng(seed).integers(0, 2**64, (count, 4), dtype=np.uint64)


def _clustered(count: int) -> Words:
    """Centres, each with copies of which every bit is turned over with a chance of 1 in 16: 16 bits on average."""
    hashes = np.repeat(_random(-(-count // CLUSTER), seed=2), CLUSTER, axis=0)[:count]
    noise = _random(count, seed=3)
    for seed in (4, 5, 6):
        noise &= _random(count, seed=seed)
    hashes ^= noise
    return hashes[np.random.default_rng(7).permutation(count)]


def _questions(hashes: Words) -> Words:
    """Random ones, and between them copies of listed ones, changed by 0 to 31 bits."""
    rng = np.random.default_rng(8)
    questions = _random(QUESTIONS, seed=9)
    for number in range(0, QUESTIONS, 2):
        bits = np.zeros(256, dtype=np.uint8)
        bits[rng.choice(256, (number // 2) % (WITHIN + 1), replace=False)] = 1
        questions[number] = hashes[rng.integers(len(hashes))] ^ np.packbits(bits).view(np.uint64)
    return questions


# --- measuring ----------------------------------------------------------------------------------------------------


def _timed(search: Search, questions: Words) -> dict[str, float]:
    """Milliseconds a question, one after the other on one thread, after a round to warm up."""
    for question in questions[:20]:
        search(question)
    taken = []
    for question in questions:
        started = time.perf_counter()
        search(question)
        taken.append(1000 * (time.perf_counter() - started))
    return {"median_ms": float(np.median(taken)), "p99_ms": float(np.percentile(taken, 99))}


def _recall(index: PdqIndex, hashes: Words, questions: Words) -> tuple[int, int, int]:
    """Neighbours found, missed, and found though they are none, against measuring every hash."""
    found = missed = wrong = 0
    for question in questions:
        there, told = _by_measuring(hashes, question), set(index.query(question).rows.tolist())
        found, missed, wrong = found + len(there & told), missed + len(there - told), wrong + len(told - there)
    return found, missed, wrong


def _by_measuring(hashes: Words, question: Words) -> set[int]:
    near: set[int] = set()
    for start in range(0, len(hashes), 250_000):
        part = hashes[start : start + 250_000]
        distances = np.bitwise_count(part ^ question).sum(axis=1, dtype=np.uint16)
        near.update((np.flatnonzero(distances <= WITHIN) + start).tolist())
    return near


def _faiss(hashes: Words, questions: Words) -> dict[str, dict[str, float]]:
    """FAISS's exact index and the one that platforms' tools use, asked for the same on one thread."""
    try:
        import faiss
    except ImportError as error:
        raise CommandError(
            "faiss-cpu, to compare with, is missing: install the group `peers` of pyproject.toml."
        ) from error
    faiss.omp_set_num_threads(1)
    rows = hashes.view(np.uint8).reshape(len(hashes), 32)
    peers: dict[str, Any] = {"faiss_flat": faiss.IndexBinaryFlat(256)}
    if len(hashes) <= MOST_MULTIHASH:
        peers["faiss_multihash"] = faiss.IndexBinaryMultiHash(256, 16, 16)
        peers["faiss_multihash"].nflip = 1
    times = {}
    for name, peer in peers.items():
        peer.add(rows)
        times[name] = _timed(_asking(peer), questions)
        peer.reset()
    return times


def _asking(peer: Any) -> Search:
    def ask(wanted: Words) -> set[int]:
        _limits, _distances, rows = peer.range_search(wanted.view(np.uint8).reshape(1, 32), WITHIN + 1)
        return set(rows.tolist())

    return ask
