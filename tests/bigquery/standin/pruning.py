"""Which filters leave out partitions: those that compare the partitioning column with what is constant.

https://cloud.google.com/bigquery/docs/querying-partitioned-tables: a filter must be a constant expression; a subquery, or another column,
does not prune. Bounds are conditions on the column, `None` where there are none.
"""

from sqlglot import exp

import ingestion

COMPARISONS = (exp.EQ, exp.LT, exp.LTE, exp.GT, exp.GTE)
# What may stand around the column: the day of a time, and the like.
AROUND = (exp.Cast, exp.Date, exp.TsOrDsToDate, exp.TimestampTrunc, exp.DatetimeTrunc, exp.DateTrunc, exp.Paren)


def bounds_of(condition, alias, meta):
    """The bounds that a condition sets, as a condition on the column without its table."""
    partitioned = meta.time_partitioning or meta.range_partitioning
    if partitioned is None:
        return None
    return of(condition, alias, (partitioned.field or ingestion.COLUMN).lower())


def of(condition, alias, column):
    def is_column(tree):
        while isinstance(tree, AROUND):
            tree = tree.this
        return isinstance(tree, exp.Column) and tree.name.lower() == column and tree.table in ("", alias)

    def taken(tree):
        tree = tree.copy()
        for one in tree.find_all(exp.Column):
            one.set("table", None)
            one.set("this", exp.to_identifier(one.name, quoted=True))
        return exp.paren(tree)

    match condition:
        case exp.Paren():
            return of(condition.this, alias, column)
        case exp.And():
            return conjunction([of(condition.left, alias, column), of(condition.right, alias, column)])
        case exp.Or():
            return disjunction([of(condition.left, alias, column), of(condition.right, alias, column)])
        case exp.Boolean() if not condition.this:
            return exp.false()
        case exp.Between() if is_column(condition.this):
            if is_constant(condition.args["low"]) and is_constant(condition.args["high"]):
                return taken(condition)
        case exp.In() if is_column(condition.this) and condition.args.get("query") is None:
            unnest = condition.args.get("unnest")
            values = unnest.expressions if unnest is not None else condition.expressions
            if all(is_constant(value) for value in values):
                return taken(condition)
        case exp.Is() if is_column(condition.this):
            return taken(condition)
        case _ if isinstance(condition, COMPARISONS):
            left, right = condition.left, condition.right
            if (is_column(left) and is_constant(right)) or (is_column(right) and is_constant(left)):
                return taken(condition)
    return None


def is_constant(tree):
    """Literals, functions of them, the current time, parameters and the values of variables."""
    return not any(tree.find_all(exp.Column, exp.Query))


def conjunction(bounds):
    bounds = [one for one in bounds if one is not None]
    return exp.and_(*bounds) if bounds else None


def disjunction(bounds):
    return exp.or_(*bounds) if bounds and all(one is not None for one in bounds) else None
