"""Why a calendar, or a word about silence, is refused."""

from http import HTTPStatus

from comity.apps.refusal import RefusalCode


class Code(RefusalCode):
    """Each has its sentence in `words/`, below [refused.replies]."""

    NO_PROPOSAL = "no_proposal"
    CHANGED = "changed"
    SAME = "same"

    NOT_YOURS = "not_yours", HTTPStatus.FORBIDDEN

    NEVER_OPEN = "never_open", HTTPStatus.UNPROCESSABLE_ENTITY
    HOURS = "hours", HTTPStatus.UNPROCESSABLE_ENTITY
    ZONE = "zone", HTTPStatus.UNPROCESSABLE_ENTITY
    FREE_DAY = "free_day", HTTPStatus.UNPROCESSABLE_ENTITY
    TOO_MANY = "too_many", HTTPStatus.UNPROCESSABLE_ENTITY
