"""Random clauses, made from the declaration of their fields, and other ways of writing the same."""

import random
import unicodedata
from collections.abc import Mapping
from decimal import Decimal

from hypothesis import strategies as st

from comity.core.agreements.clauses import Clause, check_fields, complete
from comity.core.agreements.fields import Field, FieldType, Many
from comity.core.agreements.kinds import KINDS, Kind

_LETTERS = st.text("abcdefgh éñü ÅΩ가(){}\"'\\/0123456789", min_size=1, max_size=12).filter(str.strip)
_PARAGRAPHS = st.lists(_LETTERS, min_size=1, max_size=3).map("\n".join)


def _single(field: Field) -> st.SearchStrategy[object]:
    if field.choices:
        return st.sampled_from(field.choices)
    low = field.lowest if field.lowest is not None else Decimal(-1000)
    high = field.highest if field.highest is not None else Decimal(1000)
    return {
        FieldType.LINE: _LETTERS,
        FieldType.PROSE: _PARAGRAPHS,
        FieldType.FLAG: st.booleans(),
        FieldType.WHOLE: st.integers(int(low), int(high)),
        FieldType.NUMBER: st.decimals(low, high, places=3).map(str),
        FieldType.DAY: st.dates().map(lambda day: day.isoformat()),
        FieldType.MONTH: st.sampled_from(["2024-05", "2026-12"]),
        FieldType.TIME: st.sampled_from(["00:00", "08:00", "09:30"]),
        FieldType.END_TIME: st.sampled_from(["17:00", "23:59", "24:00"]),
        FieldType.ZONE: st.sampled_from(["Europe/Madrid", "Europe/Prague", "UTC"]),
        FieldType.DIGEST: st.text("0123456789abcdef", min_size=64, max_size=64),
        FieldType.CLAUSE: st.sampled_from(["voice", "chat", "sl"]),
        FieldType.PAIRS: st.dictionaries(st.sampled_from(["a", "b", "ñ"]), _LETTERS, max_size=3),
        FieldType.RECORD: st.fixed_dictionaries(
            {part.name: values_of(part) for part in field.fields if part.required},
            optional={part.name: values_of(part) for part in field.fields if not part.required},
        ),
    }[field.type]


def values_of(field: Field) -> st.SearchStrategy[object]:
    """Values of a field as people may write them."""
    if field.many is Many.ONE:
        return _single(field)
    unique = (lambda item: item.get(field.unique)) if field.unique else None
    return st.lists(_single(field), min_size=1 if field.required else 0, max_size=3, unique_by=unique)


def written_fields(kind: Kind) -> st.SearchStrategy[dict[str, object]]:
    """Fields of a clause that are each right; what has to hold between them may not."""
    fields = KINDS[kind].fields
    return st.fixed_dictionaries(
        {field.name: values_of(field) for field in fields if field.required},
        optional={field.name: values_of(field) for field in fields if not field.required},
    )


def clauses(kinds: tuple[Kind, ...] = tuple(Kind)) -> st.SearchStrategy[Clause]:
    """Clauses that are right in themselves."""

    def one(kind: Kind) -> st.SearchStrategy[Clause]:
        return (
            written_fields(kind)
            .map(lambda written: check_fields("c", kind, written))
            .filter(lambda checked: not checked[1])
            .map(lambda checked: Clause("c", kind, complete(kind, checked[0])))
        )

    return st.sampled_from(kinds).flatmap(one)


def written_otherwise(value: object, rng: random.Random, field: Field | None = None) -> object:
    """The same value written otherwise: keys and sets in another order, NFD, CR LF, numbers with zeros, empties added.

    :param field: of which it is a value; None: of no declared field, whose lists keep their order
    """
    if isinstance(value, Mapping):
        parts = {} if field is None else {part.name: part for part in field.fields}
        items = [(key, written_otherwise(item, rng, parts.get(key))) for key, item in value.items()]
        items += [(name, rng.choice([None, "", [], {}])) for name in parts if name not in value]
        rng.shuffle(items)
        return dict(items)
    if isinstance(value, list):
        items = [written_otherwise(item, rng, field) for item in value]
        if field is not None and field.many is Many.SET:
            rng.shuffle(items)
            items += [] if field.unique else items[:1]
        return [*items, rng.choice([None, "", {}])]
    if isinstance(value, str) and field is not None and field.type is FieldType.NUMBER:
        return rng.choice(
            [f"{value}0" if "." in value else f"{value}.0", Decimal(value), f"{Decimal(value):+.4f}".lstrip("+")]
        )
    if isinstance(value, str) and field is not None and field.type in {FieldType.LINE, FieldType.PROSE}:
        return unicodedata.normalize(rng.choice(["NFD", "NFC"]), value).replace("\n", rng.choice(["\n", "\r\n", "\r"]))
    return "00:00" if value == "24:00" and field is not None and field.type is FieldType.END_TIME else value


def fields_written_otherwise(clause: Clause, rng: random.Random) -> dict[str, object]:
    """All fields of a clause, written otherwise; those that hold by default left out at random."""
    spec = KINDS[clause.kind]
    items = [
        (name, written_otherwise(value, rng, spec.by_name[name]))
        for name, value in clause.fields.items()
        if value != spec.defaults.get(name) or rng.random() < 0.5
    ]
    items += [(name, rng.choice([None, "", [], {}])) for name in spec.by_name if name not in clause.fields]
    rng.shuffle(items)
    return dict(items)
