"""The words themselves: short enough for a ten-year-old. The pages: light enough for an old phone."""

from __future__ import annotations

import gzip
import hashlib
import html
import re
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.utils import translation
from django.utils.translation import gettext

from submissions import demonstration, errors, page_words, served_scripts, status
from takeitdown.errors import Refused
from tests.submissions.conftest import Reporter
from tests.submissions.test_pages import OF_A_CASE, OPEN_TO_ALL, unlocked

pytestmark = pytest.mark.django_db
MOST_GRADE = 6
LEAST_EASE = 75  # Fernández Huerta's scale: 80 to 90 is read with ease at ten, 70 to 80 at eleven or twelve
MOST_BYTES = 60_000
FOR_PLATFORMS = {"taking-part/"}  # read by people who run one
FEWEST_WORDS = 4  # headings and buttons would make every text look easy


def syllables(word: str) -> int:
    """A good guess: groups of vowels, without the silent e at the end."""
    word = re.sub(r"(?<=[^aeiouyl])e$|(?<=[^td])ed$", "", word.lower())
    return max(1, len(re.findall(r"[aeiouy]+", word)))


def grade(text: str) -> float:
    """Flesch–Kincaid: the school year in which a text is read with ease."""
    split = [re.findall(r"[A-Za-z'’]+", part) for part in re.split(r"[.!?:\n]+", text)]
    sentences = [words for words in split if len(words) >= FEWEST_WORDS]
    words = [word for sentence in sentences for word in sentence]
    return 0.39 * len(words) / len(sentences) + 11.8 * sum(map(syllables, words)) / len(words) - 15.59


def spanish_syllables(word: str) -> int:
    """Strong vowels and accented weak ones; a weak one counts where it stands alone."""
    word = re.sub(r"qu(?=[eiéí])", "k", re.sub(r"gu(?=[eiéí])", "g", word.lower()))
    return max(1, len(re.findall(r"[aeoáéóíú]|(?<![aeoáéóiuü])[iuü](?![aeoáéó])|\by$", word)))


def ease(text: str) -> float:
    """How easily a Spanish text is read, by Fernández Huerta's formula: the higher the easier."""
    split = [re.findall(r"[A-Za-zÁÉÍÓÚÜÑáéíóúüñ]+", part) for part in re.split(r"[.!?:\n]+", text)]
    sentences = [words for words in split if len(words) >= FEWEST_WORDS]
    words = [word for sentence in sentences for word in sentence]
    return 206.84 - 60 * sum(map(spanish_syllables, words)) / len(words) - 1.02 * len(words) / len(sentences)


def prose(page: str) -> str:
    """What is read on a page; every block ends a sentence."""
    main = re.sub(
        r"<(script|pre|code|template)\b.*?</\1>", "", page[page.index("<main") : page.index("</main>")], flags=re.S
    )
    return html.unescape(re.sub(r"<[^>]+>", " ", re.sub(r"</(p|li|h\d|dt|dd|label|a|summary|button)>", "\n", main)))


def read_by_reporters(client: Client, reporter: Reporter, language: str) -> dict[str, str]:
    """What stands on each page, and under the name `said` what scripts and refusals say."""
    demonstration.seed()
    with translation.override(language):
        refusals = [
            kind.default_detail
            for kind in vars(errors).values()
            if isinstance(kind, type) and issubclass(kind, Refused)
        ]
        said = [*page_words.report_words().values(), *map(str, status.FILE_WORDS.values()), *map(gettext, refusals)]
    open_to_all = [path for path in OPEN_TO_ALL if path not in FOR_PLATFORMS]
    pages = {path: prose(client.get(f"/{language}/{path}").content.decode()) for path in open_to_all}
    unlocked(client, reporter)
    pages |= {path: prose(client.get(f"/{language}/{path}").content.decode()) for path in OF_A_CASE}
    return {**pages, "said": "\n".join(said)}


def test_reading_age_of_the_english_copy(client: Client, reporter: Reporter):
    texts = read_by_reporters(client, reporter, "en")
    whole = grade("\n".join(texts.values()))
    grades = {path: grade(text) for path, text in texts.items() if path != "said"}

    hardest = sorted(grades, key=grades.__getitem__)[-3:]
    print(
        f"reading grade of the English copy: {whole:.1f}; hardest:",
        [(path, round(grades[path], 1)) for path in hardest],
    )
    assert whole <= MOST_GRADE
    assert {path: value for path, value in grades.items() if value > MOST_GRADE} == {}


def test_ease_of_the_spanish_copy(client: Client, reporter: Reporter):
    words = ["huella", "digital", "guerra", "fotografía", "cuenta", "queremos", "ciudad", "muy"]
    assert [spanish_syllables(word) for word in words] == [2, 3, 2, 5, 2, 3, 2, 1]
    grades = {path: ease(text) for path, text in read_by_reporters(client, reporter, "es").items()}
    print("ease of the Spanish copy, hardest:", sorted((round(value, 1), path) for path, value in grades.items())[:3])
    assert {path: value for path, value in grades.items() if value < LEAST_EASE} == {}


def test_the_first_page_is_light(client: Client):
    page = client.get("/en/").content
    weights = {"page": len(gzip.compress(page))}
    for address in re.findall(r'(?:href|src)="/static/([^"]+)"', page.decode()):
        weights[address] = len(gzip.compress(Path(str(finders.find(address))).read_bytes()))
    print("first page, compressed:", weights, sum(weights.values()))
    assert {"site.css", "submissions/js/exit.js"} < set(weights)
    assert sum(weights.values()) <= MOST_BYTES


def test_the_page_for_checking_shows_the_digest_of_each_script_as_it_is_served(client: Client):
    served_scripts.digests.cache_clear()  # set-up may have built the worker anew since an earlier test
    scripts = served_scripts.digests()
    names = {script.url.rpartition("/")[2] for script in scripts}
    assert {"exit.js", "report.js", "send.js", "file-list.js", "picked-files.js", "fingerprinting.js", "receipt.js",
            "code-check.js"} <= names  # fmt: skip
    shown = client.get("/en/check/").content.decode()
    for script in scripts:
        served = b"".join(client.get(script.url).streaming_content)  # type: ignore[attr-defined]
        assert (script.url, hashlib.sha256(served).hexdigest()) == (script.url, script.sha256)
        assert script.sha256 in shown
