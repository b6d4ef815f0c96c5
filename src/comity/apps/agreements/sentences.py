"""A clause as the sentences that people read and sign, made from its fields; and what a change alters, value by value.

Promised: every field whose value is not its default is told, with every digit and every name of it, so that two clauses
that differ read otherwise in every language. What has no sentence of its own follows as its label and its value. The
heading of a clause is told by `clause_heading`, since pages set it above the sentences.

A clause is read in its own text: another clause that it names is told by its heading where the caller gives it.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from functools import partial

from babel import Locale

from comity.apps.agreements.wording.numbers import exact_money, exact_number, exact_percent, in_per_cent
from comity.apps.agreements.wording.values import (
    ALL,
    Figure,
    Reader,
    channels_text,
    choice_text,
    clause_name,
    day_text,
    field_label,
    kind_name,
    last_day,
    measured,
    month_text,
    name_text,
    named_day,
    queues_text,
    quoted,
    reader_text,
    role_text,
    seconds_text,
    span_text,
    target_value,
    texts_of,
    value_text,
)
from comity.apps.kpis.sentences import channel_text, sentence_key
from comity.core.agreements.authority import named_signatories
from comity.core.agreements.changes import Change
from comity.core.agreements.clauses import Clause
from comity.core.agreements.kinds import KINDS, SIDES, WEEKDAYS, Kind, NoticeItem, Renewal
from comity.core.agreements.kpi import EVERYTHING, FORMULAS, MEASURES, Abandons
from comity.core.agreements.text import Chain, Text, difference, meetings, text, with_change
from comity.core.agreements.wordings import kpi_of
from comity.core.kpi_templates import THRESHOLDS
from comity.core.levels import POINTS, SHARE, unit
from comity.core.matters.time_bars import FORMAL
from comity.review.i18n.words import DASH, LOCALES, NO_BREAK, Number, Words, clean

Records = Sequence[Mapping[str, object]]
DaySpans = Sequence[Sequence[Mapping[str, object]]]  # of each weekday, from Monday on
_NO_TITLES: Mapping[str, str] = {}
_BY = "\x00"
_NAMED_BY = {Kind.MEETING: "series", Kind.POST: "position", Kind.PRICE: "service"}  # the field that heads a clause
_TYPED = frozenset({"name", "service", "series", "position", "data"})  # places of names that people typed
_RUN = 3  # from so many days in a row on they are told by the first and the last
_DAY_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


class _Telling:
    """A clause being told: which of its fields have been, so that the others follow."""

    def __init__(self, clause: Clause, reader: Reader) -> None:
        self.fields, self.kind, self.reader, self.words = clause.fields, clause.kind, reader, reader.words
        self._told: set[str] = set()

    def tells(self, *names: str) -> None:
        """Remember fields that a sentence tells in full."""
        self._told |= set(names)

    def has(self, *names: str) -> bool:
        """Whether something holds of each of the fields."""
        return all(name in self.fields for name in names)

    def text(self, name: str) -> str:
        """The value of a field, which is told by it."""
        self.tells(name)
        return str(self.fields[name])

    def listed(self, name: str) -> list[object]:
        """The values of a field, which are told by them."""
        self.tells(name)
        value = self.fields.get(name, [])
        return list(value) if isinstance(value, list) else []

    def records(self, name: str) -> Records:
        """The records of a field, which are told by them."""
        return [item for item in self.listed(name) if isinstance(item, dict)]

    def number(self, name: str) -> Number:
        """A number, which is told by it."""
        return exact_number(self.text(name), self.words)

    def percent(self, name: str) -> str:
        """A share, which is told by it."""
        return exact_percent(self.text(name), self.words)

    def money(self, value: object) -> str:
        """An amount in the clause's currency."""
        return exact_money(value, str(self.fields["currency"]), self.words)

    def name(self, name: str) -> str:
        """A name, which is told by it."""
        return name_text(self.text(name), self.words)

    def names(self, name: str) -> str:
        """Names, which are told by them."""
        return self.words.listed([name_text(str(item), self.words) for item in self.listed(name)])

    def choice(self, name: str) -> str:
        """A choice, which is told by it."""
        return choice_text(name, self.text(name), self.words)

    def say(self, key: str, **values: object) -> str:
        """The sentence of a key; a name at its beginning keeps its letters as they were typed."""
        begins = self.words(f"clause_text.{key}").partition("}")[0].removeprefix("{")
        said = self.words(f"clause_text.{key}", **values)
        return said if begins in _TYPED else _capital(said)

    def labelled(self, name: str) -> str:
        """A field as its label and its value."""
        self.tells(name)
        text = value_text(self.kind, name, self.fields[name], self.words, beside=self.fields, titles=self.reader.titles)
        return self.words("clause_word.label", label=field_label(self.kind, name, self.words), value=text)

    def untold(self) -> Iterator[str]:
        """Yield the fields that no sentence tells, and that are not what holds by default."""
        spec = KINDS[self.kind]
        usual = {**spec.defaults, **spec.derived(self.fields)}
        for name in spec.by_name:
            if name in self.fields and name not in self._told and self.fields[name] != usual.get(name):
                yield name


