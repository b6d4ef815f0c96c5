"""The agreement on paper in the room: its text as a PDF, a change signed elsewhere and attacked, evidence, seals."""

import hashlib
import io
import json
import zlib
from datetime import timedelta

import pytest
from django.conf import settings
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, transaction
from django.utils import timezone

from comity.apps.agreements import exports, operations, queries
from comity.apps.agreements.changes.page import shown_sentences
from comity.apps.agreements.models import SignedFile, Step, TakenOut
from comity.apps.agreements.refusals import Code
from comity.apps.agreements.signing import signed_elsewhere, signed_pdf
from comity.apps.agreements.signing.signed_pdf import Fault
from comity.apps.books.queries import book_folder
from comity.apps.i18n import words_for
from comity.apps.refusal import Refused
from comity.book.agreement import agreed_changes
from comity.core.agreements.changes import SetField
from comity.core.agreements.kinds import Kind
from comity.core.agreements.signing import StepKind
from comity.core.chain import canonical, digest_of
from comity.core.values import Side
from tests.builders.agreement import add
from tests.builders.changes import SENTENCES, content, kpi_of, proposed, refused, row, sign, soon
from tests.builders.levels import KPI, contacts
from tests.builders.signed_pdf import authority, certificate, pem, signed, signer, updated
from tests.room import cast, run_jobs, said_again, superuser

pytestmark = pytest.mark.gate
ROOM, PDF = ["room"], ["pdf"]
FOUND = {"signer": "Mallory Voss", "organisation": "", "issuer": "Test Authority", "trusted": True, "said_at": "",
         "stamped_at": "2026-01-01T00:00:00+00:00", "valid_until": "2030-01-01T00:00:00+00:00"}  # fmt: skip


def lead(means):
    return [{"roles": ["lead"], "means": means}]


@pytest.fixture
def them():
    made = cast()
    made.book(KPI, contacts="\n".join(contacts()))
    cache.clear()
    return made


def with_authority(them, **sides):
    """Agree on a clause of authority from today on."""
    made = content(add("authority", Kind.AUTHORITY, **sides), first_day=soon(0), title="Who signs")
    pk = proposed(them, "customer_lead", made)
    sign(them, "customer_lead", pk, retroactive=True)
    assert sign(them, "provider_lead", pk, retroactive=True)


def a_target(them, value="0.9", who="customer_lead"):
    with transaction.atomic():
        kpi = kpi_of(them.at(who))
    return proposed(them, who, content(SetField(kpi, "target", value)))


def taken_out(them, who, pk, language="en"):
    with transaction.atomic():
        member, change = them.at(who), row(pk)
        state = queries.change_state(member, change)
        sentences = shown_sentences(state.last.proposal, queries.chain(member))
        return signed_elsewhere.take_out(member, change, sentences, words_for(language))[1]


def brought_back(them, who, pk, file):
    with transaction.atomic():
        return signed_elsewhere.bring_back(them.at(who), row(pk), file)


@pytest.fixture
def theirs(them):
    """A change that the provider's lead signs as a PDF; the customer's in the room."""
    with_authority(them, provider=lead(PDF), customer=lead(ROOM))
    return them, a_target(them)


def embedded(file):
    from pypdf import PdfReader

    (written,) = PdfReader(io.BytesIO(file)).attachments["to-sign.json"]
    return json.loads(written)


def test_a_pdf_signed_elsewhere_agrees_and_is_kept_for_both_sides(theirs):
    them, pk = theirs
    file = taken_out(them, "provider_lead", pk)
    said = embedded(file)
    assert digest_of(said["signed"]) == said["digest"]
    assert said["person"] == "Provider Lead"
    back = signed(file, page=-1, stamped=True)
    assert not brought_back(them, "provider_lead", pk, back)
    assert sign(them, "customer_lead", pk)
    with transaction.atomic():
        them.at("customer_lead")
        (kept,) = SignedFile.objects.filter(change=pk)
        step = Step.objects.get(change=pk, kind="sign", side="provider")
    assert bytes(kept.content) == back
    assert kept.sha256 == hashlib.sha256(back).hexdigest() == step.content["file"]
    (found,) = kept.found
    assert (found["signer"], found["organisation"], found["trusted"]) == ("Olga Marin", "Helpline", False)
    assert found["stamped_at"]
    run_jobs(operations.WRITE_TASK)
    by = {one.side: one for one in agreed_changes(book_folder(them.relationship))[-1].signatures}
    assert (by[Side.PROVIDER].means, by[Side.PROVIDER].file) == ("pdf", kept.sha256)
    assert (by[Side.CUSTOMER].means, by[Side.CUSTOMER].file) == ("room", "")


