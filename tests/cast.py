"""The cast of every test: a customer, a provider, one who stands on neither side, a stranger; and their book."""

from pathlib import Path

from comity.core.values import Side, Viewer

RELATIONSHIP = "northwind/helpline"
CUSTOMER = Viewer("Ana", RELATIONSHIP, Side.CUSTOMER)
PROVIDER = Viewer("Ben", RELATIONSHIP, Side.PROVIDER)
JOINT = Viewer("Ines", RELATIONSHIP, None)
STRANGER = Viewer("Max", "elsewhere/other", Side.CUSTOMER)

BOOK = """
[book]
name = "Northwind with Helpline"
currency = "EUR"
timezone = "Europe/Madrid"
[parties.customer]
id = "northwind"
name = "Northwind Energy"
[parties.provider]
id = "helpline"
name = "Helpline"
"""


def write_book(folder: Path, toml: str = "", **tables: str) -> Path:
    """A book folder: the cast's `book.toml`, continued by `toml`, and each table as the CSV that is given.

    A `toml` that begins with `[book]` stands alone. `private__provider__costs` writes `private/provider/costs.csv`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    whole = toml if toml.lstrip().startswith("[book]") else BOOK + toml
    (folder / "book.toml").write_text(whole, encoding="utf-8")
    for name, text in tables.items():
        file = folder.joinpath(*name.split("__")).with_suffix(".csv")
        file.parent.mkdir(parents=True, exist_ok=True)
        lines = [line.strip() for line in text.strip().splitlines()]
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder
