"""Why something about people and their places is refused; most of these are answers of the database's functions."""

from http import HTTPStatus

from comity.apps.refusal import RefusalCode


class Code(RefusalCode):
    """Each has its sentence in `words/`, below [refused.parties]."""

    INVITES_OWN = "invites_own"
    PLACE_ENDED = "place_ended"
    INVITATION_ENDED = "invitation_ended"
    INVITATION_GONE = "invitation_gone", HTTPStatus.GONE  # told to whoever follows its link
    SAMPLE = "sample"
    DEPUTY_TAKEN = "deputy_taken"
    LAST_LEAD = "last_lead"
    OTHER_JOINED = "other_joined"

    LEADS_ONLY = "leads_only", HTTPStatus.FORBIDDEN
    OTHER_SIDE_AGREES = "other_side_agrees", HTTPStatus.FORBIDDEN
    ACTS_FOR = "acts_for", HTTPStatus.FORBIDDEN
    OWN_PEOPLE = "own_people", HTTPStatus.FORBIDDEN
    NOT_LED = "not_led", HTTPStatus.FORBIDDEN
    READING_TOKEN = "reading_token", HTTPStatus.FORBIDDEN

    NEUTRAL_DEPUTY = "neutral_deputy", HTTPStatus.UNPROCESSABLE_ENTITY
    DEPUTY_DAYS = "deputy_days", HTTPStatus.UNPROCESSABLE_ENTITY
    NOT_OFFERED = "not_offered", HTTPStatus.UNPROCESSABLE_ENTITY
    OTHER_KIND = "other_kind", HTTPStatus.UNPROCESSABLE_ENTITY
    SERVES_ITSELF = "serves_itself", HTTPStatus.UNPROCESSABLE_ENTITY
    SAME_SIDE = "same_side", HTTPStatus.UNPROCESSABLE_ENTITY
    DAY_PASSED = "day_passed", HTTPStatus.UNPROCESSABLE_ENTITY
    ODD_NAME = "odd_name", HTTPStatus.UNPROCESSABLE_ENTITY

    TOO_OFTEN = "too_often", HTTPStatus.TOO_MANY_REQUESTS
