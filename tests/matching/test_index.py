"""The index finds every hash within 31 bits and nothing beyond, however it came to hold them."""

from __future__ import annotations

import multiprocessing
import os
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from matching import bands, compiling
from matching.hashing.pdq import pdq_of_image
from matching.hashing.pdq_symmetries import symmetries
from matching.index import IndexUnreadable, PdqIndex, words_of
from tests.pictures import photographs

Hashes = npt.NDArray[np.uint64]

SIZE = 100_000
ALONE = 1_000
"""A row that no other is like."""
pytestmark = pytest.mark.slow  # the same on every database


def random_hashes(count: int, *, seed: int) -> Hashes:
    return np.random.default_rng(seed).integers(0, 2**64, (count, 4), dtype=np.uint64)


def flipped(words: Hashes, bits: npt.ArrayLike) -> Hashes:
    """A copy with these of 256 bits turned over; bit 64 is the lowest of the second word."""
    changed = words.copy()
    for bit in np.asarray(bits):
        changed[bit >> 6] ^= np.uint64(1) << np.uint64(bit & 63)
    return changed


def near(words: Hashes, bits: int, *, seed: int) -> Hashes:
    return flipped(words, np.random.default_rng(seed).choice(256, bits, replace=False))


def measured(hashes: Hashes, wanted: Hashes, within: int = 31) -> list[tuple[int, int]]:
    """`(row, distance)` of every neighbour, by measuring all."""
    distances = np.bitwise_count(hashes ^ wanted).sum(axis=1, dtype=np.int64)
    return sorted(((int(row), int(distances[row])) for row in np.flatnonzero(distances <= within)), key=by_distance)


def by_distance(match: tuple[int, int]) -> tuple[int, int]:
    return match[1], match[0]


def asked(searched: PdqIndex, wanted: Hashes, within: int = 31, *, turned: bool = False) -> list[tuple[int, int]]:
    rows, distances = searched.query(wanted, within=within, turned=turned)
    return list(zip(rows.tolist(), distances.tolist(), strict=True))


