"""One value of a mapping, and one condition, from TOML."""

import difflib
import re
from collections.abc import Mapping as Items
from pathlib import Path
from typing import Any

from comity.book.mappings.model import CellKind, Condition, DatedMap, UnusableMappingError, Value
from comity.book.tables import TABLES
from comity.book.toml import TomlReader
from comity.book.validation.personal_data import personal_data_in

_VALUE_KEYS = {
    "from", "value", "use", "sum", "difference", "product", "quotient", "first", "join", "sheet", "file", "row",
    "when", "null", "part", "values", "unlisted", "map", "on", "as", "format", "unit",
    "clock", "decimal", "times", "over_midnight", "after", "default", "with", "keep", "reason", "digest",
    "needed", "over",
}  # fmt: skip
_ORIGINS = ("from", "value", "use", "sum", "difference", "product", "quotient", "first", "join", "sheet", "file", "row")
_CONDITION_KEYS = {"column", "use", "is", "not", "empty", "above", "below"}
_UNITS = ("ms", "s", "min", "h", "d")
_OVER = ("first", "last", "min", "max", "count")
_CLOCKS = ("h:mm", "m:ss")
_UNLISTED = ("keep", "empty", "refuse")
_LONGEST_CHAIN = 20  # of values that use each other
_FORMAT = re.compile(r"(?:[^%]|%[aAbBdeHIjmMpSfyYzZ%-])*")
FORMATS = ("day-first", "month-first", "iso", "excel", "unix", "unix-ms")


