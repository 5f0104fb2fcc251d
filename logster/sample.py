"""
What is kept of much: `Total`, an exact sum, `Distribution`, for percentiles, `Kept`, of names.

All give the same in whatever order the values came and however they were split
over processes, and all hold a bounded amount of memory.
"""

import math
from array import array
from bisect import insort
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence
from sys import byteorder

from logster.stats import weighted_percentile


#: Numbers beyond this are no measurement; their sums could leave the range of a float.
LIMIT = 2.0**960

#: How many distinct values a `Distribution` tells apart before it rounds: some 150 KB.
DISTINCT = 2048

_DIGITS = range(16, 0, -1)


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
        """Return the sum: an int if its floats add up to 0, else the float nearest to it."""
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
    zero to as many binary digits as leave so few: 16 at most, and 8 (less than
    eight in a thousand) for values that fill four powers of ten.

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
        self._add(Counter(values if self._digits == 53 else _cut_all(values, self._digits)))

    def add_counts(self, counts: Mapping[float, int]) -> None:
        """Count every value of *counts* as often as it says."""
        self._add(counts if self._digits == 53 else _rounded(counts, self._digits))

    def _add(self, counts: Mapping[float, int]) -> None:
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


class Kept:
    """
    The names that are told apart, of more than there is room for.

    It is the shortest that stay, and of equal length the first in the
    alphabet: not those that came first, of which the parts of a log know
    nothing. A name that stays was here from its first line on, so that nothing
    of it is lost; one that had to go never comes back.

    Args:
        limit: How many names there is room for.

        barred: Names that there is never room for.

    >>> kept = Kept(2)
    >>> kept.offer("long"), kept.offer("b"), kept.offer("c"), kept.offer("a"), kept.offer("d")
    (None, None, 'long', 'c', 'd')
    >>> "a" in kept, "c" in kept
    (True, False)
    """

    def __init__(self, limit: int, barred: Container[str] = ()) -> None:
        self.limit = limit
        self._barred = barred
        self._names: set[str] = set()
        self._order: list[tuple[int, str]] = []

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __len__(self) -> int:
        return len(self._order)

    def offer(self, name: str) -> str | None:
        """Return the name there is no room for from now on: *name* itself, another, or None."""
        if name in self._names:
            return None
        entry = (len(name), name)
        full = len(self._order) >= self.limit
        if full and (not self._order or self._order[-1] < entry):
            return name
        if name in self._barred:
            return name
        insort(self._order, entry)
        self._names.add(name)
        if not full:
            return None
        gone = self._order.pop()[1]
        self._names.remove(gone)
        return gone


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
    for value, times in zip(_cut_all(counts, digits), counts.values(), strict=True):
        rounded[value] += times
    return rounded


def _cut_all(values: Iterable[float], digits: int) -> Sequence[float]:
    """
    Return *values* rounded towards zero to so many binary digits.

    >>> list(_cut_all([1.999, -1.999, 1024, 1025, 0], 3))
    [1.75, -1.75, 1024.0, 1024.0, 0.0]
    """
    cut = array("d", values)
    size = len(cut)
    mask = (-1 << (53 - digits) & 2**64 - 1).to_bytes(8, byteorder)
    bits = int.from_bytes(cut.tobytes(), byteorder) & int.from_bytes(mask * size, byteorder)
    cut = array("d")
    cut.frombytes(bits.to_bytes(8 * size, byteorder))
    return cut


def _cut(value: float, digits: int) -> float:
    """Return *value* rounded towards zero to so many binary digits."""
    mantissa, exponent = math.frexp(value)
    return math.ldexp(math.trunc(math.ldexp(mantissa, digits)), exponent - digits)