def clause_heading(clause: Clause, words: Words) -> str:
    """Return the heading of a clause: its own, else what tells it from others of its kind, else its kind's name."""
    title = clause.fields.get("title")
    return _own_heading(clause, words) if title is None else clean(str(title))


def _own_heading(clause: Clause, words: Words) -> str:
    """The heading that a clause has where people gave it none."""
    fields = clause.fields
    if clause.kind is Kind.KPI and "measure" in fields:
        kpi = kpi_of(clause.id, fields)
        parts = [words.named("measure", kpi.measure)]
        parts += [] if kpi.channels == EVERYTHING else [channel_text(kpi, words)]
        return ", ".join([*parts, *_queues_of_heading(clause, words)])
    if clause.kind is Kind.DUTY and {"measure", "side"} <= fields.keys():
        return ", ".join(choice_text(name, str(fields[name]), words) for name in ("measure", "side"))
    if clause.kind is Kind.VOLUME:
        return ", ".join([kind_name(clause.kind, words), *_queues_of_heading(clause, words)])
    if clause.kind is Kind.PROSE and fields.get("about", "other") != "other":
        return f"{kind_name(clause.kind, words)}, {choice_text('about', str(fields['about']), words)}"
    name = fields.get(_NAMED_BY.get(clause.kind, ""))
    return kind_name(clause.kind, words) if name is None else clean(str(name))


def _queues_of_heading(clause: Clause, words: Words) -> list[str]:
    queues = texts_of(clause.fields.get("queues"))
    return [] if queues in ([], [ALL]) else [words("clause_word.in_queues", queues=queues_text(queues, words))]


def clause_sentences(clause: Clause, words: Words, titles: Mapping[str, str] = _NO_TITLES) -> list[str]:
    """Return a clause as sentences; its heading is `clause_heading`.

    :param clause: with its defaults written out; what is not there yet, as in a draft, is left out
    :param titles: headings of the clauses of the same text, by id
    """
    telling = _Telling(clause, Reader(words, titles, clause.fields))
    if clause.fields.get("title") != _own_heading(clause, words):  # else nobody could tell that it has one
        telling.tells("title")
    said = list(_TELLERS.get(clause.kind, _nothing)(telling)) if _is_whole(clause) else []
    said += [telling.labelled(name) for name in telling.untold() if name not in {"seen_by", "cites"}]
    return said + list(_common(telling))


def _is_whole(clause: Clause) -> bool:
    """Whether what the kind requires is there; a draft that is not whole is told by labels."""
    return all(item.name in clause.fields for item in KINDS[clause.kind].fields if item.required)