def test_means_are_those_of_the_authority_clause(theirs):
    them, pk = theirs
    with transaction.atomic():
        member = them.at("provider_lead")
        digest = operations.show_for_signature(member, row(pk), SENTENCES)
        refused(Code.MEANS, operations.sign, member, row(pk), digest, SENTENCES)
    with transaction.atomic():
        state = queries.change_state(them.at("customer_lead"), row(pk))
        sentences = shown_sentences(state.last.proposal, queries.chain(them.at("customer_lead")))
    words = words_for("en")
    with transaction.atomic():
        refused(Code.MEANS, signed_elsewhere.take_out, them.at("customer_lead"), row(pk), sentences, words)
    for who in ("provider_analyst", "auditor"):
        with pytest.raises(Refused), transaction.atomic():
            signed_elsewhere.take_out(them.at(who), row(pk), sentences, words)
    assert not SignedFile.objects.exists()


def test_only_the_very_file_signed_by_its_own_person_counts(theirs):
    them, pk = theirs
    file = taken_out(them, "provider_lead", pk)
    back = signed(file)
    other = file.replace(b"Comity", b"comity", 1)
    assert other != file

    def code(who, sent):
        with pytest.raises(Refused) as error, transaction.atomic():
            signed_elsewhere.bring_back(them.at(who), row(pk), sent)
        return error.value.code

    assert code("customer_lead", back) is Code.PDF_OTHER
    assert code("provider_lead", file) is Code.PDF_NOT_SIGNED
    assert code("provider_lead", signed(other)) is Code.PDF_OTHER
    assert code("provider_lead", b"MZ" + back) is Code.PDF_NOT_PDF
    assert code("provider_lead", back + b" " * signed_pdf.MAX_BYTES) is Code.PDF_TOO_LARGE
    # Another wording is agreed on meanwhile: what was taken out is no longer what stands.
    with transaction.atomic():
        member = them.at("customer_lead")
        kpi = kpi_of(member)
        operations.save_draft(member, row(pk), content(SetField(kpi, "target", "0.91")), 1)
        operations.propose(member, row(pk), 2)
    assert code("provider_lead", back) in {Code.CHANGED, Code.OLD_REVISION}
    assert not SignedFile.objects.exists(), "what was refused is not kept"
    assert not brought_back(them, "provider_lead", pk, signed(taken_out(them, "provider_lead", pk)))
    assert code("provider_lead", signed(file)) is Code.CHANGED


def test_the_database_takes_no_signature_without_its_file(theirs):
    them, pk = theirs
    file = taken_out(them, "provider_lead", pk)

    def row_of(person, **more):
        with transaction.atomic():
            member = them.at(person)
            out = TakenOut.objects.filter(change=pk).first()
            values = {
                "change_id": pk, "relationship": member.relationship, "side": "provider", "found": [FOUND],
                "person": member.membership.person, "taken_out": out, "size": len(file) + 1,
                "content": file + b"x", "sha256": hashlib.sha256(file + b"x").hexdigest(), **more,
            }  # fmt: skip
            return SignedFile.objects.create(**values)

    for more in ({"sha256": "0" * 64}, {"content": b"x" * (len(file) + 1),
                 "sha256": hashlib.sha256(b"x" * (len(file) + 1)).hexdigest()}):  # fmt: skip
        with pytest.raises(DatabaseError):
            row_of("provider_lead", **more)
    for found in ([], {}, "x", [1], [{**FOUND, "trusted": "yes"}], [{**FOUND, "more": ""}], [FOUND] * 21,
                  [{**FOUND, "signer": 1}], [{**FOUND, "issuer": "x" * 401}], [{**FOUND, "said_at": "soon"}],
                  [{name: value for name, value in FOUND.items() if name != "signer"}]):  # fmt: skip
        with pytest.raises(DatabaseError, match="row-level security"):
            row_of("provider_lead", found=found)
    with transaction.atomic():
        them.at("customer_lead")
        assert not TakenOut.objects.exists(), "what somebody takes out is their own"
    with pytest.raises(DatabaseError), transaction.atomic():
        member = them.at("provider_lead")
        Step.objects.create(
            change_id=pk, relationship=member.relationship, number=9, kind=StepKind.SIGN.value, side="provider",
            person=member.membership.person, at=row(pk).begun_at,
            content={"name": "Provider Lead", "revision": 1, "means": "pdf", "file": "0" * 64},
        )  # fmt: skip


