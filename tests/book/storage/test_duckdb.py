"""Engines: each user finds an empty one, bounded and to itself, and leaves nothing of what it held."""

import os
from concurrent.futures import ThreadPoolExecutor

import duckdb
import pytest

from comity.book.storage import duckdb as storage
from comity.book.storage.duckdb import cursor, engine, optimised_for, work_engine

HELD = "SELECT table_name FROM duckdb_tables() UNION ALL SELECT view_name FROM duckdb_views() WHERE NOT internal"


@pytest.fixture(autouse=True)
def idle(monkeypatch):
    """Nobody has used an engine before; those that wait for their next use at the end are stopped."""
    engines = storage._IdleEngines(most=2)
    monkeypatch.setattr(storage, "_idle_engines", engines)
    yield engines
    for roots in engines._waiting.values():
        for root in roots:
            root.close()


def waiting(idle):
    return sum(map(len, idle._waiting.values()))


def test_the_next_user_finds_nothing_of_what_the_last_one_held(idle):
    with engine() as con:
        con.execute("CREATE TABLE prices AS SELECT 7 AS margin; CREATE VIEW seen AS FROM prices")
        con.execute("CREATE TEMP TABLE passing AS FROM prices; CREATE SCHEMA own; CREATE MACRO twice(a) AS 2 * a")
        con.register("rows", con.execute("FROM prices").to_arrow_table())
        con.execute("SET VARIABLE known = 7")
        con.execute("PREPARE asked AS FROM prices")
    assert waiting(idle) == 1
    with engine() as con:
        assert waiting(idle) == 0
        assert con.execute(HELD).fetchall() == []
        assert con.execute("SELECT getvariable('known')").fetchone() == (None,)
        for sql in ("FROM prices", "FROM passing", "FROM rows", "SELECT twice(1)", "EXECUTE asked", "USE own"):
            with pytest.raises(duckdb.Error):
                con.execute(sql)


def test_settings_of_one_user_are_not_those_of_the_next(idle):
    with engine() as con, optimised_for(con, 1):
        con.execute("SET TimeZone = 'Asia/Tokyo'")
    assert waiting(idle) == 1
    with engine() as con:
        assert con.execute("SELECT current_setting('TimeZone')").fetchone() != ("Asia/Tokyo",)
        plan = con.execute("EXPLAIN SELECT 1 + 1 WHERE false").fetchall()
        assert "EMPTY_RESULT" in plan[0][1]  # by the optimiser


def test_a_connection_that_outlives_its_engine_finds_nothing():
    with engine() as con:
        con.execute("CREATE TABLE prices AS SELECT 7 AS margin")
        late = cursor(con)
        assert late.execute("FROM prices").fetchall() == [(7,)]
    with engine() as con:
        con.execute("CREATE TABLE prices AS SELECT 8 AS margin")
        with pytest.raises(duckdb.Error):
            late.execute("FROM prices")


def test_users_at_one_time_have_an_engine_each():
    def use(number):
        with engine() as con:
            con.execute(f"CREATE TABLE own AS SELECT {number} AS n")
            return con.execute("FROM own").fetchall(), len(con.execute(HELD).fetchall())

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(use, range(40))) == [([(number,)], 1) for number in range(40)]


def test_an_engine_that_spilled_is_not_used_again(idle, monkeypatch):
    monkeypatch.setattr(storage, "MEMORY", "20MB")
    with work_engine() as (con, folder):
        con.execute("CREATE TABLE big AS SELECT range AS a, md5(range::VARCHAR) AS b FROM range(800_000)")
        assert (folder / "spill").is_dir()
    assert waiting(idle) == 0
    assert not folder.exists()


def test_an_engine_goes_to_the_next_user_after_an_error(idle):
    with pytest.raises(duckdb.Error), engine() as con:
        con.execute("CREATE TABLE prices AS SELECT 7 AS margin")
        con.execute("SELECT nothing")
    assert waiting(idle) == 1
    with engine() as con:
        assert con.execute(HELD).fetchall() == []


def test_a_few_engines_wait_and_the_others_are_stopped(idle):
    with engine(), engine(), engine(), engine():
        pass
    assert waiting(idle) == 2


def test_a_file_replaced_in_the_same_moment_is_read_anew(tmp_path):
    """What an engine remembers of files goes with its user: a book's file is replaced under its name."""
    file = tmp_path / "one.parquet"
    for value in range(5):
        with engine() as con:
            con.execute(f"COPY (SELECT {value} AS n) TO '{file}' (FORMAT parquet)")
        os.utime(file, (1, 1))
        with engine() as con:
            assert con.execute(f"FROM '{file}'").fetchall() == [(value,)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing is forked here")
def test_a_forked_process_starts_engines_of_its_own(idle):
    with engine():
        pass
    idle._forget()  # what Python calls in the child
    assert waiting(idle) == 0
    with engine() as con:
        assert con.execute("SELECT 1").fetchall() == [(1,)]
