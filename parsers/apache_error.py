"""
Count the messages in the error log of a web server by level: Apache 2.2, 2.4, nginx.

Lines it reads:

>>> levels("[Sat Nov 21 06:21:32 2026] [error] [client 192.0.2.7] File does not exist: /x")
{'error': 1}
>>> levels("[Sat Nov 21 06:21:32.502 2026] [core:crit] [pid 9:tid 7] AH00102: no space left")
{'crit': 1}
>>> levels("2026/11/21 06:21:32 [warn] 9#9: *5 a client request body is buffered")
{'warn': 1}

Metrics:
    {level}: Messages of that level, for each of the nine levels.

    errors_per_second: Messages of level error and worse, per second.
"""

import re
from collections import Counter
from collections.abc import Iterable

from logster.blocks import BlockParser, blank_lines
from logster.metrics import Metric, MetricInfo, MetricObject
from logster.parser import Tally


LEVELS = ("emerg", "alert", "crit", "error", "warn", "notice", "info", "debug", "trace")
ERRORS = LEVELS[:4]

# One match for every line; the group is empty where the line is not understood.
LINE = re.compile(
    rb"""
    (?: \[ [^\]\n]++ \] [ ] \[ (?: [^\]:\s]*+ : )?+     # Apache: [time] [module:level]
      | \d{4}/\d\d/\d\d [ ] \d\d:\d\d:\d\d [ ] \[       # nginx: time [level]
    ) (\w++) \] [ ] [^\n]*+ \n?
    | [^\n]*+ \n
    | [^\n]++
    """,
    re.VERBOSE,
)


class ApacheErrorParser(BlockParser):
    """Count the messages in the error log of Apache or nginx by level."""

    def __init__(self, option_string: str | None = None) -> None:
        super().__init__(option_string)
        self.levels: Counter[str] = Counter()

    def take(self, block: bytes) -> Tally:
        """Count the lines of *block*."""
        found = Counter(LINE.findall(block))
        matched = 0
        for word, count in found.items():
            level = word.decode().rstrip("12345678")  # trace1 … trace8
            if level in LEVELS:
                self.levels[level] += count
                matched += count
        return _tally(block, matched, found.total())

    def merge(self, other: "ApacheErrorParser") -> None:
        """Add what *other* counted."""
        self.levels += other.levels

    def get_state(self, duration: float) -> Iterable[Metric]:
        """Return one count for each level, and the rate of errors."""
        for level in LEVELS:
            yield Metric(level, self.levels[level], "Messages", "int32", kind="c")
        errors = sum(self.levels[level] for level in ERRORS)
        yield Metric("errors_per_second", errors / duration, "Messages per sec")

    @classmethod
    def catalogue(cls) -> tuple[MetricInfo, ...]:
        """Return what is known beforehand of the metrics."""
        return (
            *(
                MetricInfo(level, "Messages", "c", f"Messages of level {level}.")
                for level in LEVELS
            ),
            MetricInfo(
                "errors_per_second",
                "Messages per sec",
                "g",
                "Messages of level error and worse, per second.",
            ),
        )


class ErrorLogLogster(BlockParser):
    """
    Count messages by level, under the names of 1.x.

    Attributes:
        notice: Messages of level notice.

        warn: Messages of level warn.

        error: Messages of level error.

        crit: Messages of level crit.

        other: Messages of any other level.
    """

    def __init__(self, option_string: str | None = None) -> None:
        super().__init__(option_string)
        self.notice = self.warn = self.error = self.crit = self.other = 0

    def take(self, block: bytes) -> Tally:
        """Count the lines of *block*."""
        found = Counter(LINE.findall(block))
        total = found.total()
        matched = total - found.pop(b"", 0)
        self.notice += found.pop(b"notice", 0)
        self.warn += found.pop(b"warn", 0)
        self.error += found.pop(b"error", 0)
        self.crit += found.pop(b"crit", 0)
        self.other += found.total()
        return _tally(block, matched, total)

    def merge(self, other: "ErrorLogLogster") -> None:
        """Add what *other* counted."""
        for name in ("notice", "warn", "error", "crit", "other"):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def get_state(self, duration: float) -> Iterable[Metric | MetricObject]:
        """Return messages per ten seconds."""
        self.duration = duration / 10
        return [
            MetricObject(name, getattr(self, name) / self.duration, "Logs per 10 sec")
            for name in ("notice", "warn", "error", "crit", "other")
        ]

    @classmethod
    def catalogue(cls) -> tuple[MetricInfo, ...]:
        """Return what is known beforehand of the metrics."""
        return tuple(
            MetricInfo(name, "Logs per 10 sec", "g", f"Messages of {what} in ten seconds.")
            for name, what in (
                ("notice", "level notice"),
                ("warn", "level warn"),
                ("error", "level error"),
                ("crit", "level crit"),
                ("other", "any other level"),
            )
        )


def levels(line: str) -> dict[str, int]:
    """Return the levels that *line* counts for."""
    parser = ApacheErrorParser()
    parser.parse_line(line)
    return dict(parser.levels)


def _tally(block: bytes, matched: int, total: int) -> Tally:
    """Return how *total* lines were taken; only a blank one is passed over on purpose."""
    ignored = blank_lines(block) if matched < total else 0
    return Tally(matched, ignored, total - matched - ignored)
