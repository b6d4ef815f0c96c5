"""What stands on the sheets of a text: settings of a KPI's own measure, and what is agreed for later."""

from comity.apps.agreements.text.papers import field_rows
from comity.apps.i18n import words_for
from comity.core.agreements.clauses import Clause, complete
from comity.core.agreements.kinds import Kind


def labels(**fields: object) -> set[str]:
    """The labels under which a KPI's settings are printed."""
    kpi = Clause("k", Kind.KPI, complete(Kind.KPI, fields))
    return {label for label, _ in field_rows(kpi, words_for("en"), {})}


def test_only_settings_of_a_kpis_own_measure_are_printed():
    level = labels(measure="service_level", target="0.8")
    assert "Answered within" in level
    assert not {"Repeat window, days", "Formula", "Volume within the forecast by"} & level
    assert "Answered within" not in labels(measure="abandonment", target="0.1")
    assert "Repeat window, days" in labels(measure="repeat_contact", target="0.1")


def test_a_setting_that_says_something_is_printed_whatever_the_measure():
    """Both signed it: what is not as it is by default is on the paper too."""
    assert "Volume within the forecast by" in labels(measure="service_level", volume_band="0.1")
    assert "Repeat window, days" in labels(measure="service_level", within_days=9)
