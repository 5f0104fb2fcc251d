"""Send the metrics to Graphite's carbon, as plaintext over TCP, TLS or UDP."""

import re
from collections.abc import Iterable, Iterator
from typing import ClassVar

from logster.metrics import Metric
from logster.options import Option
from logster.outputs import Output, digits, shortened
from logster.transport import DATAGRAM_BYTES, Tcp, Transport, Udp, parse_address


#: What a path may not hold: blanks and control characters end it, a semicolon begins tags,
#: a slash is a folder, and the others mean something in the queries of Graphite.
_UNSAFE = re.compile(r"""[^\w.\-:#%&@+=<>!~$|^]""")
_COMPONENT_BYTES = 250  # with ".wsp" behind it, what a file system takes for a name


class GraphiteOutput(Output):
    """One line a metric: ``NAME VALUE TIMESTAMP``."""

    kind = "graphite"
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
    line_bytes = 4096

    def reach(self) -> tuple[str, Transport]:
        """Return the receiver's name for messages, and the way to it."""
        self.address = parse_address(self.required("graphite_host"), "--graphite-host")
        protocol = self.settings.graphite_protocol
        if protocol == "udp":
            self.line_bytes = DATAGRAM_BYTES
            return f"graphite at {self.address} (udp)", Udp(self.address)
        return f"graphite at {self.address}", Tcp(self.address, confirm=self.confirm)

    def clean(self, name: str) -> str:
        """
        Return *name* as one Graphite path.

        Of a part too long for a file name, a hash stands for what is cut off.

        >>> GraphiteOutput.clean(None, "web 1.http/5xx;a=b..x.")
        'web_1.http_5xx_a=b..x'
        """
        path = _UNSAFE.sub("_", name).rstrip(".")
        if len(path) * 4 > _COMPONENT_BYTES:
            path = ".".join(shortened(part, _COMPONENT_BYTES) for part in path.split("."))
        return path if path.strip(".") else ""

    def encode(self, metric: Metric) -> bytes | None:
        """Return the line of *metric*; carbon would take a time below zero for now."""
        name, value, time = self.name_of(metric), digits(metric.value), digits(metric.timestamp)
        if not name or value is None or time is None or time.startswith("-"):
            return None
        return f"{name} {value} {time}\n".encode()

    def preview(self, metrics: Iterable[Metric]) -> Iterator[str]:
        """Yield ``HOST:PORT NAME VALUE TIMESTAMP``."""
        return (f"{self.address} {line}" for line in super().preview(metrics))
