"""Spoiled mappings and routes: each complaint names the file and the key; patterns cannot hang."""

import pytest

from tests.builders.malformed import COUNT, GOOD, brought, laid, tried
from tests.cast import write_book

pytestmark = pytest.mark.gate

MAPPING = """table = "contacts"
[columns]
contact_id = "contact_id"
opened_at = "opened_at"
queue = "queue"
handle_s = "handle_s"
"""
A_LONG_A = "a" * 40 + "b"


@pytest.fixture
def book(tmp_path):
    return write_book(tmp_path / "book")


def queue(said: str) -> str:
    return MAPPING.replace('queue = "queue"', f"queue = {said}")


def file_says(said: str) -> str:
    return f"{MAPPING}[file]\n{said}\n"


REFUSED = [
    ("broken off", f"{MAPPING}[[[", "line 7"),
    ("a zero sign", f"{MAPPING}\0", "line 7"),
    ("a zero sign, spelt out", queue('{ value = "a\\u0000b" }'), "zero sign"),
    ("not UTF-8", MAPPING.encode() + b"#\xff", "not UTF-8"),
    ("UTF-16", MAPPING.encode("utf-16"), "not UTF-8"),
    ("empty", "", "table is missing"),
    ("an unknown section", f'{MAPPING}[colums]\na = "b"', "did you mean 'columns'"),
    ("an unknown table", MAPPING.replace("contacts", "calls", 1), "table is 'calls'"),
    ("no columns", 'table = "contacts"', "[columns] is missing"),
    ("a number for a table", "table = 5", "must be a text"),
    ("a number for a column", queue("5"), "columns.queue"),
    ("lists of lists", queue('[["a"]]'), "columns.queue"),
    ("a value from nowhere", queue("{}"), "exactly one of"),
    ("a circle", queue('{ use = "reason" }') + 'reason = { use = "queue" }', "uses itself"),
    ("a circle of one", queue('{ use = "queue" }'), "uses itself"),
    (
        "a chain without end",
        queue('{ use = "l0" }')
        + "[let]\n"
        + "".join(f'l{i} = {{ use = "l{i + 1}" }}\n' for i in range(2000))
        + 'l2000 = "queue"',
        "more than 20 times",
    ),
    ("nested without end", queue("{ first = [" * 400 + '"queue"' + "] }" * 400), "nested more than"),
    ("dotted without end", f"{MAPPING}[columns.reason.{'.'.join('a' * 5000)}]\nx = 1", "nested more than"),
    ("an integer of 5,000 digits", queue(f'{{ from = "queue", times = {"9" * 5000} }}'), "64 bits"),
    ("an integer of 5,000 hexadecimal digits", queue(f'{{ from = "queue", times = 0x{"f" * 5000} }}'), "64 bits"),
    ("a factor that is no number", queue('{ from = "queue", times = nan }'), "finite"),
    ("a bound without bounds", f'{MAPPING}[[rows]]\ncolumn = "handle_s"\nabove = inf', "finite"),
    ("a broken pattern", queue('{ from = "queue", part = "(" }'), "is no pattern"),
    ("a pattern that looks ahead", queue('{ from = "queue", part = "(?=q)(q)" }'), "is no pattern that can be used"),
    ("a pattern that refers back", queue('{ from = "queue", part = "(q)\\\\1" }'), "is no pattern that can be used"),
    ("a pattern of a million", queue('{ from = "queue", part = "(q{1,1000}){1,1000}" }'), "is no pattern"),
    ("an encoding that is none", file_says('encoding = "klingon"'), "no encoding 'klingon'"),
    ("an encoding that packs", file_says('encoding = "zlib"'), "no encoding 'zlib'"),
    ("an encoding that counts", file_says('encoding = "hex"'), "no encoding 'hex'"),
    ("an encoding that turns", file_says('encoding = "rot13"'), "no encoding 'rot13'"),
    ("an encoding that is undefined", file_says('encoding = "undefined"'), "encoding undefined"),
    ("an encoding of names", file_says('encoding = "idna"'), "encoding idna"),
    ("UTF-16 that is none", file_says('encoding = "utf-16"'), "encoding utf-16"),
    ("a line end for a delimiter", file_says('delimiter = "\\n"'), "one plain character"),
    ("two bars for a delimiter", file_says('delimiter = "||"'), "one plain character"),
    ("nothing for a delimiter", file_says('delimiter = ""'), "one plain character"),
    ("a line end for a quotation mark", file_says('quote = "\\r"'), "one plain character"),
    ("a quotation mark for a delimiter", file_says("delimiter = '\"'"), "quotation mark, too"),
    ("a CSV that is to be JSON", file_says('kind = "json"'), "no whole JSON"),
    ("a CSV that is to be Parquet", file_says('kind = "parquet"'), "cannot be read as Parquet"),
    ("a CSV that is to be a workbook", file_says('kind = "workbook"'), "cannot be opened"),
    ("more rows skipped than there are", file_says("skip_rows = 1000"), "no header"),
    ("fewer rows skipped than none", file_says("skip_rows = -1"), "skip_rows"),
    ("a header that nobody has", file_says('header_has = "nobody"'), "no row holds 'nobody'"),
    ("a format that is none", MAPPING.replace('"opened_at"', '{ from = "opened_at", format = "%Q" }'), "%Q"),
    ("a zone that climbs out", f'zone = "../../etc/passwd"\n{MAPPING}', "is not a zone"),
    ("a zone of this machine", f'zone = "localtime"\n{MAPPING}', "is not a zone"),
    ("a folder for a zone", f'zone = "Europe"\n{MAPPING}', "is not a zone"),
    (
        "a lookup that climbs out",
        f'{MAPPING}[lookups.x]\nfile = "../x.csv"\nkey = "a"\nvalue = "b"',
        "beside the mapping",
    ),
    ("a lookup from the root", f'{MAPPING}[lookups.x]\nfile = "/etc/x"\nkey = "a"\nvalue = "b"', "beside the mapping"),
    ("a lookup that is not there", f'{MAPPING}[lookups.x]\nfile = "x.csv"\nkey = "a"\nvalue = "b"', "x.csv"),
]


