"""`comity verify`, on records as the room gives them out, and on forged ones."""

import json
import re

import pytest
from typer.testing import CliRunner

from comity.cli import app
from comity.core.agreements.priorities import ranking_of, seal_document, sealed_content
from comity.core.chain import GENESIS_DIGEST
from comity.core.values import Side
from tests.builders.chains import (
    ANA,
    ELSEWHERE,
    FIRST,
    HERE,
    REMADE,
    SECOND,
    THIRD,
    chained,
    content,
    told,
    written,
)
from tests.builders.ledger_record import posted, record


def run(*arguments):
    return CliRunner().invoke(app, ["verify", *map(str, arguments)])


def test_a_record_that_holds_is_told_with_its_relationship_its_words_and_its_head(tmp_path):
    done = run(written(tmp_path, told(FIRST, SECOND)))
    assert done.exit_code == 0
    for said in (SECOND.digest, HERE, "2 entries", "2026-04 frozen", "Ana (lead)", "by silence"):
        assert said in done.stdout


def test_without_a_head_it_says_what_it_does_not_prove(tmp_path):
    done = run(written(tmp_path, told(FIRST)))
    assert "only that the record is consistent in itself" in done.stdout
    assert "you confirmed" in done.stdout


def test_with_a_head_it_says_how_many_entries_that_head_does_not_cover(tmp_path):
    file = written(tmp_path, told(FIRST, SECOND, THIRD))
    assert "2 entries after it are not covered" in run(file, "--head", FIRST.digest).stdout
    assert "1 entry after it is not covered" in run(file, "--head", SECOND.digest.upper()).stdout
    done = run(file, "--head", THIRD.digest)
    assert "the one of entry 3" in done.stdout
    assert "not covered" not in done.stdout


def test_a_record_made_before_entries_said_who_confirmed_still_verifies(tmp_path):
    """With fractions as numbers, and without digests of figures, persons or times."""
    old = {"kind": "frozen", "relationship": HERE, "period": "2026-04", "figures": {"a": {"target": 0.8, "n": 20.0}}}
    done = run(written(tmp_path, told(*chained(old, content("2026-05")))))
    assert done.exit_code == 0
    assert "does not say who confirmed" in done.stdout


FORKED = chained(FIRST.content, content("2026-05", "0.99"))
FORGED = {
    "reordered": told(SECOND, FIRST),
    "cut at its head": told(SECOND, THIRD),
    "one taken out": told(FIRST, THIRD),
    "emptied": {"schema": "comity.record/1", "entries": []},
    "mixed relationships": told(*chained(content("2026-04"), content("2026-05", relationship=ELSEWHERE))),
    "no relationship": told(*chained({"period": "2026-04", "figures": {}})),
    "a period frozen twice": told(*chained(content("2026-04"), content("2026-04", "0.99"))),
    "other figures than confirmed": told(*chained(content("2026-04") | {"figures_digest": "0" * 64})),
    "a key at the top": told(FIRST) | {"note": "corrected: 0.99"},
    "a key beside the content": {
        "schema": "comity.record/1",
        "entries": [told(FIRST)["entries"][0] | {"value": "0.99"}],
    },
}
REPLACED = {
    "changed": ('"0.64"', '"0.99"'),
    "true for false": ('"met": false', '"met": true'),
    "retyped as a number": ('"0.64"', "0.64"),
    "retyped as a whole number": ('"met": false', '"met": 0'),
    "a fraction for a number": ('"number": 1,', '"number": 1.0,'),
    "true for a number": ('"number": 1,', '"number": true,'),
    "an exponent for a number": ('"number": 1,', '"number": 1e0,'),
    "NaN": ('"met": false', '"met": NaN'),
    "infinity": ('"met": false', '"met": -Infinity'),
    "infinity by overflow": ('"met": false', '"met": 1e999'),
    "minus nothing": ('"met": false', '"met": -0'),
    "a number that JavaScript rounds": ('"met": false', '"met": 9007199254740993'),
    "more digits than a number has": ('"met": false', '"met": 0.64000000000000001234'),
    "half a character": ('"Ana"', '"Ana\\ud800"'),
    "half a character as a key": ('"name": "Ana"', '"name\\udc00": "Ana"'),
    "a NUL": ('"Ana"', '"Ana\\u0000"'),
    "a zero-width sign": ('"Ana"', '"Ana\\u200b"'),
    "a content twice, the forged first": ('"content": {', '"content": {"value": "0.99"}, "content": {'),
    "a value twice, the forged first": ('"value": "0.64"', '"value": "0.99", "value": "0.64"'),
    "a value twice, spelt otherwise": ('"value": "0.64"', '"v\\u0061lue": "0.99", "value": "0.64"'),
    "the entries twice": ('"entries": [', '"entries": [], "entries": ['),
}


