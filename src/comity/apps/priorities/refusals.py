"""Why something about priorities is refused."""

from http import HTTPStatus

from comity.apps.refusal import RefusalCode


class Code(RefusalCode):
    """Each has its sentence in `words/`, below [refused.priorities]; those of an order have the names of the core."""

    OPEN_ALREADY = "open_already"
    FEW_KPIS = "few_kpis"
    ENDED = "ended"
    SEALED = "sealed"
    SAVED_MEANWHILE = "saved_meanwhile"
    NOT_REVEALED = "not_revealed"
    LATER = "later"
    SETTLED = "settled"
    CHANGED = "changed"
    SAME = "same"
    NO_PROPOSAL = "no_proposal"
    NOT_SETTLED = "not_settled"
    NOTHING_TO_DRAFT = "nothing_to_draft"

    NOT_YOURS = "not_yours", HTTPStatus.FORBIDDEN

    DAY = "day", HTTPStatus.UNPROCESSABLE_ENTITY
    NOT_WHOLE = "not_whole", HTTPStatus.UNPROCESSABLE_ENTITY
    NOT_ALL = "not_all", HTTPStatus.UNPROCESSABLE_ENTITY
    PLACES = "places", HTTPStatus.UNPROCESSABLE_ENTITY
    OWNERS = "owners", HTTPStatus.UNPROCESSABLE_ENTITY
