"""How long the intervals of a file are, by the spacing of their starts, where no column says so."""

from dataclasses import dataclass

import duckdb

INTERVAL_TABLES = ("intervals", "forecasts", "schedules")
_USUAL = (5, 10, 15, 20, 30, 60, 120, 240)  # minutes that reports are cut into
_MOSTLY = 0.8
_FEWEST = 3


@dataclass(frozen=True, slots=True)
class Spacing:
    """The minutes from one start to the next of the same queue: the least, its share, and how many were seen."""

    minutes: int
    share: float
    seen: int

    def overlaps(self, assumed: float) -> bool:
        """Whether intervals of an assumed length would run into each other."""
        return self.seen >= _FEWEST and self.minutes in _USUAL and self.minutes < assumed and self.share >= 1 - _MOSTLY

    def length(self, assumed: float) -> int | None:
        """The length that the starts show where it is not the assumed one; None where they show nothing else."""
        if self.overlaps(assumed):
            return self.minutes
        wider = self.minutes > assumed and self.minutes in _USUAL
        return self.minutes if wider and self.seen >= _FEWEST and self.share >= _MOSTLY else None


def spacing_of(con: duckdb.DuckDBPyConnection) -> Spacing | None:
    """The spacing of the starts in `_staged`, within a day; None where no queue has two."""
    found = con.execute(
        "WITH starts AS (SELECT DISTINCT queue, start FROM _staged WHERE _fault IS NULL), "
        "gaps AS (SELECT date_diff('minute', lag(start) OVER (PARTITION BY queue ORDER BY start), start) AS gap "
        "FROM starts), "
        "within AS (SELECT gap, count(*) AS n FROM gaps WHERE gap > 0 AND gap < 720 GROUP BY gap) "
        "SELECT min(gap), arg_min(n, gap), sum(n) FROM within"
    ).fetchone()
    if found is None or found[0] is None:
        return None
    return Spacing(int(found[0]), found[1] / found[2], int(found[2]))
