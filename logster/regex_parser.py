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

from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Self

from logster.accumulators import (
    MAX_LABELS,
    Accumulator,
    Average,
    Count,
    Distinct,
    Found,
    Gauge,
    LeftOut,
    Percentiles,
    Rate,
    Sum,
)
from logster.blocks import BlockParser
from logster.errors import ConfigurationError
from logster.labels import OTHER, Forged
from logster.metrics import Metric, MetricInfo, printable_name
from logster.parser import Tally
from logster.patterns import Pattern
from logster.sample import Kept


__all__ = [
    "MAX_LABELS",
    "Accumulator",
    "Average",
    "Count",
    "Distinct",
    "Gauge",
    "Percentiles",
    "Rate",
    "RegexParser",
    "Sum",
]

#: What every parser may have to say of itself.
_OWN = (
    MetricInfo("runaway_lines", "Lines", "c", "Lines on which a pattern took too long."),
    MetricInfo("values_left_out", "Values", "c", "Values to measure that are no numbers."),
)


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
