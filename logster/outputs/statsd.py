"""Send the metrics to StatsD, packed into datagrams."""

import re
from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import ClassVar

from logster.errors import ConfigurationError
from logster.metrics import Metric, number
from logster.options import Option
from logster.outputs import Output, Owing
from logster.transport import Udp, parse_address


_UNSAFE = re.compile(r"[^A-Za-z0-9_.\-]")


class StatsdOutput(Output):
    """One line a metric: ``NAME:VALUE|KIND``."""

    options: ClassVar[tuple[Option, ...]] = (
        Option(
            ("--statsd-host",),
            "Host and port of StatsD, e.g. statsd.example.com:8125.",
            metavar="HOST:PORT",
        ),
    )
    owing = Owing.SUM

    def __init__(self, settings: SimpleNamespace) -> None:
        super().__init__(settings)
        if not settings.statsd_host:
            raise ConfigurationError(
                "You must supply --statsd-host when using 'statsd' as an output type."
            )
        self.address = parse_address(settings.statsd_host, "--statsd-host")
        self.target = f"statsd at {self.address}"
        self.transport = Udp(self.address, settings.timeout)

    def clean(self, name: str) -> str:
        """Return *name* as StatsD would keep it: letters, digits, ``_``, ``.`` and ``-``."""
        return _UNSAFE.sub("_", name)

    def encode(self, metric: Metric) -> bytes | None:
        """
        Return the line of *metric*; two lines for a gauge below zero.

        ``name:-5|g`` alone would lower the gauge by five.
        """
        value = number(metric.value)
        kind = metric.kind if metric.kind in {"g", "c", "ms", "h", "s"} else "g"
        if kind == "s":
            return f"{self.name_of(metric)}:{self.clean(str(metric.value))}|s\n".encode()
        if value is None:
            return None
        name, shown = self.name_of(metric), str(metric.value).removeprefix("+")
        if kind == "g" and shown.startswith("-"):
            return f"{name}:0|g\n{name}:{shown}|g\n".encode()
        return f"{name}:{shown}|{kind}\n".encode()

    def preview(self, metrics: Iterable[Metric]) -> Iterator[str]:
        """Yield ``HOST:PORT NAME:VALUE|KIND``."""
        for line in super().preview(metrics):
            yield from (f"{self.address} {part}" for part in line.split("\n"))
