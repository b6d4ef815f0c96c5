"""The ledger as files: entries for spreadsheets and programs, a journal of hledger, and the statement on paper."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from django.utils import timezone

from comity.apps.books import results
from comity.apps.books.queries import zone
from comity.apps.books.results import Question
from comity.apps.i18n import words_for
from comity.apps.ledger import queries, sentences
from comity.apps.ledger.queries import LedgerFilters
from comity.apps.ledger.sentences import EntryRow
from comity.apps.ledger.subjects import links
from comity.apps.parties.member_context import MemberContext
from comity.core.ledger.journal import journal
from comity.core.ledger.opened import OPENING, REVERSAL
from comity.core.ledger.statement import Row
from comity.core.values import Period, Side
from comity.review.i18n.words import DASH, Words
from comity.review.render.document import render

COMPUTE_FILE = "ledger.file"  # the task
TEMPLATE = "ledger_paper.html"
MAX_ROWS = 100_000  # of a file that a request makes
_PAPER_ENTRIES = 400  # on paper; the other files have them all
ENTRY_COLUMNS = ("number", "day", "for", "subject", "kind", "happened", "customer", "provider")


def entry_table(
    member: MemberContext, filters: LedgerFilters, words: Words
) -> tuple[list[str], Iterator[list[object]]]:
    """Return the heads and the rows of the entries of a span, the latest first, for a file."""
    party = member.party(words)
    heads = [
        party(name) if name in {side.value for side in Side} else words(f"ledger.col_{name}") for name in ENTRY_COLUMNS
    ]
    return heads, (_cells(row) for row in entry_rows(member, filters, words, MAX_ROWS))


def entry_rows(member: MemberContext, filters: LedgerFilters, words: Words, most: int) -> list[EntryRow]:
    """Return the entries of a span as rows, the latest first."""
    lines = list(queries.entries(member, filters)[:most])
    named = links(member, {(line.transaction.subject_type, line.transaction.subject_id) for line in lines})
    return sentences.entry_rows(lines, named, words, member.party(words))


def _cells(row: EntryRow) -> list[object]:
    return [
        row.number,
        row.day.isoformat(),
        row.for_day.isoformat() if row.for_day else "",
        row.subject.title if row.subject else "",
        row.kind,
        row.happened,
        row.customer_number,
        row.provider_number,
    ]


def journal_text(member: MemberContext, span: Period, words: Words) -> str:
    """Return the transactions of a span as a journal of hledger, after an opening entry for what was open before it."""
    party = member.party(words)
    names = {side.value: party(side) for side in Side}
    title, opening = words("ledger.journal_title", **names), queries.balances(member, span.start)
    return journal(queries.transactions(member, span), title, opening, opens_on=span.start)


def statement_file(member: MemberContext, span: Period, language: str) -> bytes:
    """Return the statement of a span as a PDF, the same for everybody who may read it.

    :raises comity.apps.books.results.NotComputedYet: in a request, where it has not been made
    :raises comity.review.render.errors.PdfUnavailableError: where the system library pango is missing
    """
    last, counted = queries.last_transaction(member), queries.last_recount(member)
    terms: dict[str, str | None] = {
        "start": span.start.isoformat(),
        "end": span.end.isoformat(),
        "language": language,
        "last": None if last is None else str(last.number),
        "counted": None if counted is None else str(counted.pk),
        "today": queries.today(member).isoformat(),
    }
    question = Question(COMPUTE_FILE, tuple(terms.items()))
    return results.computed(member.joint(), question, lambda: _made(member, span, words_for(language)))


def make_statement_file(member: MemberContext, terms: Mapping[str, str | None]) -> None:
    """Make a file, for the task."""
    span = Period(date.fromisoformat(str(terms["start"])), date.fromisoformat(str(terms["end"])))
    statement_file(member, span, str(terms["language"]))


def _made(member: MemberContext, span: Period, words: Words) -> bytes:
    paper = statement_paper(member, span, words)
    return render(TEMPLATE, {"paper": paper}, words, made_at=timezone.now(), identifier=str(paper["digest"]))


def statement_paper(member: MemberContext, span: Period, words: Words) -> dict[str, object]:
    """Return what stands on the sheets of a statement, as finished text.

    `digest` is that of the record's last entry of the ledger: what the statement was made from.
    """
    made, party = queries.statement_of(member, span), member.party(words)
    last, counted = queries.last_transaction(member), queries.last_recount(member)
    days = words.days(span)
    digest = hashlib.sha256(f"{days} {last and last.pk}".encode()).hexdigest()
    title = words("ledger.paper_title", days=days)
    counted_on = "" if counted is None else words.day(timezone.localtime(counted.at).date())
    rows = entry_rows(member, LedgerFilters(span), words, _PAPER_ENTRIES)
    so_far = span.end > queries.today(member)
    return {
        "title": title,
        "parties": words("paper.parties", **{side.value: party(side) for side in Side}),
        "subject": title,
        "digest": digest,
        "foot": title,
        "facts": [
            (words("ledger.span"), days),
            (words("ledger.last_entry"), DASH if last is None else words.number(last.number)),
            (words("ledger.zone"), zone(member)),
        ],
        "notes": [
            sentences.headline(made, words, party, so_far=so_far),
            *sentences.checks(made, words, party),
            *filter(None, [sentences.unrecorded_sentence(queries.unrecorded(), words)]),
            sentences.recount_sentence(counted, counted_on, words),
        ],
        "heads": statement_heads(span, words, so_far=so_far),
        "sides": [
            (words("ledger.owes_to", party=party(side), other=party(side.other)), statement_cells(made.of(side), words))
            for side in Side
            if made.of(side)
        ],
        "entry_heads": [words(f"ledger.col_{name}") for name in ("number", "day", "subject", "kind", "happened")]
        + [party(side) for side in Side],
        "entries": [
            [
                words.number(row.number),
                words.day(row.day),
                row.subject.title if row.subject else "",
                row.kind,
                row.happened,
                row.customer,
                row.provider,
            ]
            for row in rows
        ],
        "more": len(rows) == _PAPER_ENTRIES,
    }  # fmt: skip


def change_text(member: MemberContext, content: Mapping[str, Any], words: Words) -> dict[str, object]:
    """Return a change of the ledger that is proposed, or was agreed on, as finished text: a sentence, rows, a reason.

    Texts that were erased are said to be.
    """
    party, texts = member.party(words), queries.wordings(member, content)

    def text(named: Mapping[str, str] | None) -> str:
        return "" if named is None else texts.get(named["id"], words("ledger.erased"))

    what = content["what"]
    values: dict[str, object] = {}
    if what == OPENING:
        values["day"] = words.day(date.fromisoformat(content["as_of"]))
    elif what == REVERSAL:
        values["number"] = words.number(content["transaction"])
    else:
        values |= {"zone": content["zone"], "day": words.number(content["month_starts_on"])}
    rows = [
        {
            "side": one["debtor"],
            "party": party(Side(one["debtor"])),
            "kind": sentences.kind_name(one["kind"], words),
            "what": text(one["what"]),
            "due": words.day(date.fromisoformat(one["due_on"])) if one["due_on"] else DASH,
        }
        for one in content.get("promises", [])
    ]
    return {"said": words(f"ledger.change_{what}", **values), "rows": rows, "reason": text(content.get("reason"))}


def statement_heads(span: Period, words: Words, *, so_far: bool) -> list[str]:
    """Return the heads of the statement's columns after the kind.

    :param so_far: whether the span has not ended
    """
    names = ("taken_on", "kept_last", "kept_late", "kept_first", "deemed", "let_off", "broken", "withdrawn")
    return [
        words("ledger.open_on", day=words.short_day(span.start)),
        *(words(f"ledger.of_{name}") for name in names),
        words("ledger.open_now")
        if so_far
        else words("ledger.open_after", day=words.short_day(span.end - timedelta(days=1))),
        words("ledger.of_late"),
        words("ledger.of_oldest"),
    ]


def statement_cells(rows: Sequence[Row], words: Words) -> list[list[str]]:
    """Return the rows of one side as finished text, the kind first."""
    return [
        [
            sentences.kind_name(row.kind, words),
            sentences.amount(row.opening, row.kind, words),
            sentences.signed(row.taken_on, row.kind, words),
            sentences.signed(-row.kept_by_last, row.kind, words),
            sentences.signed(-row.kept_late, row.kind, words),
            sentences.amount(row.kept_by_first, row.kind, words),
            *(
                sentences.signed(-number, row.kind, words)
                for number in (row.deemed, row.let_off, row.broken, row.withdrawn)
            ),
            sentences.amount(row.closing, row.kind, words),
            words.number(row.late),
            DASH if row.oldest_days is None else words.number(row.oldest_days),
        ]
        for row in rows
    ]


def age_cells(rows: Sequence[Row], words: Words) -> list[list[str]]:
    """Return how old what one side owes is, by kind, as finished text: the groups, and those long past their day."""
    return [
        [sentences.kind_name(row.kind, words), *map(words.number, row.ages), words.number(row.long_late)]
        for row in rows
        if any(row.ages)
    ]
