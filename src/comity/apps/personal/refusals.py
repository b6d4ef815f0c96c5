"""Codes of refusals of a person's own choices."""

from comity.apps.refusal import RefusalCode


class Code(RefusalCode):
    """Each has its sentence in `words/`, below [refused.personal]."""

    TOO_MANY_VIEWS = "too_many_views"
