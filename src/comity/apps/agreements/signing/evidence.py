"""The evidence of a change: what was shown to whom and when, who signed it under which authority, and what fell."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from typing import Any

from comity.apps.agreements import queries, signatories
from comity.apps.agreements.models import SignedFile
from comity.apps.agreements.sentences import clause_heading, relief_text
from comity.apps.agreements.signing import signed_elsewhere
from comity.apps.agreements.text.papers import Reader, readable_titles
from comity.apps.agreements.wording.values import choice_text, kind_name, role_text
from comity.apps.parties.member_context import MemberContext
from comity.apps.record import queries as record
from comity.apps.record.models import ConsentSubject
from comity.core.agreements import signing
from comity.core.agreements.kinds import Kind
from comity.core.agreements.notice import notice_of
from comity.core.agreements.signing import Situation, Step, StepKind
from comity.core.agreements.text import text
from comity.review.i18n.words import clean


def evidence(member: MemberContext, state: queries.ChangeState, now: Situation, reader: Reader) -> dict[str, Any]:
    """Return what the page of evidence shows, as finished text."""
    assert state.last is not None
    words = reader.words
    steps, of = queries.as_decided(state, now)
    notice, signed = notice_of(signing.revisions(steps), of.chain, of.zone), signing.what_is_signed(steps, of)
    digest = signing.what_is_signed_digest(steps, of)
    files = {file.sha256: file for file in SignedFile.objects.filter(change=state.row).defer("content")}
    entry = record.entries(member, ConsentSubject.AGREEMENT, str(state.row.number)).last()
    waived, alike = signed.get("waived"), signatories.namesakes(member)
    facts = [
        (words("evidence.state"), words(f"change_state.{state.state.value}")),
        (words("evidence.signed_digest"), digest),
        (words("evidence.authority"), _authority(of, reader)),
        (words("agreement.notice_given"), words.number(notice.given)),
        (
            words("agreement.notice_agreed"),
            words("agreement.none_agreed") if notice.agreed is None else words.number(notice.agreed),
        ),
    ]
    if notice.shortfall:
        said = words("agreement.shortfall", days=notice.shortfall)
        if waived:
            first_day = signing.revisions(steps)[-1].proposal.change.span.first_day
            titles = readable_titles(text(of.chain, of.today), reader)
            relief = relief_text(waived["kpis"], first_day, waived["until"], titles, words)
            said = " ".join(part for part in (said, words("agreement.is_waived"), relief) if part)
        facts.append((words("evidence.shortfall"), said))
    if entry is not None:
        facts += [
            (words("evidence.entry"), words.number(entry.number)),
            (words("evidence.entry_digest"), entry.digest),
        ]
    return {
        "facts": facts,
        "rows": [_row(step, digest, files, reader, alike) for step in state.steps],
    }


def _authority(of: Situation, reader: Reader) -> str:
    """Return under which clause is signed, where there is one, and that none is agreed else."""
    clauses = text(of.chain, of.today).of(Kind.AUTHORITY)
    if not clauses:
        return reader.words("evidence.no_authority")
    clause, words = clauses[0], reader.words
    title = clause_heading(clause, words) if reader.may_read(clause) else kind_name(clause.kind, words)
    return words("evidence.by_clause", title=title, id=clause.id)


def _row(
    step: Step, digest: str, files: Mapping[str, SignedFile], reader: Reader, alike: Mapping[str, str]
) -> dict[str, Any]:
    words = reader.words
    what = words(f"change_step.{step.kind.value}")
    if step.kind is StepKind.OPEN:
        what = words("evidence.shown")
    file = files.get(step.file) if step.file else None
    return {
        "what": what,
        "who": clean(alike.get(step.person_id, step.person)) if step.person else words("evidence.nobody"),
        "side": step.side,
        "at": reader.moment(step.at),
        "lines": list(_lines(step, digest, reader)),
        "digests": [(choice_text("language", name, words), value) for name, value in sorted(step.sentences.items())],
        "file": file,
        "found": [] if file is None else _found(file, reader),
    }


def _found(file: SignedFile, reader: Reader) -> list[str]:
    found = signed_elsewhere.found_in(file)
    return [reader.words("evidence.not_read")] if found is None else [found_text(asdict(one), reader) for one in found]


def _lines(step: Step, digest: str, reader: Reader) -> Iterator[str]:
    words = reader.words
    if step.revision or step.new is not None:
        yield words("evidence.revision", number=step.revision if step.new is None else step.new.number)
    if step.language:
        yield words("evidence.language", language=choice_text("language", step.language, words))
    if step.digest:
        yield words("evidence.digest", digest=step.digest)
    if step.kind is StepKind.SIGN:
        yield from _signature(step, digest, reader)
    if step.signer is not None:
        yield words("evidence.role", role=role_text(step.signer.role, words))
        if step.signer.deputy_for:
            yield words("evidence.deputy", name=clean(step.signer.deputy_for))
    if step.waiver is not None:
        yield words("evidence.waived", days=step.waiver.shortfall)
    if step.reason:
        yield clean(step.reason)


def _signature(step: Step, digest: str, reader: Reader) -> Iterator[str]:
    words = reader.words
    yield words("evidence.means", means=choice_text("means", step.means.value, words))
    yield words("evidence.counts" if step.digest == digest else "evidence.fell")
    yield words("evidence.under", clause=step.authority) if step.authority else words("evidence.no_authority")
    if step.retroactive:
        yield words("agreement.retroactive")
    if step.file:
        yield words("paper.file", digest=step.file)


def found_text(found: Mapping[str, Any], reader: Reader) -> str:
    """Return what a signature in a file says, as it was found and no more."""
    words = reader.words
    signer = clean(str(found["signer"]))
    if found["organisation"]:
        signer = words("evidence.of", signer=signer, organisation=clean(str(found["organisation"])))
    parts = [words("evidence.certificate", signer=signer, issuer=clean(str(found["issuer"])))]
    parts.append(words("evidence.intact"))
    parts.append(words("evidence.trusted" if found["trusted"] else "evidence.not_trusted"))
    if found["stamped_at"]:
        parts.append(words("evidence.stamped", at=reader.moment(datetime.fromisoformat(found["stamped_at"]))))
    elif found["said_at"]:
        parts.append(words("evidence.said", at=reader.moment(datetime.fromisoformat(found["said_at"]))))
    parts.append(words("evidence.not_revoked"))
    return " ".join(parts)
