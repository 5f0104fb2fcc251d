"""What is kept of the values of one name in a ``METRIC_…`` line, and in which unit."""

from collections import Counter
from typing import NamedTuple

from logster.sample import Distribution, Total


#: Nanoseconds of each unit that can be converted to another.
SCALE = {"ns": 1, "us": 10**3, "µs": 10**3, "μs": 10**3, "ms": 10**6, "s": 10**9}


class Part(NamedTuple):
    """The values of one name that have one unit."""

    total: Total
    seen: Distribution


class Series:
    """
    The values of one name.

    Attributes:
        parts: What there is in each unit of `SCALE`, and under "" all else.

        last: The last value, and its unit.
    """

    __slots__ = ("_first", "last", "parts")

    def __init__(self, first: str) -> None:
        self._first = first
        self.last: tuple[float, str] = 0, ""
        self.parts: dict[str, Part] = {}

    @property
    def unit(self) -> str:
        """Return the first unit that is known, or else what followed the first value."""
        return next(filter(None, self.parts), self._first)

    @property
    def count(self) -> int:
        """Return how many values there are."""
        return sum(part.total.count for part in self.parts.values())

    @property
    def value(self) -> float:
        """Return the last value, in `unit`."""
        return _converted(*self.last, self.unit)

    def part(self, unit: str) -> Part:
        """Return what there is in *unit*, nothing if there was none yet."""
        if unit not in self.parts:
            self.parts[unit] = Part(Total(), Distribution())
        return self.parts[unit]

    def merge(self, other: "Series") -> None:
        """Add what *other* holds, which came later."""
        self.last = other.last
        for unit, part in other.parts.items():
            _join(self.part(unit), part)

    def whole(self) -> Part:
        """Return all values in `unit`."""
        if len(self.parts) == 1:
            return next(iter(self.parts.values()))
        whole = Part(Total(), Distribution())
        for unit, part in self.parts.items():
            total = Total()
            total.add([_converted(part.total.value, unit, self.unit)])
            total.count = part.total.count
            counts: Counter[float] = Counter()
            for value, count in part.seen.counts.items():
                counts[_converted(value, unit, self.unit)] += count
            seen = Distribution()
            seen.add_counts(counts)
            _join(whole, Part(total, seen))
        return whole


def _join(part: Part, other: Part) -> None:
    """Add *other* to *part*."""
    part.total.merge(other.total)
    part.seen.merge(other.seen)


def _converted(value: float, unit: str, wanted: str) -> float:
    """
    Return *value* in the unit *wanted*; as it is if it has none that is known.

    >>> _converted(2, "s", "ms"), _converted(7, "ms", "s"), _converted(7, "", "s")
    (2000, 0.007, 7)
    """
    if unit not in SCALE or wanted not in SCALE or unit == wanted:
        return value
    old, new = SCALE[unit], SCALE[wanted]
    return value * (old // new) if old >= new else value / (new // old)
