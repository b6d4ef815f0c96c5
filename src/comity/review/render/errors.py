"""What can go wrong in rendering, and the formats there are."""

from typing import Literal, get_args

Format = Literal["terminal", "json", "html", "pdf", "board", "xlsx", "pptx"]
FORMATS: tuple[str, ...] = get_args(Format)


class UnknownFormatError(ValueError):
    """A format that a review is not rendered in."""

    def __init__(self, name: str) -> None:
        """Say which, and which ones there are."""
        super().__init__(f"{name!r} is not a format of the review; choose one of {', '.join(FORMATS)}")


class PdfUnavailableError(RuntimeError):
    """The system library that lays out a PDF is not here; the message says what to install."""