def differences_text(before: Text, after: Text, words: Words) -> list[tuple[str, str, str, str]]:
    """Return what a change alters: (heading of the clause, label, before, after), clause by clause.

    A clause that is new or removed has one line for itself and one for each of its values, with a dash on the side on
    which it is not there.
    """
    found = []
    titles = clause_titles(before, words), clause_titles(after, words)
    for one in difference(before, after):
        was, now = before.get(one.clause), after.get(one.clause)
        shown = now if now is not None else was
        assert shown is not None, one.clause
        heading = titles[0 if now is None else 1].get(one.clause, clause_heading(shown, words))
        row = partial(_row, heading, (was, now), titles, words)
        if one.field:
            found.append(row(one.field))
            continue
        word = words("clause_word.is_new" if now is not None else "clause_word.is_gone")
        found.append(
            (heading, words("clause_word.clause"))
            + ((DASH, word) if now is not None else (kind_name(one.kind, words), word))
        )
        found += [row(name) for name in KINDS[one.kind].by_name if name in shown.fields]
    return found


def relief_text(kpis: Sequence[str], first_day: date, until: str, titles: Mapping[str, str], words: Words) -> str:
    """Return which KPIs do not count for a missing notice, and on which days; empty for none.

    :param until: the day up to and without which they do not count, in ISO form; empty for none
    """
    if not kpis or not until:
        return ""
    names = words.listed([name_text(titles.get(one, one), words) for one in kpis])
    return words("relief.of_waiver", kpis=names, first=words.day(first_day), last=words.day(last_day(until)))


def word_texts(change: Change, chain: Chain, may_read: Callable[[Clause], bool], words: Words) -> list[tuple[str, str]]:
    """Return which wording holds where a change meets agreed ones: (clause and field, what it says of the other).

    Both sides sign it: an *instead* ends what they agreed on before.

    :param may_read: whether the reader may read a clause; of another they get its id
    """
    days = {(one.other, one.clause, one.field): one.first_day for one in meetings(change, chain)}
    rows = []
    for word in change.words:
        day = days.get((word.other, word.clause, word.field), change.span.first_day)
        clause = text(with_change(chain, change), day).get(word.clause) or text(chain, day).get(word.clause)
        title = word.clause
        if clause is not None and may_read(clause):
            title = clause_heading(clause, words)
            title = f"{title}: {field_label(clause.kind, word.field, words)}" if word.field else title
        met = words("agreement.meets_one", number=word.other, day=words.day(day))
        rows.append((title, f"{met}. {words('agreement.instead' if word.instead else 'agreement.until_then')}"))
    return rows


def clause_titles(text: Text, words: Words) -> dict[str, str]:
    """Return the headings of the clauses of a text, by id; those that are headed alike are numbered."""
    return numbered({item.id: clause_heading(item, words) for item in text.clauses if not item.removed}, words)


def figures_of(*texts: Text, words: Words) -> dict[str, Figure]:
    """Return the KPIs of texts by id, with heading and unit; the last text's, where several have one."""
    return {
        clause.id: Figure(title, unit(kpi_of(clause.id, clause.fields)))
        for read in texts
        for clause in read.of(Kind.KPI)
        if "measure" in clause.fields and (title := clause_titles(read, words).get(clause.id)) is not None
    }


def numbered(titles: Mapping[str, str], words: Words) -> dict[str, str]:
    """Return headings by id, with a number in those that several clauses have: an id is nothing to read."""
    often = Counter(titles.values())
    seen: Counter[str] = Counter()
    found = {}
    for clause, title in titles.items():
        seen[title] += 1
        found[clause] = title if often[title] == 1 else words("clause_word.nth", title=title, number=seen[title])
    return found


def _row(
    heading: str,
    sides: tuple[Clause | None, Clause | None],
    titles: tuple[Mapping[str, str], Mapping[str, str]],
    words: Words,
    name: str,
) -> tuple[str, str, str, str]:
    kind = next(item.kind for item in sides if item is not None)
    texts = [
        DASH
        if item is None or name not in item.fields
        else value_text(kind, name, item.fields[name], words, beside=item.fields, titles=known)
        for item, known in zip(sides, titles, strict=True)
    ]
    return heading, field_label(kind, name, words), texts[0], texts[1]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _nothing(_: _Telling) -> Iterator[str]:
    yield from ()


