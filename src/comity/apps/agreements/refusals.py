"""Why something about the agreement is refused."""

from http import HTTPStatus

from comity.apps.refusal import RefusalCode


class Code(RefusalCode):
    """Each has its sentence in `words/`, below [refused.agreements]; those of a step are named as the core has them."""

    ENDED = "ended"
    NOT_PROPOSED = "not_proposed"
    PROPOSED = "proposed"
    OLD_REVISION = "old_revision"
    SAME = "same"
    CONTINGENT = "contingent"
    UNSETTLED = "unsettled"
    SAME_FIELD = "same_field"
    NOTICE = "notice"
    NOTHING_TO_WAIVE = "nothing_to_waive"
    RETROACTIVE = "retroactive"
    NOT_RETROACTIVE = "not_retroactive"
    CHANGED = "changed"
    NOT_SHOWN = "not_shown"
    ALREADY = "already"
    NOT_YET = "not_yet"
    SAVED_MEANWHILE = "saved_meanwhile"
    BEING_WRITTEN = "being_written"
    NOT_THERE = "not_there"
    NOT_NOW = "not_now"
    PAST = "past"
    OVER = "over"
    AFTER_PROPOSAL = "after_proposal"

    NOTHING_LACKS = "nothing_lacks"
    LISTED_ALREADY = "listed_already"
    ALREADY_SAID = "already_said"

    NO_SIDE = "no_side", HTTPStatus.FORBIDDEN
    NOT_YOURS = "not_yours", HTTPStatus.FORBIDDEN
    NOT_READABLE = "not_readable", HTTPStatus.FORBIDDEN
    MEANS = "means", HTTPStatus.FORBIDDEN
    AUTHORITY = "authority", HTTPStatus.FORBIDDEN
    DEPUTY = "deputy", HTTPStatus.FORBIDDEN

    NO_FILE = "no_file"
    NO_PDF = "no_pdf"

    UNUSABLE_TEMPLATE = "unusable_template", HTTPStatus.UNPROCESSABLE_ENTITY
    UNUSABLE_LIST = "unusable_list", HTTPStatus.UNPROCESSABLE_ENTITY
    RELIEF = "relief", HTTPStatus.UNPROCESSABLE_ENTITY
    UNKNOWN_SIGNATORY = "unknown_signatory", HTTPStatus.UNPROCESSABLE_ENTITY
    INVALID = "invalid", HTTPStatus.UNPROCESSABLE_ENTITY
    PDF_TOO_LARGE = "pdf_too_large", HTTPStatus.UNPROCESSABLE_ENTITY
    PDF_NOT_PDF = "pdf_not_pdf", HTTPStatus.UNPROCESSABLE_ENTITY
    PDF_OTHER = "pdf_other", HTTPStatus.UNPROCESSABLE_ENTITY
    PDF_NOT_SIGNED = "pdf_not_signed", HTTPStatus.UNPROCESSABLE_ENTITY
    PDF_ENCRYPTED = "pdf_encrypted", HTTPStatus.UNPROCESSABLE_ENTITY
    PDF_ACTIVE = "pdf_active", HTTPStatus.UNPROCESSABLE_ENTITY
    PDF_ALTERED = "pdf_altered", HTTPStatus.UNPROCESSABLE_ENTITY
    PDF_COVERS = "pdf_covers", HTTPStatus.UNPROCESSABLE_ENTITY
    PDF_BROKEN = "pdf_broken", HTTPStatus.UNPROCESSABLE_ENTITY
    PDF_UNREADABLE = "pdf_unreadable", HTTPStatus.UNPROCESSABLE_ENTITY
    NO_AMOUNT = "no_amount", HTTPStatus.UNPROCESSABLE_ENTITY
    REASON = "reason", HTTPStatus.UNPROCESSABLE_ENTITY
