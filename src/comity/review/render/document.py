"""A text on sheets of paper, as a tagged PDF of one of our templates, with the files that it embeds.

Nothing is fetched and no clock is asked: the same text gives the same bytes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO

from comity.review.i18n.words import Words
from comity.review.render import html
from comity.review.render.pdf import prepared


@dataclass(frozen=True, slots=True)
class EmbeddedFile:
    """A file that a PDF carries, for programs."""

    name: str
    about: str
    content: bytes


def render(  # noqa: PLR0913 - a document, and what stands in its file
    template: str,
    context: Mapping[str, object],
    words: Words,
    *,
    made_at: datetime,
    identifier: str,
    embedded: Sequence[EmbeddedFile] = (),
) -> bytes:
    """Return a document as a PDF on A4 sheets, upright, tagged for those who do not see it.

    :param template: beside those of a review; gets `context`, `words`, `style`
    :param made_at: aware; stands in the file as the day on which it was made
    :param identifier: of the PDF: alike where what it says is alike
    :raises comity.review.render.errors.PdfUnavailableError: where the system library pango is missing
    """
    weasyprint, typefaces, fetcher = prepared(words)
    style = html.style_and_policy(html.stylesheet("document.css"), paper=True)["style"]
    page = html.environment().get_template(template).render(**context, words=words, style=style)
    document = weasyprint.HTML(string=page, url_fetcher=fetcher).render(font_config=typefaces)
    document.metadata.created = made_at.isoformat()
    document.metadata.attachments = [
        weasyprint.Attachment(
            file_obj=BytesIO(one.content), name=one.name, description=one.about, created=made_at, modified=made_at,
            relationship="Data", url_fetcher=fetcher,
        )
        for one in embedded
    ]  # fmt: skip
    return bytes(document.write_pdf(pdf_identifier=identifier.encode(), pdf_tags=True))
