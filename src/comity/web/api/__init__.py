"""The HTTP API at /api/: OpenAPI 3.1, one token a program, every error as problem+json (RFC 9457)."""

from comity.web.api import (
    agreements,
    audit,
    exports,
    kpis,
    ledger,
    matters,
    people,
    priorities,
    record,
    records,
    replies,
    reviews,
    search,
)
from comity.web.api.base import api

__all__ = [
    "agreements",
    "api",
    "audit",
    "exports",
    "kpis",
    "ledger",
    "matters",
    "people",
    "priorities",
    "record",
    "records",
    "replies",
    "reviews",
    "search",
]