class ValueReader(TomlReader):
    """Reads values and conditions; knows which names and maps the mapping gives."""

    error = UnusableMappingError
    not_among = "is {value!r}; it may be {known}"

    def __init__(self, file: Path | str) -> None:
        """Read for one file; the names fill as the mapping is read."""
        super().__init__(file)
        self.named: set[str] = set()
        self.maps: dict[str, DatedMap] = {}

    def condition(self, item: Any, where: str) -> Condition:  # noqa: ANN401 - TOML values
        """Read one condition on a row."""
        if not isinstance(item, dict):
            raise self.wrong(
                where, f"must be a condition such as {{ column = 'Type', is = ['Inbound'] }}, but is {item!r}"
            )
        self.keys(item, where, _CONDITION_KEYS)
        use = self.get(item, where, "use", str)
        column = self.text_or_texts(item, where, "column")
        if (use is None) == (not column):
            raise self.wrong(where, "must say which `column` of the file, or which named value to `use`")
        self.known(where, use)
        tests = [key for key in ("is", "not", "empty", "above", "below") if key in item]
        if not tests or (len(tests) > 1 and tests != ["above", "below"]):
            raise self.wrong(where, "must have one of is, not, empty, or above and below")
        among, beside = self.text_or_texts(item, where, "is"), self.text_or_texts(item, where, "not")
        for text in (*among, *beside, *column):
            if text.startswith("re:"):
                self.pattern(where, text[3:])
        return Condition(
            column=column,
            use=use,
            among=among if "is" in item else None,
            beside=beside if "not" in item else None,
            empty=self.get(item, where, "empty", bool),
            above=self.get(item, where, "above", float),
            below=self.get(item, where, "below", float),
        )

    def known(self, where: str, use: str | None) -> None:
        """Refuse the use of a value that has no name yet."""
        if use is not None and use not in self.named:
            near = difflib.get_close_matches(use, self.named, 1)
            hint = f"did you mean {near[0]!r}?" if near else "name one under [let]"
            raise self.wrong(where, f"uses {use!r}, which is no named value; {hint}")

    def value(self, spec: Any, where: str, kind: CellKind | None) -> Value:  # noqa: ANN401 - TOML values
        """Read one value.

        :param kind: what it is read as where the mapping does not say; None: as what it is
        """
        if isinstance(spec, str):
            spec = {"from": spec}
        if not isinstance(spec, dict):
            raise self.wrong(
                where, f"must be a column of the file, or a table such as {{ from = '...' }}, but is {spec!r}"
            )
        self.keys(spec, where, _VALUE_KEYS)
        origins = [key for key in _ORIGINS if key in spec]
        if len(origins) != 1:
            said = " and ".join(origins) or "none of them"
            raise self.wrong(where, f"must have exactly one of {', '.join(_ORIGINS)}; it has {said}")
        said = self.one_of(spec, where, "as", tuple(CellKind), kind.value if kind else None)
        kind = None if said is None else CellKind(said)
        if spec.get("over") == "count" and "as" not in spec:
            kind = CellKind.TEXT  # whatever is counted
        source = self.text_or_texts(spec, where, "from")
        for text in source:
            if text.startswith("re:"):
                self.pattern(f"{where}.from", text[3:])
        self.refuse_personal(spec, where, source)
        use, after = self.get(spec, where, "use", str), self.get(spec, where, "after", str)
        mapped, on = self.get(spec, where, "map", str), self.get(spec, where, "on", str)
        for name in (use, after, on):
            self.known(where, name)
        self.check_map(where, mapped, on)
        unit = self.one_of(spec, where, "unit", _UNITS, None)
        return Value(
            source=source,
            constant=self.constant(spec, where),
            use=use,
            total=self.parts(spec, where, "sum", kind),
            difference=self.parts(spec, where, "difference", kind),
            product=self.parts(spec, where, "product", CellKind.NUMBER),
            quotient=self.parts(spec, where, "quotient", CellKind.NUMBER),
            first=self.parts(spec, where, "first", kind),
            join=self.parts(spec, where, "join", CellKind.TEXT),
            sheet=self.name_part(spec, where, "sheet"),
            file=self.name_part(spec, where, "file"),
            row=self.get(spec, where, "row", bool, False),
            when=tuple(self.condition(one, f"{where}.when") for one in self.conditions(spec, where)),
            nulls=self.text_or_texts(spec, where, "null"),
            pattern=self.group(spec, where),
            values=self.value_map(spec, where),
            unlisted=self.one_of(spec, where, "unlisted", _UNLISTED, "keep"),
            map=mapped,
            on=on,
            kind=kind,
            formats=self.formats(spec, where),
            unit=unit,
            clock=self.one_of(spec, where, "clock", _CLOCKS, None),
            decimal=self.one_of(spec, where, "decimal", (".", ","), None),
            times=self.get(spec, where, "times", float),
            over_midnight=self.get(spec, where, "over_midnight", bool, False),
            after=after,
            default=self.get(spec, where, "default", str),
            separator=self.get(spec, where, "with", str, " "),
            keep=self.get(spec, where, "keep", bool, False),
            reason=self.get(spec, where, "reason", str),
            digest=self.digest(spec, where, source),
            needed=self.get(spec, where, "needed", bool, False),
            over=self.over(spec, where),
        )

    def over(self, spec: dict[str, Any], where: str) -> str | None:
        """Which rows of a key a column of the table is taken from."""
        if "over" in spec and not re.fullmatch(r"columns\.\w+", where):
            raise self.wrong(f"{where}.over", "belongs to a column of the table itself, under [columns]")
        return self.one_of(spec, where, "over", _OVER, None)  # type: ignore[no-any-return]  # one of these texts

    def digest(self, spec: dict[str, Any], where: str, source: tuple[str, ...]) -> bool:
        """Whether cells enter as keyed digests: of a column of the file, for one of ours that names people."""
        if not self.get(spec, where, "digest", bool, False):
            return False
        section, _, name = where.rpartition(".")
        if (
            not source
            or not section.endswith("columns")
            or not any(name in table.by_name and table.by_name[name].personal for table in TABLES.values())
        ):
            known = ", ".join(sorted({one.name for table in TABLES.values() for one in table.columns if one.personal}))
            raise self.wrong(
                f"{where}.digest", f"belongs to a column that is taken `from` one of the file, for {known}"
            )
        return True

    def refuse_personal(self, spec: dict[str, Any], where: str, source: tuple[str, ...]) -> None:
        """Personal columns enter only with keep = true and a reason."""
        keep, reason = self.get(spec, where, "keep", bool, False), self.get(spec, where, "reason", str)
        if keep and not (reason or "").strip():
            raise self.wrong(f"{where}.reason", "is missing; keep = true says in `reason` why the book needs it")
        for header in source:
            what = personal_data_in(header)
            if what is not None and not keep:
                msg = f"takes {header!r}, which looks like {what}; leave it out, or write keep = true and a reason"
                raise self.wrong(where, msg)

    def check_map(self, where: str, mapped: str | None, on: str | None) -> None:
        """Refuse a map that is not there, or a dated one without its day."""
        if mapped is None:
            return
        if mapped not in self.maps:
            known = ", ".join(self.maps) or "none yet; write [[maps.NAME]] or [lookups.NAME]"
            raise self.wrong(f"{where}.map", f"is {mapped!r}, which is no map; known are {known}")
        dated = any(start or end for _, _, start, end in self.maps[mapped].rows)
        if dated and on is None:
            raise self.wrong(f"{where}.on", f"is missing; {mapped!r} has dates: name the value whose day counts")

    def constant(self, spec: dict[str, Any], where: str) -> str | None:
        """The constant of a value, as text."""
        value = spec.get("value")
        if isinstance(value, bool):
            return "true" if value else "false"
        if value is not None and not isinstance(value, str | int | float):
            raise self.wrong(f"{where}.value", f"must be one text or number, but is {value!r}")
        return None if value is None else str(value)

    def parts(self, spec: dict[str, Any], where: str, key: str, kind: CellKind | None) -> tuple[Value, ...]:
        """The values that a sum, a difference, a product, a first or a join is made of."""
        if key not in spec:
            return ()
        parts = spec[key]
        two = key in {"difference", "product", "quotient"}
        if not isinstance(parts, list) or not parts or (two and len(parts) != 2):  # noqa: PLR2004 - two
            raise self.wrong(f"{where}.{key}", f"must be a list of {'two' if two else 'some'} values")
        for part in parts:
            if (
                kind in {CellKind.INSTANT, CellKind.DAY, CellKind.MONTH}
                and key in {"sum", "difference"}
                and isinstance(part, str)
            ):
                msg = f"must say what {part!r} is, such as {{ from = {part!r}, as = 'seconds' }}"
                raise self.wrong(f"{where}.{key}", msg)
        adds = key in {"sum", "difference", "product", "quotient"}
        return tuple(
            self.value(part, f"{where}.{key}", None if adds and isinstance(part, dict) and "use" in part else kind)
            for part in parts
        )

    def name_part(self, spec: dict[str, Any], where: str, key: str) -> str | None:
        """What is taken of the name of the sheet or the file: a pattern, or "" for all of it."""
        value = spec.get(key)
        if value is None or value is True:
            return None if value is None else ""
        if not isinstance(value, str):
            raise self.wrong(f"{where}.{key}", f"must be true or a pattern with a group, but is {value!r}")
        return self.one_group(f"{where}.{key}", value)

    def one_group(self, where: str, text: str) -> str:
        """The pattern if it has the one group that is taken."""
        if re.compile(self.pattern(where, text)).groups != 1:
            raise self.wrong(where, f"{text!r} must have one group ( ), which is what is taken")
        return text

    def group(self, spec: dict[str, Any], where: str) -> str | None:
        """The pattern of the part of the text that counts."""
        text = self.get(spec, where, "part", str)
        return None if text is None else self.one_group(f"{where}.part", text)

    def conditions(self, spec: dict[str, Any], where: str) -> list[Any]:
        """The conditions under `when`, unread."""
        when = spec.get("when", [])
        if not isinstance(when, list | dict):
            raise self.wrong(f"{where}.when", f"must be a condition or a list of them, but is {when!r}")
        return when if isinstance(when, list) else [when]

    def value_map(self, spec: dict[str, Any], where: str) -> Items[str, str] | None:
        """What stands for what, as texts."""
        section = self.get(spec, where, "values", dict)
        if section is None:
            return None
        for key, value in section.items():
            if not isinstance(value, str | bool | int | float):
                raise self.wrong(f"{where}.values.{key}", f"must be a text, but is {value!r}")
        spoken = {True: "true", False: "false"}
        return {key: spoken[value] if isinstance(value, bool) else str(value) for key, value in section.items()}

    def formats(self, spec: dict[str, Any], where: str) -> tuple[str, ...]:
        """How dates and times are written."""
        formats = self.text_or_texts(spec, where, "format")
        for text in formats:
            if text not in FORMATS and ("%" not in text or not _FORMAT.fullmatch(text)):
                msg = f"is {text!r}; it may be {', '.join(FORMATS)}, or be spelt out as in %d/%m/%Y %H:%M"
                raise self.wrong(f"{where}.format", msg)
        return formats


def refuse_cycles(reader: TomlReader, named: Items[str, Value]) -> None:
    """A value may use others, but in the end not itself."""
    done: set[str] = set()

    def walk(name: str, trail: tuple[str, ...]) -> None:
        if name in trail:
            raise reader.wrong(name, f"uses itself: {' -> '.join([*trail, name])}")
        if len(trail) > _LONGEST_CHAIN:
            raise reader.wrong(trail[0], f"uses another that uses another, more than {_LONGEST_CHAIN} times")
        if name in done:
            return
        for used in used_names(named[name]):
            walk(used, (*trail, name))
        done.add(name)

    for name in named:
        walk(name, ())


def used_names(value: Value) -> set[str]:
    """The named values that a value is made of."""
    own = {name for name in (value.use, value.on, value.after) if name is not None}
    own |= {condition.use for condition in value.when if condition.use is not None}
    return own.union(
        *(
            used_names(part)
            for part in (*value.total, *value.difference, *value.product, *value.quotient, *value.first, *value.join)
        )
    )
