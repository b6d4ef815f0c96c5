"""The log: what is done is in it, as a typed event; read by whom it may be, written in nobody else's name."""

import csv
import importlib
import io
import json
import re
import string
from datetime import date, timedelta

import psycopg
import pytest
from django.db import connection, transaction
from django.db.utils import ProgrammingError

from comity.apps.audit.models import EVENT_FIELDS, READ_EVENTS, AuditEvent, Event, SubjectType
from comity.apps.audit.operations import audit, audit_read
from comity.apps.audit.sentences import english_texts, event_sentence
from comity.apps.books import operations as books
from comity.apps.i18n import words_for
from comity.apps.matters import tasks
from comity.apps.matters.operations import EvidenceFile, NewMatter, Terms, move, raise_matter
from comity.apps.parties.models import Membership
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import Move
from comity.core.values import Side
from tests.builders.matters import FIGURE, ZONE, moved, raised, running
from tests.builders.programs import ask
from tests.builders.uploads import brought, received, run
from tests.room import cast, superuser

pytestmark = pytest.mark.gate

NAMES = {"customer": "Northwind", "provider": "Helpline"}
MATTER = {"title": "An outage"}


def parts(event, data=None, language="en"):
    """A sentence in its three parts."""
    said = event_sentence(
        AuditEvent(event=event, data=data or {}), words_for(language), lambda side: NAMES.get(str(side), "")
    )
    return tuple(part.replace("\u00a0", " ") for part in (said.before, said.title, said.after))


# Sentences --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("event", "data", "english", "spanish"),
    [
        (Event.MEMBER_JOINED, {"role": "roster"}, "joined as rostering", "se unió como turnos"),
        (
            Event.RELATIONSHIP_FOUNDED,
            {"customer": "A with B", "provider": "C"},
            "created A with B with C",
            "creó A with B con C",
        ),
        (
            Event.INVITATION_MADE,
            {"role": "lead", "side": "provider"},
            "invited somebody as lead, Helpline",
            "invitó a alguien como responsable, por Helpline",
        ),
        (
            Event.ROLE_CHANGED,
            {"name": "Nora: Gil > Bo", "old": "member", "new": "analyst"},
            "changed the role of Nora: Gil > Bo: member → analyst",
            "cambió el rol de Nora: Gil > Bo: miembro → analista",
        ),
        (
            Event.DEPUTY_NAMED,
            {"deputy": "Ana", "name": "Bo", "until": "2026-08-01"},
            "named a deputy: Ana for Bo, until 1 August 2026",
            "nombró un suplente: Ana por Bo, hasta el 1 de agosto de 2026",
        ),
        (
            Event.FIGURE_READ,
            {"kpi": "service_level", "period": "2026-06"},
            "viewed the figure Service level, June 2026",
            "consultó la cifra Nivel de servicio, junio de 2026",
        ),
        (
            Event.ITEM_HELD_BACK,
            {"item": "costs", "review_on": "2026-08-01"},
            "keeps private costs, until 1 August 2026",
            "mantiene privado costes, hasta el 1 de agosto de 2026",
        ),
        (
            Event.ITEM_DISCLOSED,
            {"item": "contacts[queue=zzz]"},
            "shared contacts[queue=zzz]",
            "compartió contacts[queue=zzz]",
        ),
        (Event.PERIOD_CONFIRMED, {"period": "2026-Q2"}, "confirmed Q2 2026", "confirmó T2 2026"),
        (
            Event.PERIOD_WHOLE,
            {"period": "2026-06"},
            "recorded that June 2026 can be confirmed: its records are complete",
            "hizo constar que junio de 2026 ya se puede confirmar: sus registros están completos",
        ),
        (
            Event.PERIOD_REMINDED,
            {"period": "2026-06", "side": "provider"},
            "reminded Helpline to confirm June 2026",
            "recordó a Helpline que confirme junio de 2026",
        ),
        (
            Event.PERIOD_FROZEN,
            {"period": "2026-Q2", "number": 3},
            "made the figures of Q2 2026 final: entry 3 of the record",
            "hizo definitivas las cifras de T2 2026: entrada 3 del acta",
        ),
        (Event.OTHER, {"action": "thought", "about": "of {a} price"}, "thought of {a} price", "thought of {a} price"),
    ],
)
def test_an_event_is_a_sentence_in_the_readers_language(event, data, english, spanish):
    assert parts(event, data) == (english, "", "")
    assert parts(event, data, "es") == (spanish, "", "")


