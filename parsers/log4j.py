r"""
Count the messages of a Java application by level: log4j, Log4j 2, Logback, Spring Boot.

Lines it reads:

>>> levels("2026-11-21 06:21:32,502 ERROR [main] org.example.Shop - no stock")
{'ERROR': 1}
>>> levels("06:21:32.502 [http-1] WARN  org.example.Shop - slow")
{'WARN': 1}
>>> levels("INFO  [main] 2026-11-21 06:21:32,502 Shop.java:12 - open")
{'INFO': 1}
>>> levels("[2026-11-21T06:21:32,502][WARN ][o.e.c.r.a.DiskThresholdMonitor] [node-1] flood")
{'WARN': 1}

What stands before the level may be a time, a thread in brackets, and what is usual with
Elasticsearch, Logstash, ZooKeeper, ActiveMQ, Karaf, slf4j-simple and Log4j 2 itself.

The lines of a stack trace belong to the message above them and are passed over.

Metrics:
    {level}: Messages of that level, for each of ``--log-levels``, in lower case.

    errors_per_second: Messages of level error and fatal, per second.

    exceptions: Stack traces.

    exception_{class}: Stack traces of each class, with ``--exceptions``: the 50 most
        frequent classes, and all others as ``exception_other``.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import ClassVar

from logster.blocks import BlockParser
from logster.errors import ConfigurationError
from logster.labels import OTHER
from logster.metrics import Metric, MetricInfo, MetricObject
from logster.options import Option
from logster.parser import Tally
from logster.sample import Kept


LEVELS = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
ERRORS = ("ERROR", "FATAL")

# Metrics that are no level's.
_OWN_NAMES = ("errors_per_second", "exception")

#: How many classes of exceptions are shown; the rest counts as ``exception_other``.
MAX_CLASSES = 50

#: How many are told apart, so that a flood of new ones hides none of those shown.
MAX_CLASSES_KEPT = 10_000

#: Levels of other libraries: who writes them in brackets has no thread there.
OTHER_LEVELS = (
    *("SEVERE", "CONFIG", "FINE", "FINER", "FINEST", "NOTICE", "AUDIT", "VERBOSE", "SUCCESS"),
    *("CRITICAL", "ALERT", "EMERGENCY", "DEPRECATION", "ALL", "OFF"),
)

# A level in brackets is no thread, and ends where it does: what follows is a message.
_BRACKETED = r"""
    [ ]*+ (?= [%(initials)s] ) (?: %(own)s | %(known)s | %(others)s ) (?: ING )?+ [ ]*+ \]
"""
_LEVEL = r"(?: %(own)s | %(known)s ) (?: ING )?+"

# Time, with or without a date, alone or in brackets; then perhaps the thread, whose name
# may hold a URL with brackets of its own but no blank behind them. Elasticsearch and
# Logstash have no blank before a level in brackets.
_TIME = rf"""
    \[?+ (?: \d{{1,2}} [ ] [A-Z][a-z]{{2}} [ ] \d{{4}} [ ] )?+
    \d [\d:.,/_TZ+-]*+ (?: [ ] \d [\d:.,Z+-]*+ )?+ \]?+
    (?: [ \t]++
        (?: \[ (?! {_BRACKETED} ) [^\]\n]*+ (?: \] (?! [ \t] ) [^\]\n]*+ )*+ \] [ \t]++ )?+
      | (?<= \] ) (?= \[ {_BRACKETED} )
    )