@pytest.mark.long
def test_what_a_file_says_is_read_from_the_file_and_not_from_who_brought_it(theirs):
    them, pk = theirs
    back = signed(taken_out(them, "provider_lead", pk), page=-1, stamped=True)
    assert not brought_back(them, "provider_lead", pk, back)
    with superuser() as everybody:
        everybody.execute("UPDATE agreements_signedfile SET found = %s::jsonb", [json.dumps([FOUND])])
    shown = said_again(them.client("customer_lead")).get(them.url(f"agreement/changes/{pk}/evidence/"))
    page = shown.content.decode()
    assert "Olga Marin" in page
    assert FOUND["signer"] not in page
    assert "no authority that the administrator trusts" in page


@pytest.mark.long
def test_two_of_a_side_cannot_bring_one_file(them):
    with_authority(them, provider=[{"roles": ["lead", "executive"], "together": 2, "means": PDF}])
    pk = a_target(them)
    file = taken_out(them, "provider_lead", pk)
    assert not brought_back(them, "provider_lead", pk, signed(file))
    with transaction.atomic():
        refused(Code.PDF_OTHER, signed_elsewhere.bring_back, them.at("provider_executive"), row(pk), signed(file))
    own = taken_out(them, "provider_executive", pk)
    assert not brought_back(them, "provider_executive", pk, signed(own))
    assert sign(them, "customer_lead", pk)


def page(text):
    """A small document that says something else."""
    from datetime import UTC, datetime

    from comity.apps.agreements.text.papers import Asked, Reader, text_pdf

    reader = Reader(words_for("en"), {Side.CUSTOMER: text, Side.PROVIDER: text}, "UTC")
    return text_pdf([], Asked(soon()), None, reader, datetime.now(UTC))


def attacks(file):
    """Yield (what is tried, the file, why it does not count): each is signed, and begins with what was taken out."""
    from pyhanko.pdf_utils import generic
    from pyhanko.pdf_utils.generic import pdf_name

    def over(writer):
        """Other words over the old ones: the content of the first page is another."""
        leaf = writer.find_page_for_modification(0)[0].get_object()
        leaf["/Contents"] = writer.add_object(generic.StreamObject(stream_data=b"0 0 600 800 re f"))
        writer.update_container(leaf)

    def fewer(writer):
        writer.root["/Pages"]["/Kids"] = generic.ArrayObject(list(writer.root["/Pages"]["/Kids"])[:1])
        writer.root["/Pages"]["/Count"] = generic.NumberObject(1)
        writer.update_container(writer.root["/Pages"])

    def script(writer):
        writer.root["/OpenAction"] = generic.DictionaryObject(
            {pdf_name("/S"): pdf_name("/JavaScript"), pdf_name("/JS"): generic.TextStringObject("app.alert(1)")}
        )
        writer.update_root()

    def title(writer):
        info = generic.DictionaryObject({pdf_name("/Keywords"): generic.TextStringObject("sha256:" + "0" * 64)})
        writer.set_info(info)

    def swapped(writer):
        """Another embedded document under the old name."""
        other = writer.add_object(generic.StreamObject(stream_data=b"{}"))
        writer.root["/AF"] = generic.ArrayObject([other])
        writer.update_root()

    yield "other words over the old ones", signed(file, prepare=over), Fault.ALTERED
    yield "fewer sheets", signed(file, prepare=fewer, name="S2"), Fault.ALTERED
    yield "script", signed(file, prepare=script), Fault.ACTIVE
    yield "script after the signature", updated(signed(file), script), Fault.ACTIVE
    yield "another digest in the metadata", signed(file, prepare=title), Fault.ALTERED
    yield "another embedded document", signed(file, prepare=swapped), Fault.ACTIVE
    yield "a visible signature over the text", signed(file, page=0), Fault.COVERS
    yield "a visible signature over what is agreed to", signed(file, page=-1, box=(40, 60, 560, 800)), Fault.COVERS
    yield "another document behind the first", file + behind(file), Fault.ALTERED
    agreed = signed(file)
    broken = agreed.replace(b"I agree", b"I argue")
    assert broken != agreed
    yield "a signature of other bytes", broken, Fault.BROKEN
    unsigned = updated(file, lambda writer: writer.add_object(generic.NullObject()))
    yield "no signature, only an update", unsigned, Fault.NOT_SIGNED
    yield "noise", file + b"\nxref\n0 1\ntrailer<<>>startxref\n9\n%%EOF", Fault.UNREADABLE


