"""
What is kept of many values: `Total`, an exact sum, and `Distribution`, for percentiles.

Both give the same figure in whatever order the values came and however they
were split over processes, and both hold a bounded amount of memory.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from logster.stats import weighted_percentile


#: Numbers beyond this are no measurement; their sums could leave the range of a float.
LIMIT = 2.0**960

#: How many distinct values a `Distribution` tells apart before it rounds.
DISTINCT = 20_000

_DIGITS = (20, 18, 16, 14, 12, 10, 8, 6, 4, 2)


class Total:
    """
    An exact sum of numbers below `LIMIT`.

    >>> total = Total()
    >>> total.add([0.1] * 10)
    >>> total.value, total.mean
    (1.0, 0.1)
    """

    __slots__ = ("_parts", "_whole", "count")

    def __init__(self) -> None:
        self.count = 0
        self._whole = 0
        self._parts: list[float] = []

    def add(self, values: Sequence[float]) -> None:
        """Add *values*, any mix of int and float."""
        self.count += len(values)
        total = sum(values)
        if isinstance(total, int):
            self._whole += total
            return
        floats = [value for value in values if type(value) is float]
        if len(floats) < len(values):
            self._whole += sum(value for value in values if isinstance(value, int))
        floats += self._parts
        self._parts = _exact(floats)

    def add_counts(self, counts: Mapping[float, int]) -> None:
        """Add every value of *counts* as often as it says."""
        floats: list[float] = []
        for value, times in counts.items():
            self.count += times
            if isinstance(value, int):
                self._whole += value * times
            else:
                floats.extend(_product(value, times))
        if floats:
            self._parts = _exact(self._parts + floats)

    def merge(self, other: "Total") -> None:
        """Add what *other* holds."""
        self.count += other.count
        self._whole += other._whole  # noqa: SLF001 - of the same class
        self._parts = _exact(self._parts + other._parts)  # noqa: SLF001

    @property
    def value(self) -> float:
        """Return the sum: an int if all its terms are, else the float nearest to it."""
        if not self._parts:
            return self._whole
        high = float(self._whole)
        return math.fsum([*self._parts, high, float(self._whole - int(high))])

    @property
    def mean(self) -> float:
        """
        Return the arithmetic mean.

        Raises:
            ZeroDivisionError: If there are no values.
        """
        return self.value / self.count


class Distribution:
    """
    How often each value came.

    Exact up to `DISTINCT` distinct values. Beyond, values are rounded towards
    zero to fewer binary digits: 20 (one in a million), then 18 and so on.

    >>> seen = Distribution()
    >>> seen.add([10, 11, 20])
    >>> seen.percentile(75)
    15.5
    """

    __slots__ = ("_digits", "counts")

    def __init__(self) -> None:
        self.counts: Counter[float] = Counter()
        self._digits = 53

    def add(self, values: Iterable[float]) -> None:
        """Count *values*."""
        self.add_counts(Counter(values))

    def add_counts(self, counts: Mapping[float, int]) -> None:
        """Count every value of *counts* as often as it says."""
        if self._digits < 53:
            counts = _rounded(counts, self._digits)
        self.counts.update(counts)
        for digits in _DIGITS:
            if len(self.counts) <= DISTINCT:
                break
            if digits < self._digits:
                self._digits = digits
                self.counts = _rounded(self.counts, digits)

    def merge(self, other: "Distribution") -> None:
        """Count what *other* counted."""
        if other._digits < self._digits:  # noqa: SLF001 - of the same class
            self._digits = other._digits  # noqa: SLF001
            self.counts = _rounded(self.counts, self._digits)
        self.add_counts(other.counts)

    def percentile(self, percent: float) -> float:
        """
        Return the value below which *percent* of all lie.

        Raises:
            ValueError: If there are no values or *percent* is out of range.
        """
        return weighted_percentile(self.counts, percent)


def percentile_name(percent: float) -> str:
    """
    Return the metric name of a percentile.

    >>> percentile_name(95), percentile_name(99.9), percentile_name(50)
    ('p95', 'p99_9', 'p50')
    """
    return f"p{percent:g}".replace(".", "_")


def _exact(values: list[float]) -> list[float]:
    """Return the few floats whose exact sum is that of *values*, which are used up."""
    parts: list[float] = []
    while rest := math.fsum(values):
        parts.append(rest)
        values.append(-rest)
    return parts


def _product(value: float, times: int) -> tuple[float, ...]:
    """
    Return floats whose exact sum is *value* x *times*.

    Half of the digits of a float times a count below 2**26 fits into a float.
    """
    if times == 1:
        return (value,)
    if times >= 1 << 26:
        half = times // 2
        return _product(value, half) + _product(value, times - half)
    high = _cut(value, 26)
    return high * times, (value - high) * times


def _rounded(counts: Mapping[float, int], digits: int) -> Counter[float]:
    rounded: Counter[float] = Counter()
    for value, times in counts.items():
        rounded[_cut(value, digits)] += times
    return rounded


def _cut(value: float, digits: int) -> float:
    """Return *value* rounded towards zero to so many binary digits."""
    mantissa, exponent = math.frexp(value)
    return math.ldexp(math.trunc(math.ldexp(mantissa, digits)), exponent - digits)
