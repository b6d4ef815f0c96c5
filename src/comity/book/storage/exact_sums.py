"""Sums of floats that do not depend on the order in which threads add them.

Floats are summed as decimals of twelve places, which add up exactly in any order, so that two runs over the same
records give the same digits: a digest, a frozen figure and "425.3 of 151,589" stay what they were. Means and deviations
are made of such sums. What is too large for that, and what is no finite number, is summed as it comes.
"""

from typing import Any

import ibis.expr.datatypes as dt
import ibis.expr.operations as ops
import sqlglot.expressions as sge
from ibis.backends.sql.compilers.duckdb import DuckDBCompiler

_DECIMAL = dt.Decimal(38, 12)
_LARGEST = 1e13  # each; ten trillion rows of it are the most that a decimal of this width holds


class ExactCompiler(DuckDBCompiler):  # type: ignore[misc]  # Ibis has no types there
    """Compiles aggregates of floats so that no order of rows changes them."""

    __slots__ = ()

    def visit_Sum(self, op: ops.Sum, *, arg: Any, where: Any) -> Any:  # noqa: ANN401, N802 - as Ibis names and calls it
        """A sum; of floats as decimals."""
        if not op.arg.dtype.is_floating():
            return super().visit_Sum(op, arg=arg, where=where)
        return self._exact(arg, where)

    def visit_Mean(self, op: ops.Mean, *, arg: Any, where: Any) -> Any:  # noqa: ANN401, N802 - as above
        """A mean; of floats as their sum over their count."""
        if not op.arg.dtype.is_floating():
            return super().visit_Mean(op, arg=arg, where=where)
        return sge.Paren(this=self._exact(arg, where)) / self.agg.count(arg, where=where)

    def visit_VarianceStandardDevCovariance(self, op: Any, *, how: str, where: Any, **kw: Any) -> Any:  # noqa: ANN401, N802 - as above
        """A variance or deviation; of floats from their sum and the sum of their squares."""
        if isinstance(op, ops.Covariance) or not op.arg.dtype.is_floating():
            return super().visit_VarianceStandardDevCovariance(op, how=how, where=where, **kw)
        (arg,) = kw.values()
        count, total = self.agg.count(arg, where=where), sge.Paren(this=self._exact(arg, where))
        squares = sge.Paren(this=self._exact(sge.Paren(this=arg) * sge.Paren(this=arg), where))
        freedom = sge.Paren(this=count - 1) if how == "sample" else count
        off = self.f.greatest(
            squares - total * total / count, 0.0
        )  # 0 of nothing too, so that the count is asked first
        variance = self.if_(freedom > 0, sge.Paren(this=off) / freedom, sge.Null())
        return self.f.sqrt(variance) if isinstance(op, ops.StandardDev) else variance

    visit_Variance = visit_StandardDev = visit_VarianceStandardDevCovariance  # noqa: N815 - as above

    def _exact(self, arg: Any, where: Any) -> Any:  # noqa: ANN401 - as above
        """The sum of a float column; NULL where it has no value."""
        fits = self.f.abs(arg) < _LARGEST
        exact = self.cast(self.agg.sum(self.cast(self.if_(fits, arg, sge.Null()), _DECIMAL), where=where), dt.float64)
        rest = self.agg.sum(self.if_(fits, sge.Null(), arg), where=where)
        total = self.f.coalesce(exact, 0.0) + self.f.coalesce(rest, 0.0)
        return self.if_(self.agg.count(arg, where=where) > 0, total, sge.Null())


compiler = ExactCompiler()
