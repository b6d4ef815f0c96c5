"""Codes of refusals of preferences."""

from comity.apps.refusal import RefusalCode


class Code(RefusalCode):
    """Each has its sentence in `words/`, below [refused.notifications]."""

    LAST_LEAD = "last_lead"