@pytest.mark.parametrize(
    ("event", "data", "english", "spanish"),
    [
        (Event.MATTER_RAISED, MATTER | {"kind": "claim"}, ("claimed ", ""), ("reclamó ", "")),
        (Event.MATTER_DONE, MATTER | {"kind": "action"}, ("completed ", ""), ("completó ", "")),
        (Event.MATTER_RAISED, MATTER | {"kind": "of tomorrow"}, ("raised ", ""), ("abrió ", "")),
        (Event.MATTER_HANDED_OVER, MATTER | {"to": "Bo"}, ("handed over ", " to Bo"), ("traspasó ", " a Bo")),
        (
            Event.MATTER_DEEMED,
            MATTER | {"kind": "claim", "side": "customer"},
            ("counted the silence of Northwind as acceptance: ", ""),
            ("contó el silencio de Northwind como aceptación: ", ""),
        ),
        (Event.CORRECTION_MADE, {"name": "An outage"}, ("accepted corrections to its rows from ", ""),
         ("aceptó correcciones en sus filas de ", "")),
    ],
)  # fmt: skip
def test_a_sentence_has_the_subjects_title_as_a_part_of_its_own(event, data, english, spanish):
    for language, (before, after), title in (("en", english, "“An outage”"), ("es", spanish, "«An outage»")):
        assert parts(event, data, language) == (before, title, after)


@pytest.mark.parametrize(
    ("event", "data", "text"),
    [
        (Event.ROLE_CHANGED, {"about": "?"}, "changed the role of ?"),
        (Event.MATTER_HANDED_OVER, {"about": "to {x}"}, "handed over to {x}"),
        (Event.DEPUTY_NAMED, {}, "named a deputy:"),
        (Event.DEPUTY_NAMED, {"deputy": "A", "name": "B", "until": "soon"}, "named a deputy: A for B, until soon"),
        (Event.MEMBER_JOINED, {"role": "chief"}, "joined as chief"),
    ],
)
def test_an_event_of_kind_other_is_shown_as_stored(event, data, text):
    assert "".join(parts(event, data)) == text


@pytest.mark.parametrize("event", [event for event in Event if event is not Event.OTHER])
def test_every_event_has_its_fields_in_its_sentences_and_in_english(event):
    """With every field filled by its own name, both languages and the English of programs use all of them."""
    filled = {name: f"<{name}>" for name in EVENT_FIELDS[event]}
    kinds = list(Kind) if "kind" in filled else ["claim"]
    for kind in kinds:
        one = AuditEvent(event=event, data=filled | ({"kind": kind} if "kind" in filled else {}))
        for language in ("en", "es"):
            words = words_for(language)
            text = str(event_sentence(one, words, lambda side: f"<{side}>"))
            assert all(value.strip("<>") in text for name, value in filled.items() if name != "kind"), text
        action, about = english_texts(one)
        assert action
        assert all(value in about for name, value in filled.items() if name not in {"kind", "side"})


def test_sentences_use_only_the_fields_of_their_event():
    keys = [key for key in words_for("en")._sentences if key.startswith("audit.") and key != "audit.title"]
    assert {key.split(".")[1] for key in keys} == set(Event.values) - {"other"}
    for key in keys:
        places = {name for _, name, _, _ in string.Formatter().parse(words_for("en")(key)) if name}
        known = {*EVENT_FIELDS[Event(key.split(".")[1])], "subject"}
        assert places <= known | ({"party"} if "side" in known else set()), key