def _common(telling: _Telling) -> Iterator[str]:
    """Who reads the clause, where others than its kind has it, and what it cites."""
    if telling.has("seen_by") and telling.fields["seen_by"] != KINDS[telling.kind].defaults["seen_by"]:
        names = [reader_text(str(item), telling.words) for item in telling.listed("seen_by")]
        yield telling.say("seen_by", names=telling.words.listed(names))
    for item in telling.records("cites"):
        document, place = (quoted(str(item[part]), telling.words) for part in ("document", "place"))
        yield telling.say("cites", document=document, place=place)


# kinds ---------------------------------------------------------------------------------------------


def _effect(telling: _Telling) -> Iterator[str]:
    yield telling.say(f"effect_{telling.text('counts_as')}")


def _documents(telling: _Telling) -> Iterator[str]:
    words, records = telling.words, telling.records("documents")
    if len(records) > 1:
        yield telling.say("documents")
    for at, item in enumerate(records, 1):
        parts = [name_text(str(item["title"]), words)]
        if "signed_on" in item:
            parts.append(words("clause_text.document_signed_on", day=day_text(item["signed_on"], words)))
        parties = item.get("parties")
        if isinstance(parties, list):
            named = words.listed([name_text(str(party), words) for party in parties])
            parts.append(words("clause_text.document_parties", names=named))
        if "sha256" in item:
            parts.append(words("clause_text.document_digest", digest=item["sha256"]))
        yield (f"{at}. " if len(records) > 1 else "") + ", ".join(parts)


def _term(telling: _Telling) -> Iterator[str]:
    words = telling.words
    last = last_day(telling.text("ends"))
    yield telling.say("term", first=day_text(telling.text("begins"), words), last=words.day(last))
    renewal = telling.text("renewal")
    if renewal == Renewal.BY_ITSELF and telling.has("renews_months", "notice_months"):
        yield telling.say(
            "term_by_itself", months=telling.number("renews_months"), notice=telling.number("notice_months")
        )
    else:
        yield telling.say("term_by_decision")
        if telling.has("notice_months"):
            yield telling.say("term_notice", notice=telling.number("notice_months"))
    for item in telling.records("options"):
        values = {"of": words(f"clause_word.of_{item['whose']}"), "what": clean(str(item["what"]))}
        if "by" in item:
            yield telling.say("option_until", day=day_text(item["by"], words), **values)
        else:
            yield telling.say("option", **values)


def _authority(telling: _Telling) -> Iterator[str]:
    words = telling.words
    for side in SIDES:
        for item in telling.records(side):
            roles, kinds, means = (texts_of(item.get(part)) for part in ("roles", "kinds", "means"))
            people = sorted(one.name for one in named_signatories(item))
            values: dict[str, object] = {
                "side": words(f"clause_choice.side_{side}"),
                "count": exact_number(item["together"], words),
                "signers": signers_text(roles, people, words),
                "kinds": _kinds_text(kinds, words),
                "means": _either([choice_text("means", one, words) for one in means], words),
            }
            if "up_to" in item:
                said = telling.say("authority_up_to", amount=exact_number(item["up_to"], words), **values)
            else:
                said = telling.say("authority", **values)
            yield said + (f" {telling.say('authority_deputies')}" if item.get("deputies") else "")


def signers_text(roles: Sequence[str], people: Sequence[str], words: Words) -> str:
    """Return who signs under a rule: somebody with one of its roles, or one of its people."""
    signers = []
    if roles:
        named = _either([role_text(role, words) for role in roles], words)
        signers.append(words("clause_word.roles", names=named))
    signers += [name_text(person, words) for person in people]
    return _either(signers, words)


def _kinds_text(kinds: Sequence[str], words: Words) -> str:
    if not kinds:
        return words("clause_word.any_clause")
    named = [f"{words('clause_word.quoted', name=words(f'clause_kind.{kind}'))}" for kind in kinds]
    return words("clause_word.kinds", count=len(kinds), names=words.listed(named))


def _either(texts: Sequence[str], words: Words) -> str:
    if len(texts) < 2:  # noqa: PLR2004 - nothing to choose from
        return "".join(texts)
    return words("clause_word.or", most=", ".join(texts[:-1]), last=texts[-1])


