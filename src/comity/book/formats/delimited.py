"""Delimited text as people really have it: any delimiter, encoding, line end, byte-order mark, packed or not."""

import codecs
import csv
import gzip
import hashlib
import io
import itertools
import re
import stat
import zlib
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

import charset_normalizer
import pyarrow as pa
import pyarrow.csv as pc
from pyarrow import compute

from comity.book.formats.options import FileOptions
from comity.book.formats.runaway_quotes import find_runaway_quote
from comity.book.formats.sheet import (
    ROW_HEADER,
    MalformedRow,
    Sheet,
    UnusableSourceError,
    batch_schema,
    join_header_rows,
    unique_headers,
)
from comity.book.plurals import plural

DELIMITERS = (",", ";", "\t", "|")
_DELIMITER_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE = 256 * 1024
_LONGEST_HEADER = 16 * 1024 * 1024
_BLOCK = 4 * 1024 * 1024
_SAMPLE_ROWS = 200
_BROKEN_KEPT = 100_000
_MOST_FOOTERS = 20  # lines below the records that are taken for a report's foot
_FEWEST_CELLS = 3  # of a row, for a line with one cell to be none
_MOST_COLUMNS = 50_000  # far more than any spreadsheet has
_TOO_DENSE = 100  # text packs to a tenth
_HARMLESS = 200 * 2**20
_GZIP_MAGIC = b"\x1f\x8b"
_SEPARATOR_LINE = re.compile(r"^\ufeff?[sS][eE][pP]=([^\r\n\"])[ \t,;]*(?:\r\n|\r|\n)")
_FORMULA_QUOTE = re.compile(r"^'(?=[=+\-@\t\r\n])")
_UTF8 = ("utf-8", "utf-8-sig")


@dataclass(frozen=True, slots=True)
class FileScan:
    """What a first pass over a file's bytes found out."""

    digest: str
    size: int
    packed: bool
    sample: bytes
    utf8: bool
    has_nul: bool
    line_ends: int = 0
    damaged: int | None = None  # the line from which text that was UTF-8 is not


def scan_file(path: Path) -> FileScan:
    """Read every byte once: the digest, whether the packing is whole, whether the text is UTF-8.

    :raises UnusableSourceError: when the file is absent, empty, or packed and broken off
    """
    digest, size, head = hashlib.sha256(), 0, b""
    refuse_irregular(path)
    try:
        with path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                head = head or block[:2]
                digest.update(block)
                size += len(block)
    except FileNotFoundError:
        msg = "there is no such file"
        raise UnusableSourceError(msg, file=path) from None
    except (OSError, ValueError) as error:  # a zero sign in a name is a ValueError
        msg = f"cannot be read: {getattr(error, 'strerror', None) or error}"
        raise UnusableSourceError(msg, file=path) from None
    if size == 0:
        msg = "the file is empty"
        raise UnusableSourceError(msg, file=path)
    packed = head == _GZIP_MAGIC
    sample, utf8, has_nul, line_ends, whole = b"", _Utf8(), False, 0, 0
    try:
        with open_unpacked(path, packed=packed) as stream:
            while block := stream.read(_BLOCK):
                whole += len(block)
                if whole > max(_HARMLESS, size * _TOO_DENSE):
                    msg = f"would unpack to more than {_TOO_DENSE} times its size; unpack it if that is no trap"
                    raise UnusableSourceError(msg, file=path)
                sample += block[: max(0, _SAMPLE - len(sample))]
                has_nul = has_nul or b"\0" in block
                utf8.feed(block, line_ends)
                line_ends += block.count(b"\n") + block.count(b"\r") - block.count(b"\r\n")
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        msg = f"the packed file is broken off or damaged ({error}); fetch it again"
        raise UnusableSourceError(msg, file=path) from None
    utf8.feed(b"", final=True)
    return FileScan(digest.hexdigest(), size, packed, sample, utf8.holds, has_nul, line_ends, utf8.damaged)


def refuse_irregular(path: Path) -> None:
    """Refuse what is no file, such as a device or a pipe, that would never end or be read only once.

    :raises UnusableSourceError: for these, and for a path that cannot be one
    """
    try:
        mode = path.stat().st_mode
    except (OSError, ValueError):
        return  # absent: opening it says so
    if not stat.S_ISREG(mode):
        what = "is a folder; name the file in it" if stat.S_ISDIR(mode) else "is no file; save the records as one"
        raise UnusableSourceError(what, file=path)


