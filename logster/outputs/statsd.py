"""Send the metrics to StatsD, packed into datagrams, or over TCP or a Unix socket."""

import re
from collections.abc import Iterable, Iterator
from typing import ClassVar

from logster.errors import ConfigurationError
from logster.metrics import Metric
from logster.options import Option
from logster.outputs import Output, Owing, digits
from logster.transport import (
    DATAGRAM_BYTES,
    Tcp,
    Transport,
    Udp,
    UnixDatagram,
    UnixStream,
    parse_address,
)


_SEPARATES = re.compile(r"[:|;]|[^\x20-\x7e\s]")
_CLEAN = re.compile(r"[A-Za-z0-9_.=\-]*[A-Za-z0-9_=\-]\Z").match  # most are
_FORGOTTEN = re.compile(r"[^A-Za-z0-9_.=\-]")
_TAG = re.compile(r"[^\w.\-/]", re.ASCII)


class StatsdOutput(Output):
    """One line a metric: ``NAME:VALUE|KIND``."""

    kind = "statsd"
    options: ClassVar[tuple[Option, ...]] = (
        Option(
            ("--statsd-host",),
            "Host and port of StatsD, e.g. statsd.example.com:8125; or, with --statsd-protocol "
            "unix or unixgram, the path of its Unix socket.",
            metavar="HOST:PORT",
        ),
        Option(
            ("--statsd-protocol",),
            "Protocol to speak with StatsD.",
            default="udp",
            choices=("udp", "tcp", "unix", "unixgram"),
        ),
        Option(
            ("--statsd-dialect",),
            "datadog also sends tags, and histograms as such.",
            default="etsy",
            choices=("etsy", "datadog"),
        ),
        Option(
            ("--statsd-sample",),
            "Share of the timers to send, above 0 and up to 1; StatsD is told.",
            default=1.0,
            type=float,
            metavar="RATE",
        ),
    )
    owing = Owing.SUM
    line_bytes = DATAGRAM_BYTES

    def prepare(self) -> None:
        """Take dialect and sample rate from the settings."""
        self.rate = float(getattr(self.settings, "statsd_sample", 1.0))
        if not 0 < self.rate <= 1:
            raise ConfigurationError(
                f"--statsd-sample takes a number above 0 and up to 1, and not {self.rate:g}."
            )
        self.kinds = dict(_KINDS)
        self.tail = ""
        if getattr(self.settings, "statsd_dialect", "etsy") == "datadog":
            self.kinds["h"] = "h"
            tags = self.named_tags(lambda name: _TAG.sub("_", name))
            pairs = (f"{name}:{_TAG.sub('_', value)}" for name, value in tags)
            self.tail = f"|#{','.join(pairs)}" if self.tags else ""

    def reach(self) -> tuple[str, Transport]:
        """Return the receiver's name for messages, and the way to it."""
        self.place = place = self.required("statsd_host")
        protocol = getattr(self.settings, "statsd_protocol", "udp")
        target = f"statsd at {place}" + (f" ({protocol})" if protocol != "udp" else "")
        if protocol == "unix":
            return target, UnixStream(place, confirm=self.confirm)
        if protocol == "unixgram":
            return target, UnixDatagram(place)
        address = parse_address(place, "--statsd-host")
        if protocol == "tcp":
            return target, Tcp(address, confirm=self.confirm)
        return target, Udp(address)

    def clean(self, name: str) -> str:
        """
        Return *name* as StatsD would keep it.

        StatsD writes a blank as ``_`` and a slash as ``-``, and leaves out all but
        letters, digits, ``_``, ``-``, ``.`` and ``=``.

        >>> StatsdOutput.clean(None, "web 1.GET /a:b 50%")
        'web_1.GET_-a_b_50'
        """
        if _CLEAN(name):
            return name
        name = _SEPARATES.sub("_", re.sub(r"\s+", "_", name)).replace("/", "-")
        name = _FORGOTTEN.sub("", name).rstrip(".")
        return name if name.strip(".") else ""

    def encode(self, metric: Metric) -> bytes | None:
        """
        Return the line of *metric*; two lines for a gauge below zero.

        ``name:-5|g`` alone would lower the gauge by five.
        """
        name, kind = self.name_of(metric), self.kinds.get(metric.kind, "g")
        value = _TAG.sub("_", str(metric.value)) if kind == "s" else digits(metric.value)
        if not name or not value:
            return None
        if kind == "g" and value.startswith("-"):
            zero = f"{name}:0|g{self.tail}\n"
            return f"{zero}{name}:{value}|g{self.tail}\n".encode()
        rate = f"|@{self.rate:g}" if kind in {"ms", "h"} and self.rate < 1 else ""
        return f"{name}:{value}|{kind}{rate}{self.tail}\n".encode()

    def encoded(self, metrics: Iterable[Metric]) -> tuple[list[bytes], int]:
        """Return the lines of *metrics*; of timers an even share, if so wished."""
        return super().encoded(metrics if self.rate == 1 else self._sampled(metrics))

    def preview(self, metrics: Iterable[Metric]) -> Iterator[str]:
        """Yield ``HOST:PORT NAME:VALUE|KIND``."""
        for line in super().preview(metrics):
            yield from (f"{self.place} {part}" for part in line.split("\n"))

    def _sampled(self, metrics: Iterable[Metric]) -> Iterator[Metric]:
        due = 0.5
        for metric in metrics:
            if metric.kind in {"ms", "h"}:
                due += self.rate
                if due < 1:
                    continue
                due -= 1
            yield metric


#: StatsD as Etsy wrote it counts a histogram as if it were a counter.
_KINDS = {"g": "g", "c": "c", "ms": "ms", "h": "ms", "s": "s"}
