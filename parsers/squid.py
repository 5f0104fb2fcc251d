r"""
Count the requests of a Squid proxy: results, hits, bytes and elapsed times.

Reads Squid's native, common and combined formats as they come, and any other
by its ``logformat`` string (``--format``). Lines it reads:

>>> parser = SquidParser()
>>> parser.parse_line(
...     "1795241834.650 7 127.0.0.1 TCP_MISS/200 1259 GET http://a/ - HIER_DIRECT/::1 text/html")
>>> parser.parse_line(
...     '127.0.0.1 - - [21/Nov/2026:06:17:14 +0000] "GET http://a/ HTTP/1.1" 200 1265 "-" "-"'
...     " TCP_MEM_HIT:HIER_NONE")
>>> [metric.value for metric in parser.get_state(60) if metric.name in {"hits", "misses"}]
[1, 1]

A hit is what Squid itself calls one (`LogTags::isTcpHit`); a tunnel is a
``TCP_TUNNEL`` or, before Squid 3.5, a ``CONNECT`` that was not denied. Both stand
apart from misses, since a tunnel lasts as long as its client likes. Queries of
other caches (ICP, HTCP) are no requests: they count as ``icp_queries`` and by
result code only. Modifiers (``_ABORTED``, ``_TIMEDOUT``, ``_IGNORED``, ``_CF``) count by
themselves, and the code they stand at counts without them.

Percentiles are exact below 10 s and rounded to four digits above. Clients and
users are told apart up to 50,000. Methods, hierarchy codes and result codes that
Squid does not know count together as ``OTHER``.

A client that puts blanks into a URL, or a user name that has some, changes the
fields behind it, never those before: such a line counts without its hierarchy
code and type where these are not certain.

Metrics:
    requests, http_000, http_1xx … http_5xx: Requests, and those by class of status; always
        given. Status 000 is a request that ended before there was a reply.

    hits, misses, tunnels, denied: Requests by what Squid did; always given.

    size, size_hit, size_miss, size_tunnel: Bytes sent to clients; always given.

    hit_pct, mem_hit_pct, denied_pct, byte_hit_pct: Shares of all requests and of all bytes.

    avg_size, max_size: Bytes of one reply; with ``--size-percentiles`` those too.

    elapsed_avg, elapsed_median, elapsed_p90, elapsed_p95, elapsed_p99, elapsed_max: Time
        Squid was busy with a request; the same for ``hit_elapsed_…``, ``miss_elapsed_…`` and
        ``tunnel_elapsed_…``.

    clients_unique, users_unique: How many different clients and users there were.

    http_<code>, squid_<code>, squid_ABORTED …, method_<method>, hier_<code>, mime_<class>,
        icp_queries, auth_407, error_url, ssl_bump_<mode>: Where there were any.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import compress, repeat
from typing import Any

from logster.metrics import Metric, MetricInfo
from logster.options import Option
from logster.parsers._access import (
    FOLD_AT,
    FOLD_SIZE,
    STATUSES,
    AccessParser,
    Column,
    Distribution,
    Layout,
    add_clients,
    add_users,
    percentile_name,
    share,
    status_class,
    status_class_infos,
    unique_counts,
)
from logster.parsers._percents import percents
from logster.parsers._squid_classic import SquidLogster
from logster.parsers._squid_layouts import FORMAT, HTTPD, NATIVE, chosen, httpd_results
from logster.parsers._squid_words import (
    CONNECT,
    CONNECTS,
    GROUPS,
    USUAL,
    WORDS,
    Result,
    read_result,
)


__all__ = ["SquidLogster", "SquidParser"]


def _count(name: str, value: int, units: str = "Requests") -> Metric:
    return Metric(name, value, units, kind="c")


def _percent(name: str, part: int, whole: int) -> Metric:
    return Metric(name, share(part, whole), "Percent")


def _plain(columns: dict[str, Column]) -> dict[str, Column]:
    """Return *columns* of a format of somebody's own; a size that is none counts as no bytes."""
    if "size" not in columns:
        return columns
    return columns | {"size": [value if value.isdigit() else b"0" for value in columns["size"]]}


def _without_queries(columns: dict[str, Column]) -> dict[str, Column]:
    """Return *columns* without the lines of queries of other caches."""
    requests = [read_result(result).group != "icp" for result in columns["result"]]
    return {name: list(compress(column, requests)) for name, column in columns.items()}


