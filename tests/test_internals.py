"""docs/internals.md describes every package, every seam, and every object that many packages use; nothing else."""

import ast
import importlib
import re
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "comity"
PAGE = (ROOT / "docs" / "internals.md").read_text(encoding="utf-8")
LAYERS = ("core", "book", "review", "simulate", "apps", "web", "cli")
NAMED = set(re.findall(rf"`((?:{'|'.join(LAYERS)})(?:\.\w+)*)`", PAGE))
MANY = 3  # packages that use an object: from then on it is everybody's, and is described
# What stands at each seam, by the heading under which the page describes it.
SEAMS = {
    "Request to viewer": (
        "apps.parties.member_context.ViewerMiddleware",
        "apps.parties.member_context.MemberContext",
        "apps.parties.member_context.acting_as",
        "apps.parties.member_context.member_of",
        "apps.parties.rights.ROLE_ACTIONS",
        "core.values.Viewer",
        "book.reading.open.open_book",
    ),
    "Room to book": (
        "apps.outbox.operations.defer",
        "apps.outbox.operations.ExponentialBackoff",
        "apps.outbox.operations.recover_stalled_jobs",
        "apps.outbox.operations.retry_job",
        "apps.outbox.queries.failing_jobs",
        "apps.books.operations.write_rows",
        "book.importing.deliver.import_source",
        "book.storage.commit.commit",
    ),
    "Mail": (
        "apps.outbox.mail.OutboxBackend",
        "apps.outbox.mail.send_waiting_mail",
        "apps.outbox.models.WaitingMail",
        "apps.audit.operations.listeners",
        "apps.notifications.operations.on_event",
        "apps.notifications.queries.due_move",
        "apps.notifications.topics.TOPICS",
        "apps.notifications.mail.send_event",
        "apps.notifications.mail.send_digest",
        "apps.notifications.mail.CHANNELS",
        "apps.replies.reminders.send_reminder",
    ),
    "What was agreed": (
        "book.definition.read_definition",
        "core.agreements.kpi.in_force",
        "core.agreements.text.text",
        "core.agreements.signing.refusal",
        "core.agreements.notice.notice_of",
        "apps.kpis.operations.propose",
        "apps.kpis.operations.write_now",
        "apps.kpis.terms.fold",
        "apps.agreements.operations.propose",
        "apps.agreements.operations.write_now",
        "apps.agreements.preview.figures.previews",
        "book.agreement.agreed_changes",
        "book.amend.write_changes",
    ),
    "Both sides said yes": (
        "apps.record.operations.give_consent",
        "apps.record.operations.add_agreed_entry",
        "apps.record.models.Consent",
        "apps.record.models.Entry",
        "apps.reviews.operations.confirm",
        "apps.kpis.operations.agree",
        "apps.agreements.operations.sign",
        "core.chain.verify",
    ),
    "Waiting": (
        "core.business_hours.closing",
        "apps.replies.queries.reply_due",
        "apps.replies.operations.agree_to_calendar",
        "apps.replies.operations.set_silence",
        "apps.replies.operations.give_notice",
        "apps.matters.operations.remind",
        "apps.reviews.operations.follow_up_unanswered",
    ),
    "From below to above": (
        "apps.books.operations.on_proposed",
        "apps.books.operations.on_undone",
        "apps.books.operations.on_begun",
        "apps.kpis.queries.waiting_changes",
        "apps.matters.queries.figure_sources",
        "apps.parties.panels.add_inbox_source",
        "apps.parties.searching.add_search_source",
        "apps.parties.panels.add_panel",
        "apps.parties.panels.add_nav_entry",
    ),
    "Refusals": (
        "apps.refusal.Refused",
        "apps.refusal.RefusalCode",
        "apps.refusal.form_page",
        "apps.parties.rate_limits.check_rate_limit",
        "web.errors.problem",
        "book.errors.UnusableFileError",
    ),
    "Log": (
        "apps.audit.operations.audit",
        "apps.audit.operations.audit_read",
        "apps.audit.models.AuditEvent",
        "apps.audit.sentences.event_sentence",
    ),
    "API and pages": ("web.api.base.api",),
    "People's figures": ("review.readings.people_tables", "core.disclosure_control.Published"),
    "Results": ("apps.books.results.computed", "apps.books.results.cached", "apps.books.results.recompute_by"),
}


def packages() -> set[str]:
    folders = (file.parent.relative_to(SOURCE) for file in SOURCE.rglob("__init__.py"))
    return {".".join(folder.parts) for folder in folders if folder.parts and "migrations" not in folder.parts}


def section(heading: str) -> str:
    found = re.search(rf"^### {re.escape(heading)}$(.*?)(?=^##)", PAGE, re.MULTILINE | re.DOTALL)
    assert found is not None, f"no section {heading!r}"
    return found[1]


def package_of(parts: tuple[str, ...]) -> str:
    """The layer of a module, or its app: what imports within one of these is its own affair."""
    return ".".join(parts[:2]) if parts[0] == "apps" and len(parts) > 1 else parts[0]


def users() -> dict[str, set[str]]:
    """Each class or function that is imported from another package, and by which packages."""
    found: dict[str, set[str]] = defaultdict(set)
    for file in SOURCE.rglob("*.py"):
        if "migrations" in file.parts:  # what has landed uses what was there then
            continue
        where = file.relative_to(SOURCE).with_suffix("").parts
        user = package_of(where if where[0] != "apps" or len(where) > 2 else where[:1])
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("comity."):
                parts = tuple(node.module.split(".")[1:])
                if package_of(parts) != user and (SOURCE.joinpath(*parts).with_suffix(".py")).is_file():
                    for alias in node.names:
                        found[".".join([*parts, alias.name])].add(user)
    return {name: those for name, those in found.items() if not name.rpartition(".")[2].isupper()}


def exists(name: str) -> bool:
    """Whether a module of the project, or an object in one, has this name."""
    if SOURCE.joinpath(*name.split(".")).is_dir() or SOURCE.joinpath(*name.split(".")).with_suffix(".py").is_file():
        return True
    module, _, attribute = name.rpartition(".")
    return hasattr(importlib.import_module(f"comity.{module}"), attribute)


def test_every_package_and_app_is_described() -> None:
    table = PAGE.partition("\n## Packages\n")[2].partition("\n## ")[0]
    described = re.findall(r"^\| `([\w.]+)` \|", table, re.MULTILINE)
    assert sorted(described) == sorted(packages())


@pytest.mark.parametrize("heading", SEAMS)
def test_a_seam_is_described_with_what_stands_there(heading: str) -> None:
    text = section(heading)
    assert [name for name in SEAMS[heading] if f"`{name}`" not in text] == []


def test_every_seam_of_the_page_is_registered() -> None:
    seams = PAGE.partition("\n## Seams\n")[2].partition("\n## ")[0]
    assert re.findall(r"^### (.+)$", seams, re.MULTILINE) == list(SEAMS)


def test_what_many_packages_use_is_described() -> None:
    assert {name for name, those in users().items() if len(those) >= MANY} - NAMED == set()


@pytest.mark.gate
def test_whatever_the_page_names_exists(django_models: None) -> None:  # noqa: ARG001 - modules of apps need them
    assert {name for name in NAMED if not exists(name)} == set()


@pytest.fixture(scope="module")
def django_models() -> None:
    """Models can be imported once Django knows the apps."""
    import os

    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "comity.web.settings")
    os.environ.setdefault("COMITY_SECRET_KEY", "of the tests")
    django.setup()