def test_an_event_without_its_fields_is_refused(them):
    with transaction.atomic():
        at = them.at("customer_lead")
        with pytest.raises(ValueError, match="deputy_named needs deputy, until"):
            audit(at, Event.DEPUTY_NAMED, at.membership, {"name": "Ana"})
        with pytest.raises(ValueError, match="no reading"):
            audit_read(at, Event.MATTER_DONE)


# What is in it ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def them():
    made = cast()
    made.tokens = {}
    return made


def events(them, who, *kinds):
    """Events that somebody may read, oldest first."""
    with transaction.atomic():
        them.at(who)
        found = AuditEvent.objects.filter(relationship=them.relationship).select_related("person").order_by("at")
        return [event for event in found if not kinds or event.event in kinds]


def links(page):
    """What titles on Today lead to: the number of the matter, and the title."""
    return re.findall(
        r'<li><span class="number muted">.*?/matters/([0-9a-f-]{36})/">([^<]+)</a>', page.content.decode()
    )


def test_events_link_to_their_own_matter_though_titles_are_equal():
    """The red team's: both lines led to the newer one."""
    them = cast()
    with transaction.atomic():
        first = raise_matter(them.at("customer_lead"), NewMatter(Kind.DISPUTE, "Same title", "Why.", **FIGURE), ZONE)
    days = {"from_day": date(2026, 6, 1), "to_day": date(2026, 6, 2), "event": "outage", "asked_for": "exclude"}
    with transaction.atomic():
        second = raise_matter(them.at("provider_lead"), NewMatter(Kind.CLAIM, "Same title", "Why.", **days), ZONE)
    title = "“Same title”"
    for who in ("customer_lead", "provider_member", "auditor"):
        found = links(them.client(who).get(them.url()))
        assert found[:2] == [(str(second.pk), title), (str(first.pk), title)], who
    for matter in (first, second):
        them.client("customer_member").get(them.url(f"matters/{matter.pk}/"))
    reads = events(them, "auditor", Event.MATTER_READ)
    assert [event.subject_id for event in reads] == [first.pk, second.pk]  # of one title, and not once


def test_a_file_named_like_a_matter_is_not_linked():
    them = cast()
    raised(them)
    with transaction.atomic():
        audit(them.at("customer_lead"), Event.DELIVERY_IMPORTED, None, {"name": "A matter"}, shared=True)
    page = them.client("customer_lead").get(them.url())
    assert [title for _, title in links(page)] == ["“A matter”"]
    assert "imported “A matter”" in page.content.decode()


def test_every_move_of_a_matter_is_logged():
    them = cast()
    matter = raised(them, kind=Kind.ACTION)
    with transaction.atomic():
        owner = Membership.objects.get(person=them.people["provider_member"], left_at=None) \
            if them.at("provider_lead") else None  # fmt: skip
        more = (Terms(due_on=date(2027, 1, 1)), [EvidenceFile("plan.txt", b"Plan.")])
        move(them.at("provider_lead"), matter, Move.COUNTER, "Later.", ZONE, *more)
    moved(them, "customer_member", matter, Move.COMMENT, "Well.")
    moved(them, "customer_lead", matter, Move.AGREE)
    with transaction.atomic():
        move(them.at("provider_lead"), matter, Move.HAND_OVER, "", ZONE, Terms(owner=owner))
    moved(them, "provider_lead", matter, Move.DONE)
    for kind, what, by in (
        (Kind.DISPUTE, Move.DECLINE, "provider_lead"),
        (Kind.DISPUTE, Move.WITHDRAW, "customer_lead"),
    ):
        moved(them, by, raised(them, kind=kind), what)
    found = [event for event in events(them, "auditor") if event.subject_type == SubjectType.MATTER]
    assert [(event.event, event.person.name, event.side) for event in found] == [
        (Event.MATTER_RAISED, "Ana Customer Lead", "customer"),
        (Event.MATTER_COUNTERED, "Provider Lead", "provider"),
        (Event.MATTER_COMMENTED, "Customer Member", "customer"),
        (Event.MATTER_ACCEPTED, "Ana Customer Lead", "customer"),
        (Event.MATTER_HANDED_OVER, "Provider Lead", "provider"),
        (Event.MATTER_DONE, "Provider Lead", "provider"),
        (Event.MATTER_RAISED, "Ana Customer Lead", "customer"),
        (Event.MATTER_REFUSED, "Provider Lead", "provider"),
        (Event.MATTER_RAISED, "Ana Customer Lead", "customer"),
        (Event.MATTER_WITHDRAWN, "Ana Customer Lead", "customer"),
    ]
    assert {event.subject_id for event in found[:6]} == {matter.pk}
    assert all(event.shared and event.data["title"] == "A matter" for event in found)
    assert found[1].data["evidence"] == ["plan.txt"]
    assert found[4].data == {"kind": "action", "title": "A matter", "to": "Provider Member", "to_id": str(owner.pk)}