def _calendar(telling: _Telling) -> Iterator[str]:
    words = telling.words
    zone = _zone_text(telling.text("zone"), words)
    open_on = [telling.records(f"open_{weekday}") for weekday in WEEKDAYS]
    if any(open_on):
        yield telling.say("open", when=_week_text(open_on, words), zone=zone)
        shut = [number for number, spans in enumerate(open_on) if not spans]
        if shut:
            yield telling.say("closed", days=_days_text(shut, words))
    else:
        yield telling.say("open_never", zone=zone)
    for item in sorted(telling.records("short_days"), key=lambda item: str(item["day"])):
        hours, day = item.get("hours"), day_text(item["day"], words)
        if isinstance(hours, list):
            yield telling.say("short_day", day=day, when=words.listed([span_text(span, words) for span in hours]))
        else:
            yield telling.say("short_day_closed", day=day)
    yield from _working_hours(telling)
    for side in SIDES:
        days = sorted(telling.records(f"{side}_free_days"), key=lambda item: str(item["day"]))
        if days:
            listed = words.listed([named_day(item, words) for item in days])
            yield telling.say("free_days", of=words(f"clause_word.of_{side}"), days=listed)


def _working_hours(telling: _Telling) -> Iterator[str]:
    worked = {
        side: [[item for item in records if item["weekday"] == weekday] for weekday in WEEKDAYS]
        for side in SIDES
        if (records := telling.records(f"{side}_working_hours"))
    }
    whens = {side: _week_text(spans, telling.words) for side, spans in worked.items()}
    if len(whens) == len(SIDES) and len(set(whens.values())) == 1:
        yield telling.say("both_work", when=next(iter(whens.values())))
        return
    for side, when in whens.items():
        yield telling.say("works", side=telling.words(f"clause_choice.side_{side}"), when=when)


def _zone_text(zone: str, words: Words) -> str:
    """The hours of a city; the zone's own name beside it outside Europe, where several cities are called alike."""
    region, _, place = zone.partition("/")
    if not place:
        return clean(zone)
    known = Locale.parse(LOCALES[words.language]).time_zones.get(zone, {}).get("city")
    city = known or place.rpartition("/")[2].replace("_", " ")
    return words("clause_word.city" if region == "Europe" else "clause_word.zone", city=city, zone=zone)


def _week_text(spans: DaySpans, words: Words) -> str:
    """Days of equal hours together: Monday to Friday from 08:00 to 20:00 and on Saturdays from 09:00 to 14:00."""
    hours = [words.listed([span_text(span, words) for span in of_day]) for of_day in spans]
    texts = [
        f"{_days_text([at for at, other in enumerate(hours) if other == text], words)} {text}"
        for text in dict.fromkeys(text for text in hours if text)
    ]
    # A day of several spans has an `and` of its own.
    return words.listed(texts) if all(len(of_day) < 2 for of_day in spans) else "; ".join(texts)  # noqa: PLR2004


def _days_text(days: Sequence[int], words: Words) -> str:
    """Weekdays, from 0 for Monday: every day; Monday to Friday; on Saturdays and Sundays."""
    if len(days) == len(WEEKDAYS):
        return words("clause_word.every_day")
    runs: list[list[int]] = []
    for day in days:
        if runs and day == runs[-1][-1] + 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    single = [day for run in runs if len(run) < _RUN for day in run]
    texts = [
        words("clause_word.run", first=words.weekday(run[0], wide=True), last=words.weekday(run[-1], wide=True))
        for run in runs
        if len(run) >= _RUN
    ]
    if single:
        listed = words.listed([words(f"late.{_DAY_NAMES[day]}") for day in single])
        texts.append(words("clause_word.on_days", days=listed))
    return words.listed(texts)


def _volume(telling: _Telling) -> Iterator[str]:
    words = telling.words
    values = {"side": telling.choice("forecast_by"), "queues": queues_text(telling.listed("queues"), words)}
    if telling.has("locked_days"):
        yield telling.say("forecast_locked", days=telling.number("locked_days"), **values)
    else:
        yield telling.say("forecast", **values)
    if telling.has("band"):
        yield telling.say("band", share=telling.percent("band"), by=telling.choice("counted_by"))


