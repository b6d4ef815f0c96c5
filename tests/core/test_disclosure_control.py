"""Whether published sums isolate 1 to 4 people: known attacks by hand, and every small system against brute force."""

from fractions import Fraction
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comity.core import disclosure_control
from comity.core.disclosure_control import FEWEST, Published, isolated
from tests.builders.examples import examples

pytestmark = pytest.mark.gate


def people(first, last):
    return frozenset(range(first, last + 1))


def rank(rows):
    """The rank over the rationals, by plain elimination in fractions: made apart from what is tried."""
    rows, rank_so_far = [[Fraction(one) for one in row] for row in rows], 0
    for column in range(len(rows[0]) if rows else 0):
        pivot = next((at for at in range(rank_so_far, len(rows)) if rows[at][column]), None)
        if pivot is None:
            continue
        rows[rank_so_far], rows[pivot] = rows[pivot], rows[rank_so_far]
        for at in range(rank_so_far + 1, len(rows)):
            factor = rows[at][column] / rows[rank_so_far][column]
            rows[at] = [one - factor * other for one, other in zip(rows[at], rows[rank_so_far], strict=True)]
        rank_so_far += 1
    return rank_so_far


def exposed(rows, group):
    """Whether the row space holds a vector that is zero outside of the group: rank(A) > rank(A without its columns)."""
    return rank(rows) > rank([[one for at, one in enumerate(row) if at not in group] for row in rows])


@pytest.mark.parametrize(
    ("published", "group"),
    [
        ([people(1, 40)], None),
        ([people(1, 4)], people(1, 4)),  # a small set itself
        ([people(1, 41), people(1, 40)], frozenset({41})),  # own eyes less the joint ones
        ([people(1, 45), people(1, 40)], None),
        ([people(1, 20), people(21, 40), people(1, 43)], people(41, 43)),  # the parts and the whole
        ([people(1, 20), people(21, 45), people(1, 45)], None),
        # A chain, of which only the ends are far apart.
        ([people(1, 30), people(1, 33), people(1, 36)], people(31, 33)),
        # The tracker of Denning, Denning and Schwartz: count(C or not T) + count(C or T) less everybody, C being one.
        ([people(1, 20), people(20, 40), people(1, 40)], frozenset({20})),
        # Overlapping sets that differ by 3 + 3: six people, and no smaller combination.
        ([people(1, 30), people(4, 33)], None),
        # A combination of four: ABC + D less A less BCD.
        ([people(1, 12), people(13, 20), people(1, 5), people(6, 19)], frozenset({20})),
    ],
)
def test_isolated_finds_known_attacks(published, group):
    assert isolated(published) == group


@settings(max_examples=examples(30))
@given(st.lists(st.frozensets(st.integers(0, 8), min_size=1), min_size=1, max_size=6))
def test_isolated_equals_brute_force_on_every_small_system(published):
    rows = [[int(person in one) for person in range(9)] for one in published]
    few = [set(group) for size in range(1, FEWEST) for group in combinations(range(9), size)]
    isolated_group = isolated(published)
    assert (isolated_group is not None) == any(exposed(rows, group) for group in few)
    if isolated_group is not None:
        assert 0 < len(isolated_group) < FEWEST
        assert exposed(rows, isolated_group)


@settings(max_examples=examples(40))
@given(
    st.lists(
        st.lists(st.sampled_from([0, 1, 1, 2, Fraction(1, 2), -1]), min_size=6, max_size=6), min_size=1, max_size=5
    ),
    st.lists(st.frozensets(st.integers(0, 9), min_size=1, max_size=7), min_size=6, max_size=6),
)
def test_published_equals_brute_force_with_weights_and_shared_people(rows, atoms):
    """Means over what somebody answered twice; one person behind several atoms is one person."""
    everybody = frozenset().union(*atoms)
    few = [set(group) for size in range(1, FEWEST) for group in combinations(sorted(everybody), size)]
    within = [{at for at, behind in enumerate(atoms) if behind <= group} for group in few]
    assert (Published(atoms).isolated_by(rows) is not None) == any(exposed(rows, one) for one in within if one)


@settings(max_examples=examples(30))
@given(st.lists(st.lists(st.sampled_from([0, 0, 1, 1, 2]), min_size=9, max_size=9), min_size=1, max_size=6), st.data())
def test_published_equals_brute_force_for_groups_of_people(rows, data):
    """Atoms of one to three people, nobody behind two: what most periods of a real book look like."""
    sizes = data.draw(st.lists(st.integers(1, 3), min_size=9, max_size=9))
    atoms = [frozenset((at, number) for number in range(size)) for at, size in enumerate(sizes)]
    few = [set(group) for size in range(1, FEWEST) for group in combinations(range(9), size)]
    few = [group for group in few if sum(sizes[at] for at in group) < FEWEST]
    isolated_group = Published(atoms).isolated_by(rows)
    assert (isolated_group is not None) == any(exposed(rows, group) for group in few)
    if isolated_group is not None:
        assert exposed(rows, {at for at, atom in enumerate(atoms) if atom <= isolated_group})


def test_published_refuses_the_figure_that_is_offered_later():
    figures = Published([range(1, 41), [41]])
    assert figures.offer([[1, 1]])
    assert not figures.offer([[1, 0]])
    assert figures.offer([[1, 1]])  # what is known already
    other = Published([range(1, 41), [41]])
    assert other.offer([[1, 0]])
    assert not other.offer([[1, 1]])


def test_nothing_is_published_beyond_the_limit_of_trials(monkeypatch):
    atoms = [[number] for number in range(60)]
    rows = [[(row + 1) * (column + 3) ** row % 97 for column in range(60)] for row in range(8)]
    assert Published(atoms).isolated_by(rows) is None
    monkeypatch.setattr(disclosure_control, "_MAX_TRIALS", 10)
    assert Published(atoms).isolated_by(rows) is not None
    assert Published([[*atom, "both"] for atom in atoms]).isolated_by(rows) is not None