def test_migrated_reminders_and_silences_are_nobodys_events_read_by_both():
    them = cast()
    matter = raised(them, "provider_lead")
    running(matter, them, timedelta(days=1))
    tasks.tick(0)
    with superuser() as everybody:  # as silence was written while it could accept a matter
        everybody.execute(
            "INSERT INTO audit_event (id, relationship_id, at, event, subject_type, subject_id, data, shared) "
            "VALUES (gen_random_uuid(), %s, now(), 'matter_deemed', 'matter', %s, %s, true)",
            [them.relationship, matter.pk, json.dumps({"kind": "dispute", "title": "A matter", "side": "customer"})],
        )
    for who in ("customer_lead", "provider_lead", "auditor"):
        reminder, silence = events(them, who, Event.MATTER_REMINDED, Event.MATTER_DEEMED)
        assert (reminder.person, reminder.side, reminder.subject_id) == (None, None, matter.pk)
        assert silence.data == {"kind": "dispute", "title": "A matter", "side": "customer"}
    browser = them.client("provider_lead")
    for path in ("", "log/"):
        page = browser.get(them.url(path)).content.decode()
        assert words_for("en")("log.nobody") in page
        assert "counted the silence of Northwind Energy as acceptance: " in page
    (line,) = (line for line in csv_lines(browser.get(them.url("log.csv"))) if line["event"] == "matter_deemed")
    assert (line["by"], line["side"], line["action"], line["about"]) == ("", "", "deem dispute", "A matter")
    them.tokens = {}
    (line,) = (line for line in ask(them, "provider_lead", "log").json() if line["event"] == "matter_deemed")
    assert (line["by"], line["side"], line["subject"]) == (None, None, {"type": "matter", "id": str(matter.pk)})


ANSWERS = "response_id,audience,respondent_id,instrument,scale_min,scale_max,score,answered_on\n"


def test_delivery_events_are_the_own_sides_until_imported():
    them = cast()
    them.book()
    text = f"{ANSWERS}r1,customer,p,csat,1,5,3,2026-06-01\n"
    came = brought(them, "customer_lead", "first.csv", text)
    again = brought(them, "customer_lead", "again.csv", text)
    useless = run(them, "customer_lead", received(them, "customer_lead", "useless.xlsx", "x"), dry_run=True)
    other = run(them, "customer_lead", received(them, "customer_lead", "other.csv", text), dry_run=True)
    with transaction.atomic():
        books.choose_mapping(them.at("customer_lead"), other, "surveys", "")
    run(them, "customer_lead", other, dry_run=True)
    with transaction.atomic():
        place = them.at("customer_lead")
        other.refresh_from_db()
        books.drop_delivery(place, other)
    about = [event for event in events(them, "customer_lead") if event.subject_type == SubjectType.DELIVERY]
    assert [(event.event, event.subject_id, event.shared) for event in about] == [
        (Event.DELIVERY_UPLOADED, came.pk, False),
        (Event.DELIVERY_IMPORTED, came.pk, True),
        (Event.DELIVERY_UPLOADED, again.pk, False),
        (Event.DELIVERY_REPEATED, again.pk, False),
        (Event.DELIVERY_UPLOADED, useless.pk, False),
        (Event.DELIVERY_REFUSED, useless.pk, False),
        (Event.DELIVERY_UPLOADED, other.pk, False),
        (Event.DELIVERY_DESCRIBED, other.pk, False),
        (Event.DELIVERY_DROPPED, other.pk, False),
    ]
    for who in ("provider_lead", "auditor"):
        seen = [event for event in events(them, who) if event.subject_type == SubjectType.DELIVERY]
        assert [(event.event, event.data) for event in seen] == [
            (Event.DELIVERY_IMPORTED, {"name": "first.csv", "table": "surveys"})
        ]