def _kpi(telling: _Telling) -> Iterator[str]:
    words, fields = telling.words, telling.fields
    kpi = kpi_of("", fields)
    key, unit = sentence_key(kpi, words), measured(fields)
    measure = telling.text("measure")
    values = {"name": words.named("measure", measure), "channel": channels_text(telling.listed("channels"), words)}
    by_measure = key.startswith("kpi_sentence.")
    if telling.has("target"):
        shown = in_per_cent(telling.text("target")) if unit == SHARE else telling.text("target")
        of_sentence = exact_number(shown, words)
        values["target"] = str(of_sentence) if by_measure else target_value(fields["target"], fields, words)
        telling.tells("better")
    pin = THRESHOLDS.get(measure)
    if pin is not None and by_measure:
        values["pin"] = telling.number(pin)
    if by_measure and MEASURES[measure].on_scale:
        telling.tells("formula")
    sentence = words(key, by=_BY, **{"pin": "", **values})
    yield _capital(sentence.replace(f", {_BY}", ""))
    if telling.has("queues") and fields["queues"] != [ALL]:
        yield telling.say("kpi_queues", queues=queues_text(telling.listed("queues"), words))
    if telling.has("records"):
        yield telling.say("kpi_records", records=choice_text("records", telling.text("records"), words))
    if measure in {"service_level", "abandonment"}:
        yield _abandons(telling)
    if measure in FORMULAS:
        yield telling.labelled("formula")
    size = exact_number(telling.text("material"), words)
    if unit == SHARE:
        points = exact_number(in_per_cent(fields["material"]), words)
        yield telling.say("material", size=f"{points}{NO_BREAK}{words('word.pts')}")
    else:
        yield telling.say("material", size=size if unit == POINTS else target_value(fields["material"], fields, words))
    if telling.has("volume_band") and Decimal(telling.text("volume_band")):
        yield telling.say("kpi_volume_band", share=telling.percent("volume_band"))
    yield from _consequences(telling)


def _abandons(telling: _Telling) -> str:
    abandons = telling.text("abandons")
    if abandons == Abandons.COUNT:
        return telling.say("abandons_count")
    if abandons == Abandons.EXCLUDE_ALL:
        return telling.say("abandons_all")
    if not telling.has("short_abandon_s"):
        return telling.say("abandons_no_short")
    return telling.say("abandons_short", seconds=seconds_text(telling.text("short_abandon_s"), telling.words))


def _consequences(telling: _Telling) -> Iterator[str]:
    words = telling.words
    missed = telling.fields.get("when_missed")
    if isinstance(missed, dict):
        telling.tells("when_missed")
        yield telling.say(
            "when_missed",
            misses=exact_number(missed["misses"], words),
            periods=exact_number(missed["of_periods"], words),
            opens=choice_text("opens", str(missed["opens"]), words),
        )
    for item in telling.records("credit_allocation"):
        price = clause_name(str(item["price"]), telling.reader)
        yield telling.say("credit_allocation", share=exact_percent(item["share"], words), price=price)


def _duty(telling: _Telling) -> Iterator[str]:
    measure = telling.text("measure")
    of = telling.words(f"clause_word.of_{telling.text('side')}")
    values = {"measure": telling.choice("measure"), "of": of}
    if not telling.has("target"):
        yield telling.say("duty_open", **values)
    else:
        key = "duty_most" if measure == "forecast_error" else "duty_least"
        yield telling.say(key, target=telling.percent("target"), **values)


