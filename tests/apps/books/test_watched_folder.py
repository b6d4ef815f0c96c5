"""A folder that is watched: whole files become uploads of their side, once, and are put away with what came of them."""

import os
from pathlib import Path

import pytest
from django.conf import settings
from django.db import transaction

from comity.apps.books import operations, tasks, watched_folder
from comity.apps.books.models import Delivery, SharedFormat, Stage
from tests.builders.uploads import now, run
from tests.room import cast, forget_mails, run_jobs, sent_mails

pytestmark = pytest.mark.gate
KNOWN = "contact_id,opened_at,queue\n" + "".join(f"{{0}}{n},2026-06-01T10:00:00Z,help\n" for n in range(40))


@pytest.fixture
def them(tmp_path, monkeypatch):
    monkeypatch.setattr(settings, "WATCHED_FOLDER", str(tmp_path / "drop"))
    monkeypatch.setattr(watched_folder, "SETTLED_S", -60)
    made = cast()
    made.book('[private]\nprovider = ["costs"]\n')
    made.drop = tmp_path / "drop" / str(made.relationship)
    return made


def watch(them):
    watched_folder.watch(them.relationship, "Northwind with Helpline")


def uploads(them, who="provider_lead"):
    with transaction.atomic():
        them.at(who)
        return list(Delivery.objects.order_by("at"))


def left(them, name, text, side="provider"):
    watch(them)  # the folders are made
    file = them.drop / side / name
    file.write_text(text, encoding="utf-8")
    return file


def lying(them, folder, side="provider"):
    return sorted(file.name for file in (them.drop / side / folder).iterdir())


def test_a_whole_file_is_its_sides_upload_and_waits_for_a_person(them):
    left(them, "june.csv", KNOWN.format("a"))
    watch(them)
    (made,) = uploads(them)
    assert (made.name, made.side, made.person) == ("june.csv", "provider", them.people["provider_lead"])
    assert lying(them, "waiting") == [f"{made.pk} june.csv"]
    assert uploads(them, "customer_lead") == []
    made = run(them, "provider_lead", made, dry_run=True)
    assert made.stage == Stage.LOOKED
    watch(them)
    assert lying(them, "waiting") == [f"{made.pk} june.csv"]
    assert "june.csv" in them.client("provider_lead").get(them.url()).content.decode()
    assert "june.csv" not in them.client("customer_lead").get(them.url()).content.decode()


def mailed():
    """The subjects that the room mailed at once, without the relationship, by address."""
    run_jobs("notifications.tell", "notifications.mail")
    found = {(to, one.subject.partition("] ")[2]) for one in sent_mails() for to in one.to}
    forget_mails()
    return found


def to(them, subject, *who):
    return {(them.people[one].email, subject) for one in who}


@pytest.mark.parametrize(
    ("name", "text", "stage"),
    [
        ("june.csv", KNOWN.format("a"), Stage.LOOKED),
        ("june.csv", "one,two\n1,2\n", Stage.LOOKED),  # of no known format: somebody matches the columns
        ("june.xlsx", "no workbook", Stage.REFUSED),
    ],
    ids=["known", "to match", "refused"],
)
def test_a_file_that_nobody_has_seen_is_mailed_to_its_own_side_once(them, name, text, stage):
    """One that waits for a decision, and one that cannot be used; its side's system left it, nobody is in the room."""
    forget_mails()
    left(them, name, text)
    watch(them)
    (made,) = uploads(them)
    operations.recognise_delivery(made.person_id, them.relationship, made.pk)
    if uploads(them)[0].stage not in {Stage.LOOKED, Stage.REFUSED}:
        made = run(them, "provider_lead", made, dry_run=True)
    assert uploads(them)[0].stage == stage
    waits = f"{name}: waits for a decision"
    found = mailed()
    assert to(them, waits, "provider_lead") <= found
    ours = {one.email for name, one in them.people.items() if name.startswith("provider")}
    assert {address for address, _ in found} <= ours
    # The lead, in whose name it was taken, and one more who may import, where both read its table.
    assert len(found) == (2 if text.startswith("contact_id") else 1)
    watch(them)
    assert mailed() == set()


def test_a_file_that_could_not_even_be_taken_is_mailed_to_its_side(them):
    forget_mails()
    left(them, "empty.csv", "")
    watch(them)
    found = mailed()
    assert found == to(them, "empty.csv: waits for a decision", "provider_lead")


def test_a_known_file_is_imported_unseen_only_where_that_is_asked_for(them, monkeypatch):
    monkeypatch.setattr(settings, "WATCHED_IMPORTS", True)
    left(them, "june.csv", KNOWN.format("a"))
    watch(them)
    (made,) = uploads(them)
    assert run(them, "provider_lead", made, dry_run=True).stage == Stage.BRINGING
    assert run(them, "provider_lead", made, dry_run=False).stage == Stage.BROUGHT
    assert not [one for one in mailed() if "decision" in one[1]]
    watch(them)
    assert lying(them, "done") == ["june.csv", "june.csv.txt"]
    assert "40 new" in (them.drop / "provider" / "done" / "june.csv.txt").read_text(encoding="utf-8")