def test_read_events_are_added_once_a_day_for_each_person_and_subject(them):
    for who in ("customer_member", "customer_member", "provider_member"):
        for period in ("2026-05", "2026-06"):
            with transaction.atomic():
                audit_read(them.at(who), Event.REVIEW_READ, SubjectType.PERIOD, {"period": period})
    found = events(them, "auditor", Event.REVIEW_READ)
    assert [(event.person.name, event.data["period"]) for event in found] == [
        ("Customer Member", "2026-05"),
        ("Customer Member", "2026-06"),
        ("Provider Member", "2026-05"),
        ("Provider Member", "2026-06"),
    ]
    with superuser() as everybody:
        everybody.execute(
            "UPDATE audit_event SET at = at - interval '1 day' WHERE event = 'review_read' AND relationship_id = %s",
            [them.relationship],
        )
    with transaction.atomic():
        audit_read(them.at("customer_member"), Event.REVIEW_READ, SubjectType.PERIOD, {"period": "2026-05"})
    assert len(events(them, "auditor", Event.REVIEW_READ)) == 5


# Who reads it -----------------------------------------------------------------------------------------------------

SECRETS = {"customer": "Quixote-price-4711", "provider": "Zebulon-cost-8128"}


def csv_lines(answer):
    return list(csv.DictReader(io.StringIO(answer.content.decode())))


@pytest.fixture(scope="module")
def planted():
    """Each side has done something within its walls, named by a secret, in every place where an event holds text."""
    made = cast()
    made.tokens = {}
    for side in Side:
        with transaction.atomic():
            place, secret = made.at(f"{side}_lead"), SECRETS[side]
            audit(place, Event.DELIVERY_UPLOADED, SubjectType.DELIVERY, {"name": secret, "table": secret})
            audit(place, Event.HOLD_BACK_FAILED, SubjectType.ITEM, {"item": secret})
            audit(place, Event.OTHER, None, {"action": secret, "about": secret})
    return made


def test_private_events_are_on_no_page_of_the_other_side(planted):
    readers = {"customer_lead": "customer", "provider_lead": "provider", "auditor": None}
    for who, side in readers.items():
        browser = planted.client(who)
        answers = [browser.get(planted.url(path)) for path in ("", "log/", "log/?what=reads", "log.csv", "people/")]
        answers += [ask(planted, who, path) for path in ("log", "log?reads=true")]
        assert [answer.status_code for answer in answers] == [200] * len(answers)
        text = "\n".join(answer.content.decode() for answer in answers)
        for owner, secret in SECRETS.items():
            assert (secret in text) == (owner == side), (who, owner)
    for who in ("stranger", "former", "customer_member", "mediator"):  # who has no place, or no right
        browser = planted.client(who)
        for path in ("log/", "log.csv"):
            assert browser.get(planted.url(path)).status_code == 404
        assert ask(planted, who, "log").status_code == 404


def test_private_events_are_in_no_row_that_the_other_side_reads(planted):
    for who, side in {"customer_member": "customer", "provider_member": "provider", "auditor": None,
                      "surveyor": None}.items():  # fmt: skip
        text = json.dumps([event.data for event in events(planted, who)])
        assert {owner for owner, secret in SECRETS.items() if secret in text} == ({side} if side else set()), who
    with transaction.atomic():
        assert not AuditEvent.objects.exists()  # nobody is looking


