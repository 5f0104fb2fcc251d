"""Send the metrics to Graphite's carbon, as plaintext over TCP, TLS or UDP."""

import re
from collections.abc import Iterable, Iterator
from types import SimpleNamespace
from typing import ClassVar

from logster.metrics import Metric
from logster.options import Option
from logster.outputs import Output, digits, shortened
from logster.outputs._spread import Several, Share
from logster.transport import (
    DATAGRAM_BYTES,
    Address,
    Tcp,
    Tls,
    Transport,
    Udp,
    parse_address,
)


#: What a path may not hold: blanks and control characters end it, a semicolon begins tags,
#: a slash is a folder, and the others mean something in the queries of Graphite.
_UNSAFE = re.compile(r"""[^\w.\-:#%&@+=<>!~$|^]""")
_CLEAN = re.compile(r"[A-Za-z0-9_.\-]{0,60}[A-Za-z0-9_\-]\Z").match  # most are
_TAG = re.compile(r"[^\w.\-:/@+]")
_COMPONENT_BYTES = 250  # with ".wsp" behind it, what a file system takes for a name


class GraphiteOutput(Output):
    """One line a metric: ``NAME VALUE TIMESTAMP``."""

    kind = "graphite"
    options: ClassVar[tuple[Option, ...]] = (
        Option(
            ("--graphite-host",),
            "Host and port of carbon, e.g. graphite.example.com:2003; several with commas.",
            metavar="HOST:PORT",
        ),
        Option(
            ("--graphite-protocol",),
            "Protocol to speak with carbon.",
            default="tcp",
            choices=("tcp", "udp", "tls"),
        ),
        Option(
            ("--graphite-spread",),
            "With several hosts: all metrics to each, or each to one as carbon-relay would.",
            default="replicated",
            choices=("replicated", "consistent"),
        ),
        Option(("--graphite-ca",), "File of the certificates to trust.", metavar="FILE"),
    )
    line_bytes = 4096
    share: Share | None = None

    @classmethod
    def receivers(cls, settings: SimpleNamespace) -> list[SimpleNamespace]:
        """Return the settings of an output for each host: none waits for another."""
        hosts = (settings.graphite_host or "").split(",")
        if len(hosts) == 1:
            return [settings]
        for host in hosts:
            parse_address(host, "--graphite-host")
        return [
            SimpleNamespace(**(vars(settings) | {"graphite_host": host, "graphite_of": (n, hosts)}))
            for n, host in enumerate(hosts)
        ]

    def prepare(self) -> None:
        """Take the tags from the settings, as Graphite writes them behind a name."""
        # `name` is what Graphite calls the path itself; it would lose a tag of that name.
        tags = self.named_tags(lambda name: _TAG.sub("_", name), taken={"name"})
        pairs = ((name, _TAG.sub("_", value).lstrip("~")) for name, value in tags)
        self.tagged = "".join(f";{name}={value or '_'}" for name, value in pairs)

    def reach(self) -> tuple[str, Transport]:
        """Return the receiver's name for messages, and the way to it."""
        self.place = self.required("graphite_host")
        addresses = [parse_address(each, "--graphite-host") for each in self.place.split(",")]
        protocol = getattr(self.settings, "graphite_protocol", "tcp")
        if protocol == "udp":
            self.line_bytes = DATAGRAM_BYTES
        spoken = f" ({protocol})" if protocol != "tcp" else ""
        target = f"graphite at {self.place}{spoken}"
        number, places = getattr(self.settings, "graphite_of", (0, ()))
        if places:
            together = ",".join(places)
            self.former = f"graphite at {together}{spoken}"
            if getattr(self.settings, "graphite_spread", "replicated") == "consistent":
                hosts = [parse_address(each, "--graphite-host").host for each in places]
                self.share = Share(hosts, number)
                self.former += " (consistent)"
                # With other hosts beside it another share would be its own.
                target += f" (consistent in {together})"
        return target, self._way(protocol, addresses[0]) if len(addresses) == 1 else Several()

    def _way(self, protocol: str, address: Address) -> Transport:
        if protocol == "udp":
            return Udp(address)
        if protocol == "tls":
            authorities = getattr(self.settings, "graphite_ca", None)
            return Tls(address, authorities=authorities, confirm=self.confirm)
        return Tcp(address, confirm=self.confirm)

    def clean(self, name: str) -> str:
        """
        Return *name* as one Graphite path.

        Of a part too long for a file name, a hash stands for what is cut off.

        >>> GraphiteOutput.clean(None, "web 1.http/5xx;a=b..x.")
        'web_1.http_5xx_a=b..x'
        """
        if _CLEAN(name):
            return name
        path = _UNSAFE.sub("_", name).rstrip(".")
        if len(path) * 4 > _COMPONENT_BYTES:
            path = ".".join(shortened(part, _COMPONENT_BYTES) for part in path.split("."))
        return path if path.strip(".") else ""

    def encode(self, metric: Metric) -> bytes | None:
        """Return the line of *metric*; carbon would take a time below zero for now."""
        name, value, time = self.name_of(metric), digits(metric.value), digits(metric.timestamp)
        if not name or value is None or time is None or time.startswith("-"):
            return None
        return f"{name}{self.tagged} {value} {time}\n".encode()

    def encoded(self, metrics: Iterable[Metric]) -> tuple[list[bytes], int]:
        """Return the lines of *metrics* that are this host's, and how many cannot be sent."""
        lines, unfit = super().encoded(metrics)
        return (self.share.of(lines) if self.share else lines), unfit

    def preview(self, metrics: Iterable[Metric]) -> Iterator[str]:
        """Yield ``HOST:PORT NAME VALUE TIMESTAMP``."""
        return (f"{self.place} {line}" for line in super().preview(metrics))