class _Shapes(dict[tuple[bytes | None, ...], list[Any]]):
    """
    What lines have in common, as the log has it → how many, bytes, elapsed times.

    Args:
        names: Which words of `WORDS` follow the result.

        times: Group → elapsed time → how often, which all shapes of a group share.

    Attributes:
        names: As above.

        size: How many bytes those words have.
    """

    def __init__(self, names: tuple[str, ...], times: dict[str, dict[bytes, int]]) -> None:
        super().__init__()
        self.names = names
        self.size = 0
        self._times = times

    def __missing__(self, shape: tuple[bytes | None, ...]) -> list[Any]:
        """Return a new entry."""
        self[shape] = entry = [0, 0, self._times[self.result(shape).group]]
        self.size += sum(len(word) for word in shape if word)
        return entry

    def clear(self) -> None:
        """Forget all shapes."""
        super().clear()
        self.size = 0

    def result(self, shape: tuple[bytes | None, ...]) -> Result:
        """Return the result that lines of that shape have."""
        raw, *words_of_line = shape
        method = dict(zip(self.names, words_of_line, strict=True)).get("method")
        return read_result((raw or b"") + (CONNECT if method in CONNECTS else b""))


class SquidParser(AccessParser):
    """Everything a Squid access log tells."""

    options = (
        FORMAT,
        Option(
            ("-p", "--percentiles"),
            "Percentiles of elapsed times, separated by commas.",
            "50,90,95,99",
            "LIST",
        ),
        Option(
            ("--size-percentiles",),
            "Percentiles of reply sizes, separated by commas; they cost a third of the speed.",
            "",
            "LIST",
        ),
    )

    def __init__(self, option_string: str | None = None) -> None:
        super().__init__(option_string)
        self._percentiles = percents(self.option.percentiles)
        self._size_percentiles = percents(self.option.size_percentiles)
        # As the log has them; `_fold` moves them on.
        self._raw_times: dict[str, dict[bytes, int]] = {
            group: defaultdict(int) for group in (*GROUPS, "icp")
        }
        self._raw_shapes: dict[tuple[str, ...], _Shapes] = {}
        self._raw_sizes: Counter[bytes] = Counter()
        # Converted, with a bounded number of keys.
        self._requests: Counter[Result] = Counter()
        self._bytes: Counter[Result] = Counter()
        self._words: Counter[str] = Counter()
        self._times = {group: Distribution() for group in GROUPS}
        self._sizes = Distribution()
        self._max_size = 0
        self._clients: set[bytes] = set()
        self._users: set[bytes] = set()

    def layouts(self) -> tuple[Layout, ...]:
        """Return Squid's own layouts."""
        if self.option.format:
            return (chosen(self.option.format),)
        return NATIVE, HTTPD

    def take(self, columns: dict[str, Column]) -> None:
        """Count the lines of *columns*."""
        if self.option.format:
            columns = _plain(columns)
        if "result" not in columns:
            columns["result"] = httpd_results(columns)
        sizes = self._take_shapes(columns)
        if queries := self._raw_times["icp"]:
            # There are hardly any, and only in few logs.
            queries.clear()
            columns = _without_queries(columns)
            sizes = list(map(int, columns.get("size", ())))
        self._max_size = max(self._max_size, *sizes, 0)
        if self._size_percentiles:
            self._raw_sizes.update(columns.get("size", ()))
        self._words["error_url"] += columns.get("error", []).count(b"error:")
        trusted = not self.option.format
        add_clients(self._clients, columns.get("client", ()), trusted=trusted)
        add_users(self._users, columns.get("user", ()))
        if self._is_full():
            self._fold()

    def _take_shapes(self, columns: dict[str, Column]) -> Sequence[int]:
        """Count results, with what else is told apart; return all sizes."""
        names = tuple(name for name in WORDS if name in columns)
        if names not in self._raw_shapes:
            self._raw_shapes[names] = _Shapes(names, self._raw_times)
        sizes = list(map(int, columns.get("size", ())))
        times: Iterable[bytes] = columns.get("elapsed", repeat(b"-"))
        shapes = zip(columns["result"], *(columns[name] for name in names), strict=True)
        entries = map(self._raw_shapes[names].__getitem__, shapes)
        # A loop of its own: faster than Counters of pairs, as there are few shapes.
        for entry, size, elapsed in zip(entries, sizes or repeat(0), times):  # noqa: B905 - some are endless
            entry[0] += 1
            entry[1] += size
            entry[2][elapsed] += 1
        return sizes

    def _is_full(self) -> bool:
        """Tell whether distinct values are so many, or so long, that they must be converted."""
        size = sum(shapes.size for shapes in self._raw_shapes.values())
        return sum(map(len, self._raw())) > FOLD_AT or size > FOLD_SIZE

    def _raw(self) -> list[dict[Any, Any]]:
        """Return all that is counted as the log has it."""
        return [*self._raw_shapes.values(), *self._raw_times.values(), self._raw_sizes]

    def _fold(self) -> None:
        """Convert what was counted as the log had it, each distinct value once."""
        for shapes in self._raw_shapes.values():
            for shape, (count, size, _) in shapes.items():
                result = shapes.result(shape)
                self._requests[result] += count
                self._bytes[result] += size
                if result.group != "icp":
                    self._fold_words(zip(shapes.names, shape[1:], strict=True), count)
        for group in GROUPS:
            for elapsed, count in self._raw_times[group].items():
                if elapsed != b"-":
                    # A clock that was set back makes a request end before it began.
                    self._times[group].add(max(int(elapsed), 0), count)
        for size_text, count in self._raw_sizes.items():
            self._sizes.add(int(size_text), count)
        for kept in self._raw():
            kept.clear()

    def _fold_words(self, words: Iterable[tuple[str, bytes | None]], count: int) -> None:
        for name, word in words:
            text = USUAL[name] if word is None else word.decode("ascii", "replace")
            for metric in WORDS[name](text):
                self._words[metric] += count

    def merge(self, other: "SquidParser") -> None:
        """Count everything that *other* has counted too."""
        self._fold()
        other._fold()  # noqa: SLF001 - one of us
        for name in ("_requests", "_bytes", "_words", "_sizes", "_clients", "_users"):
            getattr(self, name).update(getattr(other, name))
        for group, times in self._times.items():
            times.update(other._times[group])  # noqa: SLF001
        self._max_size = max(self._max_size, other._max_size)  # noqa: SLF001

    def get_state(self, duration: float) -> list[Metric]:
        """Return the metrics; counts are counts, whatever *duration* is."""
        self._fold()
        return [*self._totals(), *self._shares(), *self._distributions(), *self._tail()]

    def _has(self, field: str) -> bool:
        """Tell whether the log has *field*: what it does not tell is not given as zero."""
        return any(field in layout.fields for layout in self._layouts)

    def _sum(self, counts: Counter[Result], *groups: str) -> int:
        """Return the sum of those *counts* whose result is of one of *groups*."""
        return sum(count for result, count in counts.items() if result.group in groups)

    def _totals(self) -> Iterator[Metric]:
        by_class = Counter({f"{first}xx": 0 for first in "12345"})
        by_class["000"] = 0
        for result, count in self._requests.items():
            if result.group != "icp" and (name := status_class(result.status)):
                by_class[name] += count
        yield _count("requests", self._sum(self._requests, *GROUPS))
        for name, count in sorted(by_class.items()):
            yield _count(f"http_{name}", count)
        for name, group in (("hits", "hit"), ("misses", "miss"), ("tunnels", "tunnel")):
            yield _count(name, self._sum(self._requests, group))
        yield _count("denied", self._denied())
        if not self._has("size"):
            return
        yield _count("size", self._sum(self._bytes, *GROUPS), "Bytes")
        for group in ("hit", "miss", "tunnel"):
            yield _count(f"size_{group}", self._sum(self._bytes, group), "Bytes")

    def _denied(self) -> int:
        return sum(
            count
            for result, count in self._requests.items()
            if result.base in {"TCP_DENIED", "TCP_DENIED_REPLY"}
        )

    def _shares(self) -> Iterator[Metric]:
        requests = self._sum(self._requests, *GROUPS)
        size = self._sum(self._bytes, *GROUPS)
        if requests:
            from_memory = sum(
                count for result, count in self._requests.items() if result.base == "TCP_MEM_HIT"
            )
            yield _percent("hit_pct", self._sum(self._requests, "hit"), requests)
            yield _percent("mem_hit_pct", from_memory, requests)
            yield _percent("denied_pct", self._denied(), requests)
        if size:
            yield _percent("byte_hit_pct", self._sum(self._bytes, "hit"), size)
        if requests and self._has("size"):
            yield Metric("avg_size", size / requests, "Bytes")
            yield Metric("max_size", self._max_size, "Bytes")

    def _distributions(self) -> Iterator[Metric]:
        if self._size_percentiles and self._sizes.count:
            for percent in self._size_percentiles:
                name = f"{percentile_name(percent)}_size"
                yield Metric(name, self._sizes.percentile(percent), "Bytes")
        every = Distribution()
        for times in self._times.values():
            every.update(times)
        yield from every.metrics("elapsed", self._percentiles, "Milliseconds")
        for group in ("hit", "miss", "tunnel"):
            times = self._times[group]
            yield from times.metrics(f"{group}_elapsed", self._percentiles, "Milliseconds")

    def _tail(self) -> Iterator[Metric]:
        """Yield what is given only where there was any."""
        tail = +self._words
        for result, count in self._requests.items():
            names = [f"squid_{code}" for code in (result.base, *result.modifiers)]
            if result.group == "icp":
                names.append("icp_queries")
            elif result.status in STATUSES:
                names.append(f"http_{result.status}")
            if result.status == "407":
                names.append("auth_407")
            for name in names:
                tail[name] += count
        yield from unique_counts(self._clients, self._users)
        for name, count in sorted(tail.items()):
            yield _count(name, count)

    @classmethod
    def catalogue(cls) -> tuple[MetricInfo, ...]:
        """Return all metrics there can be."""
        return _CATALOGUE


