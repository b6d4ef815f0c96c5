"""Evidence packs: the same for both sides, nothing without prejudice in them, and checked without the room."""

import hashlib
import io
import json
import zipfile

import pytest
from django.db import transaction
from typer.testing import CliRunner

from comity.apps.matters.operations import EvidenceFile, NewMatter, raise_matter
from comity.cli import app
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import Move
from tests.builders.changes import room, soon
from tests.builders.matters import ZONE, moved
from tests.room import run_jobs

pytestmark = pytest.mark.gate
C, P = "customer_lead", "provider_lead"
SECRET = "Zebulon 4711.13"
PACK = ("matters.pack",)


@pytest.fixture(scope="module")
def them():
    return room()


@pytest.fixture(scope="module")
def matter(them):
    with transaction.atomic():
        made = NewMatter(Kind.NEED, "Call back within a day", "They wait.", wording="Within a day", due_on=soon(60))
        made = raise_matter(them.at(C), made, ZONE, [EvidenceFile("list.csv", b"a,b\n1,2\n")])
    moved(them, P, made, Move.COUNTER, SECRET, beside={"mark": "without_prejudice"}, wording=SECRET)
    moved(them, C, made, Move.DECLINE, "No.")
    moved(them, P, made, Move.AGREE, "As first asked.", beside={"mark": "under_reserve"})
    moved(them, C, made, Move.COMMENT, "Thank you.")
    return made


def pack_of(them, who, matter):
    asked = them.url(f"matters/{matter.pk}/pack.zip")
    answer = them.client(who).get(asked, headers={"accept": "application/zip"})
    run_jobs(*PACK)
    answer = answer if answer.status_code == 200 else them.client(who).get(asked)
    assert answer.status_code == 200, answer.content
    return answer.content


@pytest.fixture(scope="module")
def packed(them, matter):
    return pack_of(them, C, matter)


def members(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def verified(tmp_path, files):
    file = tmp_path / "evidence.zip"
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return CliRunner().invoke(app, ["verify", str(file)])


def test_it_holds_the_steps_files_text_calendars_and_the_record(packed):
    files = members(packed)
    told = json.loads(files["evidence.json"])
    content = told["content"]
    assert [(one["number"], one["move"], one["side"]) for one in content["steps"]] == [
        (1, "raise", "customer"), (3, "decline", "customer"), (4, "agree", "provider"), (5, "comment", "customer"),
    ]  # fmt: skip
    assert content["steps"][2]["mark"] == "under_reserve"
    assert all(one["at"] and one["recorded_at"] for one in content["steps"])
    (name,) = [name for name in files if name.startswith("files/")]
    assert files[name] == b"a,b\n1,2\n"
    assert told["files"][name] == hashlib.sha256(files[name]).hexdigest()
    assert files["evidence.pdf"].startswith(b"%PDF")
    assert set(content["calendars"]) == {"customer", "provider"}
    assert json.loads(files["record.json"])["entries"]


def test_what_is_without_prejudice_is_only_counted(packed):
    from pypdf import PdfReader

    files = members(packed)
    content = json.loads(files["evidence.json"])["content"]
    assert content["left_out"] == [2]
    assert "wording" not in content["matter"]  # which such a step may have put on the table
    paper = "".join(page.extract_text() for page in PdfReader(io.BytesIO(files["evidence.pdf"])).pages)
    assert "without prejudice" in paper
    assert "under reserve" in paper
    for name, data in files.items():
        assert SECRET.encode() not in data, name
    assert SECRET not in paper


def test_both_sides_get_the_same(them, matter, packed):
    own, other = members(packed), members(pack_of(them, P, matter))
    assert own["evidence.json"] == other["evidence.json"]
    assert own["record.json"] == other["record.json"]


def test_verify_accepts_it_without_the_room(tmp_path, packed):
    found = verified(tmp_path, members(packed))
    assert found.exit_code == 0, found.output
    assert "is whole: 4 steps, 2 files" in found.output


def changed(files, path, value):
    told = json.loads(files["evidence.json"])
    place = told
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    return files | {"evidence.json": json.dumps(told).encode()}


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda files: changed(files, ["content", "steps", 0, "text"], "Other"), "its digest is not"),
        (lambda files: changed(files, ["content", "steps", 2, "move"], "decline"), "is another one in the record"),
        (lambda files: changed(files, ["content", "steps", 2, "side"], "customer"), "is another one in the record"),
        (lambda files: changed(files, ["content", "left_out"], []), "step 2 is in the record and not in the pack"),
        (lambda files: changed(files, ["record", "head"], "0" * 64), "not the record that this pack"),
        (lambda files: {name: data for name, data in files.items() if not name.startswith("files/")}, "is missing"),
        (lambda files: {name: b"x" if name == "evidence.pdf" else data for name, data in files.items()}, "was changed"),
        (lambda files: files | {"files/more.csv": b"x"}, "is not of this pack"),
        (lambda files: files | {"evidence.json": b"[]"}, "is no pack"),
    ],
)
def test_verify_refuses_one_in_which_anything_was_changed(tmp_path, packed, spoil, said):
    found = verified(tmp_path, spoil(members(packed)))
    assert found.exit_code == 1
    assert said in found.output


def test_a_matter_raised_without_prejudice_has_none(them):
    with transaction.atomic():
        made = NewMatter(Kind.QUESTION, "Would you settle?", SECRET, mark="without_prejudice")
        made = raise_matter(them.at(C), made, ZONE)
    page = them.client(P).get(them.url(f"matters/{made.pk}/")).content.decode()
    assert "pack.zip" not in page
    answer = them.client(P).get(them.url(f"matters/{made.pk}/pack.zip"))
    assert answer.status_code != 200
    assert answer.content[:2] != b"PK"


@pytest.mark.parametrize("who", ["stranger", "former"])
def test_nobody_outside_gets_one(them, matter, who):
    assert them.client(who).get(them.url(f"matters/{matter.pk}/pack.zip")).status_code == 404
