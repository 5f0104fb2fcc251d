r"""
Count and aggregate what the named groups of a pattern capture; no code needed.

Lines it reads are those that the pattern matches, anywhere unless it begins with ``^``:

>>> options = r"--pattern '(?P<status>\d{3}) (?P<ms>\d+)' --count status --percentiles ms=50,75"
>>> figures("GET / 200 12\nGET /x 404 4\n", options)
{'lines': 2, 'status_200': 1, 'status_404': 1, 'ms_p50': 8.0, 'ms_p75': 10.0}

A pattern that takes too long on a line is stopped; the rest of the log is read.

Metrics:
    lines: Lines that match.

    {group}_{text}: How often a group captured each text, with ``--count``.

    {group}_sum: Sum of its numbers, with ``--sum``.

    {group}_avg: Their mean, with ``--average``.

    {group}_p{percentile}: Their percentiles, with ``--percentiles``.

    {group}: The last of them, with ``--gauge``.

    {group}_distinct: How many different texts it captured, with ``--distinct``.

    {metric}_{text}: Each of these but the first two for each text of a group, with ``--by``.

    lines_per_second: Lines that match, per second, with ``--rate``.

    runaway_lines: Lines on which the pattern took too long, or that of ``--ignore``.

    values_left_out: Values to sum up, average and the like that are no numbers; empty ones and
        ``-`` are no values.

No text forges another figure: one that would name what is the parser's own, or another group's,
counts as ``other``, as do those beyond ``--max-labels`` and the text ``other`` itself:

>>> figures("alice\nms\nother\n", "-p '^(?P<user>[a-z]+)' -c user -d user")
{'lines': 3, 'user_alice': 1, 'user_ms': 1, 'user_other': 1, 'user_distinct': 3}
>>> figures("alice\ndistinct\n", "-p '^(?P<user>[a-z]+)' -c user -d user")
{'lines': 2, 'user_alice': 1, 'user_other': 1, 'user_distinct': 2}

Texts that an output writes alike, as Prometheus does ``al.b`` and ``al-b``, are one with
``--by``. Their counts stay apart and add up there; so do sums:

>>> options = r"-p '^(?P<user>\S+) (?P<ms>\d+)' -b user -a ms -s ms"
>>> figures("al.b 5\nal-b 1\n", options)
{'lines': 2, 'ms_sum_al.b': 5, 'ms_sum_al-b': 1, 'ms_avg_al-b': 3.0}
"""

from typing import Any, ClassVar

from logster.errors import ConfigurationError
from logster.metrics import MetricInfo
from logster.options import Option
from logster.regex_parser import (
    MAX_LABELS,
    Accumulator,
    Average,
    Count,
    Distinct,
    Gauge,
    Percentiles,
    Rate,
    RegexParser,
    Sum,
)


PERCENTS = "50,95,99"


class PatternParser(RegexParser):
    """Count and aggregate what the named groups of a pattern capture."""

    options: ClassVar = (
        Option(
            ("-p", "--pattern"),
            "A regular expression with named groups: 'took (?P<ms>[0-9]+)ms'.",
            metavar="PATTERN",
        ),
        Option(
            ("-c", "--count"),
            "Count each text that a group captures.",
            metavar="GROUP",
            multiple=True,
        ),
        Option(("-s", "--sum"), "Sum of the numbers of a group.", metavar="GROUP", multiple=True),
        Option(("-a", "--average"), "Their mean.", metavar="GROUP", multiple=True),
        Option(
            ("-P", "--percentiles"),
            f"Their percentiles; {PERCENTS} if none are named.",
            metavar="GROUP[=PERCENTS]",
            multiple=True,
        ),
        Option(("-g", "--gauge"), "The last of them.", metavar="GROUP", multiple=True),
        Option(
            ("-d", "--distinct"),
            "How many different texts a group captures.",
            metavar="GROUP",
            multiple=True,
        ),
        Option(("-r", "--rate"), "Lines that match, per second.", False, type=bool),
        Option(("-b", "--by"), "Measure all numbers apart by this group.", metavar="GROUP"),
        Option(
            ("-i", "--ignore"),
            "Pass over the lines that match this and not the pattern.",
            metavar="PATTERN",
        ),
        Option(
            ("--max-labels",),
            "Texts of a group that are told apart, the shortest; others count as one.",
            MAX_LABELS,
            type=int,
            least=0,
        ),
    )

    def set_up(self, *_: Any) -> None:
        """Begin to measure what the options ask for."""
        option = self.option
        if not option.pattern:
            raise ConfigurationError(
                "The parser pattern needs a --pattern among its options. Nothing was read or sent."
            )
        super().set_up(option.pattern, self._wanted(), option.ignore, option.max_labels)

    @classmethod
    def catalogue(cls) -> tuple[MetricInfo, ...]:
        """Return what is known beforehand of the metrics."""
        return (
            MetricInfo("lines", "Lines", "c", "Lines that match."),
            MetricInfo("{group}_{text}", "", "c", "How often a group captured each text."),
            MetricInfo("{group}_sum", "", "c", "Sum of its numbers."),
            MetricInfo("{group}_avg", "", "g", "Their mean."),
            MetricInfo("{group}_p{percentile}", "", "g", "Their percentiles."),
            MetricInfo("{group}", "", "g", "The last of them."),
            MetricInfo("{group}_distinct", "", "g", "How many different texts it captured."),
            MetricInfo("{metric}_{text}", "", "g", "Each of these for each text of --by."),
            MetricInfo("lines_per_second", "Lines per sec", "g", "Lines that match, per second."),
            *super().catalogue(),
        )

    def _wanted(self) -> list[Accumulator[Any]]:
        option, by = self.option, self.option.by
        wanted: list[Accumulator[Any]] = [Count("lines", units="Lines")]
        if option.rate:
            wanted.append(Rate("lines_per_second", units="Lines per sec"))
        wanted += [Count(group, by=group) for group in dict.fromkeys(option.count)]
        wanted += [Sum(f"{group}_sum", group, by=by) for group in dict.fromkeys(option.sum)]
        wanted += [Average(f"{group}_avg", group, by=by) for group in dict.fromkeys(option.average)]
        wanted += [_percentiles(text, by) for text in dict.fromkeys(option.percentiles)]
        wanted += [Gauge(group, by=by) for group in dict.fromkeys(option.gauge)]
        wanted += [
            Distinct(f"{group}_distinct", group, by=by) for group in dict.fromkeys(option.distinct)
        ]
        return wanted


def figures(text: str, option_string: str) -> dict[str, object]:
    """Return the metrics of a run that saw *text* only."""
    parser = PatternParser(option_string=option_string)
    parser.feed(text.encode())
    return {metric.name: metric.value for metric in parser.get_state(60)}


def _percentiles(text: str, by: str | None) -> Percentiles:
    group, _, percents = text.partition("=")
    try:
        return Percentiles(
            group, [float(each) for each in (percents or PERCENTS).split(",")], by=by
        )
    except ValueError as error:
        raise ConfigurationError(
            f"The percentiles {text!r} are not of the form GROUP=50,95: {error}. "
            "Nothing was read or sent."
        ) from error
