r"""
`RegexParser`: a parser that is a pattern and a few accumulators.

>>> class ShopParser(RegexParser):
...     '''Count the orders of my shop.'''
...
...     pattern = r"(?P<method>[A-Z]++) \S++ (?P<status>\d{3}) (?P<ms>\d++)"
...     metrics = (Count("requests"), Count("status", by="status"), Percentiles("ms", (50, 75)))
>>> parser = ShopParser()
>>> parser.feed(b"GET / 200 12\nGET /x 404 4\noops\n")
Tally(matched=2, ignored=0, unmatched=1)
>>> for metric in parser.get_state(60):
...     print(metric.name, metric.value, metric.kind)
requests 2 c
status_200 1 c
status_404 1 c
ms_p50 8.0 g
ms_p75 10.0 g
"""

import copy
from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from hashlib import blake2b
from heapq import nsmallest
from itertools import islice
from typing import Any, ClassVar, Generic, Self, TypeVar

from logster.blocks import BlockParser
from logster.errors import ConfigurationError
from logster.labels import OTHER, Forged, Shape, alike
from logster.metrics import Metric, MetricInfo, number, plain_name, printable_name
from logster.parser import Tally
from logster.patterns import Pattern, Rows
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

#: What every parser may have to say of itself.
_OWN = (
    MetricInfo("runaway_lines", "Lines", "c", "Lines on which a pattern took too long."),
    MetricInfo("values_left_out", "Values", "c", "Values to measure that are no numbers."),
)

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


class RegexParser(BlockParser):
    r"""
    Base class of parsers that are a pattern and a few accumulators.

    Attributes:
        pattern: A regular expression with named groups, for one line; it matches
            anywhere in the line unless it begins with ``^``. Possessive
            quantifiers (``\S++``) keep it fast on lines made to slow it down.

        metrics: What is made of the groups.

        ignore: Lines that match this, and not *pattern*, are passed over; blank lines are anyway.

        limited: Whether a pattern may take only so much time: it then runs on `regex`, is
            stopped where it runs away, and the rest of the log is read. A pattern that
            plainly needs no limit (`logster.linear`) does without and is faster. False is
            for those who know theirs to be linear, or want it on `re` at any price.

        time: The group that holds the time of a line, if one does: seconds since the
            epoch or finer, or ISO 8601.
    """

    pattern: ClassVar[str] = ""
    time: ClassVar[str | None] = None
    metrics: ClassVar[tuple[Accumulator[Any], ...]] = ()
    ignore: ClassVar[str | None] = None
    limited: ClassVar[bool] = True

    def __init__(self, option_string: str | None = None) -> None:
        super().__init__(option_string)
        self.set_up(self.pattern, self.metrics, self.ignore)

    def time_of(self, line: str) -> float | None:
        """Return the time of *line* in seconds since the epoch, or None where it tells none."""
        if self.time is None:
            return None
        from logster.moments import seconds  # noqa: PLC0415 - only for parsers that know times

        rows = self._pattern.find(line.encode("utf-8", "surrogatepass"))
        if not rows.matched:
            return None
        return seconds(rows.columns[self._pattern.groups[self.time]][0])

    def set_up(
        self,
        pattern: str,
        metrics: Sequence[Accumulator[Any]],
        ignore: str | None = None,
        max_labels: int = MAX_LABELS,
    ) -> None:
        """
        Begin to measure.

        Args:
            pattern: As the attribute.

            metrics: As the attribute; one at least.

            ignore: As the attribute.

            max_labels: How many values of a label are told apart.

        Raises:
            ConfigurationError: If *pattern* is none, or lacks a group, if there are no
                *metrics*, or if two of them have one name.
        """
        _declared(type(self).__name__, pattern, metrics)
        self._pattern = Pattern(pattern, limited=self.limited, misfits=ignore is not None)
        self._ignore = Pattern(ignore, limited=self.limited) if ignore is not None else None
        self.accumulators = [metric.fresh(max_labels) for metric in metrics]
        _keep_apart(self.accumulators)
        self.runaways = self.ignore_runaways = 0
        self.notices = []
        if self.time is not None and self.time not in self._pattern.groups:
            raise ConfigurationError(
                f"The pattern {pattern!r} has no group called {self.time} for the time. "
                "Nothing was read or sent."
            )
        for metric in metrics:
            for group in metric.groups:
                if group not in self._pattern.groups:
                    raise ConfigurationError(
                        f"The pattern {pattern!r} has no group called {group}, which "
                        f"{type(metric).__name__} {metric.name} needs. Nothing was read or sent."
                    )
        self._found = Found(self._pattern.groups, {metric.counted for metric in metrics})

    def take(self, block: bytes) -> Tally:
        """Measure the lines of *block*."""
        rows = self._pattern.find(block)
        for accumulator in self.accumulators:
            accumulator.follow(rows, self._pattern.groups)
        self._found.add(rows)
        if self._found.is_full:
            self._fold()
        self.runaways += rows.runaway
        ignored = self._ignored(block, rows.misfits) if rows.unmatched else 0
        return Tally(rows.matched, ignored, rows.unmatched - ignored)

    def merge(self, other: Self) -> None:
        """Add what *other* measured, which came later."""
        self._fold()
        other._fold()
        self.runaways += other.runaways
        self.ignore_runaways += other.ignore_runaways
        self._pattern.sample = self._pattern.sample or other._pattern.sample
        if self._ignore and other._ignore:
            self._ignore.sample = self._ignore.sample or other._ignore.sample
        for mine, others in zip(self.accumulators, other.accumulators, strict=True):
            mine.merge(others)

    def get_state(self, duration: float) -> Iterator[Metric]:
        """Return the metrics."""
        self._fold()
        for accumulator in self.accumulators:
            yield from accumulator.results(duration)
        left_out = self._left_out()
        runaways = self.runaways + self.ignore_runaways
        counts = runaways, sum(each.count for each in left_out.values())
        for info, count in zip(_OWN, counts, strict=True):
            if count:
                yield Metric(info.name, count, info.units, "int32", kind=info.kind)
        notices = [_notice(self._pattern, self.runaways)] if self.runaways else []
        if self._ignore and self.ignore_runaways:
            notices.append(_notice(self._ignore, self.ignore_runaways))
        notices += [_left_out_notice(*each) for each in sorted(left_out.items())]
        self.notices = notices or self.notices

    @classmethod
    def catalogue(cls) -> tuple[MetricInfo, ...]:
        """Return what is known beforehand of the metrics."""
        return (*(info for metric in cls.metrics for info in metric.catalogue()), *_OWN)

    def _left_out(self) -> dict[str, LeftOut]:
        """Return what of each group was to be measured and is no number."""
        found: dict[str, LeftOut] = {}
        for each in self.accumulators:
            left_out = each.left_out
            seen_all = not (isinstance(each, Gauge) and each.measured)
            if left_out.count and seen_all:
                found[each.of] = left_out
        return found

    def _fold(self) -> None:
        """Measure what was only counted yet."""
        for accumulator in self.accumulators:
            accumulator.take(self._found)
        self._found.clear()

    def _ignored(self, block: bytes, misfits: Sequence[str]) -> int:
        """Return how many lines of *block* that do not match are passed over."""
        blank = _empty_lines(block)
        if blank and self._pattern.matches_blank:
            blank = 0
        if self._ignore is None:
            return blank
        text = "".join(line for line in misfits if line != "\n")
        rows = self._ignore.find(text.encode("utf-8", "surrogatepass"))
        self.ignore_runaways += rows.runaway
        return blank + rows.matched


