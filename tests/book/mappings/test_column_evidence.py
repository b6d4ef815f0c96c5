"""One pass over a column counts how its cells are written, whatever their order and however many come at once."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from comity.book.formats.detect import open_source_file
from comity.book.formats.options import FileOptions
from comity.book.mappings.column_evidence import ColumnEvidence, Role, gather_evidence
from tests.builders.examples import examples
from tests.builders.mappings import written

pytestmark = pytest.mark.gate


def seen(folder, cells, role):
    source = written(folder, "cells.csv", "Id;Cell\n" + "".join(f"{n};{cell}\n" for n, cell in enumerate(cells)))
    return gather_evidence(open_source_file(source, FileOptions()).sheets[0], {"Cell": {role}})["Cell"]


@pytest.mark.parametrize(
    ("cells", "counts"),
    [
        (["1.5", "0.125", "1234.5"], {"points": 3}),
        (["1,5", "1.234,50"], {"commas": 2}),
        (["1.000", "12.500"], {"point_groups": 2}),
        (["1,000", "12,500"], {"comma_groups": 2}),
        (["1.000.000"], {"commas": 1}),
        (["12,50 €", "(3,20)", "45,1 %"], {"commas": 3}),
        (["7", "", "n/a"], {}),
    ],
)
def test_numbers_are_counted_by_what_only_one_mark_explains(tmp_path, cells, counts):
    found = seen(tmp_path, cells, Role.NUMBER)
    fields = ("points", "commas", "point_groups", "comma_groups")
    assert {name: getattr(found, name) for name in fields} == {name: counts.get(name, 0) for name in fields}


def test_days_are_kept_by_their_parts(tmp_path):
    found = seen(tmp_path, ["01/05/26 09:00", "13.1.2026", "2026-01-31", "2026/02/01 9:00", "soon"], Role.TIME)
    assert found.days == {(1, 5, 2026), (13, 1, 2026)}
    assert (found.iso_days, found.year_first, found.short_years, found.clocks) == ({"2026-01-31"}, 1, True, 2)


def test_durations_are_counted_by_their_parts(tmp_path):
    found = seen(tmp_path, ["3:30", "0:30", "3:30:00", "0.00231481481481481", "90"], Role.DURATION)
    assert (found.parts_two, found.parts_three, found.whole_minutes, found.seconds_two) == (2, 1, 1, 240.0)
    assert (found.numbers, found.fine, found.low, found.high) == (2, 1, pytest.approx(0.0023148, rel=1e-4), 90.0)


@settings(max_examples=examples(15), deadline=None)
@given(st.lists(st.sampled_from(["1.5", "1,5", "1.000", "3:30", "13/01/2026", "7", "1001.0"]), max_size=12))
def test_the_order_of_the_cells_does_not_matter(tmp_path_factory, cells):
    folder, mixed = tmp_path_factory.mktemp("cells"), list(cells)
    random.Random(1).shuffle(mixed)
    one, other = (seen(folder, some, Role.NUMBER) for some in (cells, mixed))
    assert one == other


def test_nothing_is_read_where_nothing_is_asked(tmp_path):
    source = written(tmp_path, "cells.csv", "Id,Cell\n1,2\n")
    sheet = open_source_file(source, FileOptions()).sheets[0]
    assert gather_evidence(sheet, {"Cell": set()}) == {}
    assert ColumnEvidence("Cell").mean == 0.0
