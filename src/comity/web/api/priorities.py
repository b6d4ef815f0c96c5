"""Rounds of priorities. They are started, sealed and settled by people in the room and never by a program."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest

from comity.apps.parties.member_context import MemberContext, member_of
from comity.apps.priorities import queries
from comity.apps.priorities.models import Round
from comity.apps.priorities.schemas import RoundsOut
from comity.core.agreements import priorities as core
from comity.web.api.base import api


@api.get("/r/{uuid:relationship}/agreement/priorities", response=RoundsOut)
def priorities(request: HttpRequest, relationship: UUID) -> dict[str, Any]:
    """The rounds; of an open one what the reader's own side has written, and nothing of the other's."""
    member = member_of(request)
    return {"items": [_round(member, row) for row in queries.rounds(member)]}


def _round(member: MemberContext, row: Round) -> dict[str, Any]:
    own = queries.own_ranking(member, row) if row.ended_at is None else None
    both = queries.opened(member, row)
    waiting = None if both is None else queries.proposal(member, row)
    settled = None if both is None else queries.settled(member, row)
    return {
        "id": row.pk,
        "side": row.side,
        "started_at": row.started_at,
        "closes_on": row.closes_on,
        "state": row.outcome or "open",
        "kpis": [one["id"] for one in row.kpis],
        "own": None if own is None else own.content,
        "own_sealed_at": None if own is None else own.sealed_at,
        "entry": None if both is None else both.entry.number,
        "seals": []
        if both is None
        else [
            {
                "side": side,
                "random": seal["random"],
                "digest": seal["digest"],
                **core.ranking_content(both.rankings[side]),
            }
            for side, seal in both.seals.items()
        ],
        "proposed_by": None if waiting is None else waiting.side,
        "proposed": [] if waiting is None else waiting.content["order"],
        "joint_order": [] if settled is None else settled.content["content"]["order"],
        "joint_order_entry": None if settled is None else settled.number,
    }