def test_events_of_neutrals_are_read_by_both_sides(planted):
    with transaction.atomic():
        audit(planted.at("mediator"), Event.MATTER_COMMENTED, None, {"kind": "claim", "title": "By a mediator"})
    for who in ("customer_lead", "provider_lead", "auditor"):
        assert [event.side for event in events(planted, who, Event.MATTER_COMMENTED)] == [None]


# Who writes it ----------------------------------------------------------------------------------------------------

INSERT = (
    "INSERT INTO audit_event (id, relationship_id, at, person_id, side, event, data, shared) "
    "VALUES (gen_random_uuid(), %s, now(), %s, %s, %s, '{}', true)"
)


@pytest.mark.parametrize("who", ["customer_lead", "customer_member", "auditor"])
@pytest.mark.parametrize("change", ["person", "side", "relationship", "nobody", "nothing"])
def test_an_event_cannot_be_written_in_anothers_name(planted, who, change):
    own = None if who == "auditor" else "customer"
    values = {"relationship": planted.relationship, "person": planted.people[who].pk, "side": own,
              "event": "period_confirmed"}  # fmt: skip
    other = cast()
    values |= {
        "person": {"person": planted.people["provider_lead"].pk},
        "side": {"side": "provider"},
        "relationship": {"relationship": other.relationship},
        "nobody": {"person": None, "side": None, "event": "period_confirmed"},
        "nothing": {},
    }[change]
    insert = [values[name] for name in ("relationship", "person", "side", "event")]
    if change == "nothing":  # which is their own to write
        with transaction.atomic(), connection.cursor() as cursor:
            planted.at(who)
            cursor.execute(INSERT, insert)
        return
    with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
        planted.at(who)
        with connection.cursor() as cursor:
            cursor.execute(INSERT, insert)


BY_THE_OWNER = (
    *(Event.RELATIONSHIP_FOUNDED, Event.MEMBER_JOINED, Event.MEMBER_LET_GO, Event.INVITATION_MADE),
    *(
        Event.INVITATION_RENEWED,
        Event.INVITATION_WITHDRAWN,
        Event.NEUTRAL_PROPOSED,
        Event.NEUTRAL_AGREED,
        Event.ROLE_CHANGED,
    ),
    *(Event.DEPUTY_NAMED, Event.DEPUTY_ENDED, Event.ACCESS_REVIEWED, Event.MATTER_REMINDED, Event.MATTER_DEEMED),
    *(Event.PERIOD_REMINDED, Event.PERIOD_DEEMED, Event.CONFIRMATION_VOID, Event.PERIOD_FROZEN),
    *(Event.PERIOD_WHOLE, Event.MATTER_DUE, Event.MATTER_UNDONE, Event.MATTER_LATE),
)


@pytest.mark.parametrize("event", BY_THE_OWNER)
def test_membership_events_are_written_by_database_functions_alone(planted, event):
    with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
        planted.at("customer_lead")
        with connection.cursor() as cursor:
            cursor.execute(INSERT, [planted.relationship, planted.people["customer_lead"].pk, "customer", event])


def test_membership_events_hold_ids_and_names():
    them = cast()
    found = {event.event: event for event in events(them, "customer_lead")}
    let_go, joined = found[Event.MEMBER_LET_GO], found[Event.MEMBER_JOINED]
    with superuser() as everybody:
        people = dict(everybody.execute(
            "SELECT m.id, p.name FROM parties_membership m JOIN parties_person p ON p.id = m.person_id "
            "WHERE m.relationship_id = %s", [them.relationship],
        ).fetchall())  # fmt: skip
    assert people[let_go.subject_id] == let_go.data["name"] == "Former"
    assert people[joined.subject_id] == joined.person.name
    founded = found[Event.RELATIONSHIP_FOUNDED]
    assert (founded.subject_id, founded.data) == (
        them.relationship,
        {"customer": "Northwind Energy", "provider": "Helpline"},
    )
    assert found[Event.INVITATION_MADE].data == {"role": "lead", "side": "provider"}  # of those of its own the last