SHARED = """table = "contacts"
[columns]
contact_id = "No"
opened_at = { from = "Came", format = "day-first" }
outcome = { from = "End", values = { solved = "abandoned", gone = "answered" } }
"""
FOREIGN = "No;Came;End\n" + "".join(f"{n};13/06/2026 09:00;solved\n" for n in range(40))


def share(them, text):
    with transaction.atomic():
        member = them.at("customer_lead")
        SharedFormat.objects.create(
            relationship=member.relationship, side="customer", name="ours", table="contacts", text=text,
            person=member.membership.person,
        )  # fmt: skip


def test_nothing_is_imported_unseen_by_a_format_of_the_other_side(them, monkeypatch):
    """Else the customer, by sharing a format, would say what the provider's file means, and nobody would look."""
    monkeypatch.setattr(settings, "WATCHED_IMPORTS", True)
    share(them, SHARED)
    left(them, "june.csv", FOREIGN)
    watch(them)
    (made,) = uploads(them)
    made = run(them, "provider_lead", made, dry_run=True)
    assert made.outcome["format_of"] == "customer"
    assert made.stage == Stage.LOOKED


def test_the_other_side_holds_up_no_file_in_a_known_format_by_sharing_one(them, monkeypatch):
    monkeypatch.setattr(settings, "WATCHED_IMPORTS", True)
    share(them, 'table = "contacts"\n[columns]\ncontact_id = "contact_id"\nopened_at = "opened_at"\nqueue = "queue"\n')
    left(them, "june.csv", KNOWN.format("a"))
    watch(them)
    (made,) = uploads(them)
    made = run(them, "provider_lead", made, dry_run=True)
    assert made.stage == Stage.BRINGING, (made.outcome.get("fits"), made.why)


@pytest.mark.parametrize(
    "text", ["Ticket;Came in\n1;soon\n", KNOWN.format("a") + "".join(f"bad{n},soon,help\n" for n in range(9))]
)
def test_what_is_in_doubt_waits_though_files_are_imported_unseen(them, monkeypatch, text):
    monkeypatch.setattr(settings, "WATCHED_IMPORTS", True)
    left(them, "june.csv", text)
    watch(them)
    assert run(them, "provider_lead", uploads(them)[0], dry_run=True).stage == Stage.LOOKED


def test_an_upload_of_a_person_is_never_imported_unseen(them, monkeypatch):
    from tests.builders.uploads import received

    monkeypatch.setattr(settings, "WATCHED_IMPORTS", True)
    made = received(them, "provider_lead", "june.csv", KNOWN.format("a"))
    assert run(them, "provider_lead", made, dry_run=True).stage == Stage.LOOKED


def test_the_same_bytes_are_one_upload_also_where_the_room_stopped_in_between(them, monkeypatch):
    file = left(them, "june.csv", KNOWN.format("a"))
    monkeypatch.setattr(watched_folder, "_move", lambda *_: None)  # it stopped before the file was moved
    watch(them)
    monkeypatch.undo()
    monkeypatch.setattr(settings, "WATCHED_FOLDER", str(them.drop.parent))
    monkeypatch.setattr(watched_folder, "SETTLED_S", -60)
    assert file.exists()
    watch(them)
    (made,) = uploads(them)
    assert lying(them, "waiting") == [f"{made.pk} june.csv"]


def test_what_is_still_being_written_is_left_alone(them, monkeypatch):
    for name in ("june.csv.part", ".june.csv.xyz", "JUNE.FILEPART"):
        left(them, name, KNOWN.format("a"))
    watch(them)
    assert uploads(them) == []
    monkeypatch.setattr(watched_folder, "SETTLED_S", 30)
    file = left(them, "july.csv", KNOWN.format("b"))
    os.utime(file, (0, 0))  # as a transfer sets it that keeps times
    watch(them)
    assert uploads(them) == []


def test_what_cannot_be_taken_is_refused_with_a_reason(them, monkeypatch):
    monkeypatch.setattr(settings, "LARGEST_UPLOAD", 5)
    left(them, "large.csv", KNOWN.format("a"))
    left(them, "empty.csv", "")
    watch(them)
    assert uploads(them) == []
    assert lying(them, "refused") == ["empty.csv", "empty.csv.txt", "large.csv", "large.csv.txt"]


def test_a_file_that_is_refused_says_why_and_its_name_leads_nowhere(them):
    left(them, "june.xlsx", "no workbook")
    watch(them)
    (made,) = uploads(them)
    assert run(them, "provider_lead", made, dry_run=True).stage == Stage.REFUSED
    watch(them)
    assert lying(them, "refused") == ["june.xlsx", "june.xlsx.txt"]
    text = (them.drop / "provider" / "refused" / "june.xlsx.txt").read_text(encoding="utf-8")
    assert now(them, "provider_lead", made).why in text


