"""Where the files of a book lie: what both sides see at its top, a side's own below `private/`."""

from pathlib import Path

from comity.book.definition import UnusableBookError
from comity.core.values import Side

HIDDEN_FOLDER = ".comity"  # the folder of what Comity itself keeps beside tables
TABLE_SUFFIXES = (".parquet", ".csv", ".csv.gz")
OWN_COLUMNS = ".columns"  # contacts.columns.parquet: the key, and a side's private columns of contacts


def owner_folder(book: Path, owner: Side | None) -> Path:
    """Where what belongs to an owner lies: the book itself, or a side's private folder."""
    return book if owner is None else book / "private" / owner.value


def holds_table(file: Path, folder: Path, name: str) -> bool:
    """Whether a file, or a part of a folder, holds what goes by this name."""
    first = file.relative_to(folder).parts[0]
    return first == name or first.removesuffix(".gz").removesuffix(".csv").removesuffix(".parquet") == name


def table_files(folder: Path, name: str) -> list[Path]:
    """The files that hold a table in a folder: one file, or the Parquet parts of a folder of its name.

    :raises UnusableBookError: when the table is there twice
    """
    files = [folder / f"{name}{suffix}" for suffix in TABLE_SUFFIXES if (folder / f"{name}{suffix}").is_file()]
    parts = folder / name
    if parts.is_dir():
        files += sorted(parts.glob("*.parquet"))
    forms = {file.parent == parts for file in files}
    if len(forms) > 1 or (forms == {False} and len(files) > 1):
        names = ", ".join(str(file.relative_to(folder)) for file in files)
        msg = f"the table {name} is there more than once ({names}); keep one of them"
        raise UnusableBookError(msg, file=folder)
    return files
