"""The typefaces of pages and files: what they can write, where they are kept, and that nobody has to have them."""

import base64
import io
import re
from pathlib import Path

import pytest
from fontTools.ttLib import TTFont

import comity
from comity.review import fonts

SOURCE = Path(comity.__file__).parent
SANS, SERIF = fonts.FONTS
WRITTEN = [
    *SOURCE.glob("apps/*/templates/**/*.html"),
    *SOURCE.glob("web/templates/**/*.html"),
    *SOURCE.glob("review/templates/*.html"),
    *SOURCE.glob("apps/*/words/*.toml"),
    *SOURCE.glob("review/i18n/*.toml"),
    *SOURCE.glob("review/draw/*.py"),
]


def opened(font, weight=None):
    return TTFont(io.BytesIO((fonts.prepare() / fonts.file_name(font, weight)).read_bytes()))


def test_every_sign_of_our_pages_and_sentences_is_in_the_typeface():
    signs = {sign for file in WRITTEN for sign in file.read_text(encoding="utf-8")} - {"\n"}
    assert {"►", "→", "\u2212", "ñ", "“"} <= signs
    assert {sign for sign in signs if ord(sign) not in opened(SANS).getBestCmap()} == set()


@pytest.mark.parametrize("font", fonts.FONTS, ids=lambda font: font.family)
def test_names_and_sentences_of_both_languages_can_be_written(font):
    words = "¿Año? ¡Sí! €1 234,50 \u2212 12 % “as reported” \u2039 \u203a … Łukasz Dvořák Ștefan Çelik Gößner"
    known = opened(font).getBestCmap()
    assert {sign for sign in words if ord(sign) not in known} == set()
    assert 0x2060 in known  # the word joiner after a sign: else paper takes it from another font


@pytest.mark.parametrize("font", fonts.FONTS, ids=lambda font: font.family)
def test_digits_can_stand_in_columns_and_weights_are_those_of_the_pages(font):
    made = opened(font)
    assert "tnum" in {one.FeatureTag for one in made["GSUB"].table.FeatureList.FeatureRecord}
    assert [(axis.axisTag, axis.minValue, axis.maxValue) for axis in made["fvar"].axes] == [("wght", 400, 700)]
    for weight in font.weights:
        assert "fvar" not in opened(font, weight)


def test_what_is_made_of_source_serif_bears_another_name_and_keeps_its_licence():
    names = {record.nameID: str(record) for record in opened(SERIF)["name"].names}
    assert {names[number] for number in (1, 4)} == {"Comity Serif"}
    assert "Source" not in names[6]
    assert "Open Font License" in names[13]


@pytest.mark.long
@pytest.mark.gate
def test_the_same_packages_give_the_same_bytes():
    made = dict(fonts.make_subsets(SANS))
    assert all(content == (fonts.prepare() / fonts.file_name(SANS, one)).read_bytes() for one, content in made.items())


def test_where_the_cache_is_closed_they_lie_elsewhere(monkeypatch, tmp_path):
    made = {fonts.file_name(font, one): one for font in fonts.FONTS for one in (None, *font.weights)}
    monkeypatch.setattr(fonts, "make_subsets", lambda font: [(one, b"font") for one in (None, *font.weights)])
    (tmp_path / "file").write_text("")
    monkeypatch.setenv(fonts.FOLDER_SETTING, str(tmp_path / "file" / "below"))
    place = fonts.prepare()
    assert {file.name for file in place.iterdir()} == {*made, fonts.STYLESHEET}
    assert fonts.prepare() == place


def test_another_subset_has_another_address(monkeypatch):
    before = fonts.file_name.__wrapped__(SANS)
    monkeypatch.setattr(fonts, "CHARACTERS", fonts.CHARACTERS[1:])
    assert fonts.file_name.__wrapped__(SANS) != before


def test_a_page_as_a_file_holds_its_typefaces():
    held = re.findall(r'font-family: "([^"]+)".*?url\("data:font/woff2;base64,([^"]+)"\)', fonts.embedded())
    assert [family for family, _ in held] == ["Inter", "Comity Serif"]
    assert len(fonts.embedded()) < 120_000


def test_paper_holds_each_weight_unpacked_as_a_screen_has_it_packed():
    """WeasyPrint would unpack what is packed for every file anew."""
    faces = re.findall(r'url\("data:font/ttf;base64,([^"]+)"\) format\("truetype"\)', fonts.embedded(paper=True))
    assert len(faces) == sum(len(font.weights) for font in fonts.FONTS)
    files = [base64.b64decode(face) for face in faces]
    assert {file[:4] for file in files} == {b"\0\1\0\0"}  # of TrueType outlines, in no wrapping
    packed = [opened(font, weight) for font in fonts.FONTS for weight in font.weights]
    for file, one in zip(files, packed, strict=True):
        unpacked = TTFont(io.BytesIO(file))
        assert unpacked.getBestCmap() == one.getBestCmap()
        assert unpacked["OS/2"].usWeightClass == one["OS/2"].usWeightClass


def test_what_is_prepared_is_known_to_be(monkeypatch, tmp_path):
    monkeypatch.setattr(fonts, "make_subsets", lambda font: [(one, b"font") for one in (None, *font.weights)])
    monkeypatch.setenv(fonts.FOLDER_SETTING, str(tmp_path))
    assert not fonts.are_prepared()
    fonts.prepare()
    assert fonts.are_prepared()
    (tmp_path / fonts.file_name(SANS)).unlink()
    assert not fonts.are_prepared()
