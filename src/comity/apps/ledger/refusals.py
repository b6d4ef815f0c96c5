"""Why a change of the ledger is refused."""

from http import HTTPStatus

from comity.apps.refusal import RefusalCode


class Code(RefusalCode):
    """Each has its sentence in `words/`, below [refused.ledger]."""

    NO_PROPOSAL = "no_proposal"
    CHANGED = "changed"
    SAME_CALENDAR = "same_calendar"
    NOT_REVERSIBLE = "not_reversible"
    NOT_OPEN = "not_open"

    NOT_YOURS = "not_yours", HTTPStatus.FORBIDDEN

    NO_LIST = "no_list", HTTPStatus.UNPROCESSABLE_ENTITY
    NO_TRANSACTION = "no_transaction", HTTPStatus.UNPROCESSABLE_ENTITY
    NO_REASON = "no_reason", HTTPStatus.UNPROCESSABLE_ENTITY
