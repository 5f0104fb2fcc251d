"""
What a `RegexParser` makes of the groups of its pattern: counts, sums, percentiles.

Texts are counted as the log has them, in `Found`; an `Accumulator` then makes a number
or a name of each distinct one.
"""

import copy
from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from heapq import nsmallest
from itertools import islice
from typing import Any, ClassVar, Generic, Self, TypeVar

from logster.labels import OTHER, Shape, alike
from logster.metrics import Metric, MetricInfo, number, plain_name
from logster.patterns import Rows
from logster.sample import LIMIT, Distribution, Kept, Total, percentile_name


#: How many values of a label are told apart, the shortest; the rest counts as ``other``.
MAX_LABELS = 50

#: How much of a value becomes part of a name.
MAX_LABEL = 64

#: How many distinct values `Distinct` counts exactly.
EXACT_DISTINCT = 20_000

#: About how many bytes of texts are counted as they stand, before they are measured.
FOUND_SIZE = 4 << 20

#: Texts that say that there is no value.
_NONE = frozenset({"", "-"})

State = TypeVar("State")


class Found:
    """
    How often a pattern captured what, as the log has it.

    Texts are counted over many blocks, so that each distinct one is made a number or a
    name but once.

    Args:
        places: The place of each group in `Rows.columns`.

        wanted: The groups whose texts are counted, alone or two together.
    """

    def __init__(self, places: Mapping[str, int], wanted: Iterable[tuple[str, ...]]) -> None:
        self.matched = 0
        self._places = places
        self._counts: dict[tuple[str, ...], Counter[Any]] = {
            groups: Counter() for groups in wanted if groups
        }
        self._size = 0

    @property
    def is_full(self) -> bool:
        """Whether this holds as much as it may."""
        return self._size > FOUND_SIZE

    def add(self, rows: Rows) -> None:
        """Count what was found in a block."""
        self.matched += rows.matched
        for groups, counts in self._counts.items():
            known = len(counts)
            columns = [rows.columns[self._places[group]] for group in groups]
            counts.update(columns[0] if len(columns) == 1 else zip(*columns, strict=True))
            self._size += sum(map(_size, islice(reversed(counts), len(counts) - known)))

    def clear(self) -> None:
        """Forget all."""
        self.matched = self._size = 0
        for counts in self._counts.values():
            counts.clear()

    def counts(self, group: str) -> Counter[str]:
        """Return how often *group* captured each text; "" where it took no part."""
        return self._counts[group,]

    def counts_by(self, group: str, by: str) -> dict[str, Counter[str]]:
        """Return the same apart for each text of the group *by*."""
        apart: dict[str, Counter[str]] = defaultdict(Counter)
        for (text, label), count in self._counts[group, by].items():
            apart[label][text] = count
        return apart


class LeftOut:
    """
    Values that are no numbers.

    Attributes:
        count: How many.

        sample: The shortest of them, the first in the alphabet.
    """

    def __init__(self) -> None:
        self.count = 0
        self.sample = ""

    def add(self, text: str, count: int) -> None:
        """Add a value that came so often; one that says that there is none is no value."""
        if not count or text in _NONE:
            return
        self.count += count
        text = text[:100]
        if not self.sample or (len(text), text) < (len(self.sample), self.sample):
            self.sample = text


