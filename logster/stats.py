"""Mean, median and percentiles; pure."""

from collections.abc import Mapping, MutableSequence, Sequence


def mean(values: Sequence[float]) -> float:
    """
    Return the arithmetic mean of *values*.

    Raises:
        ValueError: If *values* is empty.

    >>> mean([1, 2, 6])
    3.0
    """
    if not values:
        raise ValueError("the mean of no values is not defined")
    return sum(values) / len(values)


def percentile(values: Sequence[float], percent: float) -> float:
    """
    Return the value below which *percent* of *values* lie.

    Between two values the result is interpolated linearly.

    Args:
        values: At least one number, in any order.

        percent: Between 0 and 100.

    Raises:
        ValueError: If *values* is empty or *percent* out of range.

    >>> percentile([20, 10, 11], 75)
    15.5
    """
    return _interpolated(sorted(values), percent)


def weighted_percentile(counts: Mapping[float, int], percent: float) -> float:
    """
    Return the percentile of values that are kept as value → how often.

    The same figure as `percentile` of the written-out list, without the list.

    Args:
        counts: At least one value with a count above zero.

        percent: Between 0 and 100.

    Raises:
        ValueError: If *counts* is empty or *percent* out of range.

    >>> weighted_percentile({10: 1, 20: 3}, 50)
    20
    """
    _check(len(counts), percent)
    rank = (sum(counts.values()) - 1) * percent / 100
    low, high = int(rank), -int(-rank // 1)
    below: float | None = None
    seen = 0
    for value in sorted(counts):
        seen += counts[value]
        if below is None and seen > low:
            below = value
        if seen > high:
            if below is None or below == value:
                return value
            return below * (high - rank) + value * (rank - low)
    raise ValueError("counts must be positive")


def find_mean(numbers: Sequence[float]) -> float | None:
    """Return the mean of *numbers*, or None if there are none (1.x name)."""
    return mean(numbers) if numbers else None


def find_median(numbers: MutableSequence[float]) -> float | None:
    """Return the median of *numbers*, or None if there are none (1.x name)."""
    return find_percentile(numbers, 50)


def find_percentile(numbers: MutableSequence[float], percentile: float) -> float | None:
    """
    Return a percentile of *numbers*, or None if there are none (1.x name).

    As in 1.x, a list is sorted in place.
    """
    if not numbers:
        return None
    if isinstance(numbers, list):
        numbers.sort()
        return _interpolated(numbers, percentile)
    return _interpolated(sorted(numbers), percentile)


def _interpolated(ordered: Sequence[float], percent: float) -> float:
    _check(len(ordered), percent)
    rank = (len(ordered) - 1) * percent / 100
    low = int(rank)
    if low == rank:
        return ordered[low]
    return ordered[low] * (low + 1 - rank) + ordered[low + 1] * (rank - low)


def _check(count: int, percent: float) -> None:
    if not count:
        raise ValueError("a percentile of no values is not defined")
    if not 0 <= percent <= 100:
        raise ValueError(f"a percentile lies between 0 and 100, not at {percent}")
