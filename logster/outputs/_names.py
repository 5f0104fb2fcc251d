"""What becomes of metrics that get one name at an output which tells few apart."""

from collections.abc import Callable, Iterable

from logster.metrics import Metric, number


def by_name(
    metrics: Iterable[Metric], name_of: Callable[[Metric], str]
) -> tuple[dict[str, Metric], int]:
    """
    Return one metric for each name, and how many of *metrics* are in none of them.

    Counts add up. Of all else the first keeps the name, and what a later metric of the
    very same says is newer; another is refused, as is what has no name or no number.

    Args:
        metrics: As a parser gave them.

        name_of: Returns the name that a metric gets.

    >>> counts = [Metric("a.b", 5, kind="c"), Metric("a-b", 1, kind="c")]
    >>> found, refused = by_name([*counts, Metric("a b", 9)], lambda metric: "a_b")
    >>> {name: metric.value for name, metric in found.items()}, refused
    ({'a_b': 6}, 1)
    """
    found: dict[str, Metric] = {}
    refused = 0
    for metric in metrics:
        name, value = name_of(metric), number(metric.value)
        first = found.get(name)
        if not name or value is None:
            refused += 1
        elif first and first.kind == metric.kind == "c":
            found[name] = first._replace(value=(number(first.value) or 0) + value)
        elif not first or (first.name, first.kind) == (metric.name, metric.kind):
            found[name] = metric
        else:
            refused += 1
    return found, refused