def _elapsed_infos() -> Iterator[MetricInfo]:
    whose = {
        "": "all requests",
        "hit_": "hits",
        "miss_": "misses",
        "tunnel_": "tunnels",
    }
    for prefix, requests in whose.items():
        for name, what in (
            ("avg", "Mean"),
            ("median", "Median"),
            ("p{percent}", "Percentile"),
            ("max", "Maximum"),
        ):
            yield MetricInfo(
                f"{prefix}elapsed_{name}",
                "Milliseconds",
                "g",
                f"{what} of the time Squid was busy with {requests}.",
            )


_CATALOGUE = (
    MetricInfo("requests", "Requests", "c", "Requests of clients."),
    MetricInfo("http_000", "Requests", "c", "Requests that ended before there was a reply."),
    *status_class_infos("Requests", "c"),
    MetricInfo("hits", "Requests", "c", "Requests answered from the cache."),
    MetricInfo("misses", "Requests", "c", "Requests answered by a server or another cache."),
    MetricInfo("tunnels", "Requests", "c", "Connections handed through (CONNECT)."),
    MetricInfo("denied", "Requests", "c", "Requests that an access rule refused."),
    MetricInfo("size", "Bytes", "c", "Bytes sent to clients."),
    MetricInfo("size_hit", "Bytes", "c", "Bytes of hits."),
    MetricInfo("size_miss", "Bytes", "c", "Bytes of misses."),
    MetricInfo("size_tunnel", "Bytes", "c", "Bytes of tunnels."),
    MetricInfo("hit_pct", "Percent", "g", "Hits among all requests."),
    MetricInfo("mem_hit_pct", "Percent", "g", "Hits served from memory, among all requests."),
    MetricInfo("denied_pct", "Percent", "g", "Refused among all requests."),
    MetricInfo("byte_hit_pct", "Percent", "g", "Bytes of hits among all bytes."),
    MetricInfo("avg_size", "Bytes", "g", "Mean of the bytes of a reply."),
    MetricInfo("max_size", "Bytes", "g", "Bytes of the largest reply."),
    MetricInfo("median_size", "Bytes", "g", "Median of the bytes of a reply, where asked for."),
    MetricInfo("p{percent}_size", "Bytes", "g", "Percentile of the bytes, where asked for."),
    *_elapsed_infos(),
    MetricInfo("clients_unique", "Clients", "g", "Different clients, up to 50,000."),
    MetricInfo("users_unique", "Users", "g", "Different users, up to 50,000."),
    MetricInfo("http_{status}", "Requests", "c", "Requests with that status."),
    MetricInfo("squid_{code}", "Requests", "c", "Requests with that result, modifier aside."),
    MetricInfo("squid_CF", "Requests", "c", "Requests joined to one under way."),
    MetricInfo("squid_ABORTED", "Requests", "c", "Requests that the client gave up."),
    MetricInfo("squid_TIMEDOUT", "Requests", "c", "Requests that took too long."),
    MetricInfo("squid_IGNORED", "Requests", "c", "Replies older than what the cache had."),
    MetricInfo("method_{method}", "Requests", "c", "Requests with that method."),
    MetricInfo("hier_{code}", "Requests", "c", "Requests by where the reply came from."),
    MetricInfo("hier_TIMEOUT", "Requests", "c", "Requests for which other caches were too slow."),
    MetricInfo("mime_{class}", "Requests", "c", "Requests by class of media type."),
    MetricInfo("icp_queries", "Requests", "c", "Queries of other caches."),
    MetricInfo("auth_407", "Requests", "c", "Requests told to authenticate."),
    MetricInfo("error_url", "Requests", "c", "Requests that Squid could not make sense of."),
    MetricInfo("ssl_bump_{mode}", "Requests", "c", "Connections by what was done to their TLS."),
)
