"""A proposed change as a PDF that one person takes out, signs elsewhere and brings back.

The sheets have all that is signed in the room, in sentences and in fields; the document that the digest is of is
embedded as it is canonical, so that anybody can compute the digest again. The file is made for one person, side and
revision: what another took out is another file.
"""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from comity.apps.agreements.sentences import (
    clause_heading,
    clause_sentences,
    differences_text,
    figures_of,
    relief_text,
    word_texts,
)
from comity.apps.agreements.signing.signed_pdf import FRAME
from comity.apps.agreements.text.papers import Reader, Row, field_rows, readable_titles
from comity.apps.agreements.wording.values import change_label, change_value_text, kind_name, role_text
from comity.core.agreements import canonical, signing
from comity.core.agreements.authority import Signer
from comity.core.agreements.changes import change_content
from comity.core.agreements.text import Text, text, with_change, wordings_told
from comity.core.values import Side
from comity.review.i18n.words import clean
from comity.review.render.document import EmbeddedFile, render

SCHEMA = "comity.to-sign/1"
TEMPLATE = "change_paper.html"
EMBEDDED = "to-sign.json"
FIELD = "Signature"
_SIGNATURES_ALONE = 3  # /SigFlags: signatures are here, and what follows is only added
_SHORT = 16


@dataclass(frozen=True, slots=True)
class ToSign:
    """What one person is to sign.

    :ivar steps: of the change
    :ivar relationship: its id
    :ivar sentences: language -> digest of the sentences
    :ivar retroactive: whether its first day has come
    """

    steps: Sequence[signing.Step]
    situation: signing.Situation
    relationship: str
    side: Side
    signer: Signer
    sentences: Mapping[str, str]
    made_at: datetime

    @property
    def revision(self) -> Any:  # noqa: ANN401 - a revision, as `signing.revisions` gives it
        """The revision that stands."""
        return signing.revisions(self.steps)[-1]

    @property
    def retroactive(self) -> bool:
        """Whether its first day has come."""
        return bool(self.revision.proposal.change.span.first_day <= self.situation.today)


def document(asked: ToSign) -> dict[str, Any]:
    """Return the document that the file embeds; `digest` is that of `signed`, which a signature is given on."""
    signed, proposal = signing.what_is_signed(asked.steps, asked.situation), asked.revision.proposal
    return {
        "schema": SCHEMA,
        "relationship": asked.relationship,
        "number": proposal.change.number,
        "revision": asked.revision.number,
        "digest": canonical.digest(signed),
        "signed": signed,
        "change": change_content(proposal.change),
        "says": dict(proposal.says),
        "sentences": dict(asked.sentences),
        "side": asked.side.value,
        "person": asked.signer.person,
        "role": asked.signer.role,
        "deputy_for": asked.signer.deputy_for,
        "retroactive": asked.retroactive,
        "made_at": asked.made_at.isoformat(),
    }


def to_sign_pdf(asked: ToSign, reader: Reader) -> bytes:
    """Return the file, with a field for the signature on its last sheet.

    :raises comity.review.render.errors.PdfUnavailableError: where the system library pango is missing
    """
    content = document(asked)
    written = canonical.canonical(content).encode()
    file = EmbeddedFile(EMBEDDED, reader.words("paper.to_sign_embedded"), written)
    pdf = render(
        TEMPLATE, {"paper": _paper(asked, content, reader)}, reader.words, made_at=asked.made_at,
        identifier=canonical.digest(content), embedded=[file],
    )  # fmt: skip
    return _with_field(pdf)


def _with_field(pdf: bytes) -> bytes:
    """Add an empty field for a signature, so that whoever signs need add nothing else to the file."""
    from pyhanko.pdf_utils import generic  # noqa: PLC0415 - heavy
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter  # noqa: PLC0415 - as above
    from pyhanko.sign import fields  # noqa: PLC0415 - as above

    writer: Any = IncrementalPdfFileWriter(io.BytesIO(pdf))
    out, number = io.BytesIO(), cast("Any", generic.NumberObject)
    fields.append_signature_field(writer, fields.SigFieldSpec(FIELD, on_page=-1, box=FRAME))
    writer.root["/AcroForm"]["/SigFlags"] = number(_SIGNATURES_ALONE)
    writer.write(out)
    return out.getvalue()