@pytest.mark.parametrize("how", FORGED)
def test_a_forged_record_is_refused(tmp_path, how):
    done = run(written(tmp_path, FORGED[how]))
    assert done.exit_code == 1, done.stdout
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("how", REPLACED)
def test_a_retouched_record_is_refused(tmp_path, how):
    whole = json.dumps(told(FIRST), ensure_ascii=False, indent=1)
    assert whole.count(REPLACED[how][0]) == 1
    done = run(written(tmp_path, whole.replace(*REPLACED[how])))
    assert done.exit_code in {1, 2}, done.stdout
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("forged", "kept"),
    [
        (REMADE, SECOND.digest),  # the whole chain made again with other figures
        (REMADE, FIRST.digest),
        (chained(FIRST.content), SECOND.digest),  # its tail cut
        (FORKED, SECOND.digest),  # another second entry
        (chained(content("2026-04", relationship=ELSEWHERE)), FIRST.digest),  # another relationship's record
        ([FIRST], GENESIS_DIGEST),
        ([FIRST], ""),
        ([FIRST], "nonsense"),
    ],
)
def test_a_record_made_again_lacks_the_digest_that_was_kept(tmp_path, forged, kept):
    done = run(written(tmp_path, told(*forged)), "--head", kept)
    assert done.exit_code == 1
    assert "of none of these entries" in done.stderr


def test_a_fork_behind_an_older_head_is_said_not_to_be_covered(tmp_path):
    done = run(written(tmp_path, told(*FORKED)), "--head", FIRST.digest)
    assert done.exit_code == 0
    assert "1 entry after it is not covered" in done.stdout


def first_wins(pairs):
    """As readers in other languages do it that keep the first of two keys."""
    found = {}
    for key, value in pairs:
        found.setdefault(key, value)
    return found


@pytest.mark.parametrize("how", [None, *REPLACED])
def test_whatever_passes_is_read_alike_by_readers_of_other_languages(tmp_path, how):
    """First key wins, last key wins, every number a float of 53 bits: what verifies has one reading."""
    text = json.dumps(told(FIRST, SECOND), ensure_ascii=False, indent=1)
    if how is not None:
        text = text.replace(REPLACED[how][0], REPLACED[how][1], 1)
    if run(written(tmp_path, text)).exit_code:
        assert how is not None
        return
    last = json.loads(text)
    assert json.loads(text, object_pairs_hook=first_wins) == last
    assert json.loads(text, parse_int=float) == last
    assert how is None


def test_nothing_in_a_record_steers_the_terminal(tmp_path):
    name = "Ana\x1b[31m\u202e\nevil"
    done = run(written(tmp_path, told(*chained(content("2026-04", words=[ANA | {"name": name}])))))
    assert done.exit_code == 0
    assert not re.search("[\x1b\u202e]", done.stdout)
    assert "\nevil" not in done.stdout
    bad = json.dumps(told(FIRST)).replace('"number": 1', '"\\u001b[31m": 1, "number": 1')
    assert "\x1b" not in run(written(tmp_path, bad)).stderr


