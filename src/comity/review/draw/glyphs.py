"""The verdicts' signs: a thin arrow for what is reported beside a thick one for what changed."""

from markupsafe import Markup

from comity.core.readings.reading import Reading
from comity.core.readings.verdict import Verdict
from comity.review.views.rounding import round_figures


def _thin(direction: int) -> str:
    if direction == 0:
        return "M4.5 12H13.5"
    return "M9 20.5V3.5M4.8 8 9 3.5 13.2 8" if direction > 0 else "M9 3.5V20.5M4.8 16 9 20.5 13.2 16"


def _thick(direction: int, *, short: bool = False) -> str:
    if direction == 0:
        return "M18.5 12H27.5"
    if direction > 0:
        top = 11.2 if short else 3.5
        return f"M23 20.5V{top}M18.8 {top + 4.5} 23 {top} 27.2 {top + 4.5}Z"
    foot = 12.8 if short else 20.5
    return f"M23 3.5V{foot}M18.8 {foot - 4.5} 23 {foot} 27.2 {foot - 4.5}Z"


def _small_thin(direction: int) -> str:
    return "M9 20.5V11M4.8 15.5 9 11 13.2 15.5" if direction > 0 else "M9 3.5V13M4.8 8.5 9 13 13.2 8.5"


def glyph_paths(verdict: Verdict, reported: float, like_for_like: float | None) -> str:
    """A verdict's sign as two paths, thin for what is reported and thick for what changed, joined by `|`."""
    up = 1 if reported >= 0 else -1
    direction = 1 if (like_for_like or 0.0) >= 0 else -1
    if verdict is Verdict.UNCLEAR:
        return _thin(up if reported else 0) + "|M23 4V20.5M19 7.6 23 3.8 27 7.6M19 16.6 23 20.4 27 16.6"
    if verdict is Verdict.STEADY:
        return _thin(0) + "|" + _thick(0)
    if verdict is Verdict.UNDERSTATED:
        return _small_thin(up) + "|" + _thick(direction)
    thin = 0 if verdict is Verdict.MASKED else up
    thick = 0 if verdict is Verdict.ILLUSORY else direction
    return _thin(thin) + "|" + _thick(thick, short=verdict is Verdict.OVERSTATED)


def direction(reading: Reading) -> int:
    """Which way the thin arrow of a reading points: 0 where the change as reported is shown as none."""
    change = round_figures(reading).change
    return (change > 0) - (change < 0)


def verdict_glyph(
    verdict: Verdict, reported: float, like_for_like: float | None, *, paper: bool, look: str = ""
) -> Markup:
    """A verdict's sign; hidden from readers of the page aloud, as the word stands beside it."""
    thin, thick = glyph_paths(verdict, reported, like_for_like).split("|")
    broken = verdict is Verdict.UNCLEAR
    if paper:
        ends = 'stroke-linecap="round" stroke-linejoin="round"'
        thin_path = f'<path d="{thin}" fill="none" stroke="#585d63" stroke-width="1.5" {ends}/>'
        fill = (
            'fill="none" stroke-width="1.9" stroke-dasharray="0.1 3.1"'
            if broken
            else 'fill="#17191c" stroke-width="2.4"'
        )
        thick_path = f'<path d="{thick}" stroke="#17191c" {fill} {ends}/>'
        size = 'width="48" height="36"' if look else 'width="32" height="24"'
        return Markup(f'<svg class="glyph" {size} viewBox="0 0 32 24">{thin_path}{thick_path}</svg>')  # noqa: S704 - all of it is ours
    thick_path = f'<path class="{"thick broken" if broken else "thick"}" d="{thick}"/>'
    return Markup(  # noqa: S704 - all of it is ours
        f'<svg class="glyph {look}" viewBox="0 0 32 24" aria-hidden="true">'
        f'<path class="thin" d="{thin}"/>{thick_path}</svg>',
    )
