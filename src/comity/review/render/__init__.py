"""One review in seven formats: terminal, JSON, HTML, PDF, three pages, XLSX and PPTX. A format computes nothing.

Each brings in what it needs when it is asked for, so that a small review is quick from a cold start.
"""

from collections.abc import Mapping

from comity.book.logos import Logo
from comity.core.values import Side
from comity.review.model import Review
from comity.review.proceedings import Proceedings
from comity.review.render.errors import FORMATS, UnknownFormatError

LANGUAGES = ("en", "es")


def render(  # noqa: PLR0911, PLR0913 - a format a line
    review: Review,
    format: str,  # noqa: A002 - the word of the command line, `--format`
    language: str = "en",
    *,
    color: bool = False,
    width: int = 80,
    full: bool = True,
    proceedings: Proceedings | None = None,
    logos: Mapping[Side, Logo] | None = None,
) -> bytes:
    """The review in one of FORMATS and one of LANGUAGES.

    :param proceedings: what a room knows was done about the period; the terminal, which is at home, shows none of it
    :param logos: `pdf`, `board` and `pptx` only: of each side that has one, beside its name
    :param color: terminal only: whether to send colour; the environment's NO_COLOR overrules it
    :param width: terminal only: columns, at least 60
    :param full: terminal only: with every formula, part and source, not what fits on one screen
    :raises UnknownFormatError: for another format
    :raises comity.review.i18n.words.UnknownLanguageError: for another language
    :raises PdfUnavailableError: for a PDF where the system library pango is missing
    """
    if format not in FORMATS:
        raise UnknownFormatError(format)
    from comity.review.i18n.words import words_of  # noqa: PLC0415 - late, for a quick cold start

    words = words_of(language)
    if format == "json":
        from comity.review.render import json as review_json  # noqa: PLC0415 - late, as above

        return review_json.render(review, words, proceedings)
    if format == "terminal":
        from comity.review.render import terminal  # noqa: PLC0415 - late, as above

        return terminal.render(review, words, color=color, width=width, full=full)
    if format == "xlsx":
        from comity.review.render import xlsx  # noqa: PLC0415 - late, as above

        return xlsx.render(review, words, proceedings)
    if format == "pptx":
        from comity.review.render import pptx  # noqa: PLC0415 - late, as above

        return pptx.render(review, words, proceedings, logos)
    if format == "pdf":
        from comity.review.render import pdf  # noqa: PLC0415 - late, as above

        return pdf.render(review, words, logos, proceedings)
    if format == "board":
        from comity.review.render import pdf  # noqa: PLC0415 - late, as above

        return pdf.render_board(review, words, proceedings, logos)
    from comity.review.render import html  # noqa: PLC0415 - late, as above

    return html.render(review, words, proceedings=proceedings).encode()