@pytest.mark.parametrize(
    "text",
    [
        "", "[]", "{}", "null", '{"schema": "comity.record/1", "entries": [{}]}', "[" * 9999, "\ufeff{}",
        '{"schema": "comity.record/2", "entries": []}', '{"schema": "comity.record/1", "entries": {}}',
        '{"schema": "comity.record/1", "entries": [1]}',
    ],
)  # fmt: skip
def test_what_is_no_record_is_refused_in_one_line(tmp_path, text):
    done = run(written(tmp_path, text))
    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1


def test_a_file_that_is_no_text_or_not_there_is_refused_in_one_line(tmp_path):
    (tmp_path / "x.json").write_bytes(b"\xff\xfe{}")
    for file in (tmp_path / "x.json", tmp_path / "none.json", tmp_path):
        done = run(file)
        assert done.exit_code == 2
        assert done.stderr.count("\n") == 1


def seal_of(side, order=("sl", "csat")):
    wanted = {kpi: place for place, kpi in enumerate(order, 1)}
    made = sealed_content(ranking_of(wanted, [], ["Quiet"]), "round-1", side)
    return seal_document(made, {Side.CUSTOMER: "0c" * 16, Side.PROVIDER: "0d" * 16}[side])


def with_priorities(**altered):
    seals = {side.value: {**seal_of(side), "schema": None} for side in Side} | altered
    return {
        "kind": "priorities", "relationship": HERE, "subject_type": "priorities", "subject": "round-1",
        "content": {"round": "round-1", "seals": seals}, "words": [],
    }  # fmt: skip


def as_file(folder, seal):
    path = folder / "seal.json"
    path.write_text(json.dumps(seal))
    return path


def test_a_seal_alone_is_checked_against_its_own_digest(tmp_path):
    seal = seal_of(Side.CUSTOMER)
    done = run(as_file(tmp_path, seal))
    assert done.exit_code == 0
    assert seal["digest"] in done.stdout
    assert "the customer side in round round-1 is whole" in done.stdout
    altered = seal | {"content": seal["content"] | {"order": [["csat"], ["sl"]]}}
    done = run(as_file(tmp_path, altered))
    assert done.exit_code == 1
    assert "its digest is not that of its random bits" in done.stderr


def test_a_record_says_which_entry_holds_a_seal(tmp_path):
    record = written(tmp_path, told(*chained(content("2026-04"), with_priorities())))
    done = run(record, "--seal", as_file(tmp_path, seal_of(Side.PROVIDER)))
    assert done.exit_code == 0
    assert "Entry 2 holds the priorities that this seal was made of" in done.stdout
    done = run(record, "--seal", as_file(tmp_path, seal_of(Side.PROVIDER, ("csat", "sl"))))
    assert done.exit_code == 1
    assert "no entry of the record holds this seal" in done.stderr
    done = run(record, "--seal", as_file(tmp_path, {"schema": "other"}))
    assert done.exit_code != 0
    assert "is not a seal" in done.stderr
    assert run(record, "--seal", tmp_path / "nowhere.json").exit_code != 0


def test_a_record_with_other_priorities_than_were_sealed_is_refused(tmp_path):
    """A room that alters an order after both were opened: the chain may be consistent, the seal is not."""
    seal = seal_of(Side.CUSTOMER)
    altered = with_priorities(customer=seal | {"content": seal["content"] | {"needs": ["Noise"]}})
    done = run(written(tmp_path, told(*chained(altered))))
    assert done.exit_code == 1
    assert "other priorities of the customer side than those that were sealed" in done.stderr


def test_the_ledger_in_a_record_is_counted_again(tmp_path):
    done = run(written(tmp_path, told(*record())))
    assert done.exit_code == 0, done.output
    assert "2 entries of the ledger: each has its counter-entry, and what is open was counted again" in done.stdout


def test_a_ledger_that_says_otherwise_than_its_steps_is_refused_though_its_digests_are_right(tmp_path):
    contents = posted()
    contents[1]["content"]["facts"]["move"] = "decline"
    done = run(written(tmp_path, told(*record(contents))))
    assert done.exit_code == 1
    assert "provider owes 1 action by the ledger and 0 by the steps" in done.stderr
