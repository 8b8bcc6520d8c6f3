"""The self-test's pictures: harmless, far apart, the same every time, and with distances that are true."""

from __future__ import annotations

import collections
import io
import itertools
import re
import zipfile

import pytest
from PIL import Image

from matching.hashing.pdq import pdq_of_image
from matching.signal_types import distance
from partners import picture_archive, sandbox, tasks
from partners.errors import PicturesBeingMade
from partners.models import Partner
from partners.test_pictures import making
from partners.test_pictures.edits import EDITS
from partners.test_pictures.making import DECOYS, FILES, ORIGINALS, UNCHANGED
from takeitdown.celery import app


@pytest.fixture(scope="module")
def found(archive) -> dict[str, str]:
    """The PDQ of every file in the archive, in its order."""
    with zipfile.ZipFile(archive.path) as files:
        return {name: pdq_of_image(Image.open(io.BytesIO(files.read(name)))).value for name in files.namelist()}


def test_archive_is_what_its_key_says(archive, found):
    key = archive.key

    assert [file.name for file in key.files] == list(found)
    counts = collections.Counter(file.picture for file in key.files)
    assert [counts.pop(number) for number in range(ORIGINALS)] == [len(EDITS) + 1] * ORIGINALS
    assert counts == {None: DECOYS}
    for file in key.files:
        if file.picture is not None:
            assert distance(key.originals[file.picture].pdq, found[file.name]) == file.distance
    assert {file.distance for file in key.files if file.edit == UNCHANGED} == {0}
    assert (key.sha256, key.size) == (making.sha256_of(archive.path), archive.path.stat().st_size)


def test_originals_are_rich_and_far_from_each_other_and_from_every_decoy(archive, found):
    drawn = [pdq_of_image(making.draw_original(number)) for number in range(ORIGINALS)]
    decoys = [found[file.name] for file in archive.key.files if file.picture is None]

    assert min(hashed.quality for hashed in drawn) >= 80
    assert [hashed.value for hashed in drawn] == [original.pdq for original in archive.key.originals]
    apart = [distance(one.value, other.value) for one, other in itertools.combinations(drawn, 2)]
    assert min(apart) > 62  # twice what counts as a match
    assert min(distance(hashed.value, decoy) for hashed in drawn for decoy in decoys) > 62


def test_edits_cover_what_must_be_caught_and_what_cannot_be(archive):
    near = collections.defaultdict(list)
    for file in archive.key.files:
        if file.distance is not None:
            near[file.edit].append(file.distance <= 31)

    assert len(EDITS) == 40
    assert sum(map(sum, near.values())) >= 200
    never = {"mirrored", "turned by 90°", "turned by 180°", "cropped to half", "screenshot of a phone"}
    assert {edit for edit in never if any(near[edit])} == set()
    assert all(near["JPEG, quality 15"])


def test_names_tell_nothing(archive):
    names = [file.name for file in archive.key.files]
    kinds = collections.defaultdict(set)
    for file in archive.key.files:
        kinds[file.picture].add(file.name.rpartition(".")[2])

    assert all(re.fullmatch(r"[0-9]{3}\.(jpg|png|webp|gif|bmp)", name) for name in names)
    assert kinds[None] == {"jpg", "webp", "gif"}
    order = [file.picture for file in archive.key.files]
    assert sum(one == other for one, other in itertools.pairwise(order)) < FILES / 4  # 45 by chance


def test_missing_archive_is_refused_with_how_far_it_is(tmp_path, settings):
    settings.VAR = tmp_path
    folder = tmp_path / "self-test"
    folder.mkdir()
    (folder / f"pictures-{making.VERSION}.progress").write_text("17")

    with pytest.raises(PicturesBeingMade) as refusal:
        picture_archive.archive()
    assert refusal.value.members == {"done": 17, "of": FILES}


def test_two_makers_do_not_meet(tmp_path, settings):
    settings.VAR = tmp_path
    (tmp_path / "self-test").mkdir()

    with picture_archive._only_one() as first:
        assert first is not None
        assert picture_archive.make_if_missing() is False


@pytest.mark.django_db
def test_worker_makes_the_archive_once_there_is_a_sandbox_and_the_same_again(tmp_path, settings, sequencer, archive):
    settings.VAR = tmp_path
    assert (tasks.make_test_pictures(), list(tmp_path.glob("self-test"))) == (False, [])

    sandbox.open_sandbox(Partner.objects.create(name="Platform", code="platform", group="platform"))

    assert (tasks.make_test_pictures(), tasks.make_test_pictures()) == (True, False)
    again = picture_archive.archive()
    assert (again.key, again.path.read_bytes()) == (archive.key, archive.path.read_bytes())
    assert again.key.originals == making.originals()
    assert again.path.with_suffix(".progress").read_text() == str(FILES)
    assert {path.suffix for path in (tmp_path / "self-test").iterdir()} == {".zip", ".json", ".progress"}
    again.path.unlink()
    with pytest.raises(PicturesBeingMade):
        picture_archive.archive()
    assert {"partners.make_test_pictures", "partners.close_self_tests"} <= {
        timed["task"] for timed in app.conf.beat_schedule.values()
    }