def behind(file):
    """A whole signed document of another text, with its places moved so that it stands alone behind the first."""
    import re

    other, size = signed(page("Another text")), len(file)
    moved = re.sub(rb"(?m)^(\d{10}) (\d{5}) n", lambda one: b"%010d %s n" % (int(one[1]) + size, one[2]), other)
    moved = re.sub(rb"startxref\s+(\d+)", lambda one: b"startxref\n%d" % (int(one[1]) + size), moved)
    return re.sub(rb"/Prev (\d+)", lambda one: b"/Prev %d" % (int(one[1]) + size), moved)


def bomb(file):
    """An update whose table is a gigabyte of zeros, packed a thousand times smaller."""
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(bytes(1 << 20)) for _ in range(1024)) + packer.flush()
    head = b"900 0 obj\n<</Type/XRef/W[1 4 2]/Size 150000000/Filter/FlateDecode/Length %d/Root 1 0 R>>stream\n"
    return head % len(packed) + packed + b"\nendstream\nendobj\nstartxref\n%d\n%%%%EOF" % len(file)


@pytest.mark.long
def test_whatever_else_is_done_to_the_file_is_seen(theirs):
    them, pk = theirs
    file = taken_out(them, "provider_lead", pk)
    size, digest = len(file), hashlib.sha256(file).hexdigest()
    assert signed_pdf.check(signed(file, page=-1), size, digest).fault is None, "a true signature counts"
    twice = signed(signed(file), name="Second")
    assert [one.signer for one in signed_pdf.check(twice, size, digest).signatures] == ["Olga Marin"] * 2
    wrong = []
    for what, attacked, fault in attacks(file):
        assert attacked.startswith(file), what
        found = signed_pdf.inspect(attacked, size)  # in this process: each of its own takes a second to begin
        if found.fault is not fault:
            wrong.append((what, found))
    assert wrong == []
    assert signed_pdf.check(file + bomb(file), size, digest).fault is Fault.UNREADABLE
    assert signed_pdf.check(signed(file, page=0), size, digest).fault is Fault.COVERS


@pytest.mark.long
def test_a_row_makes_no_certificate_trusted_that_had_run_out_or_is_ones_own(theirs, tmp_path, monkeypatch):
    """Past the room: a file of an own authority, whose certificate has run out, and a row that says trusted."""
    them, pk = theirs
    file = taken_out(them, "provider_lead", pk)
    root = tmp_path / "roots.pem"
    root.write_bytes(pem(authority()[0]))
    monkeypatch.setattr(settings, "TRUSTED", root)
    now = timezone.now()

    def trusted(at, **made):
        back = signed(file, by=signer(*certificate("Late Lee", **made)))
        kept = SignedFile(content=back, sha256=hashlib.sha256(back).hexdigest(), found=[{**FOUND}], at=at)
        (one,) = signed_elsewhere.found_in(kept)
        return one.trusted

    assert not trusted(now, days=-1, of="Own Authority")
    assert not trusted(now - timedelta(days=2), days=-1, of="Own Authority")
    assert not trusted(now, days=-1)
    assert trusted(now - timedelta(days=2), days=-1)  # it had not run out when the file came
    assert trusted(now)


