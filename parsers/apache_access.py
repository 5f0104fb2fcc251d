r"""
Count the requests of a web server: statuses, methods, bytes and durations.

Reads the common and combined formats of Apache and nginx as they come, with any
fields behind, and in front the virtual host (with its port, or before an address)
or syslog's header. Any other format is read by its definition (``--format``): Apache's
``LogFormat`` or nginx's ``log_format`` string. Lines it reads:

>>> parser = ApacheAccessParser()
>>> parser.parse_line('::1 - - [21/Nov/2026:06:22:30 +0000] "GET / HTTP/2.0" 304 - "-" "-"')
>>> parser.parse_line(r'::1 - - [21/Nov/2026:06:22:30 +0000] "\x16\x03\x01" 400 448 "-" "-"')
>>> [metric.value for metric in parser.get_state(60) if metric.name in {"http_3xx", "malformed"}]
[1, 1]

Everything that a client writes stands behind the first quote, where servers
escape quotes; status and size are taken from behind the quote that closes the
request. Durations need to be told apart: ``--format`` knows them from the format,
and of a duration in several units (``%T/%D``) takes the finest; ``--duration-unit``
names the unit of a number at the end of each line.

Percentiles are exact to four digits. Clients and users are told apart up to
50,000. Methods that are not registered count together as ``OTHER``.

Metrics:
    requests, http_1xx … http_5xx, size: Requests, those by class of status, and bytes sent;
        always given.

    malformed: Requests whose first line was no HTTP request; always given.

    error_pct: Share of statuses 5xx among all requests.

    avg_size, max_size: Bytes of one reply.

    duration_avg, duration_median, duration_p90, duration_p95, duration_p99, duration_max:
        Time a request took, where the log tells.

    clients_unique, users_unique: How many different clients and users there were.

    http_<code>, method_<method>, http_version_<version>: Where there were any.
"""

import re
from collections import Counter
from collections.abc import Iterator

from logster.errors import ConfigurationError
from logster.metrics import Metric, MetricInfo, MetricObject
from logster.options import Option
from logster.parsers._access import (
    FOLD_AT,
    METHOD_LENGTH,
    QUOTED,
    STATUS_CLASSES,
    STATUSES,
    AccessParser,
    Column,
    Distribution,
    Layout,
    add_clients,
    add_users,
    numbers,
    per_second,
    share,
    status_class,
    status_class_infos,
    unique_counts,
    words,
)
from logster.parsers._percents import percents


#: What may stand in front: a virtual host with its port.
_HOST = rb"[^ :\"\n]++:[0-9]++ "

_ADDRESS = rb"(?:[0-9]++(?:\.[0-9]++){3}|[0-9A-Fa-f]*+:[0-9A-Fa-f:.]++) "

_SYSLOG = (
    rb"(?:<[0-9]{1,3}>)?+(?:[A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8}|[0-9]{4}-[0-9]{2}-[0-9T:.Z+-]++) "
    rb"(?:[^ \"\n]++ )?[^ \"\n]++(?<=:) "
)

#: Also one without, where an address follows, and the header of syslog.
_FRONT = rb"(?:%b|[^ \"\n]++ (?=%b)|%b)" % (_HOST, _ADDRESS, _SYSLOG)


def _layout(tail: bytes, *fields: str) -> Layout:
    """Return the layout of common and combined lines that end with *tail*."""
    # No blank in user and URL, and a version of HTTP. What is usual is not taken out at
    # all, see `_USUAL`. Nobody gets a quote without a backslash before it into a request.
    # By its length the time cannot begin at a bracket in the name of a user.
    usual = (
        rb"([^ \n]++) [^ \n]++ (?:-|([^ \n]++)) \[[^\]\n]{26}+\] \"(?:GET|%b[^ \"\n]*+) [^ \n]++"
        rb" (HTTP/[0-9]\.[0-9]\" [0-9]{3})"
    ) % (rb"([^ \"\n]{1,%d}+)" % METHOD_LENGTH)
    # With blanks in the user's name or the URL, or garbage for a request. Apache writes
    # "" for an empty name, and nobody else gets such quotes there. Where a name has
    # blanks, what stands before it is a dash: else it might be the words of some header.
    unusual = (
        rb"([^ \"\n]++) (?:-|[^ \"\n]++(?= [^ \n]++ \[[^\[\]\n]*+\] \"))"
        rb" (\"\"(?= \[)|[^ \"\\\n]*+)"
        + QUOTED
        + rb"(?<=\] )\"([^ \"\\\n]{0,%d}+)" % METHOD_LENGTH
        + QUOTED
        + rb"\" [0-9]{3}(?<=([^\n]{13}))"
    )
    rest = rb" (?:-|([0-9]{1,15}+))" + tail
    return Layout(
        ("client", "user", "method", "ending", "size", *fields),
        usual + rest,
        _HOST + usual + rest,
        unusual + rest,
        _FRONT + unusual + rest,
    )


