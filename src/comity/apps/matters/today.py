"""What waits in matters, for the inbox: answers that are due, and agreed actions; and their navigation entry."""

from collections.abc import Iterator

from django.urls import reverse
from django.utils import timezone

from comity.apps.i18n import spoken_period
from comity.apps.matters import queries, told
from comity.apps.matters.models import Matter
from comity.apps.matters.sentences import matter_title
from comity.apps.parties.member_context import MemberContext
from comity.apps.parties.panels import InboxGroup, InboxItem, InboxSource, NavEntry, add_inbox_source, add_nav_entry
from comity.apps.parties.rights import Action
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import State
from comity.core.values import Side
from comity.review.i18n.words import Words


def records_work(member: MemberContext) -> Iterator[tuple[str, str]]:
    """Yield the title and URL of each dispute that an import of the viewer's side may carry out."""
    for matter in queries.disputes_to_carry_out(member):
        yield matter.title, _url(member, matter)


def register() -> None:
    """Register the parts of the inbox, and the navigation entry with its count."""
    add_inbox_source(InboxSource("answers", _answers, queries.count_waiting, _waiting_url, queries.read_ahead_waiting))
    add_inbox_source(InboxSource("actions", _actions, read_ahead=queries.read_ahead_actions))
    add_inbox_source(InboxSource("told", _told, read_ahead=told.read_ahead_questions))
    pages = ("matter", "move", "moves", "raise", "raise_what", "told", "ledger")
    add_nav_entry(NavEntry("matters", 40, _count, pages=pages, key="m"))


def _count(member: MemberContext) -> int:
    return sum(queries.count_waiting(member).values())


def _waiting_url(member: MemberContext, side: Side) -> str:
    return f"{reverse('matters', kwargs={'relationship': member.relationship.pk})}?waits={side}"


def _answers(member: MemberContext, words: Words) -> Iterator[InboxItem]:
    for side in Side:
        answers = side is member.side and member.may(Action.ANSWER)
        for matter in queries.first_waiting(member, side):
            yield InboxItem(
                group=InboxGroup.ANSWER,
                side=side,
                title=matter_title(member, matter, words),
                url=_url(member, matter),
                action=_answer_do(matter, words) if answers else "",
                detail=", ".join(_details(matter, words)),
                due=None if matter.reply_by is None else timezone.localtime(matter.reply_by).date(),
                by=matter.asked_by if matter.state == State.ASKED else "",  # type: ignore[attr-defined]
            )


def _actions(member: MemberContext, words: Words) -> Iterator[InboxItem]:
    """Yield what a side is to do, and what it is to confirm that the other side has done."""
    for matter in queries.first_actions(member):
        is_done = matter.state == State.DONE
        whose = matter.must_act
        if whose is None:
            continue
        side = Side(whose)
        acts = side is member.side and member.may(Action.ACT)
        yield InboxItem(
            group=InboxGroup.CONFIRM if is_done else InboxGroup.DO,
            side=side,
            title=matter_title(member, matter, words),
            url=_url(member, matter),
            action=_work_do(matter, words) if acts else "",
            detail=", ".join(_work_details(member, matter, words)),
            due=None if is_done else matter.due_on,
        )


def _told(member: MemberContext, words: Words) -> Iterator[InboxItem]:
    """Yield that the side that served is asked about days that nothing explains: one item for all of them."""
    days = told.open_questions(member)
    if days:
        first = told.question_line(days[0], words)
        yield InboxItem(
            group=InboxGroup.ANSWER,
            side=told.SERVES,
            title=first if len(days) == 1 else words("told.several", count=len(days), first=first),
            url=reverse("told", kwargs={"relationship": member.relationship.pk}),
            action=words("told.answer_do") if told.may_answer(member) else "",
            detail=words("told.head"),
        )


def _answer_do(matter: Matter, words: Words) -> str:
    key = f"inbox.answer_{matter.kind}_do"
    return words(key if words.has(key) else "inbox.answer_do")


def _work_do(matter: Matter, words: Words) -> str:
    if matter.state == State.DONE:
        return words("inbox.done_do")
    key = f"inbox.{matter.kind}_do"
    return words(key if words.has(key) else "inbox.promise_do")


def _work_details(member: MemberContext, matter: Matter, words: Words) -> Iterator[str]:
    """Yield what work a matter is, and who does what about it next."""
    yield words(f"kind_of.matter_{matter.kind}")
    if matter.period:
        yield spoken_period(matter.period, words)
    party = member.party(words)
    if matter.state == State.DONE:
        yield words("inbox.work_done", party=party(Side(matter.done_by or matter.answers)))
    elif matter.kind == Kind.DISPUTE:
        yield words(f"inbox.work_{matter.follows}", party=party(Side(matter.answers)))
    elif matter.owner:
        yield words("inbox.owner", name=matter.owner.person.name)


def _url(member: MemberContext, matter: Matter) -> str:
    return reverse("matter", kwargs={"relationship": member.relationship.pk, "matter": matter.pk})


def _details(matter: Matter, words: Words) -> Iterator[str]:
    """Yield what a matter is, about which period, and whether a counter-proposal lies on the table."""
    yield words(f"kind_of.matter_{matter.kind}")
    if matter.period:
        yield spoken_period(matter.period, words)
    if matter.state != State.ASKED:
        yield words(f"state.{matter.state}")
