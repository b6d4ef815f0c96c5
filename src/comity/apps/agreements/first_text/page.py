"""What the page of a first text shows: templates with what each would add, a list of KPIs, and what is wrong in one."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django import forms

from comity.apps.agreements import operations, queries
from comity.apps.agreements.first_text.drafts import agreed_text, known_of, minting, own_drafts
from comity.apps.agreements.models import Change
from comity.apps.i18n import language, words_for
from comity.apps.parties.forms import LocalisedForm
from comity.apps.parties.member_context import MemberContext
from comity.core.agreements.clauses import Clause
from comity.core.agreements.fields import plain_decimal
from comity.core.agreements.first_text import FIRST_TEXTS, first_edits, for_reader
from comity.core.agreements.kinds import Kind
from comity.core.agreements.kpi import HIGHER, Kpi
from comity.core.agreements.kpi_list import HEADERS, IN_FILE, Column, Fault, KpiList, RowProblem
from comity.core.agreements.wordings import kpi_of
from comity.core.kpi_templates import CHANNELS, THRESHOLDS
from comity.core.levels import SECONDS, SHARE, unit
from comity.review.i18n.words import Words

MOST_SHOWN = 100  # problems of a file
_EVERYTHING = "*"
_HUNDRED = Decimal(100)
_PARTING = 3  # decimals that another reader could take for thousands
_PLACES: dict[Fault, tuple[str, ...]] = {
    Fault.TWO_COLUMNS: ("one", "other"), Fault.TOO_MANY: ("count",), Fault.AGAINST: ("target",),
    Fault.SHARE_OR_PER_CENT: ("value",), Fault.MARK: ("value",), Fault.TWO_THRESHOLDS: ("target",),
    Fault.TWICE: ("sheet", "row"), Fault.FIELD: ("what",),
}  # fmt: skip


class FirstTextForm(LocalisedForm):
    """The days of a first text, where they are known already."""

    key_prefix = "first_text"
    first_day = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}))
    ends = forms.DateField(required=False, widget=forms.DateInput(attrs={"type": "date"}))
    template = forms.ChoiceField(choices=[(name, name) for name in FIRST_TEXTS], widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        """Require a term whose last day is not before its first."""
        data: dict[str, Any] = super().clean() or {}
        first_day, ends = data.get("first_day"), data.get("ends")
        if ends is not None and (first_day is None or ends < first_day):
            self.add_error("ends", words_for(language())("first_text.ends_late"))
        return data


class KpiListForm(LocalisedForm):
    """Upload a list of KPIs."""

    key_prefix = "kpi_list"
    file = forms.FileField(widget=forms.FileInput(attrs={"accept": ".xlsx,.csv,.txt"}))


class OwnTemplateForm(LocalisedForm):
    """Upload an organisation's own template."""

    key_prefix = "own_template"
    file = forms.FileField(widget=forms.FileInput(attrs={"accept": ".toml"}))


def offer(
    member: MemberContext,
    words: Words,
    form: FirstTextForm | None = None,
    upload: KpiListForm | None = None,
    own: OwnTemplateForm | None = None,
) -> dict[str, object]:
    """Return what a first text can begin from, each template with the clauses that the agreement lacks of it.

    :raises comity.apps.books.queries.NoBookError: where there is no book
    """
    (entries, there), known, templates = agreed_text(member), known_of(member), []
    for name in FIRST_TEXTS:
        edits = first_edits(name, words.language, there, known, minting(entries))
        kpis = [words.named("measure", str(edit.fields["measure"])) for edit in edits if edit.kind is Kind.KPI]
        templates.append(
            {
                "name": name,
                "title": words(f"kpis.template_{name}"),
                "count": len(edits),
                "holds": words(
                    "first_text.holds" if kpis else "first_text.holds_no_kpi",
                    count=len(edits),
                    kpis=words.listed(kpis),
                )
                if edits
                else words("first_text.holds_nothing"),
            }
        )
    return {
        "templates": templates,
        "form": form or FirstTextForm(),
        "upload": upload or KpiListForm(),
        "own": own or OwnTemplateForm(),
        "drafts": [(row, _title(row, words)) for row in own_drafts(member)],
    }


def _title(row: Change, words: Words) -> str:
    latest = list(row.drafts.all())[-1]
    return for_reader(operations.title_of(latest.content), words.language) or words("agreement.untitled")