_COMMON = _layout(rb"(?![^ \n]).*+")
_DURATION = {
    unit: _layout(rb"(?: .*)? ([0-9]{1,12}(?:\.[0-9]{1,9})?|-)", f"duration_{unit}")
    for unit in ("s", "ms", "us")
}
_VERSION = r"(?s:HTTP/([0-9]\.[0-9])|.? HTTP/([0-9]))\Z"
_METHODS = words("""
    GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH PRI PROPFIND PROPPATCH MKCOL COPY MOVE
    LOCK UNLOCK REPORT SEARCH PURGE NONE
""")
_VERSIONS = words("0.9 1.0 1.1 2 2.0 3 3.0")

#: The method of most lines, for which patterns have None.
_USUAL = b"GET"

#: All that the metrics of 1.x need, whatever stands in front of the first quote:
#: the first digit of the status.
_STATUS_ONLY = Layout(
    ("class",),
    rb"[^\"\n]*+(?<!\\)\"[^\"\n]*+(?<!\\)\" ([0-9])[0-9]{2}(?![^ \n]).*+",
    QUOTED + rb"\"" + QUOTED + rb"\" ([0-9])[0-9]{2}(?![^ \n]).*+",
    # Apache writes "" for an empty name of a user.
    QUOTED + rb"\"\" \[[^\"\n]*+\"" + QUOTED + rb"\" ([0-9])[0-9]{2}(?![^ \n]).*+",
)

#: What one unit of each duration is in microseconds, the finest first.
_MICROSECONDS = {"duration_us": 1, "duration_ms": 1_000, "duration_s": 1_000_000}


def _microseconds(text: str, unit: int) -> int:
    """
    Return a duration in whole microseconds.

    >>> _microseconds("0.005", 1_000_000), _microseconds("7", 1_000)
    (5000, 7000)
    """
    if text.startswith("-"):
        # A clock that was set back makes a request end before it began.
        return 0
    whole, _, fraction = text.partition(".")
    return int(whole) * unit + int((fraction or "0").ljust(6, "0")[:6]) * unit // 1_000_000


def _version(text: str) -> str | None:
    """
    Return the version of HTTP that ends a request line, or None if there is none.

    >>> _version("HTTP/1.1"), _version("x HTTP/3"), _version("GARBAGE!")
    ('1.1', '3', None)
    """
    found = re.search(_VERSION, text)
    return (found[1] or found[2]) if found else None