@pytest.mark.long
def test_what_a_signature_says_is_told_as_it_is_found(theirs, tmp_path):
    them, pk = theirs
    file = taken_out(them, "provider_lead", pk)
    size, digest = len(file), hashlib.sha256(file).hexdigest()
    root = tmp_path / "roots.pem"
    root.write_bytes(pem(authority()[0]))
    (known,) = signed_pdf.check(signed(file), size, digest, root).signatures
    assert (known.signer, known.issuer, known.trusted, known.stamped_at) == ("Olga Marin", "Test Authority", True, "")
    ended = signer(*certificate("Late Lee", days=-1))
    (late,) = signed_pdf.check(signed(file, by=ended), size, digest, root).signatures
    assert (late.signer, late.trusted) == ("Late Lee", False)
    stranger = signer(*certificate("Provider Lead", "Helpline", of="Own Authority"))
    (claimed,) = signed_pdf.check(signed(file, by=stranger), size, digest, root).signatures
    assert (claimed.signer, claimed.trusted) == ("Provider Lead", False), "a name alone is trusted by nobody"


def test_both_sides_go_through_the_pages(theirs):
    them, pk = theirs
    provider, customer = them.client("provider_lead"), them.client("customer_lead")
    at = f"agreement/changes/{pk}/"
    assert f"{at}elsewhere/" in provider.get(them.url(at)).content.decode()
    assert f"{at}elsewhere/" not in customer.get(them.url(at)).content.decode()
    assert provider.post(them.url(at + "elsewhere/file/")).status_code == 302, "after a fresh sign-in alone"
    said_again(provider)
    answer = provider.post(them.url(at + "elsewhere/file/"))
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/pdf")
    file = answer.content
    address = them.url(at + "elsewhere/")
    plain = provider.post(address, {"file": SimpleUploadedFile("a.pdf", file)})
    assert plain.status_code == 409 or "No digital signature is in this file" in plain.content.decode()
    done = provider.post(address, {"file": SimpleUploadedFile("a.pdf", signed(file))})
    assert done.status_code == 302
    for who in ("provider_lead", "customer_lead", "auditor"):
        browser = them.client(who)
        shown = browser.get(them.url(at + "evidence/")).content.decode()
        for part in (
            "Certificate of Olga Marin, Helpline, given by Test Authority.",
            "Shown in English",
            "The certificate leads to no authority that the administrator trusts.",
            "Signing authority, clause authority",
        ):
            assert part in shown, (who, part)
        with transaction.atomic():
            them.at(who)
            kept = SignedFile.objects.get(change=pk)
        got = browser.get(them.url(f"{at}files/{kept.pk}/"))
        assert got.content == signed_bytes(kept)
        assert "attachment" in got["Content-Disposition"]
    for who in ("stranger", "former"):
        assert them.client(who).get(them.url(f"{at}files/{kept.pk}/")).status_code == 404


def signed_bytes(kept):
    return bytes(kept.content)


def test_evidence_and_files_are_for_those_who_read_the_clauses(them):
    """A digest of a price is no secret: whoever may not read it gets neither the evidence nor the file."""
    with_authority(them, provider=lead(["pdf", "room"]), customer=lead(ROOM))
    price = add("price", Kind.PRICE, service="voice", currency="EUR", unit="contact", price="4.20")
    pk = proposed(them, "customer_lead", content(price, title="A price"))
    at = f"agreement/changes/{pk}/"
    assert them.client("customer_lead").get(them.url(at + "evidence/")).status_code == 200
    refused_to = them.client("customer_roster").get(them.url(at + "evidence/"))
    assert refused_to.status_code == 403
    assert "4.20" not in refused_to.content.decode()


def text_of_file(them, who, query="", language="en"):
    from pypdf import PdfReader

    browser = them.client(who)
    browser.cookies["django_language"] = language
    asked = browser.get(them.url("agreement/file/") + query)
    if asked.status_code == 202:
        run_jobs(exports.COMPUTE_FILE)
        asked = browser.get(them.url("agreement/file/") + query)
    assert asked.status_code == 200, asked.content[:2000]
    reader = PdfReader(io.BytesIO(asked.content))
    text = " ".join(" ".join(one.extract_text() for one in reader.pages).split()).replace("\u00a0", " ")
    return text, reader, asked.content