"""

# What stands before the level. Where it might else be the first word of a message, what
# stands behind it is asked for, too: by ZooKeeper; by ActiveMQ and Karaf; by Log4j 2 in its
# own troubles, with a bare thread; without a time, by slf4j-simple.
_START = rf"""
    (?: [ ]*+ (?: {_TIME} )?+ (?: \[ [ ]*+ )?+
      | {_TIME}
        (?: - [ ] (?= {_LEVEL} [ ]{{1,2}} \[ )
          | \| [ ] (?= {_LEVEL} [ ]*+ \| [ ] )
          | (?: main | [A-Za-z] [\w.-]*+ (?<= \d ) ) [ ] (?= {_LEVEL} [ ] )
        )
      | \[ (?! {_BRACKETED} ) [^\]\n]++ \] [ ] (?= {_LEVEL} [ ] [\w.$]++ [ ] - [ ] )
    )
"""

# What 1.x takes for a time: one word.
_WORD = r"[0-9_:.-]++ [ ]"

# The class of an exception: it has a package of two words, or its name says so.
_CLASS = r"""
    [a-z_] [\w$]*+ \.
    (?: (?: [a-z_] [\w$]*+ \. )++ [A-Z] [\w$]*+
      | [A-Z] [\w$]*+ (?: (?<= Exception|Throwable ) | (?<= Error ) )
    ) (?= : [ ] | \r?+ (?: \n | \Z ) )
"""

# One match for every line, with its level or the class of an exception; with its first
# byte where it is not understood; with nothing where it goes on with what is above it.
_LINE = rf"""
      %(start)s ( %(own)s ) %(end)s [^\n]*+ \n?
    | [ \t] [^\n]*+ \n?
    | ( {_CLASS} ) [^\n]*+ \n?
    | (?: Caused[ ]by:[ ] | %(start)s (?: %(known)s ) \b ) [^\n]*+ \n?
    | \r?+ \n | \r \Z
    | ( [^\n] ) [^\n]*+ \n?
"""


class Log4jParser(BlockParser):
    """Count the messages of a Java application by level."""

    options: ClassVar = (
        Option(
            ("-l", "--log-levels"),
            "Levels to count, separated by commas.",
            ",".join(LEVELS),
            metavar="LEVELS",
        ),
        Option(("--exceptions",), "Count the stack traces of each class.", False, type=bool),
    )

    def __init__(self, option_string: str | None = None) -> None:
        super().__init__(option_string)
        self.levels = dict.fromkeys(_levels(self.option.log_levels), 0)
        self.classes: Counter[str] = Counter()
        # Of more than there is room for, the same stay in whatever order they come.
        self._kept = Kept(MAX_CLASSES_KEPT)
        self._findall = _pattern(_START, self.levels, r"(?: ING )?+ (?! [\w$] )").findall

    def take(self, block: bytes) -> Tally:
        """Count the lines of *block*."""
        matched = ignored = unmatched = 0
        for (level, exception, bad), count in Counter(self._findall(block)).items():
            if level:
                self.levels[level.decode()] += count
                matched += count
            elif bad:
                unmatched += count
            else:
                ignored += count
                if exception:
                    self._count_class(exception.decode(), count)
        return Tally(matched, ignored, unmatched)

    def merge(self, other: "Log4jParser") -> None:
        """Add what *other* counted."""
        for level, count in other.levels.items():
            self.levels[level] += count
        for name, count in other.classes.items():
            self._count_class(name, count)

    def get_state(self, duration: float) -> Iterable[Metric]:
        """Return a count for each level, the rate of errors and the stack traces."""
        counts: Counter[str] = Counter()
        for level, count in self.levels.items():
            counts[level.lower()] += count
        for level, count in counts.items():
            yield Metric(level, count, "Messages", "int32", kind="c")
        errors = sum(self.levels.get(level, 0) for level in ERRORS)
        yield Metric("errors_per_second", errors / duration, "Messages per sec")
        yield Metric("exceptions", self.classes.total(), "Stack traces", "int32", kind="c")
        if self.option.exceptions:
            for name, count in self._shown().items():
                yield Metric(f"exception_{name}", count, "Stack traces", "int32", kind="c")

    @classmethod
    def catalogue(cls) -> tuple[MetricInfo, ...]:
        """Return what is known beforehand of the metrics."""
        return (
            MetricInfo("{level}", "Messages", "c", "Messages of that level."),
            MetricInfo(
                "errors_per_second",
                "Messages per sec",
                "g",
                "Messages of level error and fatal, per second.",
            ),
            MetricInfo("exceptions", "Stack traces", "c", "Stack traces."),
            MetricInfo(
                "exception_{class}",
                "Stack traces",
                "c",
                "Stack traces of each class, the most frequent, with --exceptions.",
            ),
        )

    def _count_class(self, name: str, count: int) -> None:
        if name != OTHER:
            # A class begins with a capital: none is called like that.
            name = name.rpartition(".")[2][:100]
            gone = self._kept.offer(name)
            if gone is not None:
                self.classes[OTHER] += self.classes.pop(gone, 0)
            name = OTHER if gone == name else name
        self.classes[name] += count

    def _shown(self) -> Counter[str]:
        """Return the most frequent classes, and all others as one."""
        names = sorted(self.classes.keys() - {OTHER}, key=lambda name: (-self.classes[name], name))
        shown = Counter({name: self.classes[name] for name in names[:MAX_CLASSES]})
        if rest := self.classes.total() - shown.total():
            shown[OTHER] = rest
        return shown


class Log4jLogster(BlockParser):
    """
    Count the messages of a Java application by level, under the names of 1.x.

    As in 1.x a line counts if its time is one word and the level follows. Each
    level stands in an attribute of that name.
    """

    options: ClassVar = (
        Option(
            ("-l", "--log-levels"),
            "Levels to count, separated by commas.",
            "WARN,ERROR,FATAL",
            metavar="LEVELS",
        ),
    )

    def __init__(self, option_string: str | None = None) -> None:
        super().__init__(option_string)
        self.levels = self.option.log_levels.split(",")
        for level in dict.fromkeys(self.levels):
            if hasattr(self, level) and not isinstance(getattr(self, level), int):
                raise _unusable(self.option.log_levels, f"{level!r} is no level")
            setattr(self, level, 0)
        self._findall = _pattern(_WORD, dict.fromkeys(self.levels, 0), "").findall

    def take(self, block: bytes) -> Tally:
        """Count the lines of *block*."""
        matched = ignored = unmatched = 0
        for (level, _, bad), count in Counter(self._findall(block)).items():
            if level:
                name = level.decode()
                setattr(self, name, getattr(self, name) + count)
                matched += count
            elif bad:
                unmatched += count
            else:
                ignored += count
        return Tally(matched, ignored, unmatched)

    def merge(self, other: "Log4jLogster") -> None:
        """Add what *other* counted."""
        for level in dict.fromkeys(self.levels):
            setattr(self, level, getattr(self, level) + getattr(other, level))

    def get_state(self, duration: float) -> Iterable[Metric | MetricObject]:
        """Return messages per second."""
        self.duration = duration
        return [MetricObject(level, getattr(self, level) / duration) for level in self.levels]

    @classmethod
    def catalogue(cls) -> tuple[MetricInfo, ...]:
        """Return what is known beforehand of the metrics."""
        return (MetricInfo("{level}", "", "g", "Messages of that level, per second."),)


def levels(line: str) -> dict[str, int]:
    """Return the levels that *line* counts for."""
    parser = Log4jParser()
    parser.parse_line(line)
    return {level: count for level, count in parser.levels.items() if count}


def _levels(text: str) -> list[str]:
    """
    Return the levels that *text* lists; those of log4j itself in capitals, as it writes them.

    Raises:
        ConfigurationError: If there are none, or one would be named like another metric.
    """
    words = [word.strip() for word in text.split(",")]
    levels = [word.upper() if word.upper() in LEVELS else word for word in words if word]
    if not levels:
        raise _unusable(text, "no level is among them")
    for level in levels:
        if level.lower().startswith(_OWN_NAMES):
            raise _unusable(text, f"{level!r} is the name of another metric")
    return levels


def _unusable(text: str, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"The log levels {text!r} cannot be used: {why}. Nothing was read or sent."
    )


def _pattern(start: str, levels: Mapping[str, int], end: str) -> re.Pattern[bytes]:
    """Return the pattern that finds *levels*, the first that fits, after *start*."""
    words = [*filter(None, levels), *LEVELS, *OTHER_LEVELS]
    parts = {
        "own": "|".join(re.escape(level) for level in levels if level) or r"(?!)",
        "known": "|".join(LEVELS),
        "others": "|".join(OTHER_LEVELS),
        "initials": "".join(sorted({re.escape(word[0]) for word in words})),
        "end": end,
    }
    return re.compile((_LINE % (parts | {"start": start % parts})).encode(), re.VERBOSE)