class Accumulator(ABC, Generic[State]):
    """
    Base class of what a `RegexParser` makes of the groups of its pattern.

    A text that *by* captured counts as ``other`` where it would give the metric the
    name of another one, its ``other`` included: nobody who writes into a log forges a
    figure. So do those beyond `MAX_LABELS`, and the text ``other`` itself. Texts that
    some output writes alike, such as ``alice.b`` and ``alice-b``, are one, called as the
    shortest and first of them; but counts stay apart, since such outputs add them up.

    Args:
        name: Name of the metric; what *by* captured follows after an underscore, with ``_``
            for all but letters, digits, ``-`` and ``.``.

        of: The group that is measured; the one called *name* if left out.

        by: The group by which it is measured apart.

        units: Free text.

        help: One line, for people.
    """

    kind: ClassVar[str] = "g"
    what: ClassVar[str] = "What is measured of {}"

    def __init__(
        self,
        name: str,
        of: str | None = None,
        *,
        by: str | None = None,
        units: str = "",
        help: str = "",  # noqa: A002 - as in MetricInfo
    ) -> None:
        self.name = name
        self.of = of or name
        self.by = by
        self.units = units
        self.help = help
        self.kept = Kept(MAX_LABELS)
        self.left_out = LeftOut()
        self.states: dict[str, State] = {}

    @property
    def groups(self) -> tuple[str, ...]:
        """Return the groups that the pattern must have."""
        return (self.of, self.by) if self.by else (self.of,)

    def fresh(self, max_labels: int) -> Self:
        """Return an accumulator of the same kind that holds nothing."""
        other = copy.copy(self)
        other.kept = Kept(max_labels)
        other.left_out = LeftOut()
        other.states = {}
        return other

    @property
    def counted(self) -> tuple[str, ...]:
        """Return the groups whose texts `take` needs the counts of."""
        return self.groups

    def follow(self, found: Rows, places: Mapping[str, int]) -> None:
        """Take the lines of a block in their order, where that matters."""

    def take(self, found: Found) -> None:
        """Add what was found in some blocks."""
        if self.by:
            for label, counts in found.counts_by(self.of, self.by).items():
                self.add(label, self.state(counts))
        elif found.matched:
            self.add("", self.state(found.counts(self.of)))

    def merge(self, other: Self) -> None:
        """Add what *other* holds, which came later."""
        self.left_out.add(other.left_out.sample, other.left_out.count)
        for label, state in other.states.items():
            self.add(label, state)

    def add(self, label: str, state: State | None) -> None:
        """Add *state* to what is held for *label*; None adds nothing."""
        if state is None or (self.by and not label):
            return
        if self.by:
            label = plain_name(label[:MAX_LABEL])
            if label not in self.states and label != OTHER:
                gone = self.kept.offer(label)
                if gone == label:
                    label = OTHER
                elif gone is not None:
                    self._hold(OTHER, self.states.pop(gone))
        self._hold(label, state)

    def _hold(self, label: str, state: State) -> None:
        held = self.states.get(label)
        self.states[label] = state if held is None else self.joined(held, state)

    def results(self, duration: float) -> Iterator[Metric]:
        """Yield the metrics; without a match those that are 0 then."""
        nothing = None if self.by else self.state(Counter())
        states = self.states or ({} if nothing is None else {"": nothing})
        for label, state in self._told_apart(states):
            name = f"{self.name}_{label}" if self.by else self.name
            for suffix, value in self.figures(state, duration):
                yield Metric(name + suffix, value, self.units, kind=self.kind)

    def _told_apart(self, states: Mapping[str, State]) -> Iterator[tuple[str, State]]:
        """Yield each of *states* with its label, as one where an output could keep but one."""
        shapes = self.shapes()
        together: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for label in states:
            made = (alike(shape.named(label), self.kind) for shape in shapes)
            together[tuple(made)].append(label)
        for labels in together.values():
            first, *others = sorted(labels, key=lambda label: (len(label), label))
            state = copy.deepcopy(states[first]) if others else states[first]
            for label in others:
                state = self.joined(state, states[label])
            yield first, state

    def catalogue(self) -> Iterator[MetricInfo]:
        """Yield what is known beforehand of the metrics."""
        name = f"{self.name}_{{{self.by}}}" if self.by else self.name
        for suffix in self.suffixes():
            yield MetricInfo(name + suffix, self.units, self.kind, self.help or self.summary())

    def summary(self) -> str:
        """Return one line for people who were given no help."""
        what = self.what.format(self.of)
        return f"{what}, by {self.by}." if self.by else f"{what}."

    def shapes(self) -> list[Shape]:
        """Return the names of the metrics; without *by* no label stands in them."""
        before = f"{self.name}_" if self.by else self.name
        return [Shape(before, suffix) for suffix in self.suffixes()]

    def suffixes(self) -> Sequence[str]:
        """Return what the names of the metrics end with."""
        return ("",)

    @abstractmethod
    def state(self, counts: Counter[str]) -> State | None:
        """Return the state of texts captured so often; None for nothing."""

    @abstractmethod
    def joined(self, older: State, newer: State) -> State:
        """Return two states as one; the older may be used up, the newer not."""

    @abstractmethod
    def figures(self, state: State, duration: float) -> Iterator[tuple[str, float]]:
        """Yield suffix and value of each metric of a state."""