def _price(telling: _Telling) -> Iterator[str]:
    words, fields = telling.words, telling.fields
    telling.tells("currency", "price")
    unit = words(f"unit_paid.{telling.text('unit')}")
    yield telling.say("price", service=telling.name("service"), price=telling.money(fields["price"]), unit=unit)
    if telling.has("queues") and fields["queues"] != [ALL]:
        yield telling.say("price_queues", queues=queues_text(telling.listed("queues"), words))
    for item in telling.records("uplifts"):
        name = choice_text("rate_class", str(item["rate_class"]), words)
        yield telling.say("uplift", name=name, factor=exact_number(item["factor"], words))
    yield from _bands(telling)
    if telling.has("base"):
        yield telling.say("base", amount=telling.money(telling.text("base")))
    if telling.has("minimum"):
        amount = telling.money(telling.text("minimum"))
        yield telling.say("minimum", amount=amount, compared=telling.choice("minimum_compared"))
    if telling.has("index_series", "index_base_month", "index_base_value"):
        month = month_text(telling.text("index_base_month"), words)
        series, value = quoted(telling.text("index_series"), words), telling.number("index_base_value")
        yield telling.say("index", series=series, value=value, month=month)
    yield from _credits(telling)
    yield from _payment(telling)


def _bands(telling: _Telling) -> Iterator[str]:
    words = telling.words
    bands = sorted(telling.records("bands"), key=lambda item: Decimal(str(item["above"])))
    for item in bands:
        yield telling.say("price_band", above=exact_number(item["above"], words), price=telling.money(item["price"]))
    if bands:
        yield telling.say(f"banded_{telling.text('banded')}")
    if telling.has("baseline", "deadband", "arc", "rrc"):
        yield telling.say("baseline", units=telling.number("baseline"), share=telling.percent("deadband"))
        arc, rrc = (telling.money(telling.text(name)) for name in ("arc", "rrc"))
        yield telling.say("baseline_each", arc=arc, rrc=rrc, around=telling.choice("around"))


def _credits(telling: _Telling) -> Iterator[str]:
    words = telling.words
    if telling.has("at_risk"):
        yield telling.say("at_risk", share=telling.percent("at_risk"))
    for item in sorted(telling.records("credit_steps"), key=lambda item: Decimal(str(item["from"]))):
        share = Decimal(str(item["share"]))
        level = exact_number(item["from"], words)
        yield telling.say(
            "credit_off" if share < 0 else "credit_on", level=level, share=exact_percent(abs(share), words)
        )
    if telling.has("bonus"):
        yield telling.say("bonus", share=telling.percent("bonus"))


def _payment(telling: _Telling) -> Iterator[str]:
    if telling.has("due_days"):
        yield telling.say("due", days=telling.number("due_days"))
    if telling.has("dispute_days"):
        yield telling.say("dispute", days=telling.number("dispute_days"))
    if telling.has("tolerance"):
        yield telling.say("tolerance", amount=telling.money(telling.text("tolerance")))


def _clock(telling: _Telling) -> Iterator[str]:
    words = telling.words
    for key in ("replies", "silence"):
        for days, items in _grouped(telling.records(key), "days"):
            matters = words.listed([choice_text("matter", str(item["matter"]), words) for item in items])
            yield telling.say(key, days=exact_number(days, words), matters=matters)
    if telling.has("close_days"):
        yield telling.say("close", days=telling.number("close_days"))
    for side in SIDES:
        if telling.has(f"{side}_addresses"):
            names = telling.names(f"{side}_addresses")
            yield telling.say("addresses", side=words(f"clause_choice.side_{side}"), names=names)
    for item in telling.records("time_bars"):
        yield telling.say(
            "time_bar",
            matter=choice_text("matter", str(item["matter"]), words),
            days=exact_number(item["days"], words),
            start=choice_text("from", str(item["from"]), words),
            late=choice_text("late", str(item["late"]), words),
        )
        if item.get("given_as") == FORMAL:
            yield telling.say("time_bar_formal")
    for item in sorted(telling.records("escalation"), key=lambda item: int(str(item["level"]))):
        yield telling.say(
            "escalation",
            level=exact_number(item["level"], words),
            customer=name_text(str(item["customer"]), words),
            provider=name_text(str(item["provider"]), words),
            days=exact_number(item["days"], words),
        )


