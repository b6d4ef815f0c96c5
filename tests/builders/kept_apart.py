"""What each side keeps to itself, planted in a table, a column and a row of its own; and looking for it in files."""

import io
import zipfile

from comity.core.values import Side

KPI = """
[private]
provider = ["costs", "staff", "intervals.handle_s", "events[kind=storm]"]
customer = ["prices", "contacts.reason"]
[review]
period = "month"
[[kpi]]
id = "service_level"
answer_within_s = 20
abandons = "count"
target = 0.8
patience_s = 180
"""
# What each side keeps to itself, planted in a table, a column and a row of its own.
OURS = {Side.PROVIDER: ("4711.13", "Zebulon", "provider-storm"), Side.CUSTOMER: ("8128.77", "Quixote-reason")}


def _rows(name, content):
    """A table of an archive as text, with what its file remembers; another file as it is."""
    from pyarrow import parquet

    if not name.endswith(".parquet"):
        return content
    table = parquet.read_table(io.BytesIO(content))
    return repr((table.to_pylist(), table.schema.metadata)).encode()


def unpacked(content):
    """What a file says: workbooks and slides are archives, and the text of a PDF is packed."""
    from pypdf import PdfReader

    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return b"\n".join(_rows(name, archive.read(name)) for name in archive.namelist())
    if content.startswith(b"%PDF"):
        return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages).encode()
    return content