class Count(Accumulator[int]):
    """How many lines matched, or how many there are of each text of a group."""

    kind: ClassVar[str] = "c"
    what: ClassVar[str] = "How many lines match"

    @property
    def groups(self) -> tuple[str, ...]:
        """Return the groups that the pattern must have."""
        return (self.by,) if self.by else ()

    def take(self, found: Found) -> None:
        """Add what was found in some blocks."""
        if self.by is None:
            self.add("", found.matched)
            return
        for label, count in found.counts(self.by).items():
            self.add(label, count)

    def state(self, counts: Counter[str]) -> int:
        """Return how many texts there are."""
        return counts.total()

    def joined(self, older: int, newer: int) -> int:
        """Return two counts as one."""
        return older + newer

    def figures(self, state: int, duration: float) -> Iterator[tuple[str, float]]:
        """Yield the count."""
        yield "", state


class Rate(Count):
    """The same per second."""

    kind: ClassVar[str] = "g"
    what: ClassVar[str] = "How many lines match per second"

    def figures(self, state: int, duration: float) -> Iterator[tuple[str, float]]:
        """Yield the rate."""
        yield "", state / duration


class Sum(Accumulator[Total]):
    """The sum of the numbers of a group."""

    kind: ClassVar[str] = "c"
    what: ClassVar[str] = "Sum of the numbers of {}"

    def state(self, counts: Counter[str]) -> Total:
        """Return the sum of the texts that are numbers."""
        total = Total()
        total.add_counts(_numbers(counts, self.left_out))
        return total

    def joined(self, older: Total, newer: Total) -> Total:
        """Return two sums as one."""
        older.merge(newer)
        return older

    def figures(self, state: Total, duration: float) -> Iterator[tuple[str, float]]:
        """Yield the sum."""
        yield "", state.value


class Average(Sum):
    """The mean of the numbers of a group."""

    kind: ClassVar[str] = "g"
    what: ClassVar[str] = "Mean of the numbers of {}"

    def figures(self, state: Total, duration: float) -> Iterator[tuple[str, float]]:
        """Yield the mean, if there were numbers."""
        if state.count:
            yield "", state.mean


class Gauge(Accumulator[tuple[int, float]]):
    """
    The last number of a group.

    Texts that are no numbers are told of only where there is no number at all: only
    then was each of them looked at.
    """

    what: ClassVar[str] = "The last number of {}"
    taken = 0
    measured = False

    def fresh(self, max_labels: int) -> Self:
        """Return an accumulator of the same kind that holds nothing."""
        other = super().fresh(max_labels)
        other.taken = 0
        other.measured = False
        return other

    @property
    def counted(self) -> tuple[str, ...]:
        """Return nothing: counts do not tell which text was the last."""
        return ()

    def follow(self, found: Rows, places: Mapping[str, int]) -> None:
        """Add the last numbers of a block."""
        texts = found.columns[places[self.of]]
        labels = found.columns[places[self.by]] if self.by else [""] * len(texts)
        lines = range(self.taken, self.taken + len(texts))
        last = dict(zip(labels, zip(lines, texts, strict=True), strict=True))
        if not all(_number(text) for _, text in last.values()):
            last = {}
            for label, line, text in zip(labels, lines, texts, strict=True):
                if _number(text):
                    last[label] = line, text
                else:
                    self.left_out.add(text, 1)
        for label, (line, text) in last.items():
            self.add(label, (line, _number(text)[0]))
        self.taken += found.matched
        self.measured = self.measured or bool(last)

    def take(self, found: Found) -> None:
        """Add nothing: all is there already."""

    def merge(self, other: Self) -> None:
        """Add what *other* holds, which came later."""
        self.left_out.add(other.left_out.sample, other.left_out.count)
        for label, (line, value) in other.states.items():
            self.add(label, (line + self.taken, value))
        self.taken += other.taken
        self.measured = self.measured or other.measured

    def state(self, counts: Counter[str]) -> tuple[int, float] | None:
        """Return the only number."""
        value = next(iter(_numbers(counts, LeftOut())), None)
        return None if value is None else (0, value)

    def joined(self, older: tuple[int, float], newer: tuple[int, float]) -> tuple[int, float]:
        """Return that of the later line."""
        return max(older, newer)

    def figures(self, state: tuple[int, float], duration: float) -> Iterator[tuple[str, float]]:
        """Yield the number."""
        yield "", state[1]


