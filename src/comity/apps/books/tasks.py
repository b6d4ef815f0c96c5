"""What runs in the background: looking at a file, and bringing it in. Each looks from the place of who asked."""

from uuid import UUID

from procrastinate.contrib.django import app

from comity.apps.books import exports, operations


@app.task(queue="records", name="books.look")
def look(person: str, relationship: str, delivery: str) -> None:
    """Map and check a file, and change nothing."""
    operations.run(UUID(person), UUID(relationship), UUID(delivery), dry_run=True)


@app.task(queue="records", name="books.bring")
def bring(person: str, relationship: str, delivery: str) -> None:
    """Bring a file in."""
    operations.run(UUID(person), UUID(relationship), UUID(delivery), dry_run=False)


@app.task(queue="records", name="books.route")
def route(person: str, export: str, *, dry_run: bool) -> None:
    """Find out whose the rows of an export are; bring them in, unless it is a trial."""
    exports.run(UUID(person), UUID(export), dry_run=dry_run)