def problem_rows(listed: KpiList, words: Words) -> dict[str, object]:
    """Return what is wrong in a list as rows: sheet, row, column, value, and what to do."""
    shown = listed.problems[:MOST_SHOWN]
    return {
        "rows": [
            {
                "sheet": one.sheet,
                "row": words.number(one.row) if one.row else "",
                "column": one.column,
                "value": one.value,
                "do": _next_step(one, words),
            }
            for one in shown
        ],
        "count": len(listed.problems),
        "more": len(listed.problems) - len(shown),
    }


def _next_step(problem: RowProblem, words: Words) -> str:
    values = dict(zip(_PLACES.get(problem.fault, ()), problem.names, strict=True))
    if problem.fault is Fault.TWICE and not values["sheet"]:
        return words("kpi_list_fault.twice_here", row=values["row"])
    if problem.fault is Fault.DIRECTION:
        values["choices"] = words.listed([words("kpi_list.at_least"), words("kpi_list.at_most")])
    return words(f"kpi_list_fault.{problem.fault.value}", **values)


def unread_text(listed: KpiList, words: Words) -> str:
    """Return which columns and sheets of a list no draft holds; empty where all is read."""
    sheets = {sheet for sheet, _ in listed.unread_columns}
    columns = [header if len(sheets) == 1 else f"{sheet}: {header}" for sheet, header in listed.unread_columns]
    said = [words("kpi_list.unread_columns", names=", ".join(columns))] if columns else []
    said += [words("kpi_list.unread_sheets", names=", ".join(listed.unread_sheets))] if listed.unread_sheets else []
    return " ".join(said)


def list_head(words: Words) -> list[str]:
    """Return the headers of the file to fill in, in the reader's language."""
    return [HEADERS[column][words.language][0] for column in IN_FILE]


def list_rows(member: MemberContext, words: Words) -> list[list[str]]:
    """Return the KPIs that are agreed and that the member reads, as rows that a list reads back to the same."""
    _, there = agreed_text(member)
    return [_list_row(clause, words) for clause in there.of(Kind.KPI) if queries.may_read(member, clause)]


def _list_row(clause: Clause, words: Words) -> list[str]:
    fields, kpi = clause.fields, kpi_of(clause.id, clause.fields)
    name = words.named("measure", kpi.measure)
    pin = THRESHOLDS.get(kpi.measure)
    cells = {
        Column.NAME: str(fields.get("title", name)),
        Column.MEASURE: name,
        Column.TARGET: _target(clause, kpi, words),
        Column.DIRECTION: words("kpi_list.at_least" if kpi.better == HIGHER else "kpi_list.at_most"),
        Column.QUEUE: _names(kpi.queues, words),
        Column.CHANNEL: "; ".join(
            words(f"kpi_list.channel_{one}")
            if one in CHANNELS
            else words("kpi_list.all")
            if one == _EVERYTHING
            else one
            for one in kpi.channels
        ),
        Column.THRESHOLD: ""
        if pin is None
        else f"{_plain(Decimal(str(fields[pin])), words)} {'s' if pin == 'answer_within_s' else 'd'}",
        Column.CUSTOMER_OWNER: str(fields.get("customer_owner", "")),
        Column.PROVIDER_OWNER: str(fields.get("provider_owner", "")),
        Column.WHY: str(fields.get("outcome", "")),
    }
    return [cells.get(column, "") for column in IN_FILE]


def _names(names: Sequence[str], words: Words) -> str:
    return words("kpi_list.all") if _EVERYTHING in names else "; ".join(names)


def _target(clause: Clause, kpi: Kpi, words: Words) -> str:
    if "target" not in clause.fields:
        return ""
    target, counted = Decimal(str(clause.fields["target"])), unit(kpi)
    if counted == SHARE:
        return f"{_plain(target * _HUNDRED, words)} %"
    if counted == SECONDS:
        return f"{_plain(target, words)} s"
    mean = f"{words('kpi_list.mean')} " if kpi.formula == "mean" else ""
    return f"{mean}{_plain(target, words)}"


def _plain(number: Decimal, words: Words) -> str:
    """A number with all its digits, in the reader's way, that reads back as one number."""
    text = plain_decimal(number)
    whole, _, decimals = text.partition(".")
    if len(decimals) == _PARTING:
        text = f"{whole}.{decimals}0"
    return text.replace(".", ",") if words.language == "es" else text
