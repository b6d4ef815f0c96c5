"""The review as a PDF: A4 landscape, with text and a running foot, the same bytes for the same review."""

import builtins
import importlib
import io
import re
from datetime import date
from functools import cache

import pytest

from comity.book.logos import decode_logo
from comity.core.values import Side
from comity.review.i18n.words import words_of
from comity.review.proceedings import AskedMatter, Confirmation, Proceedings
from comity.review.render import html, render
from comity.review.render.errors import PdfUnavailableError
from tests.builders import logos
from tests.builders import review as sample
from tests.builders.attribution import build_attribution

pytestmark = pytest.mark.gate

A4 = (841.89, 595.28)  # points, landscape


@pytest.fixture(scope="module", autouse=True)
def _pango():
    try:
        importlib.import_module("weasyprint")
    except OSError:
        pytest.skip("the system library pango is not here, so no PDF can be made")


@cache
def made(form, logos=False):
    """The sample as a file. Setting one takes seconds, and the same review gives the same bytes."""
    return render(sample.review(), form, logos=LOGOS if logos else None)


@pytest.fixture(scope="module")
def rich():
    return made("pdf")


def pages(written):
    import pypdf

    return pypdf.PdfReader(io.BytesIO(written)).pages


@pytest.mark.long
def test_every_page_is_a4_landscape(rich):
    for page in pages(rich):
        assert (float(page.mediabox.width), float(page.mediabox.height)) == pytest.approx(A4, abs=0.5)


def test_each_page_has_a_running_foot_with_names_period_eyes_and_number(rich):
    read = pages(rich)
    for number, page in enumerate(read, 1):
        text = page.extract_text()
        assert "Northwind Energy with Helpline · Review of Q2" in text
        assert "joint view" in text
        assert f"{number} of {len(read)}" in text


def test_the_review_comes_first_and_the_digest_last(rich):
    read = [page.extract_text() for page in pages(rich)]
    assert "Levels against" in read[0]
    assert "only looks higher" in read[0].replace("\n", " ")
    assert "9f3c41aa07d2" in read[-1]


def test_a_pdf_speaks_spanish():
    text = "".join(page.extract_text() for page in pages(render(sample.bare(), "pdf", "es")))
    assert "Lecturas" in text


def test_a_pdf_holds_our_typefaces_so_that_it_is_the_same_everywhere():
    fonts = {
        font.get_object()["/BaseFont"].partition("+")[2]
        for page in pages(render(sample.bare(), "pdf"))
        for font in page["/Resources"]["/Font"].values()
    }
    assert fonts == {"Inter", "Inter-Medium", "Inter-Semi-Bold", "Comity-Serif"}


def test_the_same_review_gives_the_same_bytes():
    assert render(sample.bare(), "pdf") == render(sample.bare(), "pdf")


@pytest.mark.long
def test_a_rich_review_gives_the_same_bytes(rich):
    assert render(sample.review(), "pdf") == rich


@pytest.mark.long
def test_nothing_is_fetched_whatever_a_text_says():
    read = pages(render(sample.renamed(), "pdf"))
    assert not any(page.get("/Annots") and "http" in str(page["/Annots"]) for page in read)


def test_without_pango_it_says_what_to_install(monkeypatch):
    real = builtins.__import__

    def lacking(name, *rest, **more):
        if name == "weasyprint":
            raise OSError("cannot load library 'libpango-1.0-0'\nand much more")
        return real(name, *rest, **more)

    monkeypatch.setattr(builtins, "__import__", lacking)
    with pytest.raises(PdfUnavailableError, match=r"pango.*libpango-1.0-0.*--format html"):
        render(sample.bare(), "pdf")


# Three pages for a board --------------------------------------------------------------------------------------


def about_the_quarter(tmp_path, count=5):
    """What was done about the sample's period: both confirmed, and so many matters of each kind."""
    kpi = next(level.kpi for level in sample.review().levels if level.met is False)
    matters = [
        AskedMatter(
            kind,
            f"{kind} {number}",
            Side.PROVIDER,
            "asked",
            Side.CUSTOMER,
            date(2026, 7, 17),
            kpi,
            disputes=kind == "dispute",
            value=0.8123,
        )
        for kind in ("action", "claim", "dispute")
        for number in range(count)
    ]
    words = (
        Confirmation(Side.CUSTOMER, "Marta Ruiz", date(2026, 7, 10)),
        Confirmation(Side.PROVIDER, "", date(2026, 7, 14)),
    )
    return Proceedings(
        words,
        final_on=date(2026, 7, 14),
        entry=(2, "ab" * 32),
        matters=tuple(matters),
        causes={kpi: build_attribution(tmp_path)},
    )


def texts(written):
    return [" ".join(page.extract_text().replace("\u00a0", " ").split()) for page in pages(written)]


