"""The room for programs, at /api/: OpenAPI 3.1, a token for each, every error as problem+json (RFC 9457)."""

from comity.web.api import audit, exports, matters, people, record, records, replies, reviews
from comity.web.api.contract import api

__all__ = ["api", "audit", "exports", "matters", "people", "record", "records", "replies", "reviews"]
