"""Programs that ask the API with a token of one of the cast."""

import json

from django.db import transaction

from comity.apps.parties import operations as parties
from comity.apps.parties.member_context import set_viewer
from tests.room import Browser


def token(them, who, *, writes=False):
    key = (who, writes)
    if key not in them.tokens:
        with transaction.atomic():
            set_viewer(them.people[who].pk)
            them.tokens[key] = parties.make_token(them.people[who], "a program", 90, writes=writes)[1]
    return them.tokens[key]


def ask(them, who, path, body=None, *, writes=False, relationship=None):
    headers = {} if who is None else {"authorization": f"Bearer {token(them, who, writes=writes)}"}
    address = f"/api/r/{relationship or them.relationship}/{path}" if path is not None else "/api/relationships"
    if body is None:
        return Browser().get(address, headers=headers)
    return Browser().post(address, json.dumps(body), content_type="application/json", headers=headers)