class Percentiles(Accumulator[Distribution]):
    """
    Percentiles of the numbers of a group.

    Args:
        name: Name of the metrics; ``_p95`` and the like follow.

        percents: Which ones, between 0 and 100.

        of: The group that is measured; the one called *name* if left out.

        by: The group by which it is measured apart.

        units: Free text.

        help: One line, for people.
    """

    what: ClassVar[str] = "Percentile of the numbers of {}"

    def __init__(
        self,
        name: str,
        percents: Sequence[float] = (50, 95, 99),
        of: str | None = None,
        *,
        by: str | None = None,
        units: str = "",
        help: str = "",  # noqa: A002 - as in MetricInfo
    ) -> None:
        super().__init__(name, of, by=by, units=units, help=help)
        if isinstance(percents, int | float | str):
            raise TypeError(f"percentiles are listed, as in (50, 95), and not {percents!r}")
        if not all(0 <= percent <= 100 for percent in percents):
            raise ValueError(f"percentiles lie between 0 and 100, not all of {percents}")
        self.percents = tuple(percents)

    def suffixes(self) -> Sequence[str]:
        """Return what the names of the metrics end with."""
        return [f"_{percentile_name(percent)}" for percent in self.percents]

    def state(self, counts: Counter[str]) -> Distribution | None:
        """Return the distribution of the texts that are numbers."""
        distribution = Distribution()
        distribution.add_counts(_numbers(counts, self.left_out))
        return distribution if distribution.counts else None

    def joined(self, older: Distribution, newer: Distribution) -> Distribution:
        """Return two distributions as one."""
        older.merge(newer)
        return older

    def figures(self, state: Distribution, duration: float) -> Iterator[tuple[str, float]]:
        """Yield the percentiles."""
        for suffix, percent in zip(self.suffixes(), self.percents, strict=True):
            yield suffix, state.percentile(percent)


class Distinct(Accumulator[set[int]]):
    """
    How many different texts a group captured.

    Exact up to `EXACT_DISTINCT`; beyond that it is estimated from the least
    hashes, to about one in a hundred.
    """

    what: ClassVar[str] = "How many different texts of {} there are"

    def state(self, counts: Counter[str]) -> set[int]:
        """Return the hashes of the texts."""
        return _least({_hash(text) for text in counts if text})

    def joined(self, older: set[int], newer: set[int]) -> set[int]:
        """Return the hashes of both."""
        return _least(older | newer)

    def figures(self, state: set[int], duration: float) -> Iterator[tuple[str, float]]:
        """Yield how many there are."""
        if len(state) < EXACT_DISTINCT:
            yield "", len(state)
        else:
            yield "", round((EXACT_DISTINCT - 1) * 2**64 / max(state))


def _size(counted: str | tuple[str, ...]) -> int:
    """Return about how many bytes a counted text takes, or some together."""
    return 100 + (len(counted) if isinstance(counted, str) else sum(map(len, counted)))


def _numbers(counts: Counter[str], left_out: LeftOut) -> dict[float, int]:
    """Return the texts that are numbers as numbers; the others go to *left_out*."""
    numbers: dict[float, int] = defaultdict(int)
    for text, count in counts.items():
        values = _number(text)
        if values:
            numbers[values[0]] += count
        else:
            left_out.add(text, count)
    return numbers


def _number(text: str) -> tuple[float, ...]:
    """Return the number that *text* is, alone, or nothing."""
    if len(text) > 100:
        return ()
    value = int(text) if text.isascii() and text.isdigit() else number(text)
    return () if value is None or not -LIMIT < value < LIMIT else (value,)


def _hash(text: str) -> int:
    digest = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def _least(hashes: set[int]) -> set[int]:
    if len(hashes) <= EXACT_DISTINCT:
        return hashes
    return set(nsmallest(EXACT_DISTINCT, hashes))