def test_only_members_review_access(them):
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT comity_review_access()")
        assert cursor.fetchone() == ("place_ended",)
    for path in ("customer_lead", "provider_lead"):
        assert them.client(path).post(them.url("people/reviewed/")).status_code == 302
    page = them.client("auditor").get(them.url("people/")).content.decode()
    assert page.count("last reviewed on") == 2
    with transaction.atomic(), connection.cursor() as cursor:
        cast().at("customer_lead")  # of another relationship
        cursor.execute("SELECT * FROM comity_access_reviews(%s)", [them.relationship])
        assert cursor.fetchall() == []


# Lines of before --------------------------------------------------------------------------------------------------

BEFORE = [
    ("founded", "A with B with C"), ("joined", "auditor"), ("invited", "lead provider"), ("invited", "lead"),
    ("withdrew invitation", "member"), ("proposed neutral", "auditor"), ("agreed to neutral", "auditor"),
    ("let go", "Bo > Ana, x"), ("changed role", "Nora: Gil: member > analyst"), ("changed role", "?"),
    ("named deputy", "Ana > Bo > Ben, 2026-08-01"), ("named deputy", "A > B"), ("ended deputy", "Bo"),
    ("reviewed access", ""), ("began the book", ""), ("uploaded", "june.csv"), ("brought in", "june.csv"),
    ("took back", "june.csv"), ("undo failed", "june.csv"), ("corrected", "june.csv"),
    ("correction failed", "june.csv"), ("held back", "events[kind=storm, hail], 2026-08-01"), ("held back", "costs"),
    ("disclosed", "costs"), ("not held back", "costs"), ("not disclosed", "costs"),
    *((f"{done} {kind}", "Letters > 20,000, 100 %") for done in ("raised", "accept", "refuse", "withdraw")
      for kind in (Kind.DISPUTE, Kind.CLAIM, Kind.ACTION, Kind.CORRECTION)),
    ("done action", "Spread lunch"), ("handed over", "Letters > 20,000 > Bo"), ("handed over", "Bo"),
    ("confirmed", "2026-Q2"), ("restated", "2026-Q2"), ("read matter", "An outage"), ("read evidence", "a.pdf"),
    ("read delivery", "june.csv"), ("read review", "2026-Q2"), ("read file", "review-2026-Q2.pdf"),
    ("read figure", "service_level 2026-06"), ("read figure", "?"), ("read reading", "satisfaction 2026-06"),
    ("read attribution", "service level 2026-06"), ("read record", ""), ("thought", "of a price"), ("took", ""),
]  # fmt: skip
PROSE = """
CREATE TEMP TABLE parties_access (id uuid, relationship_id uuid, at timestamptz, person_id uuid, side text,
    crosses boolean, action text, about text) ON COMMIT DROP
"""
ADD = "INSERT INTO parties_access VALUES (%s, %s, now(), %s, 'customer', %s, %s, %s)"


def convert(them, everybody):
    """The table of before, its lines, and what the migration makes of them; the number of each line."""
    migration = importlib.import_module("comity.apps.audit.migrations.0002_from_prose")
    everybody.execute(PROSE)
    person, numbers = them.people["customer_lead"].pk, {}
    for place, (action, about) in enumerate(BEFORE):
        (number,) = everybody.execute("SELECT gen_random_uuid()").fetchone()
        everybody.execute(ADD, [number, them.relationship, person, place % 2 == 0, action, about])
        numbers[number] = place
    everybody.execute(migration.CONVERT)
    return numbers