class ApacheAccessParser(AccessParser):
    """Everything an access log of Apache or nginx tells."""

    options = (
        Option(
            ("-f", "--format"),
            "The log's definition: Apache's LogFormat or nginx's log_format.",
            None,
            "STRING",
        ),
        Option(
            ("-u", "--duration-unit"),
            "Unit of the number at the end of each line, where there is one and no --format.",
            None,
            choices=("s", "ms", "us"),
        ),
        Option(
            ("-p", "--percentiles"),
            "Percentiles of durations, separated by commas.",
            "50,90,95,99",
            "LIST",
        ),
    )

    def __init__(self, option_string: str | None = None) -> None:
        super().__init__(option_string)
        self._percentiles = percents(self.option.percentiles)
        # As the log has them; `_fold` moves them on.
        fields = self._layouts[0].fields
        self._heads: list[str] = [
            name for name in ("ending", "status", "method", "version") if name in fields
        ]
        self._raw_heads: Counter[tuple[bytes | None, ...]] = Counter()
        # Where a format has the same time in several units, the finest has it best.
        self._duration = next((name for name in _MICROSECONDS if name in fields), "")
        self._raw_durations: Counter[bytes] = Counter()
        # Converted, with a bounded number of keys.
        self._statuses: Counter[str] = Counter()
        self._words: Counter[str] = Counter()
        self._requests = self._malformed = self._size = self._max_size = 0
        self._durations = Distribution()
        self._clients: set[bytes] = set()
        self._users: set[bytes] = set()

    def layouts(self) -> tuple[Layout, ...]:
        """Return the layout of the log."""
        return (_chosen(self.option.format, self.option.duration_unit),)

    def take(self, columns: dict[str, Column]) -> None:
        """Count the lines of *columns*."""
        if self.option.format:
            columns = _plain(columns)
        self._requests += len(columns[self._heads[0]])
        # All together: a third faster than a Counter for each.
        self._raw_heads.update(zip(*(columns[name] for name in self._heads), strict=True))
        if self._duration:
            self._raw_durations.update(columns[self._duration])
        sizes = numbers(list(filter(None, columns.get("size", ()))))
        self._size += int(sum(sizes))
        self._max_size = max(self._max_size, int(max(sizes, default=0)))
        trusted = not self.option.format
        add_clients(self._clients, columns.get("client", ()), trusted=trusted)
        add_users(self._users, columns.get("user", ()))
        if len(self._raw_heads) + len(self._raw_durations) > FOLD_AT:
            self._fold()

    def _fold(self) -> None:
        """Convert what was counted as the log had it, each distinct value once."""
        for values, count in self._raw_heads.items():
            for name, raw in zip(self._heads, values, strict=True):
                self._count_head(name, (_USUAL if raw is None else raw).decode("latin-1"), count)
        for raw, count in self._raw_durations.items():
            if raw != b"-":
                unit = _MICROSECONDS[self._duration]
                self._durations.add(_microseconds(raw.decode(), unit), count)
        self._raw_heads.clear()
        self._raw_durations.clear()

    def _count_head(self, name: str, text: str, count: int) -> None:
        if name == "ending":
            # The last eight characters of the request, and behind a quote the status.
            self._count_head("version", text[:8], count)
            self._count_head("status", text[-3:], count)
        elif name == "status":
            self._statuses[text] += count
        elif name == "method":
            text = "NONE" if text in {"", "-"} else text
            self._words["method_" + (text if text in _METHODS else "OTHER")] += count
        elif (version := _version(text)) in _VERSIONS:
            self._words[f"http_version_{version}".replace(".", "_")] += count
        else:
            self._malformed += count

    def merge(self, other: "ApacheAccessParser") -> None:
        """Count everything that *other* has counted too."""
        self._fold()
        other._fold()  # noqa: SLF001 - one of us
        for name in ("_statuses", "_words", "_durations", "_clients", "_users"):
            getattr(self, name).update(getattr(other, name))
        for name in ("_requests", "_malformed", "_size"):
            vars(self)[name] += vars(other)[name]
        self._max_size = max(self._max_size, other._max_size)  # noqa: SLF001

    def get_state(self, duration: float) -> list[Metric]:
        """Return the metrics; counts are counts, whatever *duration* is."""
        self._fold()
        return [*self._totals(), *self._tail()]

    def _has(self, field: str) -> bool:
        """Tell whether the log has *field*: what it does not tell is not given as zero."""
        return field in self._layouts[0].fields

    def _totals(self) -> Iterator[Metric]:
        classes = dict.fromkeys(STATUS_CLASSES, 0)
        for status, count in self._statuses.items():
            if (name := status_class(status)) in classes:
                classes[name] += count
        yield _count("requests", self._requests)
        for name in STATUS_CLASSES:
            yield _count(f"http_{name}", classes[name])
        if self._has("version") or self._has("ending"):
            yield _count("malformed", self._malformed)
        if self._has("size"):
            yield _count("size", self._size, "Bytes")
        if self._requests:
            yield Metric("error_pct", share(classes["5xx"], self._requests), "Percent")
        if self._requests and self._has("size"):
            yield Metric("avg_size", self._size / self._requests, "Bytes")
            yield Metric("max_size", self._max_size, "Bytes")
        yield from self._durations.metrics("duration", self._percentiles, "Milliseconds", 1000)

    def _tail(self) -> Iterator[Metric]:
        """Yield what is given only where there was any."""
        yield from unique_counts(self._clients, self._users)
        tail = self._words.copy()
        for status, count in self._statuses.items():
            if status in STATUSES:
                tail[f"http_{status}"] += count
        for name, count in sorted(tail.items()):
            yield _count(name, count)

    @classmethod
    def catalogue(cls) -> tuple[MetricInfo, ...]:
        """Return all metrics there can be."""
        return _CATALOGUE


