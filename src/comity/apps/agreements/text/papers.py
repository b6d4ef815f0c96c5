"""The agreement on paper: what stands on the sheets, as finished text, and the PDF of it.

The room and the command line make the same sheets, so nothing here knows Django. Whoever may not read a clause gets
its number and its kind. The digest covers all clauses, those not shown too, so that two readers can see that they have
the same text.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from zoneinfo import ZoneInfo

from comity.apps.agreements.sentences import clause_sentences, clause_titles, differences_text
from comity.apps.agreements.wording.used_fields import hidden_fields
from comity.apps.agreements.wording.values import choice_text, field_label, kind_name, role_text, value_text
from comity.book.agreement import AgreedChange, Signature, chain_of
from comity.core.agreements import canonical
from comity.core.agreements.changes import proposal_digest
from comity.core.agreements.clauses import Clause
from comity.core.agreements.kinds import KINDS, Kind
from comity.core.agreements.text import Chain, Text, difference, text
from comity.core.values import Side
from comity.review.i18n.words import Words, clean
from comity.review.render.document import EmbeddedFile, render

Row = tuple[str, str]
TEMPLATE = "agreement_paper.html"
_SHORT = 16  # digits of a digest at the foot of a sheet


def _everything(_: Clause) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads a paper.

    :ivar parties: names of the organisations
    :ivar zone: in whose clock moments are told
    :ivar may_read: whether they read a clause
    :ivar seal: what is said of the seal of the file; empty for one at home
    """

    words: Words
    parties: Mapping[Side, str]
    zone: str
    may_read: Callable[[Clause], bool] = field(default=_everything)
    seal: str = ""

    def party(self, side: Side) -> str:
        """Return the name of a side."""
        return self.words.side(side, self.parties)

    def both(self) -> str:
        """Return the names of both."""
        return self.words("paper.parties", customer=self.party(Side.CUSTOMER), provider=self.party(Side.PROVIDER))

    def moment(self, at: datetime) -> str:
        """Return a moment by the clock of the book."""
        local = at.astimezone(ZoneInfo(self.zone))
        return self.words("paper.moment", day=self.words.day(local.date()), clock=f"{local:%H:%M:%S}", zone=self.zone)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which text: that of a day as it is known at a place of the agreement (None: all of it)."""

    day: date
    known: int | None = None


def text_pdf(
    changes: Sequence[AgreedChange],
    asked: Asked,
    compared: Asked | None,
    reader: Reader,
    made_at: datetime,
) -> bytes:
    """Return the text of a day as a PDF, with what it says otherwise than another one.

    :param made_at: aware
    :raises comity.review.render.errors.PdfUnavailableError: where the system library pango is missing
    """
    read = text(chain_of(changes), asked.day, asked.known)
    paper = text_paper(changes, asked, compared, reader, made_at)
    embedded = []
    if all(reader.may_read(clause) for clause in read.clauses if not clause.removed):
        content = canonical.canonical(canonical.text_content(read.clauses)).encode()
        embedded.append(EmbeddedFile("agreement.json", reader.words("paper.embedded"), content))
    return render(
        TEMPLATE, {"paper": paper}, reader.words, made_at=made_at, identifier=str(paper["digest"]), embedded=embedded
    )


def text_paper(
    changes: Sequence[AgreedChange], asked: Asked, compared: Asked | None, reader: Reader, made_at: datetime
) -> dict[str, object]:
    """Return what stands on the sheets of a text; `digest` is that of the canonical form, of all clauses."""
    words, chain = reader.words, chain_of(changes)
    read = text(chain, asked.day, asked.known)
    digest = text_digest(read)
    title = words("paper.title", day=words.day(asked.day))
    known = [one for one in changes if asked.known is None or one.place <= asked.known]
    return {
        "title": title,
        "parties": reader.both(),
        "subject": words("paper.subject", digest=digest),
        "digest": digest,
        "foot": words("paper.foot", title=title, digest=digest[:_SHORT]),
        "facts": [
            (words("paper.day"), words.day(asked.day)),
            (words("paper.known"), _known(asked.known, words)),
            (words("paper.digest"), digest),
            (words("paper.made_at"), reader.moment(made_at)),
        ],
        "notes": _notes(read, reader, _coming(known, asked.day, words)),
        "differences": None if compared is None else _differences(chain, asked, compared, reader),
        "clauses": list(_clauses(read, chain, asked, reader)),
        "changes": [_change(one, asked.day, reader) for one in known],
    }


def _coming(known: Sequence[AgreedChange], day: date, words: Words) -> list[str]:
    """Return a sentence for each change that is agreed and first holds after a day."""
    return [
        words(
            "agreement.coming",
            number=one.number,
            title=clean(str(one.proposal.says.get("title", ""))),
            day=words.day(one.proposal.change.span.first_day),
        )
        for one in known
        if one.proposal.change.span.first_day > day
    ]


def text_digest(read: Text) -> str:
    """Return the digest of a text: the SHA-256 of its canonical form."""
    return canonical.digest(canonical.text_content(read.clauses))


def _known(place: int | None, words: Words) -> str:
    return words("paper.known_all") if place is None else words("paper.known_at", place=place)


def _notes(read: Text, reader: Reader, coming: Sequence[str]) -> list[str]:
    words = reader.words
    hidden = sum(not clause.removed and not reader.may_read(clause) for clause in read.clauses)
    notes = [words("paper.about"), *coming]
    if hidden:
        notes.append(words("paper.hidden", count=hidden))
    return [*notes, reader.seal] if reader.seal else notes


def readable_titles(read: Text, reader: Reader) -> dict[str, str]:
    """Return the headings of a text's clauses by id; one that the reader may not read is called by its number."""
    titles = clause_titles(read, reader.words)
    for number, clause in _numbered(read):
        if not reader.may_read(clause):
            titles[clause.id] = reader.words("paper.clause_number", number=number)
    return titles