def _paper(asked: ToSign, content: Mapping[str, Any], reader: Reader) -> dict[str, object]:
    words, proposal = reader.words, asked.revision.proposal
    span, says = proposal.change.span, proposal.says
    heading = words("paper.change", number=proposal.change.number, title=clean(str(says["title"])))
    digest = str(content["digest"])
    return {
        "title": words("paper.to_sign_title", change=heading),
        "parties": reader.both(),
        "subject": words("paper.to_sign_subject", number=proposal.change.number, digest=digest),
        "digest": digest,
        "foot": words("paper.to_sign_foot", change=heading, digest=digest[:_SHORT]),
        "facts": [
            (words("paper.revision"), words.number(asked.revision.number)),
            (words("change.first_day"), words.day(span.first_day)),
            *([] if span.last_day is None else [(words("change.end"), words.day(span.last_day))]),
            *_said(asked, reader),
            (words("paper.signed_digest"), digest),
            (words("paper.made_at"), reader.moment(asked.made_at)),
        ],
        "notes": list(_notes(asked, content, reader)),
        "clauses": _clauses(asked, reader),
        "words": word_texts(proposal.change, asked.situation.chain, reader.may_read, words),
        "wordings": _wordings(content, reader),
        "signer": [
            (words("paper.signs"), clean(asked.signer.person)),
            (words("paper.for"), reader.party(asked.side)),
            (words("paper.role"), role_text(asked.signer.role, words)),
            *([(words("paper.deputy"), clean(asked.signer.deputy_for))] if asked.signer.deputy_for else []),
            (words("paper.signed_digest"), digest),
        ],
        "declares": words("paper.declares_retroactive" if asked.retroactive else "paper.declares", change=heading),
    }  # fmt: skip


def _said(asked: ToSign, reader: Reader) -> list[Row]:
    """Return what a change says of itself, but for its title."""
    change, chain, says = asked.revision.proposal.change, asked.situation.chain, asked.revision.proposal.says
    day = change.span.first_day
    figures = figures_of(text(chain, day), text(with_change(chain, change), day), words=reader.words)
    return [
        (change_label(name, reader.words), change_value_text(name, value, reader.words, figures))
        for name, value in says.items()
        if name != "title"
    ]


def _notes(asked: ToSign, content: Mapping[str, Any], reader: Reader) -> list[str]:
    words, signed = reader.words, content["signed"]
    notes = [words("paper.to_sign_about"), words("paper.to_sign_how")]
    if signed["shortfall"]:
        notes.append(words("agreement.shortfall", days=signed["shortfall"]))
        waived = signed.get("waived")
        if waived is not None:
            notes.append(words("agreement.is_waived"))
            titles = readable_titles(text(asked.situation.chain, asked.situation.today), reader)
            first_day = asked.revision.proposal.change.span.first_day
            notes.append(relief_text(waived["kpis"], first_day, waived["until"], titles, words))
    if content["retroactive"]:
        notes.append(words("agreement.retroactive"))
    return [one for one in notes if one]


def _clauses(asked: ToSign, reader: Reader) -> list[dict[str, object]]:
    """Return each clause that the change touches: before, after, and its fields, on each day that tells."""
    words, change = reader.words, asked.revision.proposal.change
    found: list[dict[str, object]] = []
    for clause, day, before, after in wordings_told(change, asked.situation.chain):
        old, new = before.get(clause), after.get(clause)
        titles = readable_titles(before, reader), readable_titles(after, reader)
        known = new or old
        if known is None:
            continue
        rows = differences_text(Text((old,)), Text((new,)), words) if old and new else []
        found.append({
            "title": clause_heading(known, words),
            "day": "" if day == change.span.first_day else words("agreement.from_day", day=words.day(day)),
            "kind": kind_name(known.kind, words),
            "before": [] if old is None else clause_sentences(old, words, titles[0]),
            "after": [] if new is None else clause_sentences(new, words, titles[1]),
            "fields": [] if new is None else field_rows(new, words, titles[1]),
            "differences": [row[1:] for row in rows],
            "removed": new is None,
        })  # fmt: skip
    return found


def _wordings(content: Mapping[str, Any], reader: Reader) -> list[tuple[str, str, str]]:
    """Return the wordings over the span that the digest is of: (clause, first day, digest)."""
    words = reader.words
    rows = []
    for clause, wordings in content["signed"]["as_agreed"].items():
        for day, digest in wordings:
            first = words("paper.always") if day == "0001-01-01" else str(day)
            rows.append((clean(clause), first, digest or words("paper.not_there")))
    return rows