class SampleLogster(AccessParser):
    """
    The metrics of 1.x under their old names.

    Attributes:
        http_1xx, http_2xx, http_3xx, http_4xx, http_5xx: Responses of each class.
    """

    options = ApacheAccessParser.options[:1]

    def __init__(self, option_string: str | None = None) -> None:
        super().__init__(option_string)
        self.http_1xx = self.http_2xx = self.http_3xx = self.http_4xx = self.http_5xx = 0

    def layouts(self) -> tuple[Layout, ...]:
        """Return the layout of the log."""
        return (_chosen(self.option.format, None) if self.option.format else _STATUS_ONLY,)

    def take(self, columns: dict[str, Column]) -> None:
        """Count the lines of *columns*."""
        statuses = columns["status" if self.option.format else "class"]
        for status, count in Counter(statuses).items():
            text = status.decode() if self.option.format else f"{status.decode()}00"
            if (name := status_class(text)) in STATUS_CLASSES:
                vars(self)[f"http_{name}"] += count

    def merge(self, other: "SampleLogster") -> None:
        """Count everything that *other* has counted too."""
        for name in STATUS_CLASSES:
            vars(self)[f"http_{name}"] += vars(other)[f"http_{name}"]

    def get_state(self, duration: float) -> list[MetricObject]:
        """Return all figures per second."""
        return [
            MetricObject(
                f"http_{name}",
                per_second(vars(self)[f"http_{name}"], duration),
                "Responses per sec",
            )
            for name in STATUS_CLASSES
        ]

    @classmethod
    def catalogue(cls) -> tuple[MetricInfo, ...]:
        """Return the metrics of 1.x."""
        return status_class_infos()


def _plain(columns: dict[str, Column]) -> dict[str, Column]:
    """Return *columns* of a format of somebody's own, without sizes that are no number."""
    if "size" not in columns:
        return columns
    return columns | {"size": list(filter(bytes.isdigit, columns["size"]))}


def _count(name: str, value: int, units: str = "Requests") -> Metric:
    return Metric(name, value, units, kind="c")


def _chosen(text: str | None, unit: str | None) -> Layout:
    """
    Return the layout that the options ask for.

    Raises:
        ConfigurationError: If the format cannot be used.
    """
    if not text:
        return _DURATION[unit] if unit else _COMMON
    from logster.parsers._formats import apache_layout, nginx_layout  # noqa: PLC0415

    text = _NAMED.get(text, text)
    layout = nginx_layout(text) if "$" in text and "%" not in text else apache_layout(text)
    if "status" not in layout.fields:
        raise ConfigurationError(
            f"The format {text!r} has no status (%>s or $status) that could be counted. "
            "Nothing was read or sent."
        )
    return layout


#: Formats that Apache's default configuration names.
_NAMED = {
    "common": r'%h %l %u %t "%r" %>s %b',
    "combined": r'%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"',
    "vhost_combined": r'%v:%p %h %l %u %t "%r" %>s %O "%{Referer}i" "%{User-Agent}i"',
    "combinedio": r'%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" %I %O',
}

_CATALOGUE = (
    MetricInfo("requests", "Requests", "c", "Requests of clients."),
    *status_class_infos("Requests", "c"),
    MetricInfo("malformed", "Requests", "c", "Requests whose first line was no HTTP request."),
    MetricInfo("size", "Bytes", "c", "Bytes sent to clients."),
    MetricInfo("error_pct", "Percent", "g", "Failures of the server among all requests."),
    MetricInfo("avg_size", "Bytes", "g", "Mean of the bytes of a reply."),
    MetricInfo("max_size", "Bytes", "g", "Bytes of the largest reply."),
    MetricInfo("duration_avg", "Milliseconds", "g", "Mean of the time a request took."),
    MetricInfo("duration_median", "Milliseconds", "g", "Median of the time a request took."),
    MetricInfo("duration_p{percent}", "Milliseconds", "g", "Percentile of the same."),
    MetricInfo("duration_max", "Milliseconds", "g", "Time the slowest request took."),
    MetricInfo("clients_unique", "Clients", "g", "Different clients, up to 50,000."),
    MetricInfo("users_unique", "Users", "g", "Different users, up to 50,000."),
    MetricInfo("http_{status}", "Requests", "c", "Requests with that status."),
    MetricInfo("method_{method}", "Requests", "c", "Requests with that method."),
    MetricInfo("http_version_{version}", "Requests", "c", "Requests of that version of HTTP."),
)
