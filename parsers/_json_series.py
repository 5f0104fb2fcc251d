"""What is kept of the numbers at one path, and the figures made of it."""

from collections.abc import Iterator, Sequence

from logster.metrics import Metric
from logster.parsers._json_select import percent
from logster.sample import Distribution, Total


#: Aggregates that follow a counter from one object to the next.
FOLLOWED = ("delta", "rate")

_COUNTED = {"sum", "count", "delta"}


class Series:
    """
    The numbers at one path.

    Args:
        aggregates: The figures wanted, which say what must be kept.

    Attributes:
        count: How many there are.

        first, last: The first number and the last, or None before there is one.

        place: Which object of the log the last one is from.

        low, high: The least number and the greatest, where they are wanted.

        total, seen, increase: Their sum, their distribution, and by how much they rose,
            where they are wanted.
    """

    __slots__ = (
        "aggregates", "count", "first", "high", "increase", "last", "low", "place", "seen", "total"
    )  # fmt: skip

    def __init__(self, aggregates: tuple[str, ...]) -> None:
        wanted = set(aggregates)
        self.aggregates = aggregates
        self.count = 0
        self.place = -1
        self.last: float | None = None
        self.low: float | None = None
        self.high: float | None = None
        self.first: float | None = None
        self.total = Total() if wanted & {"sum", "count", "avg"} else None
        self.seen = Distribution() if any(percent(name) is not None for name in wanted) else None
        self.increase = Total() if self.has_memory else None

    @property
    def has_memory(self) -> bool:
        """Return whether the next run must know the last number of this one."""
        return "delta" in self.aggregates or "rate" in self.aggregates

    def add(self, values: Sequence[float], place: int) -> None:
        """Take *values*, in the order of their objects, the last of them from that at *place*."""
        self.count += len(values)
        if self.total:
            self.total.add(values)
        if self.seen:
            self.seen.add(values)
        if "min" in self.aggregates:
            self.low = min(values) if self.low is None else min(self.low, *values)
        if "max" in self.aggregates:
            self.high = max(values) if self.high is None else max(self.high, *values)
        if self.increase:
            if self.last is None:
                self.first = values[0]
            before = [self.last if self.last is not None else values[0], *values[:-1]]
            self.increase.add(list(map(_increase, before, values)))
        self.last, self.place = values[-1], place

    def merge(self, other: "Series", behind: int = 0) -> None:
        """Take what *other* took, whose objects stand so many *behind*."""
        self.count += other.count
        if self.total and other.total:
            self.total.merge(other.total)
        if self.seen and other.seen:
            self.seen.merge(other.seen)
        self.low = min((low for low in (self.low, other.low) if low is not None), default=None)
        self.high = max((top for top in (self.high, other.high) if top is not None), default=None)
        if self.increase and other.increase and other.first is not None:
            if self.last is None:
                self.first = other.first
            else:
                self.increase.add([_increase(self.last, other.first)])
            self.increase.merge(other.increase)
        if other.place + behind > self.place:
            self.last, self.place = other.last, other.place + behind

    def figures(self, duration: float, before: float | None) -> Iterator[tuple[str, float]]:
        """
        Yield name and value of each aggregate.

        Args:
            duration: Seconds since the last run.

            before: The last number of the run before, where it is known.
        """
        for name in self.aggregates:
            value = self._figure(name, duration, before)
            if value is not None:
                yield name, value

    def _figure(self, name: str, duration: float, before: float | None) -> float | None:
        if self.increase and name in {"delta", "rate"}:
            rise = self._rise(self.increase, before)
            return rise if name == "delta" else rise / duration
        if self.total and name in {"sum", "count", "avg"}:
            return {"sum": self.total.value, "count": self.total.count}.get(name, self.total.mean)
        rank = percent(name)
        if self.seen and rank is not None:
            return self.seen.percentile(rank)
        return {"last": self.last, "min": self.low, "max": self.high}[name]

    def _rise(self, increase: Total, before: float | None) -> float:
        """Return by how much a counter rose since *before*."""
        total = Total()
        total.merge(increase)
        if before is not None and self.first is not None:
            total.add([_increase(before, self.first)])
        return total.value


def metric(name: str, aggregate: str, value: float) -> Metric:
    """Return the metric of an aggregate."""
    return Metric(name, value, kind=kind_of(aggregate))


def kind_of(aggregate: str) -> str:
    """
    Return the kind of the metric of an aggregate.

    >>> kind_of("sum"), kind_of("p95")
    ('c', 'g')
    """
    return "c" if aggregate in _COUNTED else "g"


def _increase(before: float, after: float) -> float:
    """Return by how much a counter rose; below what it was, it started again from 0."""
    return after - before if after >= before else after