def _numbered(read: Text) -> list[tuple[int, Clause]]:
    return list(enumerate((clause for clause in read.clauses if not clause.removed), 1))


def _clauses(read: Text, chain: Chain, asked: Asked, reader: Reader) -> Iterator[dict[str, object]]:
    words, titles = reader.words, readable_titles(read, reader)
    for number, clause in _numbered(read):
        shown, kind = reader.may_read(clause), kind_name(clause.kind, words)
        by = _by(chain, clause, asked)
        yield {
            "number": number,
            "kind": kind,
            "title": titles[clause.id] if shown else kind,
            "sentences": clause_sentences(clause, words, titles) if shown else None,
            "fields": field_rows(clause, words, titles) if shown else [],
            "by": words(
                "paper.by" if len(by) == 1 else "paper.by_several", numbers=words.listed([str(one) for one in by])
            )
            if by
            else "",
        }


def field_rows(clause: Clause, words: Words, titles: Mapping[str, str]) -> list[Row]:
    """Return the fields of a clause, (label, value) each, but for its heading."""
    return [
        (
            field_label(clause.kind, name, words),
            value_text(clause.kind, name, value, words, beside=clause.fields, titles=titles),
        )
        for name, value in clause.fields.items()
        if name != "title" and not _says_nothing(clause, name)
    ]


def _says_nothing(clause: Clause, name: str) -> bool:
    """Whether a field is one that a KPI's measure does not count by, or that alters nothing, as it is by default."""
    usual = {**KINDS[clause.kind].defaults, **KINDS[clause.kind].derived(clause.fields)}
    if clause.fields[name] != usual.get(name):
        return False
    return name in hidden_fields(clause.kind, clause.fields) or (clause.kind is Kind.KPI and name == "volume_band")


def _by(chain: Chain, clause: Clause, asked: Asked) -> list[int]:
    """Return the numbers of the changes that hold on the day and write into a clause."""
    return [
        entry.change.number
        for entry in chain
        if (asked.known is None or entry.place <= asked.known)
        and asked.day in entry.change.span
        and any(edit.clause == clause.id for edit in entry.change.edits)
    ]


def _differences(chain: Chain, asked: Asked, compared: Asked, reader: Reader) -> dict[str, object]:
    words = reader.words
    before, after = (text(chain, one.day, one.known) for one in (compared, asked))
    hidden = {
        clause.id: clause
        for read in (before, after)
        for clause in read.clauses
        if not clause.removed and not reader.may_read(clause)
    }
    seen = [Text(tuple(one for one in read.clauses if one.id not in hidden)) for read in (before, after)]
    rows = differences_text(seen[0], seen[1], words)
    numbers = {clause.id: number for read in (before, after) for number, clause in _numbered(read)}
    moved = list(dict.fromkeys(one.clause for one in difference(before, after) if one.clause in hidden))
    others = [
        words("paper.hidden_differs", number=numbers[one], kind=kind_name(hidden[one].kind, words)) for one in moved
    ]
    if not rows and not others:
        others = [words("paper.same")]
    return {
        "title": words("paper.difference", day=words.day(compared.day)),
        "before": _column(compared, words),
        "after": _column(asked, words),
        "rows": rows,
        "others": others,
    }


def _column(asked: Asked, words: Words) -> str:
    day = words.day(asked.day)
    return day if asked.known is None else words("paper.day_known", day=day, place=asked.known)


def _change(one: AgreedChange, day: date, reader: Reader) -> dict[str, object]:
    words, span = reader.words, one.proposal.change.span
    title = clean(str(one.proposal.says.get("title", "")))
    lines = [_span(one, day, words)]
    if one.taken_over:
        lines.append(words("paper.taken_over"))
    elif one.agreed_on is not None:
        lines.append(words("paper.on_paper", day=words.day(one.agreed_on)))
    elif not one.signatures:
        lines.append(words("paper.not_agreed"))
    else:
        lines.append(words("paper.agreed_at", at=reader.moment(one.agreed_at)))
    lines += [signature_text(signature, reader) for signature in one.signatures]
    return {
        "title": words("paper.change", number=one.number, title=title) if title else str(one.number),
        "lines": lines,
        "digest": canonical.digest(one.signed) if one.signed else proposal_digest(one.proposal),
        "in_force": day in span,
    }


def _span(one: AgreedChange, day: date, words: Words) -> str:
    span = one.proposal.change.span
    state = "in_force" if day in span else "later" if span.first_day > day else "ended"
    first = words("paper.always") if span.first_day == date.min else words("paper.from", day=words.day(span.first_day))
    until = "" if span.last_day is None else words("paper.until", day=words.day(span.last_day))
    return ", ".join(part for part in (first, until, words(f"paper.{state}")) if part)


def signature_text(signature: Signature, reader: Reader) -> str:
    """Return who signed, when, in which role, under which clause and by what means."""
    words = reader.words
    role = role_text(signature.role, words)
    if signature.deputy_for:
        role = words("paper.for_another", role=role, name=clean(signature.deputy_for))
    said = words(
        "paper.signed_by", name=clean(signature.person), role=role, party=reader.party(signature.side),
        at=reader.moment(signature.at), means=choice_text("means", signature.means, words),
    )  # fmt: skip
    if signature.authority:
        said += " " + words("paper.authority", clause=clean(signature.authority))
    return said + (f" {words('paper.file', digest=signature.file)}" if signature.file else "")
