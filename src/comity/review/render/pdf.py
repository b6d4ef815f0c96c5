"""The review as a PDF, whole or in three pages, of the page's own templates; the same review gives the same bytes."""

import hashlib
import logging
from collections.abc import Callable, Mapping
from typing import Any

from comity.book.logos import Logo
from comity.core.values import Side
from comity.review.i18n.words import Words
from comity.review.model import Review
from comity.review.proceedings import Proceedings
from comity.review.render import html
from comity.review.render.errors import PdfUnavailableError

SHRUNK = 0.78  # the sheet of paper.css is 1/0.78 of A4


def render(
    review: Review,
    words: Words,
    logos: Mapping[Side, Logo] | None = None,
    proceedings: Proceedings | None = None,
) -> bytes:
    """The whole review on A4 sheets, landscape, with a running foot.

    :raises PdfUnavailableError: where the system library pango is missing
    """
    return _written(
        review,
        words,
        logos,
        lambda: html.render(review, words, paper=True, logos=logos, proceedings=proceedings),
    )


def render_board(
    review: Review, words: Words, proceedings: Proceedings | None, logos: Mapping[Side, Logo] | None = None
) -> bytes:
    """Three pages for a board: the headline and what was missed; decisions, claims and causes; the readings.

    The second is left out where nothing was decided or asked and no cause is known.

    :raises PdfUnavailableError: where the system library pango is missing
    """
    return _written(review, words, logos, lambda: html.render_board(review, words, proceedings, logos))


def _written(review: Review, words: Words, logos: Mapping[Side, Logo] | None, page: Callable[[], str]) -> bytes:
    """A page as a PDF.

    Nothing is fetched: the page refers to nothing but the typefaces and logos that it holds itself, and whatever else
    it might refer to is refused. No clock is asked: the day that stands in the file is the one on which the review was
    made.
    """
    weasyprint, typefaces, itself = prepared(words)
    document = weasyprint.HTML(string=page(), url_fetcher=itself).render(font_config=typefaces)
    document.metadata.created = review.made_on.isoformat()
    identifier = review.digest.encode() or b"comity"
    if logos:
        identifier += hashlib.sha256(b"".join(logo.png for logo in logos.values())).hexdigest()[:16].encode()
    return bytes(document.write_pdf(zoom=SHRUNK, pdf_identifier=identifier))


def prepared(words: Words) -> tuple[Any, Any, Any]:
    """Return WeasyPrint, what holds its typefaces, and what fetches nothing but what a page holds itself.

    :raises PdfUnavailableError: where the system library pango is missing
    """
    weasyprint = _weasyprint(words)
    fetcher = weasyprint.urls.URLFetcher(allowed_protocols=["data"])
    return weasyprint, weasyprint.text.fonts.FontConfiguration(), fetcher


def _weasyprint(words: Words) -> Any:  # noqa: ANN401 - a module
    """WeasyPrint, which brings in pango when it is brought in itself.

    :raises PdfUnavailableError: where the system library pango is missing
    """
    try:
        import weasyprint  # noqa: PLC0415 - late: it takes long, and fails without pango
    except OSError as error:
        problem = str(error).split("\n", maxsplit=1)[0]
        raise PdfUnavailableError(words("pdf.unavailable", problem=problem)) from error
    # It reports each rule that is meant for screens alone; what it cannot lay out at all still comes through.
    logging.getLogger("weasyprint").setLevel(logging.ERROR)
    return weasyprint
