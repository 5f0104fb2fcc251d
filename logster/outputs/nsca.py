"""Hand the metrics to Nagios as passive checks, all in one call of send_nsca."""

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

from logster.errors import OutputError
from logster.metrics import Metric
from logster.options import Option
from logster.outputs import Output, Owing, digits, printable, shortened
from logster.transport import Transport, left, parse_address, reason, run_program


SEND_NSCA = "/usr/sbin/send_nsca"

#: What separates fields and results, what Nagios takes out, and what a shell reads in quotes.
_UNSAFE = re.compile(r"""[;|`~$&<>'"\\]""")
_NAME = re.compile(r"[^\w.\-:@/ ]")


class SendNsca:
    """Runs send_nsca once, with all lines as its input."""

    def __init__(self, argv: Sequence[str]) -> None:
        self.argv = argv

    def send(self, lines: Sequence[bytes], deadline: float) -> int:
        """Hand over *lines*; a newline within the input would make one result of two."""
        try:
            run_program(self.argv, b"\x17".join(lines), left(deadline))
        except TimeoutError as error:
            raise OutputError(reason(error)) from error
        return 0


class NscaOutput(Output):
    """One result a metric: host, service, status and text, with tabs between them."""

    kind = "nsca"
    options: ClassVar[tuple[Option, ...]] = (
        Option(
            ("--nsca-host",),
            "Host and port of the NSCA daemon, e.g. nsca.example.com:5667.",
            metavar="HOST:PORT",
        ),
        Option(
            ("--nsca-service-hostname",),
            "Host name in the passive check; this machine's own where left out.",
            metavar="NAME",
        ),
        Option(
            ("--nsca-config",),
            "File with password and encryption method, for send_nsca.",
            metavar="FILE",
        ),
        Option(
            ("--nsca-perfdata",),
            "Send status 0 and the figure as performance data; else the value is the status.",
            default=False,
            type=bool,
        ),
    )
    separator = "_"
    owing = Owing.SUM
    line_bytes = 2048

    def prepare(self) -> None:
        """Take the host's name from the settings."""
        given = getattr(self.settings, "nsca_service_hostname", None) or os.uname().nodename
        self.hostname = _UNSAFE.sub("_", printable(given))[:63]
        self.perfdata = bool(getattr(self.settings, "nsca_perfdata", False))

    def reach(self) -> tuple[str, Transport]:
        """Return the receiver's name for messages, and the way to it."""
        address = parse_address(self.required("nsca_host"), "--nsca-host")
        self.argv = [SEND_NSCA, "-H", address.host, "-p", str(address.port)]
        config = getattr(self.settings, "nsca_config", None)
        if config:
            self.argv += ["-c", config]
        return f"nsca at {address}", SendNsca(self.argv)

    def clean(self, name: str) -> str:
        """
        Return *name* as a service description.

        >>> NscaOutput.clean(None, "web;1'$(id)")
        'web_1___id_'
        """
        return shortened(_NAME.sub("_", name), 127)

    def encode(self, metric: Metric) -> bytes | None:
        """
        Return the result of *metric*.

        As in 1.x the value is the status and the units are the text: a parser for
        Nagios gives 0, 1, 2 or 3 and a sentence.
        """
        name, value = self.name_of(metric), digits(metric.value)
        if not name or value is None:
            return None
        units = _UNSAFE.sub("_", printable(metric.units))
        if self.perfdata:
            status, said = "0", f"{name} {value} {units}".rstrip() + f"|{name}={value}"
        else:
            status, said = value, units
        return f"{self.hostname}\t{name}\t{status}\t{said}".encode()

    def preview(self, metrics: Iterable[Metric]) -> Iterator[str]:
        """Yield the command that would send each metric by itself, as 1.x printed it."""
        from shlex import join  # noqa: PLC0415

        return (f"echo '{line}' | {join(self.argv)}" for line in super().preview(metrics))
