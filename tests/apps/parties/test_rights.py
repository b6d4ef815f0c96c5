"""What each role may do, written out: what the code has of it is the same, and nothing is left out."""

import pytest

from comity.apps.parties.models import Role
from comity.apps.parties.rights import NOT_DELEGATED, ROLE_ACTIONS, Action, role_may

# One row a role, one column an action; x is yes.
TABLE = """
            read  read_own  read_money  read_people  bring  dispute  answer  act  confirm  agree  invite  audit
lead        x     x         x           x            x      x        x       x    x        x      x       x
analyst     x     x         .           x            x      x        x       x    .        .      .       .
finance     x     x         x           .            .      x        .       x    .        .      .       .
roster      x     x         .           x            x      .        .       x    .        .      .       .
member      x     .         .           .            .      .        .       x    .        .      .       .
executive   x     x         x           .            .      .        .       x    x        .      .       .
surveyor    x     .         .           .            .      .        .       .    .        .      .       .
mediator    x     .         .           .            .      .        .       x    .        .      .       .
auditor     x     .         .           .            .      .        .       .    .        .      .       x
"""
ACTIONS, *ROWS = (line.split() for line in TABLE.strip().splitlines())
WRITTEN = {(role, action): mark == "x" for role, *marks in ROWS for action, mark in zip(ACTIONS, marks, strict=True)}


def test_the_table_has_every_role_and_every_action():
    assert {*WRITTEN} == {(role.value, action.value) for role in Role for action in Action}
    assert ROLE_ACTIONS.keys() == {*Role}


@pytest.mark.parametrize("role", Role)
def test_a_role_may_do_what_the_table_says(role):
    assert {action: role_may(role, action) for action in Action} == {
        action: WRITTEN[role.value, action.value] for action in Action
    }


def test_an_unknown_role_may_do_nothing():
    with pytest.raises(ValueError, match="nobody"):
        role_may("nobody", Action.READ)


def test_a_deputy_does_not_get_the_right_to_invite():
    assert {Action.INVITE} == NOT_DELEGATED
