"""The evidence pack of a matter: one archive, the same for both sides, made by a worker and checked without the room.

It holds what both sides may read, and nothing of one side alone. Steps *without prejudice* stay out, with their files,
and where one of them put terms on the table, the terms that the matter's own row has; only how many they are is said.
"""

import hashlib
import io
import json
import zipfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.utils import timezone

from comity.apps.agreements import queries as agreements
from comity.apps.agreements.sentences import clause_titles
from comity.apps.audit.models import AuditEvent
from comity.apps.books import results
from comity.apps.books.queries import NoBookError, zone
from comity.apps.books.results import Question
from comity.apps.i18n import words_for
from comity.apps.matters import queries, sentences
from comity.apps.matters.models import Evidence, Matter, SilenceNotice, Step
from comity.apps.matters.refusals import Code
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.models import Person
from comity.apps.parties.queries import firm_of
from comity.apps.record import queries as record
from comity.apps.refusal import Refused
from comity.apps.replies.queries import calendar_of
from comity.book.errors import UnusableFileError
from comity.core.agreements.canonical import clause_content
from comity.core.chain import digest_of
from comity.core.matters import packs
from comity.core.matters.history import Mark
from comity.core.values import Side
from comity.review.i18n.words import Words
from comity.review.render.document import render

COMPUTE_PACK = "matters.pack"  # the task
COVER, TEMPLATE = "evidence.pdf", "evidence_paper.html"
MailSource = Callable[[MemberContext, Matter], list[dict[str, Any]]]
# Each gives the mails by which steps of a matter were made, as both sides may read of them; the mailbox's app registers
# its own.
mail_sources: list[MailSource] = []
_TOLD = ("id", "kind", "asks", "answers", "title", "kpi", "period", "event", "raised_at", "late", "formal_under",
         "event_on", "aware_on", "about", "about_name", "department")  # fmt: skip
_TERMS = ("state", "queue", "from_day", "to_day", "asked_for", "due_on", "first_due_on", "moved", "value", "follows",
          "wording", "before", "price", "cause", "failed", "proposes", "becomes", "untold", "debtor",
          "closed_at")  # fmt: skip


def pack(member: MemberContext, matter: Matter, language: str) -> bytes:
    """Return the evidence pack of a matter as a ZIP archive.

    :param language: of its cover
    :raises Refused: for a matter that was raised without prejudice
    :raises comity.apps.books.results.NotComputedYet: in a request, where it has not been made
    """
    steps = list(queries.steps(matter))
    if steps[0].mark == Mark.WITHOUT_PREJUDICE:
        raise Refused(Code.RESERVED)
    notice, last = queries.formal_notice(matter), record.entries(member).last()
    terms = {
        "matter": str(matter.pk),
        "language": language,
        "step": str(len(steps)),
        "entry": "" if last is None else last.digest,
        "opened": json.dumps(sorted(map(str, queries.openings(matter).items()))),
        "notice": "" if notice is None else json.dumps([notice.told, str(notice.received_at)]),
    }
    question = Question(COMPUTE_PACK, tuple(terms.items()))
    return results.computed(member.joint(), question, lambda: _made(member, matter, words_for(language)))


def make_pack(member: MemberContext, terms: Mapping[str, str | None]) -> None:
    """Make a pack, for the task."""
    matter = queries.matter(member, UUID(str(terms["matter"])))
    if matter is not None:
        with suppress(Refused):
            pack(member, matter, str(terms["language"]))


def _made(member: MemberContext, matter: Matter, words: Words) -> bytes:
    steps = [one for one in queries.steps(matter) if one.mark != Mark.WITHOUT_PREJUDICE]
    content, files = pack_content(member, matter), _files(matter, steps)
    entries = record.export_entries(record.entries(member))
    kept = entries["entries"]
    paper = pack_paper(member, matter, content, words)
    files[COVER] = render(TEMPLATE, {"paper": paper}, words, made_at=timezone.now(), identifier=str(paper["digest"]))
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    made = packs.document(content, digests, len(kept), kept[-1]["digest"] if kept else "")
    files[packs.DOCUMENT] = json.dumps(made, ensure_ascii=False, indent=1).encode()
    files[packs.RECORD] = json.dumps(entries, ensure_ascii=False, indent=1).encode()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, data in sorted(files.items()):
            packed.writestr(name, data)
    return archive.getvalue()


