"""Two sides that distrust each other: random imports, marks, undos, corrections, claims, confirmations.

Beside the room runs a plain model, written from the specification and not from the product: dictionaries of who brought
which row and what it says. After every step each side sees what the model says, and nothing that the other side put on
record has changed but by its own word.
"""

import logging
import os
import random
import secrets
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import product
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from django.db import transaction
from django.utils import timezone

from comity.apps.books import operations as books
from comity.apps.books import queries
from comity.apps.books.models import Delivery, Stage
from comity.apps.books.queries import book_folder, upload_path
from comity.apps.matters import operations as matters
from comity.apps.matters.corrections import changes
from comity.apps.matters.models import Matter
from comity.apps.record.models import Consent, ConsentSubject, Entry
from comity.apps.refusal import Refused
from comity.apps.reviews import operations as reviews
from comity.apps.reviews.queries import figures, review
from comity.core import chain
from comity.core.matters.kinds import Kind
from comity.core.matters.transitions import Move, State
from comity.core.values import Side
from tests.room import cast, run_jobs

pytestmark = pytest.mark.gate
C, P = Side.CUSTOMER, Side.PROVIDER
JUNE = "2026-06"
KPI = """
[review]
period = "month"
[[kpi]]
id = "service_level"
answer_within_s = 20
abandons = "count"
target = 0.8
"""
TABLES = {
    "contacts": ("contact_id", "queue", "reason", "answered_at"),
    "surveys": ("response_id", "audience", "score"),
}
VALUES = {
    "queue": ["help", "q1", "q2", "q3", "q4"],
    "reason": ["", "a", "b"],
    "answered_at": ["05", "40"],
    "audience": ["customer", "employee", "partner"],
    "score": ["1", "2", "3", "4", "5"],
}
ITEMS = [
    "contacts.reason",
    "contacts[queue=q1]",
    "contacts[queue=q2]",
    "contacts[queue=q3]",
    "contacts[queue=q4]",
    "surveys[audience=employee]",
    "surveys[score=1]",
    "surveys[score=1.0]",
    "surveys[score=2.00]",
    "surveys[score=4e0]",
    "surveys[audience=partner]",
    "surveys",
    "accounts",
    "nonsense",
    "surveys[score=x]",
]


@dataclass
class Row:
    """A shared row: who brought it, and what it says."""

    by: str
    values: dict[str, str]


@dataclass
class Proposed:
    """Changes that one side's delivery proposes to the other's rows: key -> before, after."""

    table: str
    by: Side
    changes: dict[str, tuple[dict[str, str], dict[str, str]]]


@dataclass
class Came:
    """A delivery that came in, and how each place was before: (where, table, key) -> what it held."""

    table: str
    side: Side
    before: dict[tuple[str, str, str], object]


