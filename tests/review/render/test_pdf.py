"""The review as a PDF: A4 landscape, with text and a running foot, the same bytes for the same review."""

import builtins
import importlib
import io

import pytest

from comity.review.render import render
from comity.review.render.errors import PdfUnavailableError
from tests.builders import review as sample

pytestmark = pytest.mark.gate

A4 = (841.89, 595.28)  # points, landscape


@pytest.fixture(scope="module", autouse=True)
def _pango():
    try:
        importlib.import_module("weasyprint")
    except OSError:
        pytest.skip("the system library pango is not here, so no PDF can be made")


@pytest.fixture(scope="module")
def rich():
    return render(sample.review(), "pdf")


def pages(written):
    import pypdf

    return pypdf.PdfReader(io.BytesIO(written)).pages


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


def test_the_same_review_gives_the_same_bytes(rich):
    assert render(sample.review(), "pdf") == rich


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