@pytest.mark.parametrize(("mapping", "words"), [one[1:] for one in REFUSED], ids=[one[0] for one in REFUSED])
def test_a_mapping_of_no_use_is_refused_in_one_sentence(book, mapping, words):
    ended = brought(book, laid(book.parent, "a.csv", GOOD), laid(book.parent, "mine.toml", mapping))
    assert ended.code == 2
    assert words in ended.error
    assert "mine.toml" in ended.error or "a.csv" in ended.error


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    ("mapping", "name"),
    [
        (queue('{ from = "queue", part = "^((?:a+)+)$", unlisted = "empty" }'), "a.csv"),
        (queue('{ from = "re:(a+)+c" }'), "a.csv"),
        (queue('{ file = "(a+)+c" }'), f"{A_LONG_A}.csv"),
        (f'{MAPPING}[window]\nfile = "(?P<from>(a+)+c)(?P<to>.)"', f"{A_LONG_A}.csv"),
    ],
    ids=["cells", "headers", "the file's name", "the window"],
)
def test_a_pattern_that_would_take_centuries_elsewhere_takes_none(book, mapping, name):
    file = laid(book.parent, name, GOOD.replace("reason", A_LONG_A).replace(",q,", f",{A_LONG_A},"))
    assert brought(book, file, laid(book.parent, "mine.toml", mapping)).counts == (COUNT, 0)


@pytest.mark.timeout(30)
def test_a_pattern_over_many_columns_takes_no_centuries(book):
    mapping = MAPPING.replace("[columns]", '[wide]\ncolumns = "(?P<d>(a+)+c)"\n[columns]')
    file = laid(book.parent, "a.csv", GOOD.replace("reason", A_LONG_A))
    ended = brought(book, file, laid(book.parent, "mine.toml", mapping))
    assert ended.code == 2
    assert "a.csv" in ended.error