def _files(matter: Matter, steps: list[Step]) -> dict[str, bytes]:
    """Return the files that were laid before the other side, by the step that each came with."""
    files = Evidence.objects.filter(matter=matter, step__in=steps).select_related("step")
    return {_file_name(one): bytes(one.content) for one in files}


def _file_name(file: Evidence) -> str:
    return f"files/{file.step.number:03d}-{file.digest[:8]}-{file.name}"


def pack_content(member: MemberContext, matter: Matter) -> dict[str, Any]:
    """Return what a pack tells of a matter, as JSON: nothing of one side alone, and no step without prejudice."""
    every = list(queries.steps(matter))
    steps = [one for one in every if one.mark != Mark.WITHOUT_PREJUDICE]
    left_out = [one.number for one in every if one.mark == Mark.WITHOUT_PREJUDICE]
    told = _TOLD if left_out else _TOLD + _TERMS  # what such a step may have put on the table
    day = matter.raised_at.astimezone(ZoneInfo(zone(member))).date()
    kept = {one.number for one in steps}
    mails = [mail for source in mail_sources for mail in source(member, matter)]
    content: dict[str, Any] = {
        "relationship": str(member.relationship.pk),
        "parties": {side.value: member.relationship.organisation(side).name for side in Side},
        "matter": {name: _json(getattr(matter, name)) for name in told},
        "lateness": queries.late_passed(matter),
        "steps": [_step(one, kept) | {"firm": firm_of(member, one.person_id, one.at)} for one in steps],
        "left_out": left_out,
        "opened": {side: _json(at) for side, at in queries.openings(matter).items()},
        "read": _reads(matter),
        "notice": _notice(matter),
        "silence": [_silence(one) for one in SilenceNotice.objects.filter(matter=matter)],
        "mails": [mail for mail in mails if mail["step"] in kept],
        "calendars": {side.value: calendar_of(member.relationship, side, zone(member)).content(side) for side in Side},
        "text": {"day": day.isoformat(), "clauses": _clauses(member, day)},
    }
    return json.loads(json.dumps(content, default=str))  # type: ignore[no-any-return]


def _json(value: object) -> object:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value if value is None or isinstance(value, (bool, int, str)) else str(value)


def _step(step: Step, kept: set[int]) -> dict[str, Any]:
    answers = None if step.answers_to is None else step.answers_to.number
    return {
        "number": step.number,
        "move": step.move,
        "side": step.side,
        "by": None if step.person is None else step.person.name,
        "at": _json(step.at),
        "recorded_at": _json(step.recorded_at),
        "received_at": _json(step.received_at),
        "due_at": _json(step.due_at),
        "after_due": step.ran_out,
        "mark": step.mark,
        "answers_to": answers if answers in kept else None,
        "text": step.text,
        "terms": step.terms,
        "files": [{"name": _file_name(one), "size": one.size, "sha256": one.digest} for one in step.evidence.all()],
    }


def _reads(matter: Matter) -> list[dict[str, Any]]:
    """Return who read it and when, as far as the log tells both sides."""
    read = AuditEvent.objects.filter(subject_id=matter.pk, event="matter_read", shared=True).order_by("at")
    return [{"at": _json(one.at), "side": one.side} for one in read]


def _notice(matter: Matter) -> dict[str, Any] | None:
    notice = queries.formal_notice(matter)
    if notice is None:
        return None
    moments = ("given_at", "received_at", "acknowledged_at", "failed_at")
    return {"clause": notice.clause, "addresses": notice.addresses, "told": notice.told} | {
        name: _json(getattr(notice, name)) for name in moments
    }


