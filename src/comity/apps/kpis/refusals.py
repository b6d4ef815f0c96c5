"""Why a proposal of KPIs, or an agreement to one, is refused."""

from http import HTTPStatus

from comity.apps.refusal import RefusalCode


class Code(RefusalCode):
    """Each has its sentence in `words/`, below [refused.kpis]."""

    NO_PROPOSAL = "no_proposal"
    NOTHING_TO_WITHDRAW = "nothing_to_withdraw"
    CHANGED = "changed"
    SAME = "same"
    CLOSED = "closed"
    IN_AGREEMENT = "in_agreement"
    CHANGE_WAITS = "change_waits"

    NOT_YOURS = "not_yours", HTTPStatus.FORBIDDEN

    NONE_CHOSEN = "none_chosen", HTTPStatus.UNPROCESSABLE_ENTITY
    UNUSABLE = "unusable", HTTPStatus.UNPROCESSABLE_ENTITY
    START = "start", HTTPStatus.UNPROCESSABLE_ENTITY
