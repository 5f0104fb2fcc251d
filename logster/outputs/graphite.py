"""Send the metrics to Graphite's carbon, as plaintext over TCP or UDP."""

import re
from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import ClassVar

from logster.errors import ConfigurationError
from logster.metrics import Metric, number
from logster.options import Option
from logster.outputs import Output
from logster.transport import Tcp, Transport, Udp, parse_address


_UNSAFE = re.compile(r"[^\w.\-:#%&@+*(){}=<>!~$',|^?\[\]]|\s")


class GraphiteOutput(Output):
    """One line a metric: ``NAME VALUE TIMESTAMP``."""

    options: ClassVar[tuple[Option, ...]] = (
        Option(
            ("--graphite-host",),
            "Host and port of carbon, e.g. graphite.example.com:2003.",
            metavar="HOST:PORT",
        ),
        Option(
            ("--graphite-protocol",),
            "Protocol to speak with carbon.",
            default="tcp",
            choices=("tcp", "udp"),
        ),
    )

    def __init__(self, settings: SimpleNamespace) -> None:
        super().__init__(settings)
        if not settings.graphite_host:
            raise ConfigurationError(
                "You must supply --graphite-host when using 'graphite' as an output type."
            )
        address = parse_address(settings.graphite_host, "--graphite-host")
        protocol = settings.graphite_protocol
        self.address = address
        self.target = f"graphite at {address}" + (" (udp)" if protocol == "udp" else "")
        self.transport: Transport = (
            Udp(address, settings.timeout)
            if protocol == "udp"
            else Tcp(address, settings.timeout, confirm=settings.confirm)
        )

    def clean(self, name: str) -> str:
        """Return *name* as one Graphite path: no blank, no slash, no control character."""
        return _UNSAFE.sub("_", name)

    def encode(self, metric: Metric) -> bytes | None:
        """Return the line of *metric*."""
        value, time = number(metric.value), number(metric.timestamp)
        if value is None or time is None:
            return None
        return f"{self.name_of(metric)} {metric.value} {metric.timestamp}\n".encode()

    def preview(self, metrics: Iterable[Metric]) -> Iterator[str]:
        """Yield ``HOST:PORT NAME VALUE TIMESTAMP``."""
        return (f"{self.address} {line}" for line in super().preview(metrics))
