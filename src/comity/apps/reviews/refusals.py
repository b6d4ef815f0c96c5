"""Codes of refusals of closing a period, and of questions to a review."""

from http import HTTPStatus

from comity.apps.refusal import RefusalCode


class Code(RefusalCode):
    """Each has its sentence in `words/`, below [refused.reviews]."""

    NOTHING_YET = "nothing_yet"
    CONFIRMED_ALREADY = "confirmed_already"
    FIGURES_MOVED = "figures_moved"
    DISPUTE_WAITS = "dispute_waits"
    NOT_AGREED = "not_agreed"
    BEING_APPLIED = "being_applied"
    NOT_FROZEN = "not_frozen"
    SAME_FIGURES = "same_figures"
    COMMENT_FINAL = "comment_final"
    COMMENT_MOVED = "comment_moved"

    NOT_YOURS = "not_yours", HTTPStatus.FORBIDDEN

    LOGO_TOO_LARGE = "logo_too_large", HTTPStatus.UNPROCESSABLE_ENTITY
    LOGO_NO_IMAGE = "logo_no_image", HTTPStatus.UNPROCESSABLE_ENTITY
    LOGO_DIMENSIONS = "logo_dimensions", HTTPStatus.UNPROCESSABLE_ENTITY
    LOGO_SHAPE = "logo_shape", HTTPStatus.UNPROCESSABLE_ENTITY
    COMMENT_EMPTY = "comment_empty", HTTPStatus.UNPROCESSABLE_ENTITY
    REASON = "reason", HTTPStatus.UNPROCESSABLE_ENTITY
    UNREADABLE = "unreadable", HTTPStatus.UNPROCESSABLE_ENTITY
