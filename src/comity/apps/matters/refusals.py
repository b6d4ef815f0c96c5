"""Codes of refusals of moves in matters."""

from http import HTTPStatus

from comity.apps.refusal import RefusalCode


class Code(RefusalCode):
    """Each has its sentence in `words/`, below [refused.matters]."""

    THEIR_TURN = "their_turn"
    ENDED = "ended"
    NOT_NOW = "not_now"
    OWNER = "owner"
    SEEN = "seen"
    MOVED_ON = "moved_on"
    WAITING = "waiting"

    NOT_YOURS = "not_yours", HTTPStatus.FORBIDDEN

    NOBODY = "nobody", HTTPStatus.UNPROCESSABLE_ENTITY
    NO_OWNER = "no_owner", HTTPStatus.UNPROCESSABLE_ENTITY
    TOO_LARGE = "too_large", HTTPStatus.UNPROCESSABLE_ENTITY
    ORDER = "order", HTTPStatus.UNPROCESSABLE_ENTITY
    INCOMPLETE_CLAIM = "incomplete_claim", HTTPStatus.UNPROCESSABLE_ENTITY
    ALL_OR_TICKED = "all_or_ticked", HTTPStatus.UNPROCESSABLE_ENTITY
    NONE_TICKED = "none_ticked", HTTPStatus.UNPROCESSABLE_ENTITY
    REASON = "reason", HTTPStatus.UNPROCESSABLE_ENTITY
    INCOMPLETE_DISPUTE = "incomplete_dispute", HTTPStatus.UNPROCESSABLE_ENTITY
    UNKNOWN_PERIOD = "unknown_period", HTTPStatus.UNPROCESSABLE_ENTITY
    UNKNOWN_FIGURE = "unknown_figure", HTTPStatus.UNPROCESSABLE_ENTITY
    FOLLOWS = "follows", HTTPStatus.UNPROCESSABLE_ENTITY
    NO_VALUE = "no_value", HTTPStatus.UNPROCESSABLE_ENTITY
    INCOMPLETE = "incomplete", HTTPStatus.UNPROCESSABLE_ENTITY
    NO_DAY = "no_day", HTTPStatus.UNPROCESSABLE_ENTITY
    NO_TARGET = "no_target", HTTPStatus.UNPROCESSABLE_ENTITY
    NO_STEP = "no_step", HTTPStatus.UNPROCESSABLE_ENTITY
    BARRED = "barred", HTTPStatus.UNPROCESSABLE_ENTITY
    PAST = "past", HTTPStatus.UNPROCESSABLE_ENTITY
    RESERVED = "reserved"
    NO_PDF = "no_pdf", HTTPStatus.SERVICE_UNAVAILABLE
    NEEDS_NOTICE = "needs_notice", HTTPStatus.UNPROCESSABLE_ENTITY
    NO_CLAUSE = "no_clause", HTTPStatus.UNPROCESSABLE_ENTITY
    NO_ADDRESS = "no_address", HTTPStatus.UNPROCESSABLE_ENTITY
    NO_MAIL = "no_mail", HTTPStatus.UNPROCESSABLE_ENTITY
