"""One review in six formats: terminal, JSON, HTML, PDF, XLSX and PPTX. A format translates; it computes nothing.

Each brings in what it needs when it is asked for, so that a small review is quick from a cold start.
"""

from comity.review.model import Review
from comity.review.render.errors import FORMATS, UnknownFormatError

LANGUAGES = ("en", "es")


def render(review: Review, format: str, language: str = "en", *, color: bool = False, width: int = 80) -> bytes:  # noqa: A002 - the word of the command line, `--format`
    """The review in one of FORMATS and one of LANGUAGES.

    :param color: terminal only: whether to send colour; the environment's NO_COLOR overrules it
    :param width: terminal only: columns, at least 60
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

        return review_json.render(review, words)
    if format == "terminal":
        from comity.review.render import terminal  # noqa: PLC0415 - late, as above

        return terminal.render(review, words, color=color, width=width)
    if format == "xlsx":
        from comity.review.render import xlsx  # noqa: PLC0415 - late, as above

        return xlsx.render(review, words)
    if format == "pptx":
        from comity.review.render import pptx  # noqa: PLC0415 - late, as above

        return pptx.render(review, words)
    if format == "pdf":
        from comity.review.render import pdf  # noqa: PLC0415 - late, as above

        return pdf.render(review, words)
    from comity.review.render import html  # noqa: PLC0415 - late, as above

    return html.render(review, words).encode()