@pytest.fixture(scope="module")
def hashes() -> Hashes:
    """Half random; a quarter in clusters of up to 40 bits around 50 centres; a quarter that share four of eleven bands,
    so that the bands tell little; some many times over."""
    made = random_hashes(SIZE, seed=1)
    rng = np.random.default_rng(2)
    centres = made[rng.integers(0, 50, SIZE // 4)]
    noise = [np.bitwise_and.reduce(random_hashes(3 * (SIZE // 4), seed=3 + turn).reshape(3, -1, 4)) for turn in (0, 1)]
    made[SIZE // 2 : SIZE // 4 * 3] = centres ^ (noise[0] & noise[1])
    made[SIZE // 4 * 3 :, :2] = made[0, :2]
    made[-20:] = made[7]
    return made


@pytest.fixture(scope="module")
def built(hashes: Hashes) -> PdqIndex:
    return PdqIndex.build(hashes)


def test_bands_cover_every_bit_once_and_leave_no_distance_uncovered():
    assert bands.STARTS.tolist() == [0, *np.cumsum(bands.WIDTHS)[:-1].tolist()]
    assert bands.WIDTHS.sum() == 256
    assert (bands.FLIPS + 1).sum() == bands.WITHIN + 1


@pytest.mark.skipif(not compiling.AVAILABLE, reason="numba is not installed, so there are no bands")
def test_the_large_index_has_bands(built):
    assert len(built._groups) == bands.GROUPS + 1


def test_query_finds_planted_neighbours_at_every_distance_and_none_beyond(built, hashes):
    for row, distance in enumerate(range(38)):
        wanted = near(hashes[row], distance, seed=100 + distance)

        assert asked(built, wanted) == measured(hashes, wanted)
        assert ((row, distance) in asked(built, wanted)) is (distance <= 31)


def test_query_finds_neighbours_whose_flips_are_spread_as_badly_as_can_be(hashes):
    """31 flips laid so that only one band may betray the row: one flip too many in each of the others."""
    rows = hashes[:6_000]
    searched = PdqIndex.build(rows)
    for alone in range(bands.COUNT):
        flips = [bands.FLIPS[band] + (band != alone) for band in range(bands.COUNT)]
        bits = np.concatenate([start + 3 + 7 * np.arange(n) for start, n in zip(bands.STARTS, flips, strict=True)])
        wanted = flipped(rows[alone], bits)

        assert len(bits) == 31
        assert asked(searched, wanted) == measured(rows, wanted)
        assert (alone, 31) in asked(searched, wanted)


def test_query_among_hashes_that_are_alike_equals_measuring(built, hashes):
    for row in range(SIZE // 2, SIZE, SIZE // 97):
        wanted = near(hashes[row], row % 30, seed=row)

        assert asked(built, wanted) == measured(hashes, wanted)


def test_query_within_fewer_bits_returns_those_only(built, hashes):
    wanted = near(hashes[SIZE - 1], 6, seed=5)
    for within in (0, 5, 6, 30):
        assert asked(built, wanted, within=within) == measured(hashes, wanted, within)


@pytest.mark.parametrize("within", [-1, 32])
def test_query_at_a_distance_that_could_miss_some_is_refused(built, hashes, within):
    with pytest.raises(ValueError, match="0 to 31"):
        built.query(hashes[0], within=within)


@pytest.mark.parametrize("wanted", [np.zeros(3, np.uint64), np.zeros(4, np.int64), np.zeros(8, np.uint64)])
def test_query_of_another_shape_is_refused(built, wanted):
    with pytest.raises(ValueError, match="uint64"):
        built.query(wanted)


def test_an_empty_index_finds_nothing():
    assert asked(PdqIndex.build(np.empty((0, 4), np.uint64)), np.zeros(4, np.uint64)) == []


# --- keeping in step --------------------------------------------------------------------------------------------


@given(
    deeds=st.lists(
        st.tuples(st.sampled_from(["add", "remove", "merge"]), st.integers(0, 9), st.integers(0, 33)), max_size=12
    ),
    banded=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_index_in_step_answers_like_a_plain_list(deeds, banded):
    """Whatever came, went and was merged, all centres are answered as by measuring what is left."""
    centres = random_hashes(10, seed=8)
    searched = PdqIndex.build(centres, banded_from=0 if banded else 1_000_000, threads=1)
    model = dict(enumerate(centres))
    for step, (deed, which, distance) in enumerate(deeds):
        if deed == "add":
            more = near(centres[which], distance, seed=step)
            model[searched.add(more.reshape(1, 4))] = more
        elif deed == "remove":
            row = which * searched.next_row // 10
            assert searched.remove(row) is (model.pop(row, None) is not None)
        else:
            searched, old = searched.merged(threads=1)
            model = {new: model[row] for new, row in enumerate(old.tolist())}

    assert len(searched) == len(model)
    for centre in centres:
        rows, left = list(model), np.array(list(model.values()), dtype=np.uint64).reshape(-1, 4)
        expected = [(rows[row], distance) for row, distance in measured(left, centre)]
        assert asked(searched, centre) == sorted(expected, key=by_distance)


def test_add_past_every_limit_of_the_room_keeps_row_numbers(hashes):
    searched = PdqIndex.build(hashes[:3])
    firsts = [searched.add(hashes[start : start + 500]) for start in range(3, 5_003, 500)]

    assert firsts == list(range(3, 5_003, 500))
    assert asked(searched, hashes[4_999]) == measured(hashes[:5_003], hashes[4_999])


def test_remove_of_a_row_that_never_was_is_refused(hashes):
    searched = PdqIndex.build(hashes[:3])
    for row in (-1, 3):
        with pytest.raises(IndexError):
            searched.remove(row)


def test_merged_forgets_removed_hashes_altogether(hashes):
    searched = PdqIndex.build(hashes[:50])
    searched.add(hashes[50:60])
    for row in (4, 55):
        searched.remove(row)

    fresh, old = searched.merged()

    assert old.tolist() == [row for row in range(60) if row not in (4, 55)]
    assert fresh._hashes.tolist() == hashes[old].tolist()
    assert (fresh.pending, len(fresh)) == (0, 58)


# --- on disk ----------------------------------------------------------------------------------------------------


def test_loaded_index_answers_like_the_saved_one_and_stays_in_step(built, hashes, tmp_path):
    built.save(tmp_path / "index")
    loaded = PdqIndex.load(tmp_path / "index")
    wanted = near(hashes[ALONE], 20, seed=1)
    row = loaded.add(wanted.reshape(1, 4))
    loaded.remove(ALONE)

    assert asked(loaded, wanted) == [(row, 0)]
    assert asked(built, wanted) == [(ALONE, 20)]
    assert (tmp_path / "index").stat().st_mode & 0o777 == 0o700
    assert [path.name for path in tmp_path.iterdir()] == ["index"]


def _ask_in_another_process(folder, wanted, answers):
    answers.put(asked(PdqIndex.load(folder), wanted))


def test_several_processes_ask_one_saved_index(built, hashes, tmp_path):
    built.save(tmp_path / "index")
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    arguments = (tmp_path / "index", hashes[9], answers)
    others = [context.Process(target=_ask_in_another_process, args=arguments) for _ in range(2)]
    for other in others:
        other.start()
    told = [answers.get(timeout=120) for _ in others]
    for other in others:
        other.join()

    assert told == [measured(hashes, hashes[9])] * 2


def test_save_refuses_while_something_is_pending_and_over_another(hashes, tmp_path):
    searched = PdqIndex.build(hashes[:10])
    searched.save(tmp_path / "index")
    with pytest.raises(FileExistsError):
        searched.save(tmp_path / "index")
    searched.remove(1)
    with pytest.raises(ValueError, match="pending"):
        searched.save(tmp_path / "other")


@pytest.mark.parametrize("name", ["hashes.npy", "groups.npy", "rows.npy"])
@pytest.mark.parametrize("harm", ["missing", "cut off", "of another index"])
def test_load_refuses_a_harmed_folder(built, hashes, tmp_path, name, harm):
    if len(built._groups) == 0:
        pytest.skip("without bands there is nothing to harm")
    built.save(tmp_path / "index")
    harmed = tmp_path / "index" / name
    if harm == "missing":
        harmed.unlink()
    elif harm == "cut off":
        os.truncate(harmed, harmed.stat().st_size // 2)
    else:
        PdqIndex.build(hashes[:6_000]).save(tmp_path / "other")
        (tmp_path / "other" / name).replace(harmed)

    with pytest.raises(IndexUnreadable):
        PdqIndex.load(tmp_path / "index")


# --- without numba ----------------------------------------------------------------------------------------------


def test_without_numba_the_answers_are_the_same(built, hashes, monkeypatch):
    monkeypatch.setattr(compiling, "AVAILABLE", False)
    plain = PdqIndex.build(hashes)
    questions = [near(hashes[row], row % 34, seed=row) for row in range(0, SIZE, SIZE // 20)]
    answers = [asked(plain, wanted) for wanted in questions]
    monkeypatch.undo()

    assert len(plain._groups) == 0
    assert answers == [asked(built, wanted) for wanted in questions]


def test_compiled_code_is_not_kept_where_nothing_can_be_written(tmp_path):
    (tmp_path / "file").write_text("")

    assert compiling.can_keep(tmp_path / "new")
    assert not compiling.can_keep(tmp_path / "file" / "below")


# --- values and turns -------------------------------------------------------------------------------------------


def test_words_of_puts_the_most_significant_first():
    value = "8000000000000001" + "0" * 32 + "00000000000000ff"

    assert words_of([value]).tolist() == [[2**63 + 1, 0, 0, 255]]
    assert words_of([]).shape == (0, 4)


@pytest.mark.parametrize("value", ["", "0" * 63, "0" * 65, "g" * 64, " " * 2 + "0" * 62])
def test_words_of_refuses_what_is_no_hash(value):
    with pytest.raises(ValueError):
        words_of([value])


TURNS = [
    lambda picture: picture,
    ImageOps.mirror,
    ImageOps.flip,
    lambda picture: picture.rotate(180),
    *[
        lambda picture, turn=turn: picture.transpose(turn)
        for turn in (
            Image.Transpose.TRANSPOSE,
            Image.Transpose.ROTATE_270,
            Image.Transpose.ROTATE_90,
            Image.Transpose.TRANSVERSE,
        )
    ],
]


FINE = {"brick.png", "grass.png", "gravel.png", "page.png", "text.png"}
"""Regular texture and print: PDQ samples a little off the middle, which tells when such a picture is mirrored."""


def test_symmetries_are_near_the_hashes_of_the_turned_pictures():
    pictures = [(name, picture) for name, picture in photographs() if name not in FINE]
    for name, picture in pictures:
        found = symmetries(words_of([pdq_of_image(picture).value])[0])
        turned = words_of([pdq_of_image(turn(picture)).value for turn in TURNS])

        assert (name, np.bitwise_count(found ^ turned).sum(axis=1).max() <= 31) == (name, True)
        assert found[[0, 4]].tolist() == turned[[0, 4]].tolist()
    if not pictures:
        pytest.skip("scikit-image, which ships the photographs, is not installed")


def test_symmetries_differ_from_one_another(hashes):
    for one, other in combinations(symmetries(hashes[0]), 2):
        assert np.bitwise_count(one ^ other).sum() > 31


def test_turned_query_finds_a_mirrored_picture(built, hashes):
    wanted = near(symmetries(hashes[ALONE])[5], 9, seed=4)

    assert asked(built, wanted) == []
    assert asked(built, wanted, turned=True) == [(ALONE, 9)]
