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

Metrics:
    {counter}: Sum of a ``METRIC_COUNT``.

    {gauge}: Last value of a ``METRIC_GAUGE``.

    {name}.count: How many values a ``METRIC_TIME`` had.

    {name}.mean: Their mean.

    {name}.median: Their median.

    {name}.p{percentile}: Their percentiles, as ``--percentiles`` says.

    metric_lines_dropped: Values of names beyond ``--max-names``; the shortest names are kept.
"""

import re
from collections.abc import Iterable, Iterator
from typing import ClassVar

from logster.blocks import BlockParser
from logster.metrics import Metric, MetricInfo, MetricObject, plain_name, printable_name
from logster.options import Option
from logster.parser import Tally
from logster.parsers._percents import percents
from logster.sample import Distribution, Kept, Total, percentile_name


COUNT, TIME, GAUGE = b"METRIC_COUNT", b"METRIC_TIME", b"METRIC_GAUGE"

_NUMBER = rb"(?:\d{1,100}+(?:\.\d{0,100}+)?+|\.\d{1,100}+)"
_FIELDS = rb"\smetric=(\S{1,256}+)\s++value=(%s)(?![\d.])\s*+(\S{0,32}+)"


class Series:
    """
    The values of one name.

    Attributes:
        unit: What followed the first value.

        last: The last value.
    """

    __slots__ = ("last", "seen", "total", "unit")

    def __init__(self, unit: str) -> None:
        self.unit = unit
        self.last: float = 0
        self.total = Total()
        self.seen = Distribution()

    def add(self, mark: bytes, values: list[float]) -> None:
        """Take *values*, the last of them last."""
        self.last = values[-1]
        self.total.add(values)
        if mark == TIME:
            self.seen.add(values)

    def merge(self, other: "Series") -> None:
        """Add what *other* holds, which came later."""
        self.last = other.last
        self.total.merge(other.total)
        self.seen.merge(other.seen)


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
        ),
    )
    marks: ClassVar[tuple[bytes, ...]] = (COUNT, TIME, GAUGE)
    fields: ClassVar = re.compile(_FIELDS % (rb"[+-]?+" + _NUMBER + rb"(?:[eE][+-]?+\d{1,2}+)?+"))

    def __init__(self, option_string: str | None = None) -> None:
        super().__init__(option_string)
        self.percentiles = percents(self.option.percentiles)
        self.kept = Kept(self.option.max_names)
        self.series: dict[tuple[bytes, str], Series] = {}
        self.dropped = 0

    def take(self, block: bytes) -> Tally:
        """Count the lines of *block*."""
        matched = unmatched = 0
        values: dict[tuple[bytes, str], tuple[str, list[float]]] = {}
        lines = block.split(b"\n")
        for line in lines:
            if b"METRIC_" not in line:
                continue
            fits = False
            for mark in self.marks:
                match = _last(mark, self.fields, line)
                if match:
                    name, text, unit = (part.decode("utf-8", "replace") for part in match.groups())
                    _, new = values.setdefault((mark, name), (unit, []))
                    new.append(self.number(text))
                    fits = True
            matched += fits
            unmatched += not fits and any(mark in line for mark in self.marks)
        for (mark, name), (unit, new) in values.items():
            series = self._admitted((mark, self.name(name)), unit)
            if series:
                series.add(mark, new)
            else:
                self.dropped += len(new)
        return Tally(matched, len(lines) - (not lines[-1]) - matched - unmatched, unmatched)

    def merge(self, other: "MetricLinesParser") -> None:
        """Add what *other* counted, which came later."""
        self.dropped += other.dropped
        for key, series in other.series.items():
            mine = self._admitted(key, series.unit)
            if mine:
                mine.merge(series)
            else:
                self.dropped += series.total.count

    def get_state(self, duration: float) -> Iterable[Metric | MetricObject]:
        """Return a sum for each count, the last of each gauge, statistics of each time."""
        for (mark, name), series in self.series.items():
            if mark == COUNT:
                yield Metric(name, series.total.value, kind="c")
            elif mark == GAUGE:
                yield Metric(name, series.last, series.unit)
            else:
                yield Metric(f"{name}.count", series.total.count, "Values", "int32", kind="c")
                for part, value in self._statistics(series):
                    yield Metric(f"{name}.{part}", value, series.unit)
        if self.dropped:
            yield Metric("metric_lines_dropped", self.dropped, "Values", "int32", kind="c")

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
            MetricInfo("metric_lines_dropped", "Values", "c", "Values beyond --max-names."),
        )

    @staticmethod
    def number(text: str) -> float:
        """Return the number that *text* stands for."""
        return int(text) if text.lstrip("+-").isdigit() else float(text)

    @staticmethod
    def name(text: str) -> str:
        """Return *text* as it may stand in a name."""
        return plain_name(text)

    def _statistics(self, series: Series) -> Iterator[tuple[str, float]]:
        yield "mean", series.total.mean
        yield "median", series.seen.percentile(50)
        for percent in self.percentiles:
            yield percentile_name(percent), series.seen.percentile(percent)

    def _admitted(self, key: tuple[bytes, str], unit: str) -> Series | None:
        """Return the series *key*, a new one if there is room for its name."""
        if key in self.series:
            return self.series[key]
        gone = self.kept.offer(key[1])
        if gone == key[1]:
            return None
        if gone is not None:
            lost = [self.series.pop((mark, gone), None) for mark in self.marks]
            self.dropped += sum(series.total.count for series in lost if series)
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
        ),
    )
    marks: ClassVar = (COUNT, TIME)
    fields: ClassVar = re.compile(_FIELDS % _NUMBER)

    def get_state(self, duration: float) -> Iterable[MetricObject]:
        """Return the rate of each count, then mean, median and percentiles of each time."""
        ordered = sorted(self.series.items(), key=lambda item: self.marks.index(item[0][0]))
        for (mark, name), series in ordered:
            if mark == COUNT:
                yield MetricObject(name, series.total.value / duration)
            else:
                for part, value in self._statistics(series):
                    yield MetricObject(f"{name}.{part}", value, series.unit)

    @staticmethod
    def number(text: str) -> float:
        """Return the number that *text* stands for: always a float, as in 1.x."""
        return float(text)

    @staticmethod
    def name(text: str) -> str:
        """Return *text* as it may stand in a name: as in 1.x, but for control characters."""
        return printable_name(text)

    def _statistics(self, series: Series) -> Iterator[tuple[str, float]]:
        yield "mean", series.total.mean
        yield "median", series.seen.percentile(50)
        for text in self.option.percentiles.split(",") if self.percentiles else ():
            yield f"{text}th_percentile", series.seen.percentile(float(text))

    @classmethod
    def catalogue(cls) -> tuple[MetricInfo, ...]:
        """Return what is known beforehand of the metrics."""
        return (
            MetricInfo("{name}", "", "g", "Sum of a METRIC_COUNT, per second."),
            MetricInfo("{name}.mean", "", "g", "Mean of a METRIC_TIME."),
            MetricInfo("{name}.median", "", "g", "Its median."),
            MetricInfo("{name}.{percentile}th_percentile", "", "g", "Its percentiles."),
        )


def figures(line: str) -> dict[str, object]:
    """Return the metrics of a run that saw *line* only."""
    parser = MetricLinesParser()
    parser.parse_line(line)
    return {metric.name: metric.value for metric in parser.get_state(60)}


def _last(mark: bytes, fields: re.Pattern[bytes], line: bytes) -> re.Match[bytes] | None:
    """Return the last *mark* in *line* that the right *fields* follow."""
    place = len(line)
    while (place := line.rfind(mark, 0, place)) >= 0:
        match = fields.match(line, place + len(mark))
        if match:
            return match
    return None
