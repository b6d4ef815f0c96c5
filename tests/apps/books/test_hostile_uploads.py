"""Files that are made to break whoever opens them: each is refused in words, in little memory, and before long."""

import gzip
import json
import re
import struct
import subprocess
import sys
import zipfile

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction

from comity.apps.books.models import Delivery
from tests.builders.turns import one_in
from tests.room import cast

pytestmark = pytest.mark.gate
MIB = 2**20
MOST_MIB, MOST_S = 400, 60
OPEN = """
import json, resource, sys
from pathlib import Path
from comity.book.mappings.draft import draft_mapping
from comity.book.mappings.recognise import matching_mappings
from comity.book.formats.sheet import UnusableSourceError
resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[2]), int(sys.argv[2])))
try:
    fits = matching_mappings(Path(sys.argv[1]))
    said = "" if fits else draft_mapping(Path(sys.argv[1]))[:40]
except UnusableSourceError as error:
    said = str(error)
try:  # of this program alone: what getrusage tells begins with what its parent held
    most = int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) // 1024
except OSError:
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 2**20
print(json.dumps([said, most]))
"""
PARTS = {
    "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="xml" ContentType="application/xml"/></Types>',
    "xl/workbook.xml": '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
    '<sheets><sheet name="s" sheetId="1" r:id="rId1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    '<Relationship Id="rId1" Target="worksheets/sheet1.xml" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"/>'
    '<Relationship Id="rId2" Target="sharedStrings.xml" '
    'Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings"/></Relationships>',
}
SHEET = (
    '{0}<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData><row r="1">'
    '<c r="A1" t="inlineStr"><is><t>a{1}</t></is></c></row></sheetData></worksheet>'
)
LAUGHS = (
    '<!DOCTYPE l [<!ENTITY a "'
    + "ha" * 100
    + '">{}]>'.format("".join(f'<!ENTITY {chr(98 + n)} "{f"&{chr(97 + n)};" * 10}">' for n in range(9)))
)


def packed(path, *parts):
    """Parts, each so many times, packed."""
    with gzip.open(path, "wb", compresslevel=1) as out:
        for block, times in parts:
            for _ in range(times):
                out.write(block)


