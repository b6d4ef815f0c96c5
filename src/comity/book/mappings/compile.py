"""A mapping over the headers of one sheet becomes one statement for the engine, run batch by batch.

Every value is worked out once, in layers: a layer is a SELECT over the one below. A row is told apart by numbers:
`_out` (the filter that leaves it out), `_total` (it is a total), `_fault` (the conversion that failed).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from comity.book.formats.sheet import LAST_STATE, ROW
from comity.book.mappings.cell_sql import (
    EXPECTED,
    bare_day_sql,
    canonical_sql,
    clock_sql,
    flag_sql,
    iso_day_sql,
    iso_instant_sql,
    iso_month_sql,
    local_by_format_sql,
    number_sql,
    number_text_sql,
    seconds_sql,
    sortable_sql,
    to_utc_sql,
    utc_by_format_sql,
)
from comity.book.mappings.model import EPOCH, CellKind, Condition, SourceMapping, Value
from comity.book.patterns import search_groups
from comity.book.storage.sql import literal, quoted
from comity.book.tables import BareDay
from comity.book.validation import convert
from comity.book.validation.convert import local_day_sql
from comity.book.validation.totals import ADDITIVE_TABLES, TOTAL_WORDS

_BLANK = literal(" \t\r\n\u00a0\ufeff")
_NAIVE = literal(r"\d{4}-\d{2}-\d{2}[T ]\d{1,2}:\d{2}(:\d{2}([.]\d+)?)?")
_SHOWN = 200
_DAY_S = 86_400
_LONGEST_S = 1e11  # three thousand years
_SPANS = ("month", "week", "day")


@dataclass(frozen=True, slots=True)
class Node:
    """One worked-out value: its name in the statement, its layer, its kind, and the cell it is blamed on."""

    name: str
    layer: int
    kind: CellKind
    label: str
    text: str  # the node that holds the text to show


@dataclass(frozen=True, slots=True)
class ConversionFault:
    """A condition under which a row is not converted; what to blame, and the words."""

    condition: str
    layer: int
    label: str
    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class CompiledMapping:
    """The statement over `batch`, and what its numbers mean."""

    sql: str
    headers: tuple[str, ...]  # the source's own spellings, for c0, c1, ...
    columns: tuple[str, ...]  # the target columns of which the sheet says something
    faults: tuple[ConversionFault, ...]
    controls: tuple[str, ...]
    absent: tuple[tuple[str, str], ...]  # (target column, header) that the sheet does not have
    filters: tuple[str, ...]
    has_last: bool = False  # it says which of several rows of one key is the last


class MappingCompiler:
    """Compiles one mapping for one sheet.

    :param find: the sheet's own spelling of a header, or None
    :param names: the file's and the sheet's name
    :param book_zone: the zone in which a day ends that is written without a time; None: the mapping's
    :param open_ended: any column may be in a record or not, so that of several each is asked
    """

    def __init__(  # noqa: PLR0913 - the mapping, the sheet, and the zones of both
        self,
        mapping: SourceMapping,
        find: Callable[[str], str | None],
        zone: str,
        names: tuple[str, str | None],
        *,
        open_ended: bool = False,
        book_zone: str | None = None,
    ) -> None:
        """Begin with nothing worked out."""
        self.mapping = mapping
        self.find = find
        self.zone = zone
        self.book_zone = book_zone or zone
        self.file, self.sheet = names
        self.open_ended = open_ended
        self.headers: list[str] = []
        self.layers: list[list[tuple[str, str]]] = []
        self.faults: list[ConversionFault] = []
        self.absent: dict[tuple[str, str], None] = {}
        self.done: dict[str, Node] = {}
        self.texts: dict[str, Node] = {}
        self.count = 0
        self.column = ""  # the target column being worked out, for the report
        self.is_term = False  # a part of a sum or difference is being worked out

    # -- the statement

    def compile(self, carry: Sequence[str] = ()) -> CompiledMapping:
        """The statement for all the mapping's columns."""
        mapping = self.mapping
        filters = [self.any_of(conditions) for conditions in mapping.rows]
        totals = self.any_of(mapping.totals) if mapping.totals else None
        out = [(name, self.named(name)) for name in mapping.columns]
        columns = [f"{canonical_sql(node.kind, node.name)} AS {quoted(name)}" for name, node in out]
        controls = []
        for control in mapping.control:
            here, value = self.any_of(control.when), self.value(control.value, None)
            columns.append(
                f"CASE WHEN {here.name} THEN TRY_CAST({value.name} AS DOUBLE) END AS {quoted('_k_' + control.column)}"
            )
            controls.append(control.column)
        has_last = any(self.bears(mapping.columns.get(name) or mapping.let[name]) for name in mapping.last_wins)
        if has_last:
            parts = [sortable_sql(node.kind, node.name) for node in map(self.named, mapping.last_wins)]
            columns.append(f"{' || chr(31) || '.join(parts)} AS {LAST_STATE}")
        columns += [
            f"{self.text(own).name} AS {quoted('carried:' + header)}"
            for header in carry
            if (own := self.find(header)) is not None
        ]
        arms = [f"WHEN NOT coalesce({node.name}, false) THEN {number}" for number, node in enumerate(filters, 1)]
        left_out = f"CASE {' '.join(arms)} END" if arms else "NULL"
        cells = () if self.open_ended else range(len(self.headers))  # a record of nothing we know is no blank line
        blank = " AND ".join(f"r{i} IS NULL" for i in cells) or "false"
        inner = self.nested()
        fault_arms = [f"WHEN {fault.condition} THEN {number}" for number, fault in enumerate(self.faults, 1)]
        fault = f"CASE {' '.join(fault_arms)} END" if fault_arms else "NULL"
        blamed_texts = [
            f"WHEN {number} THEN left(CAST({fault.text} AS VARCHAR), {_SHOWN})"
            for number, fault in enumerate(self.faults, 1)
        ]
        blamed = f"CASE {fault} {' '.join(blamed_texts)} END" if blamed_texts else "NULL"
        if mapping.target.name in ADDITIVE_TABLES and not mapping.sure and cells:
            # A row that cannot be converted, and in one of whose cells stands the name of a total.
            named = " OR ".join(f"regexp_full_match(r{i}, {literal(TOTAL_WORDS)})" for i in cells)
            total = f"coalesce({totals.name if totals else 'false'}, false) OR ({fault}) IS NOT NULL AND ({named})"
        else:
            total = totals.name if totals else "false"
        again = " AND ".join(
            f"coalesce(lower(r{i}) = {literal(own.lower())}, true)" for i, own in enumerate(self.headers)
        )
        if len(self.headers) > 1 and cells:  # the header once more, at the head of a printed page
            blank = f"({blank}) OR ({again})"
        sql = (
            f"SELECT {ROW}, {', '.join(columns)}, CAST({left_out} AS INTEGER) AS _out, "
            f"CAST(coalesce({total}, false) AS BOOLEAN) AS _total, "
            f"({blank}) AS _blank, CAST({fault} AS INTEGER) AS _fault, CAST({blamed} AS VARCHAR) AS _blamed "
            f"FROM ({inner})"
        )
        return CompiledMapping(
            sql=sql,
            headers=tuple(self.headers),
            columns=tuple(name for name, spec in mapping.columns.items() if self.bears(spec)),
            faults=tuple(self.faults),
            controls=tuple(controls),
            absent=tuple(self.absent),
            has_last=has_last,
            filters=tuple(" or ".join(one.spoken for one in conditions) for conditions in mapping.rows),
        )

    def nested(self) -> str:
        """All layers, one over the other."""
        cells = [f"nullif(trim(c{i}, {_BLANK}), '') AS r{i}" for i in range(len(self.headers))]
        inner = f"SELECT {', '.join([ROW, *cells])} FROM batch"
        for steps in self.layers:
            if steps:
                inner = f"SELECT *, {', '.join(f'{sql} AS {name}' for name, sql in steps)} FROM ({inner})"
        return inner

    def add(self, sql: str, over: Sequence[Node], kind: CellKind, label: str = "", text: str = "") -> Node:
        """Work something out over other nodes."""
        layer = max((node.layer for node in over), default=-1) + 1
        while len(self.layers) <= layer:
            self.layers.append([])
        self.count += 1
        name = f"v{self.count}"
        self.layers[layer].append((name, sql))
        return Node(name, layer, kind, label or self.column, text or name)

    def blame(self, condition: str, node: Node, reason: str) -> None:
        """Remember what may go wrong."""
        self.faults.append(ConversionFault(condition, node.layer, node.label, node.text, reason))

    # -- where values come from

    def text(self, own: str) -> Node:
        """The trimmed text of a source column, absent where it spells nothing."""
        if own not in self.texts:
            if own not in self.headers:
                self.headers.append(own)
            raw = f"r{self.headers.index(own)}"
            nulls = ", ".join(map(literal, self.mapping.nulls))
            self.texts[own] = self.add(f"CASE WHEN {raw} IN ({nulls}) THEN NULL ELSE {raw} END", [], CellKind.TEXT, own)
        return self.texts[own]

    def cell(self, headers: Sequence[str]) -> Node:
        """The text of the first of these columns that the file has; where columns come and go, of the first filled."""
        owns = [own for header in headers if (own := self.find(header)) is not None]
        if not owns:
            self.absent[self.column, " or ".join(headers)] = None
            return self.nothing()
        if len(owns) == 1 or not self.open_ended:
            return self.text(owns[0])
        texts = [self.text(own) for own in owns]
        return self.add(f"coalesce({', '.join(text.name for text in texts)})", texts, CellKind.TEXT, owns[0])

    def bears(self, spec: Value) -> bool:
        """Whether the sheet says anything of a value: a column that it lacks leaves a book's own as it is."""
        if spec.source:
            return any(self.find(header) is not None for header in spec.source)
        if spec.use is not None:
            return self.bears(self.mapping.columns.get(spec.use) or self.mapping.let[spec.use])
        parts = (*spec.total, *spec.difference, *spec.product, *spec.quotient, *spec.first, *spec.join)
        return not parts or any(self.bears(part) for part in parts)

    def named(self, name: str) -> Node:
        """A column or a `let` of the mapping, worked out once."""
        if name not in self.done:
            before, self.column = self.column, name
            spec = self.mapping.columns.get(name) or self.mapping.let[name]
            spans = name == "minutes" and spec.constant in _SPANS
            self.done[name] = self.span(str(spec.constant)) if spans else self.value(spec, None)
            self.column = before
        return self.done[name]

    def span(self, length: str) -> Node:
        """The minutes of the month, week or day in which a row's start falls, where the book is."""
        start = self.named("start")
        local = convert.local_time_sql(start.name, self.book_zone)
        end = f"date_trunc('{length}', {local}) + INTERVAL 1 {length}"
        minutes = f"((epoch_us({to_utc_sql(f'({end})', self.book_zone)}) - epoch_us({start.name})) / 60e6)"
        return self.add(number_text_sql(minutes), [start], CellKind.NUMBER)

    def nothing(self) -> Node:
        """An absent text."""
        return self.add("CAST(NULL AS VARCHAR)", [], CellKind.TEXT)

    def value(self, spec: Value, guard: Node | None) -> Node:
        """Work out one value under the conditions that hold for it."""
        if spec.when:
            own = [self.condition(one) for one in spec.when]
            nodes = own if guard is None else [guard, *own]
            guard = self.add(" AND ".join(f"coalesce({node.name}, false)" for node in nodes), nodes, CellKind.FLAG)
        node = self.origin(spec, guard)
        if node.kind is CellKind.TEXT and not _is_reckoned(spec):
            node = self.worded(spec, node, guard)
        node = self.converted(spec, node)
        return self.finished(spec, node, guard)

    def origin(self, spec: Value, guard: Node | None) -> Node:  # noqa: PLR0911 - one for each origin
        """What a value starts from."""
        if spec.source:
            return self.guarded(self.cell(spec.source), guard)
        if spec.constant is not None:
            return self.guarded(self.add(literal(spec.constant), [], CellKind.TEXT), guard)
        if spec.row:
            return self.guarded(self.add(f"CAST({ROW} AS VARCHAR)", [], CellKind.TEXT), guard)
        if spec.use is not None:
            return self.guarded(self.named(spec.use), guard)
        if spec.first:
            parts = [self.value(part, guard) for part in spec.first]
            return self.same_kind(parts)
        if spec.join:
            parts = [self.value(part, guard) for part in spec.join]
            texts = ", ".join(canonical_sql(part.kind, part.name) for part in parts)
            return self.add(f"nullif(concat_ws({literal(spec.separator)}, {texts}), '')", parts, CellKind.TEXT)
        if spec.sheet is not None or spec.file is not None:
            known = self.sheet if spec.sheet is not None else self.file
            pattern = spec.sheet if spec.sheet is not None else spec.file
            match = search_groups(pattern, known or "") if pattern else None
            found = (next(iter(match.values())) if match else None) if pattern else known
            sql = "CAST(NULL AS VARCHAR)" if not found else literal(found)
            return self.guarded(self.add(sql, [], CellKind.TEXT), guard)
        before, self.is_term = self.is_term, True
        reckoned = spec.total or spec.difference or spec.product or spec.quotient
        parts = [self.value(part, guard) for part in reckoned]
        self.is_term = before
        if spec.product:
            return self.multiplied(parts)
        if spec.quotient:
            return self.divided(parts)
        return self.added(spec, parts) if spec.total else self.subtracted(spec, parts)

    def guarded(self, node: Node, guard: Node | None) -> Node:
        """The node where the guard holds."""
        if guard is None:
            return node
        sql = f"CASE WHEN {guard.name} THEN {node.name} END"
        return self.add(sql, [node, guard], node.kind, node.label, node.text)

    def same_kind(self, parts: list[Node]) -> Node:
        """The first that is not empty, all of one kind."""
        kinds = {part.kind for part in parts}
        if len(kinds) > 1:
            names = [canonical_sql(part.kind, part.name) for part in parts]
            return self.add(f"coalesce({', '.join(names)})", parts, CellKind.TEXT)
        return self.add(f"coalesce({', '.join(part.name for part in parts)})", parts, kinds.pop())

    def added(self, spec: Value, parts: list[Node]) -> Node:
        """Instant plus durations, day plus clock, durations, or numbers."""
        days = [part for part in parts if part.kind in {CellKind.DAY, CellKind.MONTH}]
        instants = [part for part in parts if part.kind is CellKind.INSTANT]
        rest = [part for part in parts if part not in days and part not in instants]
        seconds = " + ".join(f"TRY_CAST({part.name} AS DOUBLE)" for part in rest) or "0"
        sane = f"abs({seconds}) < {_LONGEST_S}"
        span = f"CASE WHEN {sane} THEN to_microseconds(CAST(round(({seconds}) * 1e6) AS BIGINT)) END"
        if rest and (days or instants):
            self.blame(f"NOT ({sane})", rest[-1], "too long a time")
        if instants:
            return self.add(f"{instants[0].name} + {span}", parts, CellKind.INSTANT)
        if not days:
            kind = (
                CellKind.SECONDS
                if any(part.kind in {CellKind.SECONDS, CellKind.CLOCK} for part in parts)
                else CellKind.NUMBER
            )
            return self.add(seconds if kind is CellKind.SECONDS else number_text_sql(seconds), parts, kind)
        local = self.add(f"CAST({days[0].name} AS TIMESTAMP) + {span}", parts, CellKind.TEXT)
        utc = self.add(to_utc_sql(local.name, self.zone), [local], CellKind.INSTANT)
        if spec.after is not None:
            earlier = self.named(spec.after)
            later = to_utc_sql(f"({local.name} + INTERVAL 1 DAY)", self.zone)
            utc = self.add(
                f"CASE WHEN {utc.name} < {earlier.name} THEN {later} ELSE {utc.name} END",
                [utc, earlier],
                CellKind.INSTANT,
            )
        shown = self.add(f"CAST({local.name} AS VARCHAR)", [local], CellKind.TEXT, parts[-1].label)
        self.blame(
            f"{local.name} IS NOT NULL AND {utc.name} IS NULL", shown, f"a time that does not exist in {self.zone}"
        )
        return utc

    def subtracted(self, spec: Value, parts: list[Node]) -> Node:
        """The seconds between two instants or clocks, or the difference of two numbers."""
        first, second = parts
        if first.kind is CellKind.INSTANT:
            between = f"(epoch_us({first.name}) - epoch_us({second.name})) / 1e6"
        elif first.kind in {CellKind.DAY, CellKind.MONTH}:
            between = f"date_diff('day', {second.name}, {first.name}) * {_DAY_S}"
        else:
            between = f"TRY_CAST({first.name} AS DOUBLE) - TRY_CAST({second.name} AS DOUBLE)"
            if first.kind is CellKind.NUMBER:
                return self.add(number_text_sql(between), parts, CellKind.NUMBER)
        if spec.over_midnight:
            between = f"CASE WHEN {between} < 0 THEN {between} + {_DAY_S} ELSE {between} END"
        return self.add(between, parts, CellKind.SECONDS)

    def multiplied(self, parts: list[Node]) -> Node:
        """A mean times what it is the mean of: seconds where one of the two is a duration."""
        product = " * ".join(f"TRY_CAST({part.name} AS DOUBLE)" for part in parts)
        if any(part.kind in {CellKind.SECONDS, CellKind.CLOCK} for part in parts):
            return self.add(product, parts, CellKind.SECONDS)
        return self.add(number_text_sql(product), parts, CellKind.NUMBER)

    def divided(self, parts: list[Node]) -> Node:
        """One number by another, such as an amount by its quantity; nothing where that is 0."""
        by = f"nullif(TRY_CAST({parts[1].name} AS DOUBLE), 0)"
        return self.add(number_text_sql(f"(TRY_CAST({parts[0].name} AS DOUBLE) / {by})"), parts, CellKind.NUMBER)

    # -- what is done to them

    def worded(self, spec: Value, node: Node, guard: Node | None) -> Node:
        """Text to text: null spellings, a part of it, value maps, a default."""
        if spec.nulls:
            nulls = ", ".join(literal(null.lower()) for null in spec.nulls)
            node = self.like(f"CASE WHEN lower({node.name}) IN ({nulls}) THEN NULL ELSE {node.name} END", node)
        if spec.pattern is not None:
            taken = f"nullif(regexp_extract({node.name}, {literal(spec.pattern)}, 1), '')"
            node = self.mapped(
                taken, node, [], "empty" if spec.unlisted == "empty" else "refuse", f"does not look like {spec.pattern}"
            )
        if spec.values is not None:
            arms = " ".join(f"WHEN {literal(key.lower())} THEN {literal(value)}" for key, value in spec.values.items())
            node = self.mapped(
                f"CASE lower({node.name}) {arms} END" if arms else "NULL",
                node,
                [],
                spec.unlisted,
                "not among the values of the mapping",
            )
        if spec.map is not None:
            over, day = [], "NULL"
            if spec.on is not None:
                on = self.named(spec.on)
                over = [on]
                day = on.name if on.kind is not CellKind.INSTANT else local_day_sql(on.name, self.zone)
            dates = f"AND (m.start IS NULL OR {day} >= m.start) AND (m.stop IS NULL OR {day} < m.stop)"
            listed = f"m.key = lower({node.name}) {dates if over else ''}"
            sql = f"(SELECT max(m.value) FROM {map_table(spec.map)} m WHERE {listed})"
            node = self.mapped(sql, node, over, spec.unlisted, f"not in {spec.map}" + (" on its day" if over else ""))
        if spec.default is not None:
            text = f"coalesce({node.name}, {literal(spec.default)})"
            node = self.like(text if guard is None else f"CASE WHEN {guard.name} THEN {text} END", node, guard)
        return node

    def like(self, sql: str, node: Node, other: Node | None = None) -> Node:
        """Another text in the place of one, blamed on the same cell."""
        return self.add(sql, [node] if other is None else [node, other], node.kind, node.label, node.text)

    def mapped(self, sql: str, node: Node, over: list[Node], unlisted: str, reason: str) -> Node:
        """A text mapped to another; what is not listed is kept, emptied or refused."""
        mapped_node = self.add(sql, [node, *over], CellKind.TEXT, node.label, node.text)
        if unlisted == "refuse":
            self.blame(f"{node.name} IS NOT NULL AND {mapped_node.name} IS NULL", mapped_node, reason)
        if unlisted != "keep":
            return mapped_node
        return self.add(
            f"coalesce({mapped_node.name}, {node.name})", [mapped_node, node], CellKind.TEXT, node.label, node.text
        )

    def converted(self, spec: Value, node: Node) -> Node:
        """From the kind that a value has to the kind that it is read as."""
        wanted = spec.kind or node.kind
        if node.kind is wanted:
            return node
        if node.kind is CellKind.TEXT:
            return self.read(spec, node, wanted)
        sql = self.conversion(spec, node, wanted)
        if sql is not None:
            return self.like_kind(sql, node, wanted)
        return self.read(spec, self.like_kind(canonical_sql(node.kind, node.name), node, CellKind.TEXT), wanted)

    def conversion(self, spec: Value, node: Node, wanted: CellKind) -> str | None:
        """SQL from kind to kind where no text has to be read for it."""
        day = local_day_sql(node.name, self.book_zone)
        start = to_utc_sql(f"CAST({node.name} AS TIMESTAMP)", self.zone)
        scale = {"ms": "0.001", "s": "1", "min": "60", "h": "3600", "d": "86400"}[spec.unit or "s"]
        ways = {
            (CellKind.INSTANT, CellKind.DAY): day,
            (CellKind.INSTANT, CellKind.MONTH): f"CAST(date_trunc('month', {day}) AS DATE)",
            (CellKind.DAY, CellKind.MONTH): f"CAST(date_trunc('month', {node.name}) AS DATE)",
            (CellKind.MONTH, CellKind.DAY): node.name,
            (CellKind.DAY, CellKind.INSTANT): start,
            (CellKind.MONTH, CellKind.INSTANT): start,
            (CellKind.NUMBER, CellKind.SECONDS): f"TRY_CAST({node.name} AS DOUBLE) * {scale}",
            (CellKind.SECONDS, CellKind.NUMBER): number_text_sql(node.name),
            (CellKind.CLOCK, CellKind.NUMBER): number_text_sql(node.name),
            (CellKind.SECONDS, CellKind.CLOCK): node.name,
            (CellKind.CLOCK, CellKind.SECONDS): node.name,
        }
        return canonical_sql(node.kind, node.name) if wanted is CellKind.TEXT else ways.get((node.kind, wanted))

    def like_kind(self, sql: str, node: Node, kind: CellKind) -> Node:
        """The same value as another kind."""
        return self.add(sql, [node], kind, node.label, node.text)

    def read(self, spec: Value, node: Node, wanted: CellKind) -> Node:
        """Text to a value of a kind; text that is none is a fault."""
        text, formats, decimal = node.name, spec.formats, spec.decimal or self.mapping.decimal or "."
        if wanted in {CellKind.INSTANT, CellKind.DAY, CellKind.MONTH}:
            return self.read_time(node, formats, wanted)
        sql = {
            CellKind.CLOCK: lambda: clock_sql(text),
            CellKind.SECONDS: lambda: seconds_sql(text, spec.unit or "s", decimal, spec.clock),
            CellKind.NUMBER: lambda: number_sql(text, decimal),
            CellKind.FLAG: lambda: flag_sql(text),
        }[wanted]()
        found = self.like_kind(sql, node, wanted)
        self.blame(f"{text} IS NOT NULL AND {found.name} IS NULL", found, EXPECTED[wanted])
        return found

    def read_time(self, node: Node, formats: tuple[str, ...], wanted: CellKind) -> Node:
        """An instant, a day or a month; the first day of 1970 is how software writes that there is none."""
        text = node.name
        local = self.like_kind(local_by_format_sql(text, formats), node, CellKind.TEXT)
        fixed = utc_by_format_sql(text, formats)
        if wanted is CellKind.INSTANT:
            iso = f"coalesce({fixed}, {iso_instant_sql(text, self.zone)})"
            sql = f"CASE WHEN {local.name} IS NOT NULL THEN {to_utc_sql(local.name, self.zone)} ELSE {iso} END"
            means = self.bare_day()
            if means is not BareDay.REFUSED:
                day = self.like_kind(bare_day_sql(text, formats), node, CellKind.DAY)
                sql = f"coalesce({convert.bare_day_sql(means, day.name, self.book_zone)}, {sql})"
        else:
            iso = iso_day_sql(text, self.zone, self.book_zone) if wanted is CellKind.DAY else iso_month_sql(text)
            own_day = f"CAST({local.name} AS DATE)"
            if (
                wanted is CellKind.DAY and self.zone != self.book_zone
            ):  # a time of day elsewhere, which may be tomorrow here
                timed = f"{local.name} <> date_trunc('day', {local.name})"
                here = local_day_sql(to_utc_sql(local.name, self.zone), self.book_zone)
                own_day = f"CASE WHEN {timed} THEN {here} ELSE {own_day} END"
            sql = f"coalesce({own_day}, {local_day_sql(fixed, self.book_zone)}, {iso})"
            sql = sql if wanted is CellKind.DAY else f"CAST(date_trunc('month', {sql}) AS DATE)"
        time_node = self.add(sql, [node, local], wanted, node.label, node.text)
        if wanted is CellKind.MONTH:  # a series may well have a January of 1970
            self.blame(f"{text} IS NOT NULL AND {time_node.name} IS NULL", time_node, _expected(wanted, formats))
            return time_node
        same = f"coalesce({local.name} = TIMESTAMP '{EPOCH}' OR {fixed} = TIMESTAMP '{EPOCH}', false)"
        epoch = f"({text} LIKE '{EPOCH}%' OR {same})"
        kept = self.add(
            f"CASE WHEN {epoch} THEN NULL ELSE {time_node.name} END",
            [time_node, node, local],
            wanted,
            node.label,
            node.text,
        )
        unread = f"{text} IS NOT NULL AND {time_node.name} IS NULL AND NOT {epoch}"
        if wanted is CellKind.INSTANT:
            gap = f"a time that does not exist in {self.zone}"
            naive = f"regexp_full_match({text}, {_NAIVE}) AND TRY_CAST({text} AS TIMESTAMP) IS NOT NULL"
            self.blame(f"{unread} AND ({local.name} IS NOT NULL OR {naive})", kept, gap)
        self.blame(unread, kept, _expected(wanted, formats))
        return kept

    def bare_day(self) -> BareDay:
        """What a day without a time means in the column that is being worked out."""
        column = self.mapping.target.by_name.get(self.column)
        return BareDay.REFUSED if column is None or self.is_term else column.bare_day

    def finished(self, spec: Value, node: Node, guard: Node | None) -> Node:
        """A factor, and a default for values that were never text."""
        if spec.times is not None:
            product = f"TRY_CAST({node.name} AS DOUBLE) * {spec.times!r}"
            node = self.like_kind(
                number_text_sql(product) if node.kind is CellKind.NUMBER else product, node, node.kind
            )
        composed = _is_reckoned(spec) or spec.use is not None
        if spec.default is not None and composed and node.kind in {CellKind.NUMBER, CellKind.SECONDS}:
            other = (
                literal(spec.default) if node.kind is CellKind.NUMBER else f"CAST({literal(spec.default)} AS DOUBLE)"
            )
            filled = f"coalesce({node.name}, {other})"
            if guard is None:
                return self.like_kind(filled, node, node.kind)
            sql = f"CASE WHEN {guard.name} THEN {filled} END"
            return self.add(sql, [node, guard], node.kind, node.label, node.text)
        return node

    # -- conditions

    def any_of(self, conditions: Sequence[Condition]) -> Node:
        """One of them holds."""
        nodes = [self.condition(one) for one in conditions]
        return self.add(" OR ".join(f"coalesce({node.name}, false)" for node in nodes), nodes, CellKind.FLAG)

    def condition(self, condition: Condition) -> Node:
        """Whether a condition holds; NULL counts as no."""
        node = self.named(condition.use) if condition.use is not None else self.cell(condition.column)
        text = canonical_sql(node.kind, node.name)
        if condition.empty is not None:
            sql = f"{node.name} IS NULL" if condition.empty else f"{node.name} IS NOT NULL"
        elif condition.among is not None:
            sql = _among(text, condition.among)
        elif condition.beside is not None:
            sql = f"NOT coalesce({_among(text, condition.beside)}, false)"
        else:
            plain = number_sql(node.name, self.mapping.decimal or ".") if node.kind is CellKind.TEXT else node.name
            number = f"TRY_CAST({plain} AS DOUBLE)"
            bounds = [f"{number} > {condition.above!r}"] if condition.above is not None else []
            bounds += [f"{number} < {condition.below!r}"] if condition.below is not None else []
            sql = " AND ".join(bounds)
        return self.add(sql, [node], CellKind.FLAG)


def _is_reckoned(spec: Value) -> bool:
    """Whether a value is worked out from others."""
    return bool(spec.total or spec.difference or spec.product or spec.quotient)


def _expected(kind: CellKind, formats: tuple[str, ...]) -> str:
    return EXPECTED[kind] + (f"; the mapping reads it as {' or '.join(formats)}" if formats else "")


def _among(text: str, listed: tuple[str, ...]) -> str:
    plain = [literal(one.lower()) for one in listed if not one.startswith("re:")]
    tests = [f"lower({text}) IN ({', '.join(plain)})"] if plain else []
    tests += [f"regexp_full_match({text}, {literal('(?i)' + one[3:])})" for one in listed if one.startswith("re:")]
    return f"({' OR '.join(tests)})" if tests else "false"


def map_table(name: str) -> str:
    """The engine's name of a dated map."""
    return quoted(f"map of {name}")
