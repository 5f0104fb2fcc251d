"""The figures of logster 1.x for Squid, and no others: the fastest way to have them."""

from collections import Counter

from logster.metrics import MetricInfo, MetricObject
from logster.options import Option
from logster.parsers._access import (
    STATUS_CLASSES,
    AccessParser,
    Column,
    Layout,
    numbers,
    per_second,
    status_class,
    status_class_infos,
)
from logster.parsers._squid_layouts import FORMAT, HTTPD, chosen, httpd_results


def _layouts_1x(elapsed: bytes, size: bytes) -> tuple[Layout, ...]:
    """
    Return layouts with the fields that metrics of 1.x need; ``sum`` is what gets summed up.

    Args:
        elapsed: Pattern of the elapsed time, with a group if that is to be the sum.

        size: Pattern of the size, likewise.
    """
    fields = ("sum", "result") if b"(" in elapsed else ("result", "sum")
    native = rb"[0-9.]++ ++%b \S++ ([A-Z_]++/\d\d\d) %b .*+" % (elapsed, size)
    # A layout that tests of 1.x have, as a logformat might write it.
    mixed = (
        rb"[0-9.]++ ++%b [^\[\n]*+\[[^\]\n]*+\] \"[^\"\\\n]*+(?:\\.[^\"\\\n]*+)*+\""
        rb" ([A-Z_]++/\d\d\d) %b"
    ) % (elapsed, size)
    return (
        Layout(fields, native),
        HTTPD,
        Layout(fields, mixed),
    )


_1X = _layouts_1x(rb"-?[0-9]{1,12}+", rb"([0-9]{1,15}+)")
# A clock that was set back makes a request end before it began.
_1X_ELAPSED = _layouts_1x(rb"(?:-[0-9]{1,12}+|([0-9]{1,12}+))", rb"[0-9]{1,15}+")


class SquidLogster(AccessParser):
    """
    The metrics of 1.x under their old names.

    Attributes:
        http_1xx, http_2xx, http_3xx, http_4xx, http_5xx: Responses of each class.

        squid_codes: How often each result code was seen.

        size_transferred: Bytes sent to clients.
    """

    options = (
        FORMAT,
        Option(
            ("--size-is-elapsed",),
            "Let the metric size sum up milliseconds instead of bytes, as logster 1.x did.",
            default=False,
            type=bool,
        ),
    )

    def __init__(self, option_string: str | None = None) -> None:
        super().__init__(option_string)
        self.http_1xx = self.http_2xx = self.http_3xx = self.http_4xx = self.http_5xx = 0
        self.squid_codes = dict.fromkeys(
            ("TCP_MISS", "TCP_DENIED", "TCP_HIT", "TCP_MEM_HIT", "OTHER"), 0
        )
        self.size_transferred = 0

    def layouts(self) -> tuple[Layout, ...]:
        """Return Squid's own layouts and the one that tests of 1.x use."""
        if self.option.format:
            return (chosen(self.option.format),)
        return _1X_ELAPSED if self.option.size_is_elapsed else _1X

    def take(self, columns: dict[str, Column]) -> None:
        """Count the lines of *columns*."""
        counts = Counter(columns["result"] if "result" in columns else httpd_results(columns))
        for result, count in counts.items():
            code, _, status = result.decode().partition("/")
            self.squid_codes[code if code in self.squid_codes else "OTHER"] += count
            if (name := status_class(status)) in STATUS_CLASSES:
                vars(self)[f"http_{name}"] += count
        wanted = "elapsed" if self.option.size_is_elapsed else "size"
        summed = columns.get("sum", columns.get(wanted, []))
        if self.option.format:
            summed = [each for each in summed if each.isdigit()]
        elif self.option.size_is_elapsed:
            summed = list(filter(None, summed))
        self.size_transferred += int(sum(numbers(summed)))

    def merge(self, other: "SquidLogster") -> None:
        """Count everything that *other* has counted too."""
        for name in STATUS_CLASSES:
            vars(self)[f"http_{name}"] += vars(other)[f"http_{name}"]
        for code, count in other.squid_codes.items():
            self.squid_codes[code] = self.squid_codes.get(code, 0) + count
        self.size_transferred += other.size_transferred

    def get_state(self, duration: float) -> list[MetricObject]:
        """Return all figures per second."""
        figures = [
            *((f"http_{name}", vars(self)[f"http_{name}"], "Responses") for name in STATUS_CLASSES),
            ("size", self.size_transferred, "Size"),
            *((f"squid_{code}", count, "Squid code") for code, count in self.squid_codes.items()),
        ]
        return [
            MetricObject(name, per_second(count, duration), f"{units} per sec")
            for name, count, units in figures
        ]

    @classmethod
    def catalogue(cls) -> tuple[MetricInfo, ...]:
        """Return the metrics of 1.x."""
        return (
            *status_class_infos(),
            MetricInfo("size", "Size per sec", "g", "Bytes sent to clients, per second."),
            *(
                MetricInfo(
                    f"squid_{code}", "Squid code per sec", "g", f"Results {code}, per second."
                )
                for code in ("TCP_MISS", "TCP_DENIED", "TCP_HIT", "TCP_MEM_HIT")
            ),
            MetricInfo("squid_OTHER", "Squid code per sec", "g", "All other results, per second."),
        )
