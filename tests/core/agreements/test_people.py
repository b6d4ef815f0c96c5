"""People by id and by name: each is counted once, namesakes apart."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from comity.core.agreements.people import Named, distinct

ANA, OTHER_ANA, BO = Named("Ana Ruiz", "1"), Named("Ana Ruiz", "2"), Named("Bo", "3")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (ANA, OTHER_ANA, False),
        (ANA, Named("Ana Gil", "1"), True),  # who took another name is who they were
        (BO, Named("Ana Ruiz", "3"), True),
        (ANA, Named("Ana Ruiz"), True),  # nobody recorded an id
        (Named("Ana Ruiz"), Named("Ana Gil"), False),
    ],
)
def test_people_are_the_same_by_id_and_by_name_where_one_has_none(one, other, same):
    assert one.is_same(other) is same
    assert other.is_same(one) is same


@pytest.mark.parametrize(
    ("people", "count"),
    [([ANA, OTHER_ANA], 2), ([ANA, ANA, BO], 2), ([Named("Ana Ruiz"), ANA], 1), ([Named("Bo"), ANA], 2), ([], 0)],
)
def test_each_is_counted_once(people, count):
    assert len(distinct(people)) == count


@given(st.lists(st.builds(Named, st.sampled_from("ab"), st.sampled_from(["", "1", "2"])), max_size=6), st.randoms())
def test_in_which_order_people_are_counted_does_not_matter(people, random):
    shuffled = list(people)
    random.shuffle(shuffled)
    assert len(distinct(shuffled)) == len(distinct(people)) == len(distinct([*people, *people]))