def test_migration_turns_log_lines_into_events_without_loss(them):
    with superuser() as everybody, everybody.transaction(force_rollback=True):
        numbers = convert(them, everybody)
        rows = everybody.execute(
            "SELECT id, event, subject_type, data, shared, side, person_id FROM audit_event WHERE id = ANY(%s)",
            [list(numbers)],
        ).fetchall()
    assert len(rows) == len(BEFORE)
    unread = set()
    for number, event, subject, data, shared, side, person in rows:
        place = numbers[number]
        one = AuditEvent(event=event, data=data, subject_type=subject)
        assert english_texts(one) == BEFORE[place]
        assert (shared, side, person) == (place % 2 == 0, "customer", them.people["customer_lead"].pk)
        assert subject is None or subject in SubjectType.values
        assert str(event_sentence(one, words_for("es"), str))
        if not set(EVENT_FIELDS[Event(event)]) <= data.keys():
            unread.add(BEFORE[place])
    assert unread == {
        ("invited", "lead"), ("changed role", "?"), ("named deputy", "A > B"), ("held back", "costs"),
        ("handed over", "Bo"), ("read figure", "?"),
    }  # fmt: skip
    assert {BEFORE[numbers[row[0]]] for row in rows if row[1] == "other"} == {("thought", "of a price"), ("took", "")}
    later = {Event.COPY_READ, Event.LEDGER_READ}  # than the migration
    assert {row[1] for row in rows if BEFORE[numbers[row[0]]][0].startswith("read ")} == {*READ_EVENTS} - later


def test_migration_stops_at_log_lines_that_would_be_lost(them):
    lose = """
        CREATE FUNCTION pg_temp.lose() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN RETURN CASE WHEN NEW.event <> 'book_begun' THEN NEW END; END $$;
        CREATE TRIGGER lose BEFORE INSERT ON audit_event FOR EACH ROW EXECUTE FUNCTION pg_temp.lose()
    """
    with superuser() as everybody, everybody.transaction(force_rollback=True):
        everybody.execute(lose)
        with pytest.raises(psycopg.errors.RaiseException, match=f"of {len(BEFORE)} lines of the log {len(BEFORE) - 1}"):
            convert(them, everybody)


def test_migrated_events_find_their_matter_and_guess_none():
    """By the step of the same person at that moment; where two fit, by none."""
    them = cast()
    with transaction.atomic():
        place = them.at("customer_lead")
        two = [raise_matter(place, NewMatter(Kind.DISPUTE, "Same title", "Why.", **FIGURE), ZONE) for _ in range(2)]
        one = raise_matter(place, NewMatter(Kind.DISPUTE, "Its own title", "Why.", **FIGURE), ZONE)
    with superuser() as everybody:
        everybody.execute("UPDATE matters_step SET at = at - interval '1 hour' WHERE matter_id = %s", [two[0].pk])
        everybody.execute("UPDATE audit_event SET at = at - interval '1 hour' WHERE subject_id = %s", [two[0].pk])
        before = everybody.execute(
            "SELECT id, subject_id FROM audit_event WHERE relationship_id = %s AND subject_type = 'matter'",
            [them.relationship],
        ).fetchall()
        everybody.execute(
            "UPDATE audit_event SET subject_id = NULL WHERE relationship_id = %s AND subject_type = 'matter'",
            [them.relationship],
        )
        for title in ("Same title", "Its own title"):
            everybody.execute(
                "INSERT INTO audit_event (id, relationship_id, at, person_id, side, event, subject_type, data, shared) "
                "VALUES (gen_random_uuid(), %s, now(), %s, 'customer', 'matter_read', 'matter', %s, true)",
                [them.relationship, them.people["customer_lead"].pk, json.dumps({"title": title})],
            )
        everybody.execute(importlib.import_module("comity.apps.matters.migrations.0011_audit").SUBJECTS)
        after = dict(everybody.execute(
            "SELECT id, subject_id FROM audit_event WHERE relationship_id = %s AND event = 'matter_raised'",
            [them.relationship],
        ).fetchall())  # fmt: skip
        reads = dict(everybody.execute(
            "SELECT data->>'title', subject_id FROM audit_event WHERE relationship_id = %s AND event = 'matter_read'",
            [them.relationship],
        ).fetchall())  # fmt: skip
    assert after == dict(before)
    assert reads == {"Same title": None, "Its own title": one.pk}
