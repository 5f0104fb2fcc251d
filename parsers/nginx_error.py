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

#: How messages begin; what follows may be a stranger's text. With each what it means.
EVENTS = {
    "open_failed": (r"open\(\) \"", "Files that could not be opened."),
    "forbidden": (
        r"access forbidden by rule|directory index of \"",
        "Requests forbidden by a rule, or for the list of a directory.",
    ),
    "auth_failed": (r"user \"|no user/password was provided", "Requests without a good password."),
    "upstream_unreachable": (
        r"connect\(\) failed|connect\(\) to ",
        "Failed attempts to connect to an upstream server.",
    ),
    "upstream_timed_out": (r"upstream timed out", "Upstream servers that took too long."),
    "upstream_closed": (
        r"upstream prematurely closed connection",
        "Upstream servers that closed a connection too early.",
    ),
    "upstream_none_live": (r"no live upstreams", "Requests that found no live upstream server."),
    "upstream_invalid": (r"upstream sent ", "Wrong replies of an upstream server."),
    "requests_limited": (
        r"limiting requests|delaying request",
        "Requests refused or delayed by a limit of requests.",
    ),
    "connections_limited": (r"limiting connections", "Requests refused by a limit of connections."),
    "client_invalid": (r"client sent ", "Wrong requests of a client."),
    "client_too_large": (r"client intended to send too large", "Requests with too large a body."),
    "client_timed_out": (r"client timed out", "Clients that took too long."),
    "client_closed": (r"client (?:prematurely )?closed ", "Connections that a client closed."),
    "tls_failed": (
        r"SSL_do_handshake\(\) failed|peer closed connection in SSL handshake",
        "TLS handshakes that failed.",
    ),
    "script_stderr": (
        r"FastCGI sent in stderr: ",
        "Messages that a FastCGI script wrote to its standard error.",
    ),
    "worker_died": (r"worker process \d+ exited on signal", "Worker processes ended by a signal."),
    "connections_exhausted": (
        r"\d+ worker_connections are not enough",
        "Times that worker_connections were not enough.",
    ),
}

_BEGINNINGS = re.compile("|".join(f"(?P<{name}>{text})" for name, (text, _) in EVENTS.items()))

# One match for every line: its level and how its message begins, if that is known; no
# level where the line is not understood.
_LINE = re.compile(
    rb"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[(\w++)\] \d++#\d++: (?:\*\d++ )?+(%s)?+[^\n]*+\n?"
    rb"|[^\n]*+\n|[^\n]++" % "|".join(text for text, _ in EVENTS.values()).encode()
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
            *(MetricInfo(name, "Messages", "c", text) for name, (_, text) in EVENTS.items()),
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
