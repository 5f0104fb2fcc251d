"""
Give the metrics to collectd: on its Unix socket, or as its Exec plugin reads them.

collectd drops a value older than the last of its series, and its five writing threads
may swap two that come at once: ``WriteThreads 1`` keeps a backlog whole.
"""

import os
import re
from collections.abc import Sequence
from typing import ClassVar

from logster.metrics import Metric, number
from logster.options import Option
from logster.outputs import Output, digits, shortened
from logster.outputs.stdout import Descriptor
from logster.transport import Transport, UnixStream


_UNSAFE = re.compile(r"[^\w.\-+%:]", re.ASCII)
_PART_BYTES = 100  # of the 128 that collectd gives to each part of a name


class CollectdOutput(Output):
    """One line a metric: ``PUTVAL "HOST/logster-PARSER/gauge-NAME" interval=N TIME:VALUE``."""

    kind = "collectd"
    options: ClassVar[tuple[Option, ...]] = (
        Option(
            ("--collectd-path",),
            "collectd's Unix socket; without it lines go to standard output, for the Exec plugin.",
            metavar="PATH",
        ),
        Option(
            ("--collectd-host",),
            "Host that the values belong to; else COLLECTD_HOSTNAME, else this machine.",
            metavar="NAME",
        ),
        Option(
            ("--collectd-interval",),
            "Seconds from run to run; else COLLECTD_INTERVAL, else 60.",
            type=float,
            metavar="SECONDS",
        ),
    )
    line_bytes = 1000

    def prepare(self) -> None:
        """Take host, interval and parser from the settings, or from what collectd exports."""
        host = getattr(self.settings, "collectd_host", None) or os.environ.get("COLLECTD_HOSTNAME")
        self.host = self.clean(host or os.uname().nodename)
        given = getattr(self.settings, "collectd_interval", None)
        interval = number(given or os.environ.get("COLLECTD_INTERVAL")) or 60
        parser = self.clean(str(getattr(self.settings, "parser", "") or "")).replace("-", "_")
        self.plugin = f"logster-{parser}" if parser else "logster"
        self.interval = f"{interval:g}"

    def reach(self) -> tuple[str, Transport]:
        """Return the receiver's name for messages, and the way to it."""
        path = getattr(self.settings, "collectd_path", None)
        if not path:
            return "collectd (stdout)", Descriptor(1)
        return f"collectd at {path}", Collectd(path)

    def clean(self, name: str) -> str:
        """Return *name* as one part of a collectd identifier."""
        return shortened(_UNSAFE.sub("_", name), _PART_BYTES)

    def encode(self, metric: Metric) -> bytes | None:
        """Return the line of *metric*."""
        name, value, at = self.name_of(metric), digits(metric.value), number(metric.timestamp)
        if not name or value is None or at is None or not 0 <= at < 2**32:
            return None
        place = f"{self.host}/{self.plugin}/gauge-{name}"
        return f'PUTVAL "{place}" interval={self.interval} {int(at)}:{value}\n'.encode()


class Collectd(UnixStream):
    """collectd's socket, which answers each line: 0 and above for taken, -1 for refused."""

    def send(self, lines: Sequence[bytes], deadline: float) -> int:
        """Hand over *lines*; so few at a time that the answers fit the socket's buffer."""
        refused = 0
        for start in range(0, len(lines), 50):
            said = self.exchange(b"".join(lines[start : start + 50]), deadline)
            refused += sum(answer.startswith(b"-") for answer in said.splitlines())
        return refused
