"""Tables for people; pure."""

from collections.abc import Sequence


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> str:
    """
    Return *rows* under *heads*, in columns.

    Args:
        heads: Name of each column.

        rows: Cells, as many a row as there are heads.

        right: Columns that are aligned to the right.

    >>> print(table(["metric", "value"], [["sent", "7"], ["deferred", "12"]], right=[1]))
    metric    value
    sent          7
    deferred     12
    """
    widths = [max(len(row[i]) for row in (heads, *rows)) for i in range(len(heads))]
    return "\n".join(
        "  ".join(
            cell.rjust(widths[i]) if i in right else cell.ljust(widths[i])
            for i, cell in enumerate(row)
        ).rstrip()
        for row in (heads, *rows)
    )
