"""Whose doing a service level was, in four formats. A format translates; it computes nothing."""

from comity.review.attribution import Attribution
from comity.review.i18n.words import Words


def render(
    attribution: Attribution,
    format: str,  # noqa: A002 - the word of the command line, `--format`
    words: Words,
    *,
    color: bool = False,
    width: int = 80,
) -> bytes:
    """As `json`, `terminal`, `html` or `xlsx`; each brings in what it needs when it is asked for.

    :param color: terminal only: whether to send colour
    :param width: terminal only: columns, at least 60
    """
    if format == "html":
        from comity.review.render.attribution import html  # noqa: PLC0415 - late, for a quick cold start

        return html.render(attribution, words).encode()
    if format == "xlsx":
        from comity.review.render.attribution import xlsx  # noqa: PLC0415 - late, as above

        return xlsx.render(attribution, words)
    if format == "terminal":
        from comity.review.render.attribution import terminal  # noqa: PLC0415 - late, as above

        return terminal.render(attribution, words, color=color, width=width)
    from comity.review.render.attribution import json  # noqa: PLC0415 - late, as above

    return json.render(attribution)
