r"""
Aggregate what an application writes as ``METRIC_COUNT``, ``METRIC_TIME`` and ``METRIC_GAUGE``.

Lines it reads; what stands before the last mark is of no account:

>>> figures("12:00:00 INFO METRIC_COUNT metric=shop.orders value=2.5")
{'shop.orders': 2.5}
>>> figures("METRIC_TIME metric=shop.pay value=10ms")
{'shop.pay.count': 1, 'shop.pay.mean': 10.0, 'shop.pay.median': 10, 'shop.pay.p90': 10}
>>> figures("METRIC_GAUGE metric=shop.open value=-3")
{'shop.open': -3}

All other lines are passed over. In names all but letters, digits, ``_``, ``-``
and ``.`` becomes ``_``.

Of one name, values in ``ns``, ``us``, ``µs``, ``ms`` and ``s`` are converted to the first of
these units; those with anything else behind them are taken to be in it:

>>> figures("METRIC_GAUGE metric=a value=5ms\nMETRIC_GAUGE metric=a value=2s")
{'a': 2000}

No name forges another figure, as Prometheus writes them, too. The parser's own comes first,
then those of a ``METRIC_TIME``, of a ``METRIC_COUNT`` and of a ``METRIC_GAUGE``, of these
the one with most values; the values of a name that makes one of those before are dropped:

>>> figures("METRIC_COUNT metric=a.p90 value=7\nMETRIC_TIME metric=a value=5")
{'a.count': 1, 'a.mean': 5.0, 'a.median': 5, 'a.p90': 5, 'metric_lines_dropped': 1}

Two of ``METRIC_COUNT`` stay apart, since Prometheus gets their sum:

>>> figures("METRIC_COUNT metric=a.b value=7\nMETRIC_COUNT metric=a-b value=2")
{'a-b': 2, 'a.b': 7}

Metrics:
    {counter}: Sum of a ``METRIC_COUNT``.

    {gauge}: Last value of a ``METRIC_GAUGE``.

    {name}.count: How many values a ``METRIC_TIME`` had.

    {name}.mean: Their mean.

    {name}.median: Their median.

    {name}.p{percentile}: Their percentiles, as ``--percentiles`` says.

    metric_lines_dropped: Values of names beyond ``--max-names``, of which the shortest are kept,
        and of names that would forge another figure.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import ClassVar, NamedTuple

from logster.blocks import BlockParser
from logster.labels import alike
from logster.metrics import Metric, MetricInfo, MetricObject, plain_name, printable_name
from logster.options import Option
from logster.parser import Tally
from logster.parsers._metric_series import SCALE, Part, Series
from logster.parsers._percents import percents
from logster.sample import Kept, percentile_name


COUNT, TIME, GAUGE = b"METRIC_COUNT", b"METRIC_TIME", b"METRIC_GAUGE"

_NUMBER = rb"(?:\d{1,100}+(?:\.\d{0,100}+)?+|\.\d{1,100}+)"
_FIELDS = rb"\smetric=(\S{1,256}+)\s++value=(%s)(?![\d.])\s*+(\S{0,32}+)"


#: What may stand behind a unit and is no part of it.
_CLOSING = ",;.:)]}>\"'"

_DROPPED = "metric_lines_dropped"

Key = tuple[bytes, str]


class Values(NamedTuple):
    """
    The values in a block that have one name, as the log has it, and one unit.

    Attributes:
        key: Their mark, and their name as it is sent.

        unit: What follows the values.

        known: That unit, if it is one of `SCALE`, or "".

        new: The values themselves.
    """

    key: Key
    unit: str
    known: str
    new: list[float]


class MetricLinesParser(BlockParser):
    """Aggregate what an application writes as METRIC_COUNT, METRIC_TIME and METRIC_GAUGE."""

    options: ClassVar[tuple[Option, ...]] = (
        Option(
            ("-p", "--percentiles"), "Percentiles of times, separated by commas.", "90", "PERCENTS"
        ),
        Option(
            ("--max-names",),
            "Names told apart, the shortest; values of others are dropped.",
            1000,
            type=int,
            least=0,
        ),
    )
    marks: ClassVar[tuple[bytes, ...]] = (TIME, COUNT, GAUGE)
    units: ClassVar[Mapping[str, int]] = SCALE
    fields: ClassVar = re.compile(_FIELDS % (rb"[+-]?+" + _NUMBER + rb"(?:[eE][+-]?+\d{1,2}+)?+"))

    def __init__(self, option_string: str | None = None) -> None:
        super().__init__(option_string)
        self.percentiles = percents(self.option.percentiles)
        self.kept = Kept(self.option.max_names)
        self.series: dict[Key, Series] = {}
        self.dropped = 0

    def take(self, block: bytes) -> Tally:
        """Count the lines of *block*."""
        matched = unmatched = 0
        found: dict[tuple[bytes, ...], Values] = {}
        last: dict[Key, tuple[float, str]] = {}
        lines = block.split(b"\n")
        for line in lines:
            if b"METRIC_" not in line:
                continue
            fits = False
            for mark in self.marks:
                match = _last(mark, self.fields, line)
                if match:
                    name, text, unit = match.groups()
                    values = found.get((mark, name, unit))
                    if values is None:
                        values = found[mark, name, unit] = self._values(mark, name, unit)
                    value = self.number(text.decode())
                    values.new.append(value)
                    last[values.key] = value, values.known
                    fits = True
            matched += fits
            unmatched += not fits and any(mark in line for mark in self.marks)
        for values in found.values():
            series = self._admitted(values.key, values.unit)
            if series:
                part = series.part(values.known)
                part.total.add(values.new)
                if values.key[0] == TIME:
                    part.seen.add(values.new)
            else:
                self.dropped += len(values.new)
        for key in last.keys() & self.series.keys():
            self.series[key].last = last[key]
        return Tally(matched, len(lines) - (not lines[-1]) - matched - unmatched, unmatched)

    def merge(self, other: "MetricLinesParser") -> None:
        """Add what *other* counted, which came later."""
        self.dropped += other.dropped
        for key, series in other.series.items():
            mine = self._admitted(key, series.unit)
            if mine:
                mine.merge(series)
            else:
                self.dropped += series.count

    def get_state(self, duration: float) -> Iterable[Metric | MetricObject]:
        """Return a sum for each count, the last of each gauge, statistics of each time."""
        dropped = self.dropped
        taken = _written(Metric(_DROPPED, 0, kind="c"))
        for mark in self.marks:
            made: set[str] = set()
            kept: set[str] = set()
            for name, series in self._fullest(mark):
                metrics = list(self._metrics(mark, name, series))
                names = set().union(*map(_written, metrics))
                single = {alike(metric.name, metric.kind) for metric in metrics}
                if names & taken or single & kept:
                    dropped += series.count
                    continue
                made |= names
                kept |= single
                yield from metrics
            taken |= made
        if dropped:
            yield Metric(_DROPPED, dropped, "Values", "int32", kind="c")

    @classmethod
    def catalogue(cls) -> tuple[MetricInfo, ...]:
        """Return what is known beforehand of the metrics."""
        return (
            MetricInfo("{counter}", "", "c", "Sum of a METRIC_COUNT."),
            MetricInfo("{gauge}", "", "g", "Last value of a METRIC_GAUGE."),
            MetricInfo("{name}.count", "Values", "c", "How many values a METRIC_TIME had."),
            MetricInfo("{name}.mean", "", "g", "Their mean."),
            MetricInfo("{name}.median", "", "g", "Their median."),
            MetricInfo("{name}.p{percentile}", "", "g", "Their percentiles."),
            MetricInfo(
                _DROPPED, "Values", "c", "Values beyond --max-names, or whose name is taken."
            ),
        )

    @staticmethod
    def number(text: str) -> float:
        """Return the number that *text* stands for."""
        return int(text) if text.lstrip("+-").isdigit() else float(text)

    @staticmethod
    def name(text: str) -> str:
        """Return *text* as it may stand in a name."""
        return plain_name(text)

    def _values(self, mark: bytes, name: bytes, unit: bytes) -> Values:
        """Return what shall hold the values of a name that have one unit."""
        text = unit.decode("utf-8", "replace")
        known = text.rstrip(_CLOSING)
        key = mark, self.name(name.decode("utf-8", "replace"))
        return Values(key, text, known if known in self.units else "", [])

    def _fullest(self, mark: bytes) -> list[tuple[str, Series]]:
        """Return the names of *mark* with what they hold, those with most values first."""
        found = [(name, series) for (of, name), series in self.series.items() if of == mark]
        return sorted(found, key=lambda each: (-each[1].count, len(each[0]), each[0]))

    def _metrics(self, mark: bytes, name: str, series: Series) -> Iterator[Metric]:
        """Yield what a series makes."""
        if mark == COUNT:
            yield Metric(name, series.whole().total.value, kind="c")
        elif mark == GAUGE:
            yield Metric(name, series.value, series.unit)
        else:
            whole = series.whole()
            yield Metric(f"{name}.count", series.count, "Values", "int32", kind="c")
            for part, value in self._statistics(whole):
                yield Metric(f"{name}.{part}", value, series.unit)

    def _statistics(self, part: Part) -> Iterator[tuple[str, float]]:
        yield "mean", part.total.mean
        yield "median", part.seen.percentile(50)
        yield from self._percentiles(part)

    def _percentiles(self, part: Part) -> Iterator[tuple[str, float]]:
        for percent in self.percentiles:
            yield percentile_name(percent), part.seen.percentile(percent)

    def _admitted(self, key: Key, unit: str) -> Series | None:
        """Return the series *key*, a new one if there is room for its name."""
        if key in self.series:
            return self.series[key]
        gone = self.kept.offer(key[1])
        if gone == key[1]:
            return None
        if gone is not None:
            lost = [self.series.pop((mark, gone), None) for mark in self.marks]
            self.dropped += sum(series.count for series in lost if series)
        self.series[key] = Series(unit)
        return self.series[key]


class MetricLogster(MetricLinesParser):
    """Aggregate METRIC_COUNT and METRIC_TIME lines, under the names of 1.x."""

    options: ClassVar = (
        Option(("-p", "--percentiles"), "Percentiles, separated by commas.", "90", "PERCENTS"),
        Option(
            ("--max-names",),
            "Names told apart, the shortest; values of others are dropped.",
            10_000,
            type=int,
            least=0,
        ),
    )
    marks: ClassVar = (COUNT, TIME)
    units: ClassVar = {}
    fields: ClassVar = re.compile(_FIELDS % _NUMBER)

    def get_state(self, duration: float) -> Iterable[MetricObject]:
        """Return the rate of each count, then mean, median and percentiles of each time."""
        ordered = sorted(self.series.items(), key=lambda item: self.marks.index(item[0][0]))
        for (mark, name), series in ordered:
            whole = series.whole()
            if mark == COUNT:
                yield MetricObject(name, whole.total.value / duration)
            else:
                for part, value in self._statistics(whole):
                    yield MetricObject(f"{name}.{part}", value, series.unit)

    @staticmethod
    def number(text: str) -> float:
        """Return the number that *text* stands for: always a float, as in 1.x."""
        return float(text)

    @staticmethod
    def name(text: str) -> str:
        """Return *text* as it may stand in a name: as in 1.x, but for control characters."""
        return printable_name(text)

    def _percentiles(self, part: Part) -> Iterator[tuple[str, float]]:
        for text in self.option.percentiles.split(",") if self.percentiles else ():
            yield f"{text}th_percentile", part.seen.percentile(float(text))

    @classmethod
    def catalogue(cls) -> tuple[MetricInfo, ...]:
        """Return what is known beforehand of the metrics."""
        return (
            MetricInfo("{name}", "", "g", "Sum of a METRIC_COUNT, per second."),
            MetricInfo("{name}.mean", "", "g", "Mean of a METRIC_TIME."),
            MetricInfo("{name}.median", "", "g", "Its median."),
            MetricInfo("{name}.{percentile}th_percentile", "", "g", "Its percentiles."),
        )


def figures(text: str) -> dict[str, object]:
    """Return the metrics of a run that saw *text* only."""
    parser = MetricLinesParser()
    parser.feed(text.encode())
    return {metric.name: metric.value for metric in parser.get_state(60)}


def _written(metric: Metric) -> set[str]:
    """
    Return what the outputs make of a name that tell fewest apart.

    Prometheus has no dots, and its counts end in ``_total``.

    >>> sorted(_written(Metric("a.b", 0, kind="c")))
    ['a_b', 'a_b_total']
    """
    plain = re.sub("[^A-Za-z0-9]", "_", metric.name.rstrip("."))
    return {plain, plain.removesuffix("_total") + "_total"} if metric.kind == "c" else {plain}


def _last(mark: bytes, fields: re.Pattern[bytes], line: bytes) -> re.Match[bytes] | None:
    """Return the last *mark* in *line* that the right *fields* follow."""
    place = len(line)
    while (place := line.rfind(mark, 0, place)) >= 0:
        match = fields.match(line, place + len(mark))
        if match:
            return match
    return None
