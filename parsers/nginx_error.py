r"""
Count the messages in the error log of nginx by level and by what happened.

Lines it reads:

>>> events('2026/11/21 06:21:32 [error] 9#9: *5 open() "/x" failed (2: No such file), client: ::1')
{'error': 1, 'open_failed': 1}
>>> events("2026/11/21 06:21:32 [error] 9#9: *7 upstream timed out (110: Connection timed out)")
{'error': 1, 'upstream_timed_out': 1}

Metrics:
    {level}: Messages of that level, for each of the eight levels.

    errors_per_second: Messages of level error and worse, per second.

    {event}: How often each event happened: open_failed, forbidden, upstream_unreachable and others.
"""

import re
from collections import Counter
from collections.abc import Iterable

from logster.blocks import BlockParser, blank_lines
from logster.metrics import Metric, MetricInfo
from logster.parser import Tally


LEVELS = ("emerg", "alert", "crit", "error", "warn", "notice", "info", "debug")
ERRORS = LEVELS[:4]

#: How messages begin, and what that means; what follows may be a stranger's text.
EVENTS = {
    "open_failed": r"open\(\) \"",
    "forbidden": r"access forbidden by rule|directory index of \"",
    "auth_failed": r"user \"|no user/password was provided",
    "upstream_unreachable": r"connect\(\) failed|connect\(\) to ",
    "upstream_timed_out": r"upstream timed out",
    "upstream_closed": r"upstream prematurely closed connection",
    "upstream_none_live": r"no live upstreams",
    "upstream_invalid": r"upstream sent ",
    "requests_limited": r"limiting requests|delaying request",
    "connections_limited": r"limiting connections",
    "client_invalid": r"client sent ",
    "client_too_large": r"client intended to send too large",
    "client_timed_out": r"client timed out",
    "client_closed": r"client (?:prematurely )?closed ",
    "tls_failed": r"SSL_do_handshake\(\) failed|peer closed connection in SSL handshake",
    "script_stderr": r"FastCGI sent in stderr: ",
    "worker_died": r"worker process \d+ exited on signal",
    "connections_exhausted": r"\d+ worker_connections are not enough",
}

_BEGINNINGS = re.compile("|".join(f"(?P<{name}>{text})" for name, text in EVENTS.items()))

# One match for every line: its level and how its message begins, if that is known; no
# level where the line is not understood.
_LINE = re.compile(
    rb"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[(\w++)\] \d++#\d++: (?:\*\d++ )?+(%s)?+[^\n]*+\n?"
    rb"|[^\n]*+\n|[^\n]++" % "|".join(EVENTS.values()).encode()
)


class NginxErrorParser(BlockParser):
    """Count the messages in the error log of nginx by level and by what happened."""

    def __init__(self, option_string: str | None = None) -> None:
        super().__init__(option_string)
        self.levels: Counter[str] = Counter()
        self.events: Counter[str] = Counter()

    def take(self, block: bytes) -> Tally:
        """Count the lines of *block*."""
        matched = 0
        found = Counter(_LINE.findall(block))
        for (word, beginning), count in found.items():
            level = word.decode()
            if level in LEVELS:
                matched += count
                self.levels[level] += count
                event = _BEGINNINGS.match(beginning.decode())
                if event and event.lastgroup:
                    self.events[event.lastgroup] += count
        total = found.total()
        ignored = blank_lines(block) if matched < total else 0
        return Tally(matched, ignored, total - matched - ignored)

    def merge(self, other: "NginxErrorParser") -> None:
        """Add what *other* counted."""
        self.levels += other.levels
        self.events += other.events

    def get_state(self, duration: float) -> Iterable[Metric]:
        """Return a count for each level and each event, and the rate of errors."""
        for level in LEVELS:
            yield Metric(level, self.levels[level], "Messages", "int32", kind="c")
        for event in EVENTS:
            yield Metric(event, self.events[event], "Messages", "int32", kind="c")
        errors = sum(self.levels[level] for level in ERRORS)
        yield Metric("errors_per_second", errors / duration, "Messages per sec")

    @classmethod
    def catalogue(cls) -> tuple[MetricInfo, ...]:
        """Return what is known beforehand of the metrics."""
        return (
            *(MetricInfo(each, "Messages", "c", f"Messages of level {each}.") for each in LEVELS),
            *(MetricInfo(name, "Messages", "c", f"{_said(name)}.") for name in EVENTS),
            MetricInfo(
                "errors_per_second",
                "Messages per sec",
                "g",
                "Messages of level error and worse, per second.",
            ),
        )


def events(line: str) -> dict[str, int]:
    """Return the metrics that *line* counts for."""
    parser = NginxErrorParser()
    parser.parse_line(line)
    return dict(parser.levels + parser.events)


def _said(name: str) -> str:
    """Return the name of an event as words."""
    return name.replace("_", " ").capitalize()
