"""The reporter's pages in each language: found from every page, kept on errors, stored nowhere, in both directions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.db import OperationalError
from django.test import Client
from django.utils import translation

from matching import readers
from submissions import demonstration
from tests.submissions.conftest import Reporter
from tests.submissions.test_pages import OF_A_CASE, OPEN_TO_ALL, unlocked

pytestmark = pytest.mark.django_db

NAMES = {"en": ("English", "ltr"), "es": ("Español", "ltr"), "ar": ("العربية", "rtl")}
LINK = re.compile(r'<a href="([^"]*)" lang="(\w+)" hreflang="(\w+)" dir="(\w+)">([^<]*)</a>')
# Properties and values that name a side; in Arabic the other one is meant.
SIDED = re.compile(
    r"(?<![\w-])(left|right|(margin|padding|border|inset|scroll-margin|scroll-padding)-(left|right)[\w-]*|"
    r"border-(top|bottom)-(left|right)-radius)\s*:|(float|clear|text-align|caption-side)\s*:\s*(left|right)"
)


def links(html: str) -> dict[str, str]:
    """Where each other language leads, each named in its own words and direction."""
    found: dict[str, str] = {}
    for url, lang, hreflang, direction, name in LINK.findall(html):
        assert (lang, name, direction) == (hreflang, *NAMES[lang])
        assert found.setdefault(lang, url) == url  # at the top of the first page and at its foot
    return found


def check_language(html: str, code: str) -> None:
    assert f'<html lang="{code}" dir="{NAMES[code][1]}">' in html
    name, direction = NAMES[code]
    assert f'<b lang="{code}" dir="{direction}" aria-current="true">{name}</b>' in html


@pytest.mark.parametrize("code", NAMES)
def test_every_page_leads_to_itself_in_the_other_languages(client: Client, reporter: Reporter, code: str):
    demonstration.seed()
    others = NAMES.keys() - {code}
    for path in OPEN_TO_ALL:
        response = client.get(f"/{code}/{path}")
        html = response.content.decode()
        check_language(html, code)
        kept = "" if path == "nothing/" else path
        assert links(html) == {other: f"/{other}/{kept}" for other in others}
        assert not response.cookies
    unlocked(client, reporter)
    for path in OF_A_CASE:
        html = client.get(f"/{code}/{path}").content.decode()
        assert links(html) == {other: f"/{other}/{path}" for other in others}
    assert list(client.cookies) == ["visit"]  # and it holds no language


def test_what_was_typed_wrong_can_be_read_in_another_language(client: Client):
    html = client.post("/ar/code/", {"number": "1", "pin": "2"}).content.decode()
    check_language(html, "ar")
    assert "يتكوّن PIN من 8 أرقام" in html
    assert links(html)["es"] == "/es/code/"


def test_what_is_missing_is_asked_for_in_words_of_ours(client: Client):
    html = client.post("/es/code/", {"number": "", "pin": "1" * 41}).content.decode()
    assert "Por favor, escribe tu número de caso." in html
    assert "El PIN tiene 8 cifras." in html


def test_a_message_too_long_or_empty_comes_back_with_what_to_do(client: Client, reporter: Reporter):
    unlocked(client, reporter)
    assert "escribe primero tu mensaje" in client.post("/es/case/messages/", {"text": ""}).content.decode()
    html = client.post("/es/case/messages/", {"text": "a" * 1001}).content.decode()
    assert "dilo en 1000 letras o menos" in html


def test_the_browser_chooses_at_the_front_door_only(client: Client):
    spanish = {"Accept-Language": "es-MX,es;q=0.9,en;q=0.5"}
    assert client.get("/", headers=spanish)["Location"] == "/es/"
    assert client.get("/", headers={"Accept-Language": "xx"})["Location"] == "/en/"
    assert "العربية" in client.get("/en/", headers=spanish).content.decode()
    check_language(client.get("/en/", headers=spanish).content.decode(), "en")
    check_language(client.get("/nothing/", headers=spanish).content.decode(), "es")


def test_errors_speak_the_language_of_their_address(client: Client, monkeypatch: pytest.MonkeyPatch):
    def away() -> None:
        raise OperationalError

    monkeypatch.setattr(readers, "public", away)
    client.raise_request_exception = False
    answers = {
        400: client.get("/ar/code/?number=1"),
        403: client.post("/ar/code/", headers={"Origin": "https://evil.example"}),
        404: client.get("/ar/pick/d/"),
        503: client.get("/ar/"),
    }
    for status, response in answers.items():
        html = response.content.decode()
        assert response.status_code == status
        check_language(html, "ar")
        assert set(links(html)) == {"en", "es"}
        assert '<a class="button" href="/ar/">' in html  # not the front door, which would ask the browser


def test_an_error_before_any_language_was_chosen_forgets_the_last_readers(client: Client):
    translation.activate("ar")  # as an earlier request leaves it in its thread
    html = client.get("/es/", headers={"Host": "evil.example"}).content.decode()
    check_language(html, "es")
    translation.activate("ar")
    check_language(client.get("/", headers={"Host": "evil.example"}).content.decode(), "en")


def test_staff_read_english(client: Client):
    client.get("/ar/")
    html = client.get("/accounts/login/", headers={"Accept-Language": "ar"}).content.decode()
    assert '<html lang="en" dir="ltr">' in html
    assert "For members of a platform, and for staff" in html


@pytest.mark.parametrize(
    "address",
    ["//[::1/en/", "/en//evil.example/", "/ar/%2F%2Fevil.example/", "/en/have/a%0d%0aSet-Cookie:x/", "/en/pick/%00/",
     "/xx/", "/ar", "/en/now/x/١/", f"/ar/now/x/{10**400}/", "/en/<script>/", "/en/have/%ff%fe/", "/en/../ar/help/"],
)  # fmt: skip
def test_hostile_addresses_lead_nowhere_and_are_not_repeated(client: Client, address: str):
    response = client.get("/en/", PATH_INFO=address) if address.startswith("//") else client.get(address)
    if response.status_code in {301, 302}:
        assert re.fullmatch(r"/[a-z]{2}(/[a-z]+)*/", response["Location"])
        return
    html = response.content.decode()
    assert response.status_code == 404
    assert all(re.fullmatch(r"/(en|es|ar)/(now/x/\d+/)?", url) for url in links(html).values())
    assert "evil" not in html
    assert "<script>" not in html


def test_nothing_of_a_query_travels_on(client: Client):
    html = client.get("/en/help/?next=//evil.example/&number=XXXX").content.decode()
    assert links(html) == {"es": "/es/help/", "ar": "/ar/help/"}
    assert "evil" not in html


def test_codes_and_numbers_run_from_left_to_right_in_arabic(client: Client):
    demonstration.seed()
    fields = re.findall(r"<input[^>]*>", client.get("/ar/code/").content.decode())
    assert len(fields) == 2
    assert all('dir="ltr"' in field for field in fields)
    pick = client.get("/ar/pick/a/").content.decode()
    for part in ("<dd dir=\"ltr\" data-number", "<dd dir=\"ltr\" data-pin", '<input id="typed-number" dir="ltr"',
                 '<input id="typed-pin" dir="ltr"', '<pre dir="ltr"'):  # fmt: skip
        assert part in pick
    assert '<a href="tel:988" dir="ltr">988</a>' in client.get("/ar/help/").content.decode()


def test_rows_of_the_demonstration_are_translated_and_staffs_own_stay(client: Client):
    demonstration.seed()
    from submissions.models import Helpline

    Helpline.objects.filter(name="ANAR").update(note="Written by staff.", country_name="Atlantis")
    html = client.get("/es/help/").content.decode()
    assert "<summary>Estados Unidos</summary>" in html
    assert "Envía HOLA al 741741" in html
    assert "Atlantis" in html
    assert "Written by staff." in html


def test_no_style_sheet_names_a_side(repository: Path):
    sheets = [path for room in ("takeitdown", "submissions", "partners") for path in (repository / room).rglob("*.css")
              if "node_modules" not in path.parts]  # fmt: skip
    assert {path.name for path in sheets} >= {"site.css", "partners.css"}
    assert {path.name: found.group() for path in sheets for found in SIDED.finditer(path.read_text())} == {}
    for wrong in ("margin-left: 1rem", "p{left:0}", "text-align: right", "border-top-left-radius: 1px"):
        assert SIDED.search(wrong)