@pytest.mark.long
def test_the_text_as_a_pdf_has_what_its_reader_may_read(them):
    price = add("price", Kind.PRICE, service="voice", currency="EUR", unit="contact", price="4.27")
    pk = proposed(them, "customer_lead", content(price, title="A price", first_day=soon(3)))
    sign(them, "customer_lead", pk)
    with transaction.atomic():
        assert not queries.change_state(them.at("provider_lead"), row(pk)).row.place
    assert sign(them, "provider_lead", pk)
    query = f"?on={soon(5)}&with={soon(0)}"
    text, reader, _ = text_of_file(them, "customer_finance", query)
    assert "4.27" in text
    assert "Not sealed: the administrator has set no certificate for seals." in text
    assert "in Comity after a fresh sign-in" in text
    assert "agreement.json" in reader.attachments
    with transaction.atomic():
        read = queries.text_of(them.at("customer_lead"), soon(5))
    from comity.core.agreements.canonical import text_content

    digest = digest_of(text_content(read.clauses))
    assert reader.attachments["agreement.json"] == [canonical(text_content(read.clauses)).encode()]
    hidden, reader, _ = text_of_file(them, "customer_roster", query)
    assert "4.27" not in hidden
    assert "Not shown to you." in hidden
    assert "agreement.json" not in reader.attachments
    assert digest in hidden.replace(" ", "")
    assert "differs and is not shown to you" in hidden


def seal_of(tmp_path, **more):
    from comity.web import environment
    from tests.builders.signed_pdf import pkcs12_file

    file = pkcs12_file(tmp_path / "seal.p12", b"word", name="Seal of Helpline", **more)
    return environment.seal_file("COMITY_SEAL", str(file), "word")


def seals(content):
    from pyhanko.pdf_utils.reader import PdfFileReader
    from pyhanko.sign.validation import validate_pdf_signature
    from pyhanko_certvalidator import ValidationContext

    found = PdfFileReader(io.BytesIO(content)).embedded_signatures
    return [validate_pdf_signature(one, ValidationContext(trust_roots=[], allow_fetching=False)) for one in found]


@pytest.fixture
def authority_of_time():
    """A time authority on this machine: its address, and what makes it answer 500."""
    import http.server
    import threading

    from asn1crypto import tsp

    from tests.builders.signed_pdf import stamper

    made, silent = stamper(), threading.Event()

    class Authority(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            asked = tsp.TimeStampReq.load(self.rfile.read(int(self.headers["Content-Length"])))
            self.send_response(500 if silent.is_set() else 200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.end_headers()
            self.wfile.write(made.request_tsa_response(asked).dump())

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Authority)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", silent
    server.shutdown()
    server.server_close()


@pytest.mark.long
def test_a_file_is_sealed_and_says_whether_it_is_stamped(them, tmp_path, authority_of_time):
    from django.test import override_settings

    address, silent = authority_of_time
    seal = seal_of(tmp_path)
    with override_settings(SEAL=seal):
        text, _, content = text_of_file(them, "customer_lead", f"?on={soon(1)}")
    (status,) = seals(content)
    assert status.intact
    assert status.valid
    assert "Sealed by Seal of Helpline, without a time stamp: no time authority is set." in text
    with override_settings(SEAL=seal, SEAL_STAMP=address):
        text, _, content = text_of_file(them, "customer_lead", f"?on={soon(2)}")
        (status,) = seals(content)
        assert status.timestamp_validity is not None
        assert status.timestamp_validity.intact
        assert "with the stamp of a time authority" in text
        silent.set()
        text, _, content = text_of_file(them, "customer_lead", f"?on={soon(3)}")
        (status,) = seals(content)
        assert status.timestamp_validity is None
        assert "without a time stamp: the time authority gave none" in text
    with override_settings(SEAL=seal, SEAL_STAMP="http://127.0.0.1:9/"):  # nobody listens
        text, _, content = text_of_file(them, "customer_lead", f"?on={soon(4)}")
        assert [one.timestamp_validity for one in seals(content)] == [None]
        assert "without a time stamp: the time authority gave none" in text
    with override_settings(SEAL=seal_of(tmp_path, days=-1)):
        text, _, content = text_of_file(them, "customer_lead", f"?on={soon(5)}")
        assert seals(content) == []
        assert "Not sealed: the certificate of Seal of Helpline has expired." in text
