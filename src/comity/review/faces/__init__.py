"""One review, six faces: terminal, JSON, HTML, PDF, XLSX and slides. A face translates; it computes nothing.

Each face brings in what it needs when it is asked for, so that a small review is quick from a cold start.
"""

from typing import Literal, get_args

from comity.review.review import Review

Format = Literal["terminal", "json", "html", "pdf", "xlsx", "pptx"]
FORMATS: tuple[str, ...] = get_args(Format)
LANGUAGES = ("en", "es")


class UnknownFormatError(ValueError):
    """A face that a review does not have."""

    def __init__(self, name: str) -> None:
        """Say which, and which ones there are."""
        super().__init__(f"{name!r} is not a format of the review; choose one of {', '.join(FORMATS)}")


class PdfUnavailableError(RuntimeError):
    """The system library that lays out a PDF is not here; the message says what to install."""


def render(review: Review, format: str, language: str = "en", *, color: bool = False, width: int = 80) -> bytes:  # noqa: A002 - the word of the command line, `--format`
    """The review in one of FORMATS and one of LANGUAGES.

    :param color: terminal only: whether to send colour; the environment's NO_COLOR overrules it
    :param width: terminal only: columns, at least 60
    :raises UnknownFormatError: for another format
    :raises comity.review.faces.words.UnknownLanguageError: for another language
    :raises PdfUnavailableError: for a PDF where the system library pango is missing
    """
    if format not in FORMATS:
        raise UnknownFormatError(format)
    from comity.review.faces.words import words_of  # noqa: PLC0415 - late, for a quick cold start

    words = words_of(language)
    if format == "json":
        from comity.review.faces import contract  # noqa: PLC0415 - late, as above

        return contract.render(review, words)
    if format == "terminal":
        from comity.review.faces import terminal  # noqa: PLC0415 - late, as above

        return terminal.render(review, words, color=color, width=width)
    if format == "xlsx":
        from comity.review.faces import workbook  # noqa: PLC0415 - late, as above

        return workbook.render(review, words)
    if format == "pptx":
        from comity.review.faces import slides  # noqa: PLC0415 - late, as above

        return slides.render(review, words)
    if format == "pdf":
        from comity.review.faces import pdf  # noqa: PLC0415 - late, as above

        return pdf.render(review, words)
    from comity.review.faces import page  # noqa: PLC0415 - late, as above

    return page.render(review, words).encode()
