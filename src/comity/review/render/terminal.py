"""The review in a terminal: readable at 80 columns, with colour and without; nothing is told by colour alone."""

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Self

from rich.console import Console
from rich.style import Style
from rich.table import Table
from rich.text import Text as Wrapped

from comity.core.paid import PaidSplit
from comity.core.readings.verdict import Verdict
from comity.core.values import Side
from comity.review.draw import glyphs
from comity.review.i18n.words import DASH, NO_BREAK, Words, clean
from comity.review.model import Review
from comity.review.views import headline
from comity.review.views.level import LevelRow, level_row, stretched
from comity.review.views.reading import ReadingRow, reading_row
from comity.review.views.sections import (
    HUNDRED,
    collapsed_rows,
    eyebrow,
    lateness_cells,
    lateness_summary,
    missing_groups,
    missing_name,
    missing_readings,
    paid_amount,
    paid_cost,
    paid_notes,
    paid_repeats,
    paid_rows,
    undelivered_sentences,
)
from comity.review.views.sentences import definition_of, kpi_title
from comity.review.views.summary import missed_first

NARROWEST = 60
_WIDE = 96  # from here on an interval has room beside its figure
_SIGNS = {Side.CUSTOMER: "●", Side.PROVIDER: "■"}
_MARKER = "black on yellow"
_OPEN, _SOLID = "◇", "◆"
_SILENT = 2  # sentences about days perhaps not delivered on the one screen
_HELD = "\ue000"  # stands for a no-break space while lines are made: rich would end them there; records hold none


class Text(Wrapped):
    """Text that no line's end takes apart at a no-break space."""

    def __init__(self, text: str = "", style: str = "") -> None:
        """Hold what belongs together."""
        super().__init__(text.replace(NO_BREAK, _HELD), style)

    def append(self, text: Wrapped | str, style: str | Style | None = None) -> Self:
        """Hold what belongs together in what is added too."""
        super().append(text.replace(NO_BREAK, _HELD) if isinstance(text, str) else text, style)
        return self


def render(review: Review, words: Words, *, color: bool, width: int, full: bool = True) -> bytes:
    """The review as text in UTF-8; colour only when asked for and NO_COLOR is not set (which rich reads).

    :param full: with every formula, part and source; otherwise what fits on one screen, and how to see the rest
    """

    def draw(console: Console) -> None:
        _head(console, review, words)
        rows = [reading_row(reading, review, words, number) for number, reading in enumerate(review.readings, 1)]
        if not full:
            _short(console, rows, review, words)
            return
        _levels(console, review, words)
        _readings(console, rows, review, words)
        _how(console, words)
        _paid(console, review, words)
        _missing(console, review, words)
        _late(console, review, words)
        for row in rows:
            _opened(console, row, review, words)
        _origins(console, review, words)

    return render_console(draw, color=color, width=width)


# On one screen ------------------------------------------------------------------------------------------------


def _short(console: Console, rows: list[ReadingRow], review: Review, words: Words) -> None:
    """Levels, formed readings, what was paid for, and what is missing: a line each."""
    _short_levels(console, review, words)
    _short_readings(console, rows, review, words)
    if review.paid is not None:
        console.print()
        console.print(_short_paid(review.paid, review, words))
    _short_missing(console, review, words)
    if review.lateness or review.undelivered:
        console.print()
        console.print(Text(f"{words('late.title')}: {lateness_summary(review, words)}"))
        for sentence in undelivered_sentences(review, words)[:_SILENT]:
            console.print(Text(sentence))
    console.print()
    console.print(Text(words("page.in_full", command="comity review --full"), style="dim"))


def _short_section(console: Console, title: str) -> None:
    console.print()
    console.print(Text(title, style="bold underline"))


