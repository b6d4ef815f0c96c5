"""The topic of each event, in one table: whatever is not in it is told to nobody by this app."""

from collections.abc import Mapping

from comity.apps.audit.models import READ_EVENTS, Event
from comity.apps.notifications.models import Topic

# For readers whose move it is not; where an event makes it the reader's move, the topic is `Topic.MOVE`.
TOPICS: Mapping[Event, Topic] = {
    Event.MATTER_RAISED: Topic.COMMENT,
    Event.MATTER_ACCEPTED: Topic.COMMENT,
    Event.MATTER_REFUSED: Topic.COMMENT,
    Event.MATTER_COUNTERED: Topic.COMMENT,
    Event.MATTER_COMMENTED: Topic.COMMENT,
    Event.MATTER_WITHDRAWN: Topic.COMMENT,
    Event.MATTER_DONE: Topic.COMMENT,
    Event.MATTER_HANDED_OVER: Topic.COMMENT,
    Event.MATTER_DEEMED: Topic.COMMENT,
    Event.MATTER_CONFIRMED: Topic.COMMENT,
    Event.MATTER_NOT_DONE: Topic.COMMENT,
    Event.MATTER_LET_OFF: Topic.COMMENT,
    Event.MATTER_BROKEN: Topic.COMMENT,
    Event.MATTER_TAKEN_BACK: Topic.COMMENT,
    Event.MATTER_ASKED_BACK: Topic.COMMENT,
    Event.MATTER_REPLIED: Topic.COMMENT,
    Event.MATTER_CLOSED: Topic.COMMENT,
    Event.MATTER_MERGED: Topic.COMMENT,
    Event.MATTER_DAY_PROPOSED: Topic.COMMENT,
    Event.MATTER_PAUSE_PROPOSED: Topic.COMMENT,
    Event.MATTER_DAY_TAKEN: Topic.COMMENT,
    Event.MATTER_REOPENED: Topic.COMMENT,
    Event.MATTER_ACKNOWLEDGED: Topic.COMMENT,
    Event.MATTER_ESCALATED: Topic.COMMENT,
    Event.MATTER_BROUGHT_DOWN: Topic.COMMENT,
    Event.MATTER_OBJECTED: Topic.COMMENT,
    Event.MATTER_LAPSED: Topic.COMMENT,
    Event.MATTER_DUE: Topic.COMMENT,
    Event.MATTER_UNDONE: Topic.COMMENT,
    Event.MATTER_LATE: Topic.LATE,
    Event.NOTICE_RECEIVED: Topic.COMMENT,
    Event.PERIOD_WHOLE: Topic.COMMENT,
    Event.PERIOD_CONFIRMED: Topic.COMMENT,
    Event.PERIOD_DEEMED: Topic.COMMENT,
    Event.CONFIRMATION_VOID: Topic.COMMENT,
    Event.PERIOD_COMMENTED: Topic.COMMENT,
    Event.PERIOD_FROZEN: Topic.FINAL,
    Event.PERIOD_RESTATED: Topic.FINAL,
    Event.DELIVERY_WAITS: Topic.FILE,
    Event.DELIVERY_IMPORTED: Topic.FILE,
    Event.DELIVERY_UNDONE: Topic.FILE,
    Event.FIGURES_MOVED: Topic.FILE,
    Event.CORRECTION_MADE: Topic.FILE,
    Event.DELIVERY_LATE: Topic.LATE,
    Event.TERMS_PROPOSED: Topic.COMMENT,
    Event.TERMS_CHANGED: Topic.COMMENT,
    Event.TERMS_DECLINED: Topic.COMMENT,
    Event.TERMS_WITHDRAWN: Topic.COMMENT,
    Event.TERMS_FAILED: Topic.COMMENT,
}
# Told by a mail of their own, whatever anybody prefers: what silence may follow from, and who has access.
MAILED_ELSEWHERE = frozenset(
    {
        Event.NOTICE_FAILED, Event.MATTER_REMINDED, Event.PERIOD_REMINDED,
        Event.CALENDAR_PROPOSED, Event.CALENDAR_AGREED,
        Event.SILENCE_ALLOWED, Event.SILENCE_DISALLOWED, Event.INVITATION_MADE, Event.NEUTRAL_PROPOSED,
        Event.DEPUTY_NAMED, Event.KPIS_PROPOSED, Event.KPIS_AGREED, Event.KPIS_WITHDRAWN,
        Event.LEDGER_CHANGE_PROPOSED, Event.LEDGER_CHANGE_AGREED,
        Event.CHANGE_PROPOSED, Event.CHANGE_COUNTERED, Event.CHANGE_WAIVED, Event.CHANGE_SIGNED, Event.CHANGE_AGREED,
        Event.CHANGE_DECLINED, Event.CHANGE_WITHDRAWN,
        Event.PRIORITIES_STARTED, Event.PRIORITIES_WITHDRAWN, Event.PRIORITIES_EXPIRED, Event.PRIORITIES_REVEALED,
        Event.JOINT_ORDER_PROPOSED, Event.JOINT_ORDER_AGREED,
        Event.CHANGE_LAPSED, Event.TERM_REMINDED,
        Event.BENEFIT_SAID, Event.REMARK_MADE,
        Event.FIRST_ASKED, Event.FIRST_ACCEPTED, Event.FIRST_DECLINED, Event.FIRST_TAKEN_BACK, Event.FIRST_OVERDUE,
    }
)  # fmt: skip
# Written as done by a lead of the side, who was not there: its own system left the file.
BY_A_SYSTEM = frozenset({Event.DELIVERY_WAITS})
# In the log alone.
LOG_ONLY = frozenset(
    {
        *READ_EVENTS, Event.OTHER, Event.RELATIONSHIP_FOUNDED, Event.ORGANISATION_JOINED, Event.MEMBER_JOINED,
        Event.MEMBER_LET_GO, Event.INVITATION_WITHDRAWN, Event.INVITATION_RENEWED, Event.NEUTRAL_AGREED,
        Event.ROLE_CHANGED, Event.FIRM_NAMED, Event.FIRM_ENDED, Event.DEPUTY_ENDED, Event.ACCESS_REVIEWED,
        Event.BOOK_BEGUN, Event.DELIVERY_UPLOADED, Event.DELIVERY_DESCRIBED,
        Event.DELIVERY_REFUSED, Event.DELIVERY_REPEATED, Event.DELIVERY_DROPPED, Event.UNDO_FAILED,
        Event.REJECTS_DISMISSED, Event.FORMAT_SHARED, Event.FORMAT_UNSHARED,
        Event.COMPLETE_SAID, Event.COMPLETE_ENDED,
        Event.CORRECTION_FAILED, Event.ITEM_HELD_BACK, Event.ITEM_DISCLOSED, Event.HOLD_BACK_FAILED,
        Event.DISCLOSURE_FAILED, Event.KPIS_WRITTEN, Event.KPIS_TRIED, Event.COPY_REQUESTED,
        Event.MATTER_ERASED, Event.PERSON_ERASED, Event.WORDING_ERASED,
        Event.LEDGER_CHANGE_DROPPED, Event.LEDGER_OPENED_ENDED,
        Event.LOGO_SET, Event.LOGO_REMOVED, Event.MATTER_WARNED,
        Event.CHANGE_SHARED, Event.CHANGE_WRITTEN, Event.REASON_MARKED, Event.DECISION_DISPUTED,
        Event.REMARK_WITHDRAWN,
    }
)  # fmt: skip
# Events after which an earlier one of the same matter is no longer anybody's move.
MATTER_MOVES = frozenset(event for event in Event if event.startswith("matter_")) - {
    Event.MATTER_COMMENTED, Event.MATTER_REMINDED, Event.MATTER_READ, Event.MATTER_LATE, Event.MATTER_WARNED,
    Event.MATTER_DUE, Event.MATTER_UNDONE,
    Event.MATTER_ACKNOWLEDGED, Event.MATTER_ESCALATED, Event.MATTER_BROUGHT_DOWN, Event.MATTER_OBJECTED,
}  # fmt: skip
