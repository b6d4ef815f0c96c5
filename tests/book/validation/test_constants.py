"""One value for all rows, as a German, a Spaniard and an Englishman write it."""

import pytest

from comity.book.tables import TABLES, Column, Kind
from comity.book.validation.constants import Fault, UnreadableConstantError, constant_text

ISSUED, QUANTITY = TABLES["forecasts"].by_name["issued_on"], TABLES["invoices"].by_name["quantity"]
SCALE, MINUTES = TABLES["surveys"].by_name["scale_max"], TABLES["forecasts"].by_name["minutes"]
MONTH, DECLARED = TABLES["invoices"].by_name["month"], TABLES["events"].by_name["declared_at"]
PERIOD, WAITED = TABLES["reported"].by_name["period"], TABLES["contacts"].by_name["handle_s"]
SHARE, FROM = Column("share", Kind.SHARE, "a share"), TABLES["events"].by_name["from"]


@pytest.mark.parametrize(
    ("column", "written", "language", "text"),
    [
        (ISSUED, "2026-07-15", "en", "2026-07-15"),
        (ISSUED, "15.07.2026", "en", "2026-07-15"),  # dots are day first wherever they are written
        (ISSUED, "5.7.2026", "en", "2026-07-05"),
        (ISSUED, "05/07/2026", "es", "2026-07-05"),
        (ISSUED, "15/07/2026", "en", "2026-07-15"),
        (ISSUED, "07/15/2026", "en", "2026-07-15"),
        (ISSUED, " ", "en", ""),
        (QUANTITY, "1.234,5", "en", "1234.5"),
        (QUANTITY, "1,234.5", "es", "1234.5"),
        (QUANTITY, "1.234", "en", "1.234"),
        (QUANTITY, "1.234", "es", "1234"),
        (QUANTITY, "1,234", "en", "1234"),
        (QUANTITY, "1,5", "en", "1.5"),
        (QUANTITY, "0,125", "en", "0.125"),
        (QUANTITY, "-2", "en", "-2"),
        (QUANTITY, "1 234 567,25", "es", "1234567.25"),
        (QUANTITY, "1.234.567", "en", "1234567"),
        (MINUTES, "30", "es", "30"),
        (MONTH, "2026-07", "en", "2026-07"),
        (MONTH, "7/2026", "es", "2026-07"),
        (DECLARED, "2026-07-15T09:30", "en", "2026-07-15T09:30:00"),
        (DECLARED, "15.07.2026 9:30", "en", "2026-07-15T09:30:00"),
        (FROM, "15.07.2026", "en", "2026-07-15"),  # an event may begin on a day
        (PERIOD, "2026-W23", "en", "2026-W23"),
        (SHARE, "80 %", "es", "0.8"),
    ],
)
def test_what_people_write_is_understood(column, written, language, text):
    assert constant_text(column, written, language) == text


@pytest.mark.parametrize(
    ("column", "written", "fault"),
    [
        (ISSUED, "05/07/2026", Fault.AMBIGUOUS_DAY),
        (ISSUED, "31.02.2026", Fault.DAY),
        (ISSUED, "in July", Fault.DAY),
        (ISSUED, "1000-01-01", Fault.DAY),
        (DECLARED, "15.07.2026", Fault.INSTANT),
        (DECLARED, "15.07.2026 25:00", Fault.INSTANT),
        (MONTH, "July", Fault.MONTH),
        (MONTH, "2026-13", Fault.MONTH),
        (PERIOD, "June", Fault.PERIOD),
        (SCALE, "five", Fault.NUMBER),
        (SCALE, "1.23.4", Fault.NUMBER),
        (SCALE, "1,2.3,4", Fault.NUMBER),
        (SCALE, "nan", Fault.NUMBER),
        (MINUTES, "0", Fault.ZERO),
        (MINUTES, "7,5", Fault.WHOLE),
        (WAITED, "-12", Fault.NEGATIVE),
        (SHARE, "80", Fault.SHARE),
        (TABLES["surveys"].by_name["audience"], "everybody", Fault.VALUE),
    ],
)
def test_what_is_no_such_value_is_refused_with_its_reason(column, written, fault):
    with pytest.raises(UnreadableConstantError) as refused:
        constant_text(column, written, "en")
    assert refused.value.fault is fault
