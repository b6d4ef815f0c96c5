"""Records as the room gives them out, of two relationships: entries chained by their digests."""

import json

from comity.core.chain import GENESIS_DIGEST, digest_of, linked

HERE, ELSEWHERE = "6d92b18b-b3d9-48dc-aee1-dd062df8ad3c", "00000000-0000-4000-8000-000000000000"
ANA = {"side": "customer", "by_silence": False, "person": "1", "name": "Ana", "role": "lead", "at": "2026-07-10T09:00Z"}
SILENT = {"side": "provider", "by_silence": True, "person": None, "name": None, "role": None, "at": "2026-07-30T09:00Z"}


def content(period, value="0.64", relationship=HERE, **more):
    figures = {"service_level": {"value": value, "met": False}}
    said = {"kind": "frozen", "relationship": relationship, "period": period, "figures": figures}
    return said | {"figures_digest": digest_of(figures), "words": [ANA, SILENT]} | more


def chained(*contents):
    entries, before = [], GENESIS_DIGEST
    for number, one in enumerate(contents, 1):
        entries.append(linked(number, one, before))
        before = entries[-1].digest
    return entries


FIRST, SECOND, THIRD = chained(content("2026-04"), content("2026-05"), content("2026-06"))
REMADE = chained(content("2026-04", "0.99"), content("2026-05"))


def told(*entries):
    names = ("number", "content", "previous", "digest")
    return {
        "schema": "comity.record/1",
        "entries": [{name: getattr(one, name) for name in names} for one in entries],
    }


def written(folder, text):
    file = folder / "record.json"
    file.write_text(text if isinstance(text, str) else json.dumps(text, ensure_ascii=False, indent=1), encoding="utf-8")
    return file