def test_what_is_too_long_to_be_added_is_a_reject_and_not_the_end(book):
    mapping = """table = "contacts"
[let]
came = { from = "opened_at", as = "instant" }
wait = { from = "handle_s", as = "seconds" }
[columns]
contact_id = "contact_id"
opened_at = { use = "came" }
answered_at = { sum = [{ use = "came" }, { use = "wait" }] }
"""
    waits = ["1e300", "9e12", "1e18", "99999999999999:00:00"]
    lines = "".join(f"x{i},2026-01-01T00:00:00Z,q,{wait},r\n" for i, wait in enumerate(waits))
    ended = brought(book, laid(book.parent, "a.csv", GOOD + lines), laid(book.parent, "mine.toml", mapping))
    assert ended.counts == (COUNT, len(waits))
    assert [(line, column, value) for line, column, value, _ in ended.rejects] == [
        (42 + i, "handle_s", wait) for i, wait in enumerate(waits)
    ]
    assert {reason for *_, reason in ended.rejects} == {"too long a time"}


def test_rows_without_anything_mapped_and_totals_are_counted(book):
    mapping = f'{MAPPING}[[totals]]\ncolumn = "contact_id"\nis = "Total"\n'
    file = laid(book.parent, "a.csv", f"{GOOD},,,,only a reason\n,,,,another\nTotal,,,999,\n")
    ended = brought(book, file, laid(book.parent, "mine.toml", mapping))
    assert ended.counts == (COUNT, 0)
    assert ended.told["notes"][:2] == [
        "2 rows that hold nothing of what is mapped were left out",
        "1 row of totals was left out",
    ]


def test_quotes_and_braces_in_a_mapping_are_texts(book):
    mapping = queue('{ from = "queue", values = { "{}" = "{0}", q = "\'); DROP TABLE x; --" } }')
    assert brought(book, laid(book.parent, "a.csv", GOOD), laid(book.parent, "m.toml", mapping)).counts == (COUNT, 0)


# Routes -----------------------------------------------------------------------------------------------------------

ROUTE = '[[route]]\ncolumn = "queue"\nis = "q"\nbook = "book"\n'


@pytest.mark.parametrize(
    ("routes", "words"),
    [
        (f"{ROUTE}[[[", "line 5"),
        ("", "has no [[route]]"),
        (ROUTE.encode() + b"#\xff", "not UTF-8"),
        (f"{ROUTE}x = {'[' * 3000}", "nested"),
        (f"{ROUTE}x = {'9' * 5000}", "64 bits"),
        (ROUTE.replace('"q"', '"re:("'), "is no pattern"),
        (ROUTE.replace('"q"', '"re:(?=q)"'), "is no pattern"),
        (ROUTE.replace('"q"', "5"), "must be texts"),
        (ROUTE.replace('"book"', '"a\\u0000"'), "zero sign"),
        (ROUTE.replace('"book"', '"nowhere"'), "is not a folder"),
        (ROUTE.replace('"book"', '"../../.."'), "has no book.toml"),
        (ROUTE.replace('"queue"', '"nothing"'), "'nothing', which the file does not have"),
    ],
)
def test_routes_of_no_use_are_refused_in_one_sentence(book, routes, words):
    laid(book.parent, "routes.toml", routes)
    ended = brought(book.parent / "routes.toml", laid(book.parent, "a.csv", GOOD))
    assert ended.code == 2
    assert words in ended.error
    assert not (book / "contacts.parquet").exists()


def test_rows_that_belong_nowhere_are_rejects(book):
    laid(book.parent, "routes.toml", ROUTE.replace('"q"', '"q\'); DROP TABLE x; --"'))
    ended = tried(
        book, "import", laid(book.parent, "a.csv", GOOD), "--as", "contacts", "--into", book.parent / "routes.toml"
    )
    assert ended.code == 1
    assert "40 rows belong to no book" in ended.error
    assert "a.csv line 2: queue: belongs to no book ('q')" in ended.error


def test_an_export_without_rows_brings_nothing_to_anybody(book):
    routes = laid(book.parent, "routes.toml", ROUTE)
    file = laid(book.parent, "a.csv", GOOD.split("\n")[0] + "\n")
    ended = tried(book, "import", file, "--as", "contacts", "--into", routes)
    assert ended.code == 0
    assert "0 rows for contacts" in ended.output