class _Utf8:
    """Whether all blocks fed are UTF-8, one after the other; if only the first of them were, up to which line."""

    def __init__(self) -> None:
        self.holds = True
        self.damaged: int | None = None
        self._beyond_ascii = False
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def feed(self, block: bytes, lines: int = 0, *, final: bool = False) -> None:
        if not self.holds:
            return
        try:
            self._beyond_ascii |= not self._decoder.decode(block, final).isascii()
        except UnicodeDecodeError as error:
            self.holds = False
            before = error.object[: error.start]
            if self._beyond_ascii or not before.isascii():  # else it was never said to be UTF-8
                self.damaged = lines + before.count(b"\n") + 1


def open_unpacked(path: Path, *, packed: bool) -> BinaryIO:
    """The file's bytes, unpacked where it is packed."""
    return cast("BinaryIO", gzip.open(path, "rb")) if packed else path.open("rb")


def detect_encoding(path: Path, seen: FileScan, wanted: str | None) -> tuple[str, str | None]:
    """The encoding to read by, and what to tell of it where it was not plain.

    :raises UnusableSourceError: for bytes that are no text, or not in the encoding asked for
    """
    for mark, encoding in _MARKS:
        if seen.sample.startswith(mark):
            return encoding, None if encoding == "utf-8-sig" else f"read as {encoding}, by its byte-order mark"
    if wanted is not None:
        return wanted, None
    if seen.has_nul:
        head = seen.sample[:4096]
        for encoding, at in (("utf-16-le", 1), ("utf-16-be", 0)):
            if head[at::2].count(0) > len(head) * 0.4:
                return encoding, f"read as {encoding}; the file does not say so itself"
        msg = "holds zero bytes and is no text; export it again as CSV or XLSX"
        raise UnusableSourceError(msg, file=path)
    if seen.utf8:
        return "utf-8", None
    if seen.damaged is not None:
        msg = (
            "the text is UTF-8 up to here and then is not; save it again as UTF-8, "
            "or write `encoding = ...` under [file] of the mapping"
        )
        raise UnusableSourceError(msg, file=path, line=seen.damaged)
    return _guess_encoding(path, seen)


def _guess_encoding(path: Path, seen: FileScan) -> tuple[str, str]:
    """What text that is not UTF-8 seems to be in."""
    try:
        seen.sample.decode("cp1252")
    except UnicodeDecodeError:
        best = charset_normalizer.from_bytes(seen.sample).best()
        if best is None:
            msg = "the encoding cannot be told; write `encoding = ...` under [file] of the mapping"
            raise UnusableSourceError(msg, file=path) from None
        return best.encoding, f"not UTF-8; read as {best.encoding}, which is a guess"
    return "cp1252", "not UTF-8; read as Windows-1252, which is a guess"


def detect_delimiter(text: str) -> str:
    """The delimiter that cuts the sample into rows of the most regular width; a comma where none does."""
    best, best_score = ",", 0.0
    for delimiter in DELIMITERS:
        widths = []
        try:
            for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter):
                if row:
                    widths.append(len(row))
                if len(widths) == _SAMPLE_ROWS:
                    break
        except csv.Error:
            continue
        if not widths:
            continue
        cut = [width for width in widths if width > 1]  # titles and feet have one cell
        if not cut:
            continue
        usual = max(sorted(set(cut)), key=cut.count)
        score = cut.count(usual) / len(widths) * (1 + usual / 10_000)
        if score > best_score:
            best, best_score = delimiter, score
    return best


@dataclass(slots=True)
class _Layout:
    path: Path
    packed: bool
    encoding: str
    delimiter: str
    quote: str
    first_line: int  # physical lines before the data
    line_ends: int  # in the whole file
    block: int  # bytes that are parsed at once: the longest that a row may be