def _grouped(records: Records, part: str) -> list[tuple[object, Records]]:
    """Records that have a part alike, the least of it first."""
    values = sorted({int(str(item[part])) for item in records})
    return [(value, [item for item in records if item[part] == value]) for value in values]


def _notice(telling: _Telling) -> Iterator[str]:
    words = telling.words
    agreed = {item: int(telling.text(item.value)) for item in NoticeItem if telling.has(item.value)}
    for days in sorted(set(agreed.values())):
        items = words.listed([words(f"notice_item.{item}") for item in agreed if agreed[item] == days])
        yield telling.say("notice", days=exact_number(days, words), items=items)
    without = [words(f"notice_item.{item}") for item in NoticeItem if item not in agreed]
    if without:
        yield telling.say("notice_none", items=words.listed(without))


def _disclosure(telling: _Telling) -> Iterator[str]:
    words, records = telling.words, telling.records("classes")
    for openness in dict.fromkeys(str(item["class"]) for item in records):
        of_class = [name_text(str(item["information"]), words) for item in records if item["class"] == openness]
        values = {"class": choice_text("class", openness, words), "names": words.listed(of_class)}
        yield telling.say("openness", **values)
    yield telling.say("least_people", count=telling.number("least_people"))


def _data(telling: _Telling) -> Iterator[str]:
    words = telling.words
    yield telling.labelled("purpose")
    yield telling.say("controller", who=telling.choice("controller"))
    for item in telling.records("retention"):
        data = name_text(str(item["data"]), words)
        yield telling.say("retention", data=data, days=exact_number(item["days"], words))
    for item in telling.records("subprocessors"):
        text = telling.say("subprocessor", name=name_text(str(item["name"]), words))
        for part in ("does", "country"):
            if part in item:
                told = {part: quoted(str(item[part]), words) if part == "does" else name_text(str(item[part]), words)}
                text += ", " + words(f"clause_text.subprocessor_{part}", **told)
        yield f"{text}."


def _meeting(telling: _Telling) -> Iterator[str]:
    of = telling.words(f"clause_word.of_{telling.text('of')}")
    cadence, level = telling.choice("cadence"), telling.choice("level")
    yield telling.say("meeting", series=telling.name("series"), cadence=cadence, level=level, of=of)
    if telling.has("posts"):
        yield telling.say("meeting_posts", names=telling.names("posts"))
    if telling.fields.get("guest_invited"):
        telling.tells("guest_invited")
        yield telling.say("meeting_guest")


def _post(telling: _Telling) -> Iterator[str]:
    values = {"position": telling.name("position"), "of": telling.words(f"clause_word.of_{telling.text('side')}")}
    if telling.has("filled_by"):
        yield telling.say("post", name=telling.name("filled_by"), **values)
    else:
        yield telling.say("post_empty", **values)


def _exit(telling: _Telling) -> Iterator[str]:
    for name in ("transition", "data_return", "last_credits"):
        if telling.has(name):
            yield telling.labelled(name)
    yield telling.say("shared_years", years=telling.number("shared_years"))
    if telling.has("lives_on"):
        names = [clause_name(str(item), telling.reader) for item in telling.listed("lives_on")]
        yield telling.say("survive", names=telling.words.listed(names))


def _prose(telling: _Telling) -> Iterator[str]:
    yield clean(telling.text("text"))
    yield telling.say("language", name=telling.choice("language"))


_TELLERS: Mapping[Kind, Callable[[_Telling], Iterator[str]]] = {
    Kind.EFFECT: _effect,
    Kind.DOCUMENTS: _documents,
    Kind.TERM: _term,
    Kind.AUTHORITY: _authority,
    Kind.CALENDAR: _calendar,
    Kind.VOLUME: _volume,
    Kind.KPI: _kpi,
    Kind.DUTY: _duty,
    Kind.PRICE: _price,
    Kind.CLOCK: _clock,
    Kind.NOTICE: _notice,
    Kind.DISCLOSURE: _disclosure,
    Kind.DATA: _data,
    Kind.MEETING: _meeting,
    Kind.POST: _post,
    Kind.EXIT: _exit,
    Kind.PROSE: _prose,
}