def _short_levels(console: Console, review: Review, words: Words) -> None:
    _short_section(console, words("levels.title"))
    rows = [level_row(level, review, words) for level in stretched(missed_first(review.levels))]
    if not rows:
        console.print(Text(words("levels.none")))
        return
    wide = console.width >= _WIDE
    names = [words("levels.kpi"), f">{words('levels.value_short')}", words("levels.target"), words("levels.met")]
    table = grid(*names[:2], *([words("levels.interval")] if wide else []), *names[2:])
    for row in rows:
        met = Text(row.met, style="bold")
        met.append(f", {row.chance}" if row.chance else "", style="not bold dim")
        interval = [Text(row.interval, style="dim")] if wide else []
        table.add_row(Text(row.name, style="bold"), Text(row.value, style="bold"), *interval, Text(row.target), met)
    console.print(table)
    if not wide:
        _intervals_below(console, [(row.name, row.interval) for row in rows], words("levels.interval"))
    for row in rows:
        if row.records:
            console.print(Text(f"{row.name}, {words('records.title').lower()}: {row.records}", style="dim"))
        if row.notes:
            console.print(Text(f"{row.name}: {row.notes}", style="dim"))
        if figures := [figure for figure in row.reported if figure.why]:
            line = Text(f"{row.name}, {words('levels.reported_short')}: ")
            for number, figure in enumerate(figures):
                line.append("; " if number else "").append(party(figure.side, review.parties, words))
                line.append(f"{NO_BREAK}{figure.value}", style="bold")
                line.append(f" ({figure.short})" if figure.short else "")
            console.print(line)


def _short_readings(console: Console, rows: list[ReadingRow], review: Review, words: Words) -> None:
    _short_section(console, words("readings.title"))
    if not rows:
        console.print(Text(words("readings.none")))
        return
    wide = console.width >= _WIDE
    names = [words("readings.reading"), f">{_OPEN} {words('readings.as_reported')}"]
    names += [f">{_SOLID} {words('readings.like_for_like')}"]
    table = grid(*names, *([words("levels.interval")] if wide else []), words("readings.verdict"))
    labels = []
    for row in rows:
        verdict = Text(f"{_arrow(row)} ")
        verdict.append(row.verdict, style=_MARKER if row.marked else "bold")
        verdict.append(f": {row.cause}" if row.cause else "", style="dim")
        kpi = definition_of(row.reading, review)
        labels.append(row.label if kpi is None else kpi_title(kpi.id, kpi.measure, words))
        table.add_row(
            Text(labels[-1], style="bold"),
            Text(row.headline),
            Text(row.like_for_like, style="bold"),
            *([Text(row.interval, style="dim")] if wide else []),
            verdict,
        )
    console.print(table)
    if not wide:
        intervals = [row.interval for row in rows]
        _intervals_below(console, list(zip(labels, intervals, strict=True)), words("levels.interval"))


def _intervals_below(console: Console, intervals: Sequence[tuple[str, str]], title: str) -> None:
    """The intervals for which a narrow terminal has no column, in one sentence below the table."""
    told = "; ".join(f"{name} {interval}" for name, interval in intervals if interval)
    if told:
        console.print(Text(f"{title}: {told}", style="dim"))


def _short_paid(paid: PaidSplit, review: Review, words: Words) -> Text:
    hundred = words.money(HUNDRED, review.currency)
    amount = paid_amount(paid, review, words)
    shares = ", ".join(f"{row.name} {row.of_100}" for row in paid_rows(paid, review, words) if row.share)
    line = Text(f"{words('paid.title')}. ", style="bold")
    line.append(f"{words('paid.about', hundred=hundred, amount=amount)} ", style="not bold")
    line.append(f"{shares}. {paid_cost(paid, review, words)}", style="not bold")
    for note in paid_notes(paid, words):
        line.append(f" {note}", style="not bold")
    return line


def _short_missing(console: Console, review: Review, words: Words) -> None:
    """What could be brought, by what can be done about it; what is private; what no version reads yet."""
    _short_section(console, words("missing.title"))
    for group in missing_groups(review, words, at_home=True):
        by_cure: dict[tuple[str, str], list[str]] = {}
        for row in group.rows:
            by_cure.setdefault((row.cure or row.why, row.held_by), []).append(row.name)
        for (cure, held_by), names in by_cure.items():
            line = Text(f"{group.title}: ")
            line.append(", ".join(names), style="bold")
            line.append(" (").append(party(held_by, review.parties, words)).append(f"). {cure}")
            console.print(line)
    if not review.missing:
        console.print(Text(words("missing.none")))


