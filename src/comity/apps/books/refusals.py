"""Codes of refusals about the records."""

from http import HTTPStatus

from comity.apps.refusal import RefusalCode


class Code(RefusalCode):
    """Each has its sentence in `words/`, below [refused.books]."""

    NO_BOOK = "no_book"
    BEGUN_ALREADY = "begun_already"
    NOT_YET = "not_yet"
    NO_ROUTES = "no_routes"
    NOT_NOW = "not_now"
    NOT_LAST = "not_last"
    HELD = "held"
    SHARED_ALREADY = "shared_already"
    BESIDE_OTHERS = "beside_others"
    UNUSABLE_BOOK = "unusable_book"

    WORD_HELD = "word_held"
    SAME_TERMS = "same_terms"
    TERMS_FINAL = "terms_final"
    ZONE_OF_RECORDS = "zone_of_records"

    NOT_YOURS = "not_yours", HTTPStatus.FORBIDDEN

    BEING_COMPUTED = "being_computed", HTTPStatus.SERVICE_UNAVAILABLE
    NOT_COMPUTED = "not_computed", HTTPStatus.SERVICE_UNAVAILABLE

    TOO_LARGE = "too_large", HTTPStatus.UNPROCESSABLE_ENTITY
    NOT_OWED = "not_owed", HTTPStatus.UNPROCESSABLE_ENTITY
    DAY_NOT_OVER = "day_not_over", HTTPStatus.UNPROCESSABLE_ENTITY
    DAY_PASSED = "day_passed", HTTPStatus.UNPROCESSABLE_ENTITY
    NEEDS_REASON = "needs_reason", HTTPStatus.UNPROCESSABLE_ENTITY
    NO_ITEM = "no_item", HTTPStatus.UNPROCESSABLE_ENTITY
    NO_SUCH_PERIOD = "no_such_period", HTTPStatus.UNPROCESSABLE_ENTITY
    COLUMNS_OPEN = "columns_open", HTTPStatus.UNPROCESSABLE_ENTITY
    NAME_TAKEN = "name_taken", HTTPStatus.UNPROCESSABLE_ENTITY
    PRIVATE_FORMAT = "private_format", HTTPStatus.UNPROCESSABLE_ENTITY
    UNKNOWN_MAPPING = "unknown_mapping", HTTPStatus.UNPROCESSABLE_ENTITY
    UNUSABLE_MAPPING = "unusable_mapping", HTTPStatus.UNPROCESSABLE_ENTITY
    UNUSABLE_ROUTES = "unusable_routes", HTTPStatus.UNPROCESSABLE_ENTITY
    UNUSABLE_TERMS = "unusable_terms", HTTPStatus.UNPROCESSABLE_ENTITY