def test_links_lead_to_nobodys_files(them, tmp_path):
    secret = tmp_path / "secret.csv"
    secret.write_text(KNOWN.format("s"), encoding="utf-8")
    watch(them)
    (them.drop / "provider" / "june.csv").symlink_to(secret)
    watch(them)
    assert uploads(them) == []
    waiting = them.drop / "customer" / "waiting"
    waiting.rmdir()
    waiting.symlink_to(tmp_path)
    left_there = them.drop / "customer" / "june.csv"
    left_there.write_text(KNOWN.format("c"), encoding="utf-8")
    watch(them)
    assert uploads(them, "customer_lead") == []
    assert left_there.exists()


def test_a_file_is_not_put_away_by_an_upload_of_the_other_side(them, monkeypatch):
    """Its number is no secret, and what came of it is for its own side."""
    monkeypatch.setattr(settings, "WATCHED_IMPORTS", True)
    left(them, "june.csv", KNOWN.format("a"))
    watch(them)
    (made,) = uploads(them)
    run(them, "provider_lead", made, dry_run=True)
    assert run(them, "provider_lead", made, dry_run=False).stage == Stage.BROUGHT
    (them.drop / "customer" / "waiting" / f"{made.pk} mine.csv").write_text("x", encoding="utf-8")
    watch(them)
    assert lying(them, "done", "customer") == []
    assert lying(them, "waiting", "customer") == [f"{made.pk} mine.csv"]


def test_a_folder_that_becomes_a_link_meanwhile_gives_nobody_the_other_sides_files(them, monkeypatch):
    """A side's own system may rename what lies in its folder at any moment, also between two looks."""
    monkeypatch.setattr(settings, "WATCHED_IMPORTS", True)
    left(them, "june.csv", KNOWN.format("a"))
    watch(them)
    (made,) = uploads(them)
    run(them, "provider_lead", made, dry_run=True)
    assert run(them, "provider_lead", made, dry_run=False).stage == Stage.BROUGHT
    find_lead = watched_folder.find_lead

    def swapped(*arguments):
        monkeypatch.setattr(watched_folder, "find_lead", find_lead)
        own = them.drop / "customer"
        (own / "refused").rmdir()
        (own / "refused").symlink_to(them.drop / "provider")
        (own / "waiting").rmdir()
        (own / "waiting").symlink_to(them.drop / "provider" / "waiting")
        (own / "forged.csv").write_text("", encoding="utf-8")
        return find_lead(*arguments)

    monkeypatch.setattr(watched_folder, "find_lead", swapped)
    watch(them)
    assert lying(them, "done") == ["june.csv", "june.csv.txt"]
    assert lying(them, "done", "customer") == []
    assert not (them.drop / "provider" / "forged.csv").exists()


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_a_file_that_becomes_something_else_meanwhile_is_left_alone(them, tmp_path, monkeypatch, kind):
    file, secret = left(them, "june.csv", KNOWN.format("a")), tmp_path / "secret.csv"
    secret.write_text(KNOWN.format("s"), encoding="utf-8")
    secret.chmod(0o644)
    has_book = watched_folder.has_book

    def swapped(member):
        file.unlink()
        file.symlink_to(secret) if kind == "link" else os.mkfifo(file)
        return has_book(member)

    monkeypatch.setattr(watched_folder, "has_book", swapped)
    watch(them)
    assert secret.stat().st_mode & 0o777 == 0o644
    monkeypatch.undo()
    monkeypatch.setattr(settings, "WATCHED_FOLDER", str(them.drop.parent))
    monkeypatch.setattr(watched_folder, "SETTLED_S", -60)
    # As if it had been put there between the list and its opening, which must not wait for a writer.
    monkeypatch.setattr(watched_folder, "_whole_files", lambda _: ["june.csv"])
    watch(them)
    assert len(uploads(them)) <= 1  # what was read before it was swapped
    assert secret.read_text(encoding="utf-8") == KNOWN.format("s")


def test_what_is_written_beside_a_file_goes_through_no_link(them, tmp_path):
    """A side's own system knows the name of the text, and may have put a link there."""
    book = tmp_path / "book.toml"
    book.write_text("[private]\n", encoding="utf-8")
    left(them, "june.xlsx", "no workbook")
    (them.drop / "provider" / "refused" / "june.xlsx.txt").symlink_to(book)
    watch(them)
    (made,) = uploads(them)
    assert run(them, "provider_lead", made, dry_run=True).stage == Stage.REFUSED
    watch(them)
    assert book.read_text(encoding="utf-8") == "[private]\n"
    assert [name.partition(" ")[2] for name in lying(them, "refused")] == ["june.xlsx", "june.xlsx.txt", ""]
    assert lying(them, "waiting") == []


def test_each_relationship_has_folders_of_its_own(them, monkeypatch):
    tasks.watch_folder.func(0)
    assert {folder.name for folder in them.drop.iterdir()} == {"customer", "provider", "relationship.txt"}
    monkeypatch.setattr(settings, "WATCHED_FOLDER", "")
    before = set(Path(them.drop).rglob("*"))
    tasks.watch_folder.func(0)
    assert set(Path(them.drop).rglob("*")) == before