class DelimitedSheet(Sheet):
    """The rows of a delimited text file."""

    layout: _Layout

    @property
    def delimiter(self) -> str:
        """What cuts its rows."""
        return self.layout.delimiter

    def batches(self, wanted: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Stream the file in blocks; a row of another width becomes a broken row."""
        self.broken.clear()
        self.footers = []
        width = len(self.headers)
        names = [f"h{i}" for i in range(width)]
        places = {header: f"h{i}" for i, header in enumerate(self.headers)}
        used = [places[header] for header in wanted]
        broken = 0
        came_back = self.find(ROW_HEADER) is not None

        def aside(_: pc.InvalidRow) -> str:
            nonlocal broken
            broken += 1
            return "skip" if broken <= _BROKEN_KEPT else "error"

        # A file without a single data row is no error of pyarrow's to raise.
        out, row = batch_schema(wanted), 0
        include = sorted(set(used), key=lambda name: int(name[1:])) or names[:1]
        try:
            with self._stream() as stream:
                reader = pc.open_csv(
                    stream,
                    read_options=pc.ReadOptions(
                        use_threads=False,
                        block_size=self.layout.block,
                        skip_rows=self.layout.first_line,
                        column_names=names,
                    ),
                    parse_options=pc.ParseOptions(
                        delimiter=self.layout.delimiter,
                        quote_char=self.layout.quote,
                        newlines_in_values=True,
                        invalid_row_handler=aside,
                    ),
                    convert_options=pc.ConvertOptions(
                        column_types=dict.fromkeys(include, pa.string()),
                        include_columns=include,
                        strings_can_be_null=False,
                    ),
                )
                for batch in reader:
                    ordinals = pa.array(range(row, row + batch.num_rows), pa.int64())
                    columns = [batch.column(batch.schema.get_field_index(name)) for name in used]
                    columns = [_without_quote(column) for column in columns] if came_back else columns
                    yield pa.RecordBatch.from_arrays([ordinals, *columns], schema=out)
                    row += batch.num_rows
        except pa.ArrowInvalid as error:
            if broken > _BROKEN_KEPT:
                msg = f"more than {_BROKEN_KEPT:,} rows have more or fewer cells than the header"
                raise UnusableSourceError(msg, file=self.layout.path) from None
            if "straddling" in str(error) or "out of sync" in str(error):
                self._refuse_long()
            if "Empty CSV" not in str(error) and "Could not skip initial" not in str(error):
                msg = f"cannot be read as delimited text: {_first(error)}"
                raise UnusableSourceError(msg, file=self.layout.path) from None
        except OSError as error:
            msg = f"cannot be read to its end ({_first(error)}); fetch it again"
            raise UnusableSourceError(msg, file=self.layout.path) from None
        except (UnicodeError, LookupError) as error:
            msg = f"is not in the encoding {self.layout.encoding} ({error})"
            raise UnusableSourceError(msg, file=self.layout.path) from None
        self._tell_broken(broken)
        if self.layout.line_ends > self.layout.first_line + row + broken:  # cells run over lines, or lines are empty
            self._refuse_swallowed()

    def _refuse_long(self) -> None:
        """Name the row that is longer than what is parsed at once."""
        for _ in self.records():
            pass
        msg = f"a row is longer than {self.layout.block // 2**20} MiB"
        raise UnusableSourceError(msg, file=self.layout.path) from None

    def _refuse_swallowed(self) -> None:
        """Refuse a file in which a quotation mark too many makes one cell of several rows."""
        found = find_runaway_quote(self.records(), len(self.headers), self.layout.delimiter)
        if found is not None:
            line, count = found
            msg = (
                f"a quotation mark opens a cell here that holds {count:,} further "
                f"rows; take it out, or write it twice, in a cell of its own marks"
            )
            raise UnusableSourceError(msg, file=self.layout.path, line=line)

    def _stream(self) -> Any:  # noqa: ANN401 - pyarrow has no types
        layout = self.layout
        stream = pa.input_stream(str(layout.path), compression="gzip" if layout.packed else None)
        if layout.encoding in _UTF8:
            return stream
        return pa.transcoding_input_stream(stream, layout.encoding, "utf-8")

    def records(self) -> Iterator[tuple[int, list[str]]]:
        """Every record after the header with the line on which it begins, by a second, slower way."""
        layout = self.layout
        with (
            closing(open_unpacked(layout.path, packed=layout.packed)) as raw,
            io.TextIOWrapper(raw, encoding=layout.encoding, errors="replace", newline="") as text,
        ):
            lines = _lines(text, layout)
            for _ in range(layout.first_line):
                next(lines, None)
            csv.field_size_limit(layout.block)
            reader = csv.reader(lines, delimiter=layout.delimiter, quotechar=layout.quote)
            start = 1
            try:
                for record in reader:
                    if record:
                        yield layout.first_line + start, record
                    start = reader.line_num + 1
            except csv.Error as error:
                msg = f"{error}; is a quotation mark never closed?"
                raise UnusableSourceError(msg, file=layout.path, line=layout.first_line + start) from None

    def lines(self, rows: Sequence[int]) -> dict[int, int]:
        """Find lines by reading the file again up to the last row asked for."""
        wanted, lines, row, width = set(rows), {}, 0, len(self.headers)
        last = max(wanted, default=-1)
        for line, record in self.records():
            if row > last:
                break
            if len(record) == width:
                if row in wanted:
                    lines[row] = line
                row += 1
        return lines

    def _tell_broken(self, count: int) -> None:
        """Name the rows of another width with their lines."""
        if not count:
            return
        width, single = len(self.headers), 0
        for line, record in self.records():
            single = single + 1 if len(record) == 1 < width and _is_prose(record[0]) else 0
            if len(record) != width:
                text = self.layout.delimiter.join(record)
                reason = f"{plural(len(record), 'cell', 'cells')} where the header has {width}"
                self.broken.append(MalformedRow(line, text, reason))
        if len(self.broken) == count and 0 < single <= _MOST_FOOTERS and width >= _FEWEST_CELLS:
            # Nothing but lines of text after the last record: what a report prints at its foot.
            self.footers = [row.text for row in self.broken[-single:]]
            del self.broken[-single:]
            count -= single
        if len(self.broken) != count:
            msg = "its rows cannot be told apart; check its quotation marks and line ends"
            raise UnusableSourceError(msg, file=self.layout.path)


def _is_prose(text: str) -> bool:
    """Whether a line says something, and is no record cut at another sign."""
    return len(text.split()) > 1 and all(text.count(sign) < _FEWEST_CELLS - 1 for sign in DELIMITERS)


def _lines(text: io.TextIOWrapper, layout: _Layout) -> Iterator[str]:
    """Lines, none of which is without end."""
    for number in itertools.count(1):
        line = text.readline(layout.block + 1)
        if len(line) > layout.block:
            msg = f"is longer than {layout.block // 2**20} MiB; is it text?"
            raise UnusableSourceError(msg, file=layout.path, line=number)
        if not line:
            return
        yield line


def delimited_sheet(  # noqa: PLR0913 - what [file] of a mapping can say
    path: Path,
    seen: FileScan,
    *,
    encoding: str | None = None,
    delimiter: str | None = None,
    quote: str = '"',
    header_rows: int = 1,
    skip_rows: int = 0,
    header_has: str | None = None,
    header_names: Sequence[str] = (),
) -> tuple[DelimitedSheet, list[str]]:
    """Open a delimited text file; what had to be guessed is told in the notes.

    :param header_names: what its columns are where it has no header

    :raises UnusableSourceError: when it is no text, or has no header
    """
    encoding_found, note = detect_encoding(path, seen, encoding)
    notes = [note] if note else []
    text = _decode(path, seen.sample, encoding_found)
    guessed = delimiter is None
    delimiter, declared = _delimiter(text, delimiter, skip_rows)
    if declared:
        skip_rows = max(skip_rows, 1)
    elif guessed and delimiter != ",":
        notes.append(f"columns separated by a {_DELIMITER_NAMES[delimiter]}")
    if header_names:
        sheet = DelimitedSheet(None, tuple(header_names))
        sheet.layout = _Layout(path, seen.packed, encoding_found, delimiter, quote, skip_rows, seen.line_ends, _BLOCK)
        return sheet, notes
    looking = (delimiter, quote, header_rows, skip_rows, header_has)
    rows, first_line, end = _header(path, text, looking)
    if end >= len(text) and len(seen.sample) == _SAMPLE:  # the header goes on where the sample ends
        with open_unpacked(path, packed=seen.packed) as stream:
            text = _decode(path, stream.read(_LONGEST_HEADER), encoding_found)
        rows, first_line, end = _header(path, text, looking)
        if end >= _LONGEST_HEADER:
            msg = f"the header does not end within {_LONGEST_HEADER // 2**20} MiB; is it text with line ends?"
            raise UnusableSourceError(msg, file=path)
    if len(rows) < header_rows:
        what = f"no row holds {header_has!r}" if header_has else "there is no header row"
        raise UnusableSourceError(what, file=path)
    if max(map(len, rows), default=0) > _MOST_COLUMNS:
        msg = f"has more than {_MOST_COLUMNS:,} columns; export those that are wanted"
        raise UnusableSourceError(msg, file=path)
    headers = unique_headers(rows[0]) if header_rows == 1 else join_header_rows(rows)
    if ROW_HEADER in headers:
        headers = tuple(_FORMULA_QUOTE.sub("", header) for header in headers)
    sheet = DelimitedSheet(None, headers)
    block = max(_BLOCK, 8 * end)
    sheet.layout = _Layout(path, seen.packed, encoding_found, delimiter, quote, first_line, seen.line_ends, block)
    return sheet, notes


def first_records(path: Path, seen: FileScan, options: FileOptions, count: int) -> Iterator[tuple[int, list[str]]]:
    """The first records of a text file that hold anything, each with the number of records above it.

    :raises UnusableSourceError: for bytes that are no text
    """
    encoding, _ = detect_encoding(path, seen, options.encoding)
    text = _decode(path, seen.sample, encoding)
    delimiter, _ = _delimiter(text, options.delimiter, 0)
    csv.field_size_limit(_LONGEST_HEADER)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quotechar=options.quote)
    try:
        for number, record in enumerate(itertools.islice(reader, count)):
            if any(cell.strip() for cell in record):
                yield number, record
    except csv.Error:
        return  # whoever reads the file to its end says what is wrong


def all_records(path: Path, seen: FileScan) -> list[tuple[int, list[str]]]:
    """Every record of a small text file that holds anything, with its number from 1; held in memory.

    :raises UnusableSourceError: for bytes that are no text, and for a quotation mark that is never closed
    """
    encoding, _ = detect_encoding(path, seen, None)
    text = _decode(path, path.read_bytes(), encoding)
    delimiter, declared = _delimiter(text, None, 0)
    csv.field_size_limit(_LONGEST_HEADER)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        records = [(number, record) for number, record in enumerate(reader, 1) if any(cell.strip() for cell in record)]
    except csv.Error as error:
        msg = f"{error}; is a quotation mark never closed?"
        raise UnusableSourceError(msg, file=path, line=reader.line_num) from None
    return records[1:] if declared else records


def _delimiter(text: str, said: str | None, skip_rows: int) -> tuple[str, bool]:
    """What cuts the rows, and whether the file says so itself in a first line `sep=;`, as a spreadsheet reads it."""
    declared = _SEPARATOR_LINE.match(text)
    if said is not None:
        return said, declared is not None
    if declared is not None:
        return declared[1], True
    lines = text.splitlines(keepends=True)[skip_rows:]
    return detect_delimiter("".join(lines[:-1] if len(lines) > _SAMPLE_ROWS else lines)), False


def _without_quote(column: pa.Array) -> pa.Array:
    """Cells of a download that came back, without the quote that kept a spreadsheet from taking them for formulas."""
    return compute.replace_substring_regex(column, r"^'([=+\-@\t\r\n])", r"\1")


def _decode(path: Path, sample: bytes, encoding: str) -> str:
    """The start of a file as text."""
    try:
        io.TextIOWrapper(io.BytesIO(), encoding)  # refuses what Python calls a codec and is no text, such as hex
        return codecs.getincrementaldecoder(encoding)(errors="replace").decode(sample)
    except LookupError:
        msg = f"there is no encoding {encoding!r}; write one such as utf-8 or cp1252"
        raise UnusableSourceError(msg, file=path) from None
    except ValueError as error:
        msg = f"is not in the encoding {encoding} ({error})"
        raise UnusableSourceError(msg, file=path) from None


def _header(path: Path, text: str, looking: tuple[str, str, int, int, str | None]) -> tuple[list[list[str]], int, int]:
    """The header's rows, the physical lines up to its end, and the place in the text where it ends."""
    delimiter, quote, header_rows, skip_rows, header_has = looking
    csv.field_size_limit(_LONGEST_HEADER)
    stream = io.StringIO(text, newline="")
    reader = csv.reader(stream, delimiter=delimiter, quotechar=quote)
    rows: list[list[str]] = []
    try:
        for number, row in enumerate(reader):
            if number < skip_rows or (header_has is not None and not rows and header_has not in row):
                continue
            if not row and not rows:
                continue
            rows.append(row)
            if len(rows) == header_rows:
                break
    except csv.Error as error:
        msg = f"the header cannot be read: {error}"
        raise UnusableSourceError(msg, file=path) from None
    return rows, reader.line_num, stream.tell()


def _first(error: Exception) -> str:
    return str(error).splitlines()[0][:200]