def _silence(notice: SilenceNotice) -> dict[str, Any]:
    names = dict(Person.objects.filter(pk__in=[one["person"] for one in notice.told]).values_list("pk", "name"))
    told = [
        {name: value for name, value in one.items() if name != "person"} | {"name": names.get(UUID(one["person"]), "")}
        for one in notice.told
    ]
    return {"at": _json(notice.at), "until": _json(notice.until), "side": notice.side, "told": told}


def _clauses(member: MemberContext, day: date) -> list[dict[str, Any]]:
    try:
        text = agreements.text_of(member, day)
    except (NoBookError, UnusableFileError):
        return []
    return [clause_content(one) for one in text.clauses if not one.removed]


def pack_paper(member: MemberContext, matter: Matter, content: Mapping[str, Any], words: Words) -> dict[str, object]:
    """Return what stands on the cover of a pack, as finished text."""
    party, digest = member.party(words), digest_of(content)
    day = date.fromisoformat(content["text"]["day"])
    title = words("pack.title", title=matter.title)
    moment = _clock(words, ZoneInfo(zone(member)))
    facts = [
        (words("pack.kind"), words(f"kind_of.matter_{matter.kind}")),
        (words("pack.asks"), party(matter.asks)),
        (words("pack.answers"), party(matter.answers)),
        (words("pack.zone"), zone(member)),
        (words("pack.digest"), digest),
    ]
    if not content["left_out"]:
        facts += sentences.matter_facts(member, matter, words)
    notes = [words("pack.contents")]
    if content["left_out"]:
        notes.append(words("pack.left_out", count=len(content["left_out"])))
    notes += [
        words("pack.opened", party=party(side), at=moment(at))
        for side, at in content["opened"].items()
        if at is not None
    ]
    notice = sentences.notice_facts(member, matter, words)
    if notice is not None:
        notes += [notice.under, *notice.lines, *(f"{address}: {said}" for address, said in notice.mails)]
    late = sentences.lateness_line(member, matter, words)
    return {
        "title": title,
        "parties": words("paper.parties", **{side.value: party(side) for side in Side}),
        "subject": title,
        "digest": digest,
        "foot": title,
        "facts": facts,
        "notes": [*notes, *filter(None, [late])],
        "steps_title": words("pack.steps"),
        "steps": [_paper_step(one, matter, party, moment, words) for one in content["steps"]],
        "files_title": words("pack.files"),
        "files": [(file["name"], file["sha256"]) for one in content["steps"] for file in one["files"]],
        "text_title": words(
            "pack.text", day=words.day(datetime.fromisoformat(content["text"]["day"]).date(), year=True)
        ),
        "clauses": _headings(member, day, words),
        "verify": words("pack.verify"),
    }


def _headings(member: MemberContext, day: date, words: Words) -> list[str]:
    with suppress(NoBookError, UnusableFileError):
        return list(clause_titles(agreements.text_of(member, day), words).values())
    return []


def _clock(words: Words, where: ZoneInfo) -> Callable[[str], str]:
    """Return a function that says a moment by the clock of the records' zone: the same for every reader."""

    def moment(at: str) -> str:
        local = datetime.fromisoformat(at).astimezone(where)
        return f"{words.day(local.date(), year=True)}, {local:%H:%M}"

    return moment


def _paper_step(
    step: Mapping[str, Any], matter: Matter, party: Callable[[str], str], moment: Callable[[str], str], words: Words
) -> dict[str, str]:
    said = [words(f"move.{matter.word(step['move'])}")]
    if step["mark"]:
        said.append(words(f"mark.{step['mark']}"))
    if step["after_due"]:
        said.append(words("matter.ran_out"))
    received = "" if step["received_at"] is None else words("pack.received", at=moment(step["received_at"]))
    return {
        "number": words.number(step["number"]),
        "at": moment(step["at"]),
        "who": ", ".join(filter(None, [step["by"] or "", step["firm"], party(step["side"]) if step["side"] else ""])),
        "what": ", ".join(said),
        "text": step["text"],
        "received": received,
    }