def _declared(owner: str, pattern: Any, metrics: Any) -> None:
    """
    Look at what a parser declares.

    Raises:
        ConfigurationError: If something was forgotten, or is of another kind than it should.
    """
    problem = ""
    if not pattern:
        problem = 'has no pattern, such as pattern = r"took (?P<ms>[0-9]+)ms"'
    elif isinstance(metrics, Accumulator) or not isinstance(metrics, Sequence):
        problem = 'has metrics that are no tuple, such as metrics = (Count("lines"),)'
    elif not metrics:
        problem = 'has no metrics, such as metrics = (Count("lines"),)'
    for each in () if problem else metrics:
        if not isinstance(each, Accumulator):
            shown = each.__name__ if isinstance(each, type) else repr(each)
            problem = f'has {shown} among its metrics, which is none; Count("lines") is one'
    if problem:
        raise ConfigurationError(f"The parser {owner} {problem}. Nothing was read or sent.")


def _keep_apart(accumulators: Sequence[Accumulator[Any]]) -> None:
    """
    Have each of *accumulators* refuse the labels that would name what is another's.

    Raises:
        ConfigurationError: If two have one name whatever the labels are.
    """
    makers = {info.name: "the parser itself" for info in _OWN}
    for each in accumulators:
        maker = f"{type(each).__name__} {each.name}"
        for shape in each.shapes():
            name = shape.named(OTHER if each.by else "")
            if name in makers:
                raise ConfigurationError(
                    f"The metric {name} would be both that of {makers[name]} and that of "
                    f"{maker}. Nothing was read or sent."
                )
            makers[name] = maker
    shapes = [shape for each in accumulators if each.by for shape in each.shapes()]
    for each in accumulators:
        if each.by:
            each.kept = Kept(each.kept.limit, Forged(each.shapes(), makers, shapes))


def _size(counted: str | tuple[str, ...]) -> int:
    """Return about how many bytes a counted text takes, or some together."""
    return 100 + (len(counted) if isinstance(counted, str) else sum(map(len, counted)))


def _empty_lines(block: bytes) -> int:
    if not block.startswith(b"\n") and b"\n\n" not in block:
        return 0
    lines = block.split(b"\n")
    return lines.count(b"") - (not lines[-1])


def _notice(pattern: Pattern, lines: int) -> str:
    """Return which pattern runs away, on what, and how often."""
    return (
        f"The pattern {pattern.text!r} takes too long on {lines} lines, the first of which "
        f"begins with {pattern.sample or ''!r}. They count as unmatched; the rest of the log "
        "was read."
    )


def _left_out_notice(group: str, left_out: LeftOut) -> str:
    """Return how many values of *group* are no numbers."""
    values = f"{left_out.count} values" if left_out.count > 1 else "1 value"
    are, were = ("are no numbers", "were") if left_out.count > 1 else ("is no number", "was")
    sample = printable_name(left_out.sample)
    return f"{values} of the group {group} {are} and {were} left out, such as '{sample}'."


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