@dataclass
class Model:
    """What both sides have put on record."""

    shared: dict[str, dict[str, Row]] = field(default_factory=lambda: {name: {} for name in TABLES})
    private: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    own: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    items: dict[Side, set[str]] = field(default_factory=lambda: {C: set(), P: set()})
    claims: dict[object, tuple[date, date, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make a place for what each side keeps."""
        for side in Side:
            for table in TABLES:
                self.private[side, table], self.own[side, table] = {}, {}

    def kept(self, side: Side, table: str) -> set[str]:
        """The columns of a table that a side keeps to itself."""
        return {item.split(".")[1] for item in self.items[side] if item.startswith(f"{table}.")}

    def rule(self, side: Side, table: str, values: dict[str, str]) -> str | None:
        """Whether a side's rules take a row: "whole", "row" or not at all."""
        if table in self.items[side]:
            return "whole"
        for item in self.items[side]:
            if item.startswith(f"{table}["):
                column, value = item[len(table) + 1 : -1].split("=")
                same = float(values[column]) == float(value) if column == "score" else values[column] == value
                if same:
                    return "row"
        return None

    def place(self, where: str, table: str, key: str) -> object:
        """What lies in a place: shared, or `private` or `own` of a side."""
        kind, _, side = where.partition(" ")
        found = self.shared[table] if kind == "shared" else getattr(self, kind)[Side(side), table]
        held = found.get(key)
        return replace(held, values=dict(held.values)) if isinstance(held, Row) else dict(held) if held else None

    def put(self, where: str, table: str, key: str, held: object) -> None:
        """Lay something in a place; None takes it away."""
        kind, _, side = where.partition(" ")
        found = self.shared[table] if kind == "shared" else getattr(self, kind)[Side(side), table]
        if held is None:
            found.pop(key, None)
        else:
            found[key] = held

    def bring(self, side: Side, table: str, rows: dict[str, dict[str, str]]) -> tuple[Came, Proposed] | None:
        """A side's delivery; None where the file is refused because a row would take a shared one away."""
        mine, kept = f"private {side}", self.kept(side, table)
        for key, values in rows.items():
            there = self.shared[table].get(key)
            if there is None or self.rule(side, table, values) != "row" or key in self.private[side, table]:
                continue
            if there.by == side.value or self.differs(there, values, kept):
                return None
        came, proposed = Came(table, side, {}), Proposed(table, side, {})

        def put(where: str, key: str, held: object) -> None:
            came.before.setdefault((where, table, key), self.place(where, table, key))
            self.put(where, table, key, held)

        for key, values in rows.items():
            there, main = self.shared[table].get(key), {name: "" if name in kept else v for name, v in values.items()}
            beside = {name: values[name] for name in kept if values[name]}
            rule = self.rule(side, table, values)
            if rule == "whole" or (rule and (there is None or key in self.private[side, table])):
                put(mine, key, dict(values))
                continue
            if there is None:
                put(mine, key, None)
                put("shared", key, Row(side.value, main))
                put(f"own {side}", key, beside or None)
                continue
            put(f"own {side}", key, beside or None) if kept else None
            if there.by == side.value:
                put("shared", key, Row(there.by, there.values | {n: v for n, v in main.items() if n not in kept}))
            elif self.differs(there, values, kept):
                before = {n: v for n, v in there.values.items() if n not in kept}
                proposed.changes[key] = (before, {n: v for n, v in values.items() if n not in kept})
        return came, proposed

    def differs(self, there: Row, values: dict[str, str], kept: set[str]) -> bool:
        """Whether a delivered row says anything else than what is shared, beside what its side keeps."""
        return any(there.values[name] != value for name, value in values.items() if name not in kept)

    def accept(self, proposed: Proposed, keys: set[str]) -> Came:
        """Whose rows they are accepts some changes; a row that has changed since stays as it is."""
        other = proposed.by.other
        came = Came(proposed.table, other, {})
        for key in keys & proposed.changes.keys():
            before, after = proposed.changes[key]
            there = self.shared[proposed.table].get(key)
            hidden = self.kept(C, proposed.table) | self.kept(P, proposed.table)
            if there is None or any(there.values[n] != v for n, v in before.items() if n not in hidden):
                continue
            turned = there.values | after
            if there.by in set(Side) and self.rule(Side(there.by), proposed.table, turned):
                continue
            came.before["shared", proposed.table, key] = self.place("shared", proposed.table, key)
            # What whose row it is keeps of it to itself becomes its own value, where the other side named one.
            kept, where = self.kept(Side(there.by), proposed.table), f"own {there.by}"
            beside = {name: value for name, value in after.items() if name in kept and value}
            if beside:
                came.before[where, proposed.table, key] = held = self.place(where, proposed.table, key)
                self.put(where, proposed.table, key, {**(held or {}), **beside})
            main = there.values | {name: value for name, value in after.items() if name not in kept}
            self.shared[proposed.table][key] = Row(there.by, main)
        return came

    def undo(self, came: Came) -> None:
        """As if it had never come."""
        for (where, table, key), held in came.before.items():
            self.put(where, table, key, held)

    def disclose(self, side: Side, item: str) -> None:
        """What a side no longer keeps is shared, but for keys that are shared already."""
        self.items[side].discard(item)
        for table in TABLES:
            if not item.startswith(table):
                continue
            kept = self.kept(side, table)
            for key, values in list(self.private[side, table].items()):
                if self.rule(side, table, values) is None and key not in self.shared[table]:
                    del self.private[side, table][key]
                    self.shared[table][key] = Row(side.value, {n: "" if n in kept else v for n, v in values.items()})
                    beside = {name: values[name] for name in kept if values[name]}
                    if beside:
                        self.own[side, table][key] = beside
            for key, beside in list(self.own[side, table].items()):
                there = self.shared[table].get(key)
                freed = {name: v for name, v in beside.items() if name not in kept}
                if there is not None and there.by == side.value:
                    there.values |= {name: v for name, v in freed.items() if not there.values[name]}
                left = {name: v for name, v in beside.items() if name in kept}
                self.put(f"own {side}", table, key, left or None)

    def seen(self, viewer: Side | None, table: str) -> dict[str, tuple[str, ...]]:
        """What a viewer sees: each row's values and who brought it."""
        found = {}
        for key, row in self.shared[table].items():
            values = dict(row.values)
            for side in Side:
                if side is viewer:
                    values |= self.own[side, table].get(key, {})
                elif row.by == side.value:
                    values |= dict.fromkeys(self.kept(side, table), "")
            found[key] = (*values.values(), row.by)
        if viewer is not None:
            for key, values in self.private[viewer, table].items():
                if key not in found or self.shared[table][key].by != viewer.value:
                    found[key] = (*values.values(), viewer.value)
        return found

    def level(self) -> tuple[int, int]:
        """June's service level: contacts answered in time, of all, but for those of accepted claims."""
        out = [(first, last) for first, last, state in self.claims.values() if state == State.ANSWERED]
        days = {key: date(2026, 6, 1 + number_of(key) % 28) for key in self.shared["contacts"]}
        counted = [
            key for key, day in days.items() if not any(first <= day <= last for first, last in out) and "-" not in key
        ]
        good = sum(self.shared["contacts"][key].values["answered_at"] == "05" for key in counted)
        base = [date(2026, 6, day) for day in range(1, 31)]
        rest = sum(not any(first <= day <= last for first, last in out) for day in base)
        return good + rest, len(counted) + rest


def number_of(key: str) -> int:
    return int(key[1:])


def text_of(table: str, rows: dict[str, dict[str, str]], step: int) -> str:
    """A delivery as a file; the last column, which nobody keeps, makes each file another."""
    lines = []
    for key, values in rows.items():
        if table == "contacts":
            at = f"2026-06-{1 + number_of(key) % 28:02}T10:00:"
            answered = f"{at}{values['answered_at']}Z"
            lines.append(f"{key},{at}00Z,{values['queue']},voice,{answered},{values['reason']},{step}")
        else:
            day = f"2026-06-{1 + number_of(key) % 28:02}"
            lines.append(f"{key},{values['audience']},p,csat,1,5,{values['score']},{day},{step}")
    head = {
        "contacts": "contact_id,opened_at,queue,channel,answered_at,reason,step",
        "surveys": "response_id,audience,respondent_id,instrument,scale_min,scale_max,score,answered_on,step",
    }
    return "\n".join([head[table], *lines]) + "\n"


def told(row: dict[str, object], table: str) -> tuple[str, ...]:
    """A row of the room as the model has it."""
    if table == "surveys":
        return (row["audience"], f"{row['score']:g}", row["brought_by"])
    answered = row["answered_at"].strftime("%S")
    return (row["queue"] or "", row["reason"] or "", answered, row["brought_by"])


class Game:
    """One relationship, its model, and the moves that either side may make."""

    def __init__(self, seed: int) -> None:
        self.chance, self.model, self.step = random.Random(seed), Model(), 0
        self.them = cast()
        self.them.book(KPI)
        self.came: dict[object, Came] = {}
        self.waiting: dict[object, Proposed] = {}
        self.claimed: dict[object, object] = {}
        self.words: dict[Side, str] = {}
        self.frozen: list[tuple[int, int]] = []
        self.made: Counter[str] = Counter()
        self.checked: object = None
        base = [
            f"m-{m}-{d},2026-0{m}-{d:02}T10:00:00Z,help,voice,2026-0{m}-{d:02}T10:00:05Z"
            for m in (5, 6)
            for d in days(m)
        ]
        text = "\n".join(["contact_id,opened_at,queue,channel,answered_at", *base]) + "\n"
        for side, item in ((P, "surveys[audience=employee]"), (P, "contacts.reason"), (C, "contacts[queue=q2]")):
            self.hold_back(side, item)
            run_jobs()
        self.deliver(P, "contacts", text)

    def at(self, side: Side):
        return self.them.at(f"{side}_lead")

    def deliver(self, side: Side, table: str, text: str) -> Delivery:
        person = self.them.people[f"{side}_lead"]
        with transaction.atomic():
            place = self.at(side)
            made = Delivery.objects.create(
                relationship=place.relationship,
                side=side.value,
                person=person,
                name=f"{self.step}.csv",
                size=1,
                mapping=table,
                stage=Stage.BRINGING,
            )
        file = upload_path(made)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        return self.work(side, made)

    def work(self, side: Side, made: Delivery) -> Delivery:
        books.run_delivery(self.them.people[f"{side}_lead"].pk, self.them.relationship, made.pk, dry_run=False)
        with transaction.atomic():
            self.at(side)
            return Delivery.objects.get(pk=made.pk)

    # Moves ------------------------------------------------------------------------------------------------------

    def bring(self, side: Side) -> None:
        table = self.chance.choice(list(TABLES))
        names = TABLES[table][1:]
        keys = sorted({f"{table[0]}{self.chance.randrange(12)}" for _ in range(self.chance.randint(1, 3))})
        rows = {key: {name: self.chance.choice(VALUES[name]) for name in names} for key in keys}
        made = self.deliver(side, table, text_of(table, rows, self.step))
        done = self.model.bring(side, table, rows)
        assert (made.stage == Stage.BROUGHT) == (done is not None), (made.stage, made.why)
        if done is None:
            return
        self.came[made.pk], proposed = done
        assert made.outcome["counts"]["proposed"] == len(proposed.changes), (rows, proposed)
        if proposed.changes:
            with transaction.atomic():
                self.at(side.other)
                matter = Matter.objects.get(kind=Kind.CORRECTION, records__delivery=str(made.pk))
            self.waiting[matter.pk] = proposed

    def undo(self, side: Side) -> None:
        with transaction.atomic():
            place = self.at(side)
            known = list(Delivery.objects.filter(side=side.value, stage=Stage.BROUGHT).order_by("-at")[:6])
            found = self.chance.choice([one for one in known if one.pk in self.came] or [None])
            if found is None:
                return
            try:
                books.undo_delivery(place, found)
            except Refused:
                return
        self.model.undo(self.came.pop(found.pk))
        self.made["taken back"] += 1

    def take_the_others_back(self, side: Side) -> None:
        with transaction.atomic():
            place = self.at(side)
            for found in Delivery.objects.filter(side=side.other.value, stage=Stage.BROUGHT)[:2]:
                with pytest.raises(Refused):
                    books.undo_delivery(place, found)

    def answer(self, side: Side) -> None:
        with transaction.atomic():
            self.at(side)
            ours = Matter.objects.filter(kind=Kind.CORRECTION, state=State.ASKED).order_by("raised_at")
            found = self.chance.choice(list(ours) or [None])
        if found is None:
            return
        proposed = self.waiting[found.pk]
        accepts = self.chance.random() < 0.7
        with transaction.atomic():
            place = self.at(side)
            shown = {one.number: one for one in changes(place, found)}
            rows = sorted(self.chance.sample(sorted(shown), self.chance.randint(1, len(shown))))
            try:
                matters.move(place, found, Move.AGREE if accepts else Move.DECLINE, "Because.", "UTC", rows=rows)
            except Refused:
                assert side.value != found.answers  # whose rows they are not does not accept
                return
        assert side.value == found.answers
        table, number = found.records["table"], found.records["number"]
        if not accepts:
            books.refuse_correction_now(self.them.relationship, table, number, found.records["delivery"])
            return
        with transaction.atomic():
            self.at(side)
            made = Delivery.objects.exclude(corrects={}).get(stage=Stage.BRINGING, side=side.value)
        made = self.work(side, made)
        assert made.stage == Stage.BROUGHT, made.why
        name = TABLES[table][0]
        self.came[made.pk] = self.model.accept(proposed, {str(shown[one].key[name]) for one in rows})
        self.made["corrected"] += 1

    def hold_back(self, side: Side, item: str = "") -> None:
        item = item or self.chance.choice(ITEMS)
        with transaction.atomic():
            place = self.at(side)
            try:
                books.mark_private(place, item, "Because.", timezone.now().date() + timedelta(days=9))
            except Refused:
                transaction.set_rollback(True)
                return
        if item in self.model.items[side]:
            return
        # Nothing that is shared falls under it, and nothing that the other side keeps.
        table = item.partition("[")[0].partition(".")[0]
        assert not any(
            other.partition("[")[0].partition(".")[0] == table == other for other in self.model.items[side.other]
        )
        self.model.items[side].add(item)
        for row in self.model.shared.get(table, {}).values():
            assert self.model.rule(side, table, row.values) is None or item != table, item
            assert not any(row.values[name] for name in self.model.kept(side, table) if item.endswith(f".{name}")), item
        if item.startswith(f"{table}["):
            column, value = item[len(table) + 1 : -1].split("=")
            assert all(row.values[column] != value.removesuffix(".0") for row in self.model.shared[table].values()), (
                item
            )
        self.made["held back"] += 1

    def disclose(self, side: Side) -> None:
        item = self.chance.choice(ITEMS)
        with transaction.atomic():
            place = self.at(side)
            try:
                books.disclose(place, item)
            except Refused:
                transaction.set_rollback(True)
                return
        assert item in self.model.items[side]
        self.model.disclose(side, item)
        self.made["disclosed"] += 1

    def claim(self, side: Side) -> None:
        first = date(2026, 6, self.chance.randint(1, 25))
        last = first + timedelta(days=self.chance.randint(0, 2))
        with transaction.atomic():
            asked = matters.NewMatter(
                Kind.CLAIM, "Out", "Because.", from_day=first, to_day=last, asked_for="exclude", event="outage"
            )
            made = matters.raise_matter(self.at(side), asked, "UTC")
        self.model.claims[made.pk] = (first, last, State.ASKED)

    def answer_claim(self, side: Side) -> None:
        with transaction.atomic():
            place = self.at(side)
            found = self.chance.choice(
                list(Matter.objects.filter(kind=Kind.CLAIM, state=State.ASKED).order_by("raised_at")) or [None]
            )
            if found is None:
                return
            accepts = self.chance.random() < 0.5
            try:
                matters.move(place, found, Move.AGREE if accepts else Move.DECLINE, "Because.", "UTC")
            except Refused:
                assert found.asks == side.value
                return
        first, last, _ = self.model.claims[found.pk]
        self.model.claims[found.pk] = (first, last, State.ANSWERED if accepts else State.DECLINED)

    def forge(self, side: Side) -> None:
        """Files that speak for the other side, or answer a claim: refused, whatever else is in them."""
        other, span = side.other.value, "2026-06-01T00:00:00Z,2026-06-20T00:00:00Z"
        claim = self.chance.choice(list(self.model.claims) or ["x"])
        lines = [
            (
                "events",
                "event_id,kind,from,to,declared_by,declared_at,claim,state",
                f"f,outage,{span},{other},2026-06-21T00:00:00Z,exclude,claimed",
            ),
            (
                "events",
                "event_id,kind,from,to,declared_by,declared_at,claim,state",
                f"f,outage,{span},{side},2026-06-21T00:00:00Z,exclude,accepted",
            ),
            (
                "events",
                "event_id,kind,from,to,declared_by,declared_at,claim,state",
                f"room-{claim},outage,{span},{side},2026-06-21T00:00:00Z,exclude,claimed",
            ),
            ("reported", "period,kpi,value,reported_by", f"{JUNE},service_level,0.5,{other}"),
            ("contacts", "contact_id,opened_at,brought_by", f"c1,2026-06-01T10:00:00Z,{other}"),
        ]
        table, head, line = self.chance.choice(lines)
        assert self.deliver(side, table, f"{head}\n{line}\n").stage == Stage.REFUSED

    def confirm(self, side: Side) -> None:
        with transaction.atomic():
            place = self.at(side)
            made = review(place.joint(), JUNE)
            digest = chain.digest_of(figures(place, made, JUNE))
            (level,) = made.levels
            assert (level.num, level.den) == self.model.level()
            try:
                entry = reviews.confirm(place, made, JUNE, digest)
            except Refused:
                return
        if entry is not None:
            # What both confirmed is exactly what is frozen: the other side's word was for this digest.
            assert self.words[side.other] == digest
            content = entry.content["figures"]["service_level"]
            assert (int(content["num"]), int(content["den"])) == self.model.level()
            self.frozen.append(self.model.level())
        self.words[side] = digest

    # What must hold ----------------------------------------------------------------------------------------------

    def check(self) -> None:
        """Every viewer sees the rows of the model; looked at anew whenever a file of the book or the model changed."""
        folder = book_folder(self.them.relationship)
        there = {
            file: file.stat() for file in folder.rglob("*") if file.is_file() and file.suffix in {".parquet", ".toml"}
        }
        files = sorted((str(file), stat.st_mtime_ns, stat.st_size, stat.st_ino) for file, stat in there.items())
        wanted = {(viewer, table): self.model.seen(viewer, table) for viewer in (C, P, None) for table in TABLES}
        if (files, wanted) != self.checked:
            self.check_rows(wanted)
            self.check_private_files(folder)
            self.checked = (files, wanted)
        with transaction.atomic():
            self.them.at("auditor")
            entries = list(Entry.objects.order_by("number"))
            valid = list(Consent.objects.filter(deemed=True))
        # Beside them the record holds what each step of a matter posts.
        assert len([one for one in entries if one.subject_type == ConsentSubject.PERIOD]) == len(self.frozen)
        assert not valid  # silence was never heard: nobody was reminded
        if entries:
            chain.verify([chain.Entry(one.number, one.content, one.previous, one.digest) for one in entries])

    def check_private_files(self, folder: Path) -> None:
        """What a side keeps lies in its own files alone, and nothing that has become shared stays behind there."""
        for side, (table, (key, *_)) in product(Side, TABLES.items()):
            file = folder / "private" / side.value / f"{table}.parquet"
            keys = pq.read_table(file, columns=[key]).column(key).to_pylist() if file.is_file() else []
            assert sorted(one for one in keys if not one.startswith("m-")) == sorted(self.model.private[side, table])

    def check_rows(self, wanted: dict[tuple[Side | None, str], dict[str, tuple[str, ...]]]) -> None:
        for viewer, who in ((C, "customer_lead"), (P, "provider_lead"), (None, "auditor")):
            with transaction.atomic(), queries.open_member_book(self.them.at(who)) as book:
                for table, (key, *_) in TABLES.items():
                    rows = book.table(table).to_pyarrow().to_pylist() if table in book.holdings else []
                    found = [(row[key], told(row, table)) for row in rows if not row[key].startswith("m-")]
                    assert len(found) == len(dict(found)), (table, viewer)
                    differ = sorted(set(found) ^ set(wanted[viewer, table].items()))
                    assert not differ, (table, viewer, differ)

    def play(self, steps: int) -> None:
        moves = [
            (self.bring, 40), (self.undo, 10), (self.answer, 16), (self.hold_back, 8), (self.disclose, 2),
            (self.forge, 6), (self.take_the_others_back, 3), (self.claim, 2), (self.answer_claim, 4), (self.confirm, 3),
        ]  # fmt: skip
        for self.step in range(steps):
            side = self.chance.choice([C, P])
            move = self.chance.choices([one for one, _ in moves], [weight for _, weight in moves])[0]
            before = self.words_on_record(side.other)
            move(side)
            run_jobs()
            self.made[move.__name__] += 1
            self.check()
            assert self.words_on_record(side.other) == before  # nobody speaks for the other side

    def words_on_record(self, side: Side) -> list[tuple[object, ...]]:
        """What a side itself has said: its steps in matters, its confirmations, its deliveries."""
        with transaction.atomic():
            self.at(side)
            steps = Matter.objects.filter(steps__side=side.value).values_list("steps__pk", "steps__move", "steps__text")
            words = Consent.objects.filter(side=side.value).values_list("subject", "person", "digest", "at")
            came = Delivery.objects.filter(side=side.value).values_list("pk", "name", "stage")
            return [*sorted(steps), *sorted(words), *sorted(came)]


def days(month: int) -> range:
    return range(1, 32 if month == 5 else 31)


@pytest.mark.parametrize(
    ("steps", "seed"),
    [
        pytest.param(40, 20261128, id="40", marks=pytest.mark.timeout(1800)),
        # 10,000 steps, as twenty relationships, so that cores share them.
        *(
            pytest.param(500, None, id=f"500-{game}", marks=[pytest.mark.long, pytest.mark.timeout(3600)])
            for game in range(20)
        ),
    ],
)
def test_neither_side_changes_hides_or_speaks_for_what_the_other_put_on_record(steps, seed):
    seed = int(os.environ.get("COMITY_SEED", seed if seed is not None else secrets.randbits(32)))
    game = Game(seed)
    try:
        game.play(steps)
    except BaseException as error:
        error.add_note(f"seed {seed}, step {game.step}: {dict(game.made)}")
        raise
    logging.getLogger(__name__).info("seed %s: %s", seed, dict(game.made))
    assert all(game.made[what] for what in ("taken back", "corrected", "held back")), dict(game.made)
    assert book_folder(game.them.relationship).exists()
