"""What somebody may say of how a file is laid out."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class FileOptions:
    """How the file is laid out; whatever is not said is found out by looking."""

    kind: str | None = None  # delimited, workbook, json, parquet
    encoding: str | None = None
    delimiter: str | None = None
    quote: str = '"'
    sheet: str | None = None  # a name, re:PATTERN, or all
    header_rows: int = 1
    header_has: str | None = None  # the header is the first row with this cell
    skip_rows: int = 0
    header_names: tuple[str, ...] = ()  # what the columns of a text file are, in their order, where it has no header
    fill_down: tuple[str, ...] = ()  # headers whose empty cells mean what stands above them
    records: str | None = None  # JSON: where the list of records stands
    lines: bool | None = None  # JSON: one record a line
    each: str | None = None  # JSON: a list in each record, every entry of which is a row