@pytest.mark.parametrize("language", ["en", pytest.param("es", marks=pytest.mark.long)])
def test_a_board_gets_three_pages_however_much_was_asked(tmp_path, language):
    done = about_the_quarter(tmp_path, count=12)
    many = sample.review(readings=sample.readings() * 2, levels=sample.review().levels * 3)
    assert len(pages(render(many, "board", language, proceedings=done))) == 3


def test_a_board_gets_no_white_page_where_nothing_was_asked():
    first, second = texts(render(sample.bare(), "board", "en"))
    assert "No decisions or actions for this period." in first
    assert "Readings" in second


def test_the_first_page_says_that_it_is_final_and_who_confirmed_when(tmp_path):
    first, _, third = texts(render(sample.review(), "board", proceedings=about_the_quarter(tmp_path)))
    assert "Final since 14 July 2026." in first
    assert "confirmed by Marta Ruiz on 10 July 2026." in first
    assert "confirmed by silence on 14 July 2026." in first
    assert "Largest cause: 16 % more contacts than forecast" in first
    assert "Missed targets" in first
    assert "Entry 2 of the record" in third
    assert "Readings" in third


def test_the_second_page_has_what_was_asked_and_both_values_of_what_is_disputed(tmp_path):
    level = next(level for level in sample.review().levels if level.met is False)
    _, second, _ = texts(render(sample.review(), "board", proceedings=about_the_quarter(tmp_path, count=2)))
    for said in ("action 0", "claim 0", "dispute 0", "Disputed figures", "Causes: "):
        assert said in second
    for value in (level.value, *level.reported.values(), 0.8123):
        assert words_of("en").figure(value, level.unit).replace("\u00a0", " ") in second


@pytest.mark.long
def test_what_is_not_confirmed_is_a_draft_and_what_does_not_fit_is_counted(tmp_path):
    open_yet = Proceedings(matters=about_the_quarter(tmp_path, count=12).matters)
    first, second, _ = texts(render(sample.review(), "board", proceedings=open_yet))
    assert "Draft: not confirmed by both sides." in first
    assert "Final" not in first
    assert "8 more in the full review." in second


# Logos --------------------------------------------------------------------------------------------------------


LOGOS = {
    Side.CUSTOMER: decode_logo(logos.png(logos.BLUE, (1800, 300))),
    Side.PROVIDER: decode_logo(logos.png(logos.BROWN, (200, 400))),
}


def placed_images(page):
    """Colour, left edge, width and height of each image on a page, in points."""
    seen = []

    def visit(operator, operands, matrix, _):
        if operator == b"Do":
            image = page["/Resources"]["/XObject"][operands[0]]
            if image["/Subtype"] == "/Image":
                seen.append((image.get_data()[:3], matrix[4], matrix[0], abs(matrix[3])))

    page.extract_text(visitor_operand_before=visit)
    return seen


@pytest.mark.parametrize("form", [pytest.param("pdf", marks=pytest.mark.long), "board"])
def test_the_first_page_alone_has_each_sides_logo_the_customers_left(form):
    first, *rest = pages(made(form, logos=True))
    customer, provider = placed_images(first)
    assert (customer[0], provider[0]) == (bytes(logos.BLUE), bytes(logos.BROWN))
    assert customer[1] + customer[2] < provider[1]
    assert customer[3] == pytest.approx(provider[3]) == pytest.approx(40 * 0.78 * 0.75, rel=0.01)
    assert customer[2] / customer[3] == pytest.approx(6, rel=0.01)
    assert provider[2] / provider[3] == pytest.approx(0.5, rel=0.01)
    assert not any(placed_images(page) for page in rest)


@pytest.mark.long
def test_logos_take_no_place_from_what_a_page_says(tmp_path):
    done = about_the_quarter(tmp_path, count=12)
    many = sample.review(readings=sample.readings() * 2, levels=sample.review().levels * 3)
    plain, with_logos = (texts(render(many, "board", proceedings=done, logos=one)) for one in (None, LOGOS))
    assert with_logos == plain


def test_a_logo_has_the_sides_name_as_its_alternative_text():
    page = html.render_board(sample.review(), words_of("en"), None, LOGOS)
    assert re.findall(r'<img [^>]*alt="([^"]*)"', page) == ["Northwind Energy", "Helpline"]
    hostile = html.render_board(sample.renamed(), words_of("en"), None, LOGOS)
    assert hostile.count("<img ") == 2


@pytest.mark.long
@pytest.mark.parametrize("form", ["pdf", "board"])
def test_without_logos_nothing_changes(form):
    assert render(sample.review(), form, logos={}) == made(form)


@pytest.mark.long
@pytest.mark.parametrize("form", ["pdf", "board"])
def test_the_same_logos_give_the_same_bytes(form):
    assert render(sample.review(), form, logos=LOGOS) == made(form, logos=True)


def test_the_page_for_a_browser_shows_no_image():
    assert render(sample.review(), "html", logos=LOGOS) == render(sample.review(), "html")