def workbook(path, sheet=None, mib=0, said=None):
    """A workbook with so many MiB of shared texts, of which it says that they are as many bytes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as out:
        for name, text in PARTS.items():
            out.writestr(name, text)
        out.writestr("xl/worksheets/sheet1.xml", sheet or SHEET.format("", ""))
        if mib:
            with out.open("xl/sharedStrings.xml", "w", force_zip64=True) as texts:
                texts.write(b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">')
                for _ in range(mib):
                    texts.write(b"<si><t></t></si>" * (MIB // 16))
                texts.write(b"</sst>")
    if said is not None:
        raw = bytearray(path.read_bytes())
        struct.pack_into("<I", raw, raw.rfind(b"PK\x01\x02") + 24, said)
        path.write_bytes(raw)


BOMBS = {
    "long-line.csv.gz": (lambda f: packed(f, (b"a,b\n1,", 1), (b" " * MIB, 600)), "would unpack"),
    "long-line.jsonl.gz": (lambda f: packed(f, (b'{"a":1}\n{"a":2}\n', 1), (b" " * MIB, 100)), "longer than"),
    "long-line.csv": (lambda f: f.write_bytes(b"a,b\n1," + b"x" * 20 * MIB + b"\n"), "longer than"),
    "long-head.csv": (lambda f: f.write_bytes(b"x" * 20 * MIB), "header does not end"),
    "wide.csv": (lambda f: f.write_bytes(b"a," * 1_000_000 + b"a\n" + b"1," * 1_000_000 + b"1\n"), "columns"),
    "deep.json": (lambda f: f.write_bytes(b"[" * MIB), "deep"),
    "deep.jsonl": (lambda f: f.write_bytes(b'{"a":1}\n{"a":' + b"[" * MIB + b"\n"), None),
    "endless.json": (lambda f: f.write_bytes(b'[{"a":' + b"9" * MIB + b"}]"), "digits"),
    "texts.xlsx": (lambda f: workbook(f, mib=700), "would unpack"),
    "lies.xlsx": (lambda f: workbook(f, mib=700, said=1000), "more than it says"),
    "laughs.xlsx": (lambda f: workbook(f, SHEET.format(LAUGHS, "&j;")), "cannot be opened"),
    "outside.xlsx": (
        lambda f: workbook(f, SHEET.format('<!DOCTYPE l [<!ENTITY j SYSTEM "file:///etc/passwd">]>', "&j;")),
        "cannot be opened",
    ),
}


@pytest.mark.parametrize("name", one_in(5, [(name, name) for name in BOMBS]))
def test_a_trap_is_refused_in_little_memory(tmp_path, name):
    make, words = BOMBS[name]
    make(tmp_path / name)
    done = subprocess.run(
        [sys.executable, "-c", OPEN, tmp_path / name, str(MOST_S)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-500:]
    said, most = json.loads(done.stdout)
    assert words is None or words in said
    assert "root:" not in said
    assert most < MOST_MIB


@pytest.fixture(scope="module")
def them():
    made = cast()
    made.book()
    return made


NAMES = ["../../../etc/passwd.csv", "..\\..\\evil.csv", "/etc/cron.d/x.csv", "a\0b.csv", "a\r\nX-Evil: 1.csv",
         "\u202egpj.csv", "x" * 900 + ".csv", ".", "..", "a.csv/../../b", "$(id).csv", "con.csv", "\ud7ff.csv",
         "a." + "b" * 300, "x.csv.gz.zip.exe", "-rf.csv", "%2e%2e%2fa.csv"]  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_a_name_leads_nowhere(them, name):
    browser = them.client("provider_lead")
    upload = SimpleUploadedFile("placeholder.csv", b"a,b\n1,2\n")
    upload.__dict__["_name"] = name  # as a browser that is none would send it
    found = browser.post(them.url("records/upload/"), {"file": upload})
    assert found.status_code == 302
    if "/upload" in found.headers["Location"] or found.headers["Location"].endswith("records/"):
        return  # no file at all
    page = browser.get(found.headers["Location"])
    assert page.status_code == 200
    with transaction.atomic():
        them.at("provider_lead")
        made = Delivery.objects.first()
    assert "/" not in made.name
    assert "\\" not in made.name
    assert not re.search(r"[\x00-\x1f]", made.name)
    from comity.apps.books.queries import upload_path

    place = upload_path(made)
    assert place.resolve().parent == place.parent.resolve()
    assert re.fullmatch(r"[0-9a-f-]{36}", place.parent.name)  # alone in a folder that says nothing
    assert re.fullmatch(r"[\w() -][\w.() -]{0,119}", place.name)
    assert place.parent.stat().st_mode & 0o077 == 0


CONTENTS = [b'{"a":1}\n{"a":2}\n', b'[{"a":1}]', b'{"rows":[{"a":{"b":[1]}}]}', b"{}", b"[]", b"{", b"\0\0\0\0",
            b"\xff\xfe\x00\x00", b"PK\x03\x04", b"PAR1PAR1", b"\x1f\x8b\x08"]  # fmt: skip


@pytest.mark.parametrize("content", CONTENTS)
@pytest.mark.parametrize("ending", ["csv", "json"])
def test_no_content_breaks_the_page(them, content, ending):
    browser = them.client("customer_lead")
    found = browser.post(them.url("records/upload/"), {"file": SimpleUploadedFile(f"x.{ending}", content)})
    assert found.status_code == 302
    page = browser.get(found.headers["Location"])
    assert page.status_code == 200
    assert "/uploads/" not in page.content.decode()
