"""The review as slides: each side's logo beside its name on the first, and none where there is none."""

import io
import zipfile
from datetime import date
from itertools import pairwise

import pytest
from PIL import Image
from pptx import Presentation
from pptx.enum.shapes import MSO_SHAPE_TYPE
from pptx.util import Pt

from comity.book.logos import decode_logo
from comity.core.values import Side
from comity.review.i18n.words import words_of
from comity.review.proceedings import AskedMatter, Proceedings
from comity.review.render import render
from tests.builders import logos
from tests.builders import review as sample

LOGOS = {
    Side.CUSTOMER: decode_logo(logos.png(logos.BLUE, (1800, 300))),
    Side.PROVIDER: decode_logo(logos.png(logos.BROWN, (200, 400))),
}
_LINE_PT = 16 * 1.2  # of a side's name


def slides(review=None, **options):
    return list(Presentation(io.BytesIO(render(review or sample.review(), "pptx", **options))).slides)


def pictures(slide):
    return [shape for shape in slide.shapes if shape.shape_type == MSO_SHAPE_TYPE.PICTURE]


def texts(slide):
    return [shape.text_frame.text for shape in slide.shapes if shape.has_text_frame]


def alt(picture):
    return picture._element.nvPicPr.cNvPr.get("descr")


def colour(picture):
    return Image.open(io.BytesIO(picture.image.blob)).convert("RGB").getpixel((0, 0))


def test_the_first_slide_has_each_sides_logo_beside_its_name_the_customers_left():
    first, *rest = slides(logos=LOGOS)
    customer, provider = pictures(first)
    assert (alt(customer), alt(provider)) == ("Northwind Energy", "Helpline")
    assert (colour(customer), colour(provider)) == (logos.BLUE, logos.BROWN)
    assert texts(first)[-2:] == ["Northwind Energy", "Helpline"]
    assert customer.left + customer.width < provider.left
    assert customer.height == provider.height <= Pt(2.5 * _LINE_PT)
    for picture, (width, height) in ((customer, (1800, 300)), (provider, (200, 400))):
        assert picture.width / picture.height == pytest.approx(width / height, rel=0.01)
    assert not any(pictures(slide) for slide in rest)


@pytest.mark.parametrize("ratio", [(600, 100), (100, 600)])
def test_the_widest_logos_leave_the_names_their_place(ratio):
    both = dict.fromkeys(Side, decode_logo(logos.png(size=ratio)))
    first = slides(logos=both)[0]
    boxes = [(shape.left, shape.left + shape.width) for shape in list(first.shapes)[-4:]]
    assert all(end <= start for (_, end), (start, _) in pairwise(boxes))
    assert boxes[-1][1] <= 12_192_000 - 500_000  # of the slide's width, with its edge


def test_a_side_without_a_logo_has_its_name_alone():
    first = slides(logos={Side.PROVIDER: LOGOS[Side.PROVIDER]})[0]
    assert [alt(one) for one in pictures(first)] == ["Helpline"]
    assert texts(first)[-2:] == ["Northwind Energy", "Helpline"]


def test_without_logos_nothing_changes():
    for none in (None, {}):
        written = render(sample.review(), "pptx", logos=none)
        assert not [name for name in zipfile.ZipFile(io.BytesIO(written)).namelist() if "media" in name]
        assert "Northwind Energy" not in texts(slides(logos=none)[0])


def test_a_hostile_name_is_plain_in_the_alternative_text():
    """A party's name may hold marks that turn the direction of writing, which no text keeps."""
    renamed = sample.renamed()
    first = slides(renamed, logos=LOGOS)[0]
    for picture, name in zip(pictures(first), texts(first)[-2:], strict=True):
        assert alt(picture) == name
        assert "\u202e" not in name


def cells(found):
    """The text of every cell of every table, slide by slide."""
    tables = [shape.table for slide in found for shape in slide.shapes if shape.has_table]
    return [cell.text for table in tables for row in table.rows for cell in row.cells]


def test_slides_leave_out_no_action_claim_or_dispute_and_no_disputed_value():
    """Of twelve each the slides showed four, and did not say so; what was disputed stood on none."""
    words, review = words_of("en"), sample.review()
    matters = [
        AskedMatter(kind, f"{kind} {number}", Side.PROVIDER, "asked", kpi=key, disputes=kind == "dispute", value=0.8123)
        for kind, key in (("action", ""), ("claim", ""), ("dispute", review.levels[0].kpi), ("dispute", "revenue"))
        for number in range(12)
    ]
    told = cells(slides(review, proceedings=Proceedings(final_on=date(2026, 7, 14), matters=tuple(matters))))
    for one in matters:
        assert any(one.title in cell for cell in told), one.title
    claimed = [cell for cell in told if cell.startswith("Helpline ")]
    assert any(words.figure(0.8123, review.levels[0].unit) in cell for cell in claimed)
    assert any(words.figure(0.8123, "money", review.currency) in cell for cell in claimed)
    titles = [slide.shapes.title.text_frame.text for slide in slides(proceedings=Proceedings(final_on=date.max))]
    assert any(words("readings.now") in title for title in titles)