# In full ------------------------------------------------------------------------------------------------------


def render_console(draw: Callable[[Console], None], *, color: bool, width: int) -> bytes:
    """What is printed to a console, as lines in UTF-8 without blanks at their ends."""
    out = io.StringIO()
    console = Console(
        file=out,
        width=max(width, NARROWEST),
        force_terminal=color,
        color_system="standard" if color else None,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    draw(console)
    lines = [line.rstrip() for line in out.getvalue().replace(_HELD, NO_BREAK).splitlines()]
    return ("\n".join(lines).strip("\n") + "\n").encode()


def party(side: Side | str | None, parties: Mapping[Side, str], words: Words) -> Text:
    """A side's sign and name; both signs for both."""
    if isinstance(side, Side) or side in {"customer", "provider"}:
        known = Side(side)
        return Text(f"{_SIGNS[known]}{NO_BREAK}{words.side(known, parties)}")
    return Text(f"●■{NO_BREAK}{words('side.both')}" if side == "both" else words("word.not_known"))


def _section(console: Console, title: str) -> None:
    console.print()
    console.print(Text("━" * console.width))
    console.print(Text(title, style="bold"))


def _head(console: Console, review: Review, words: Words) -> None:
    heading = eyebrow(review, words)
    parties = party(Side.CUSTOMER, review.parties, words) + Text(f" {words('page.with')} ")
    console.print(parties + party(Side.PROVIDER, review.parties, words))
    console.print(Text(f"{heading.line} {heading.viewer}", style="dim"))
    console.print()
    sentence = Text()
    for phrase in headline.headline_phrases(review, words):
        sentence.append(clean(phrase.text), style=_MARKER if phrase.marked else "bold")
    sentence.rstrip()
    console.print(sentence)
    if review.headline_override is None and review.readings:
        console.print(Text(words("page.drafted"), style="dim"))
    elif review.headline_override is not None:
        by = words("page.worded", by=clean(review.headline_override.by), on=words.day(review.headline_override.on))
        console.print(Text(f"{by} {clean(review.headline_override.draft)}", style="dim"))


def grid(*columns: str) -> Table:
    """A table without lines but under its head; a column begins with `>` to stand at the right."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_edge=False, header_style="dim")
    for name in columns:
        table.add_column(Text(name.lstrip(">")), justify="right" if name.startswith(">") else "left", overflow="fold")
    return table


def _levels(console: Console, review: Review, words: Words) -> None:
    _section(console, words("levels.title"))
    rows = [level_row(level, review, words) for level in stretched(review.levels)]
    if not rows:
        console.print(Text(words("levels.none")))
        return
    table = grid(words("levels.kpi"), words("levels.value"), words("levels.target"), words("levels.met"))
    for number, row in enumerate(rows):
        if number:
            table.add_row()  # a line of air, for eyes without the bold of names
        value = Text(row.value, style="bold")
        for line in (row.interval, row.of):
            value.append(f"\n{line}" if line else "", style="not bold dim")
        met = Text(row.met, style="bold")
        met.append(f"\n{row.chance}" if row.chance else "", style="not bold dim")
        name = Text(row.name, style="bold")
        for line in (row.about, row.wording, row.notes):
            name.append(f"\n{line}" if line else "", style="not bold dim")
        table.add_row(name, value, Text(row.target), met)
    console.print(table)
    for row in rows:
        _reported_figures(console, row, review, words)


def _reported_figures(console: Console, row: LevelRow, review: Review, words: Words) -> None:
    if any(figure.why for figure in row.reported):
        console.print()
        for figure in row.reported:
            line = Text(f"{row.name}, ") + party(figure.side, review.parties, words) + Text(": ")
            line.append(figure.value, style="bold")
            line.append(f"  {figure.why}" if figure.why else "", style=_MARKER if figure.marked else "")
            console.print(line)
    if row.variants:
        console.print()
        console.print(Text(words("levels.variants", kpi=row.name), style="bold"))
        in_full = [f">{words('levels.in_full')}"] if any(variant.in_full for variant in row.variants) else []
        table = grid(words("levels.formula"), f">{words('levels.gives')}", *in_full, words("levels.counts"))
        for variant in row.variants:
            users = [f"{_SIGNS[side]}{NO_BREAK}{words.side(side, review.parties)}" for side in variant.used]
            users += [words("levels.definition")] if variant.is_definition else []
            so = [f"{_SIGNS[side]}{NO_BREAK}{words.side(side, review.parties)}" for side in variant.used_in_full]
            users += [words("levels.used_in_full", party=party) for party in so]
            counts = Text(variant.formula)
            counts.append(f" ({', '.join(users)})" if users else "", style="bold")
            also = [Text(variant.in_full)] if in_full else []
            table.add_row(Text(variant.name), Text(variant.value), *also, counts)
        console.print(table)
    if row.beside:
        console.print(Text(row.beside, style="dim"))
    if row.also:
        details = "; ".join(f"{name}: {text}" for name, text in row.also)
        console.print(Text(f"{row.name}. {details}", style="dim"))


def _arrow(row: ReadingRow) -> str:
    """The verdict's sign in two characters: thin for what is reported, thick for what changed."""
    reading = row.reading
    thin = {1: "↑", 0: DASH, -1: "↓"}[glyphs.direction(reading)]
    change = reading.like_for_like.change if reading.like_for_like else 0.0
    thick = "▲" if change >= 0 else "▼"
    if reading.verdict is Verdict.OVERSTATED:
        thick = "▴" if change >= 0 else "▾"
    return {
        Verdict.STEADY: f"{DASH} ━",
        Verdict.UNCLEAR: f"{thin} ?",
        Verdict.ILLUSORY: f"{thin} ━",
        Verdict.MASKED: f"{DASH} {thick}",
    }.get(reading.verdict, f"{thin} {thick}")


def _verdict(row: ReadingRow) -> Text:
    text = Text(f"{_arrow(row)} ")
    text.append(row.verdict, style=_MARKER if row.marked else "bold")
    text.append(f"\n    {row.cause}" if row.cause else "", style="dim")
    return text


def _readings(console: Console, rows: list[ReadingRow], review: Review, words: Words) -> None:
    _section(console, words("readings.title"))
    heading = eyebrow(review, words)
    if not rows and not missing_readings(review):
        console.print(Text(words("readings.none")))
        return
    console.print(Text(words("readings.about", period=heading.period, reference=heading.reference), style="dim"))
    console.print()
    table = grid(
        words("readings.reading"),
        f"{_OPEN} {words('readings.as_reported')}",
        f"{_SOLID} {words('readings.like_for_like')}",
        words("readings.verdict"),
    )
    for row in rows:
        name = Text(row.name, style="bold")
        name.append(f"\n{row.about}" if row.about else "", style="not bold dim")
        headline_text = Text(row.headline)
        headline_text.append(f"\n{row.from_to}", style="dim")
        like_for_like = Text(row.like_for_like, style="bold")
        like_for_like.append(f"\n{row.interval}" if row.interval else "", style="not bold dim")
        table.add_row(name, headline_text, like_for_like, _verdict(row))
        table.add_row(Text(""), Text(""), Text(""), Text(""))
    for missing in missing_readings(review):
        absent = Text(words("word.not_formed"), style="dim")
        table.add_row(Text(missing_name(missing, words)), absent, absent, Text(words("word.no_verdict"), style="dim"))
    console.print(table)


def _opened(console: Console, row: ReadingRow, review: Review, words: Words) -> None:
    heading = eyebrow(review, words)
    _section(console, f"{row.label}: {row.verdict.lower()}")
    if row.about and row.label == row.name:  # else the heading says it
        console.print(Text(row.about, style="dim"))
    console.print(Text(row.words))
    table = grid("", f">{words('opened.points')}", "")
    table.show_header = False
    table.add_row(Text(heading.reference, style="bold"), Text(row.before, style="bold"), Text(""))
    for part in row.parts:
        sign = f" {_SOLID}" if part.like_for_like else ""
        about = Text(part.about)
        about.append(f" ({words('opened.the_cause')})" if part.cause else "", style="bold")
        table.add_row(Text(part.name + sign), Text(part.value), about)
    table.add_row(Text(heading.period, style="bold"), Text(row.after, style="bold"), Text(""))
    console.print(table)
    lines = [row.check, row.subtotal, words("readings.material", material=row.material), row.firm, row.would_be]
    for line in [*lines, row.settle]:
        if line:
            console.print(Text(line, style="dim"))
    pairs = [*row.counts, *row.also]
    if pairs:
        console.print(Text("; ".join(f"{name}: {text}" for name, text in pairs)))
    console.print(Text(f"{words('opened.blind')}: {row.blind}"))


def _paid(console: Console, review: Review, words: Words) -> None:
    if review.paid is None:
        return
    _section(console, words("paid.title"))
    hundred = words.money(HUNDRED, review.currency)
    amount = paid_amount(review.paid, review, words)
    console.print(Text(words("paid.about", hundred=hundred, amount=amount), style="dim"))
    table = grid(
        words("paid.share"),
        f">{words('paid.of_100', hundred=hundred)}",
        f">{words('paid.amount')}",
        words("paid.answers"),
    )
    for row in paid_rows(review.paid, review, words):
        side = (
            Text(words("paid.not_said")) if row.answers_for is None else party(row.answers_for, review.parties, words)
        )
        table.add_row(Text(row.name), Text(row.of_100), Text(row.amount), side)
    console.print(table)
    console.print(Text(paid_cost(review.paid, review, words)))
    if repeats := paid_repeats(review.paid, words):
        console.print(Text(repeats))
    for note in paid_notes(review.paid, words):
        console.print(Text(note))


def _missing(console: Console, review: Review, words: Words) -> None:
    _section(console, words("missing.title"))
    if not review.missing:
        console.print(Text(words("missing.none")))
    for number, group in enumerate(missing_groups(review, words, at_home=True)):
        if number:
            console.print()
        console.print(Text(group.title, style="bold"))
        table = grid(
            words("missing.reading"),
            words("missing.needs"),
            words("missing.held_by"),
            f"{words('missing.why')} {words('missing.then_cure')}",
        )
        for missing in group.rows:
            why = Text(missing.why)
            why.append(f" {missing.cure}" if missing.cure else "", style="bold")
            holder = party(missing.held_by, review.parties, words)
            table.add_row(Text(missing.name), Text(missing.needs), holder, why)
        console.print(table)


def _late(console: Console, review: Review, words: Words) -> None:
    silent = undelivered_sentences(review, words)
    if not review.lateness and not silent:
        return
    _section(console, words("late.title"))
    for sentence in silent:
        console.print(Text(sentence))
    if not review.lateness:
        return
    names = ("table", "by", "due", "last", "state")
    table = grid(*(words(f"late.{name}") for name in names))
    for late in review.lateness:
        cells = lateness_cells(late, review, words)
        state = Text(cells["state"], style=_MARKER if cells["late"] else "")
        by = party(cells["by"], review.parties, words)
        # A day breaks between its words where the column is too narrow for it, and not within its year.
        last = cells["last"] if console.width >= _WIDE else cells["last"].replace(NO_BREAK, " ")
        table.add_row(Text(cells["table"]), by, Text(cells["due"]), Text(last), state)
    console.print(table)


def _how(console: Console, words: Words) -> None:
    _section(console, words("how.title"))
    table = grid("", "")
    table.show_header = False
    for verdict in Verdict:
        table.add_row(Text(words(f"verdict.{verdict.value}"), style="bold"), Text(words(f"meaning.{verdict.value}")))
    console.print(table)


def _origins(console: Console, review: Review, words: Words) -> None:
    _section(console, words("origin.title"))
    if review.origins:
        table = grid(
            words("origin.table"),
            f">{words('origin.rows')}",
            f">{words('origin.rejected')}",
            words("origin.files"),
        )
        for origin in review.origins:
            table.add_row(
                Text(words.named("table", origin.table)),
                Text(words.number(origin.rows)),
                Text(words.number(origin.rejected)),
                Text(", ".join(clean(file) for file in origin.files)),
            )
        console.print(table)
        for line in (line for origin in review.origins for line in collapsed_rows(origin, words)):
            console.print(Text(line))
    else:
        console.print(Text(words("origin.none")))
    console.print(Text(words("page.digest", digest=clean(review.digest)), style="dim"))
