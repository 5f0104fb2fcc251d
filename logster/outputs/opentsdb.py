"""Send the metrics to OpenTSDB, as telnet's put or over HTTP."""

import json
import os
import re
from collections.abc import Sequence
from typing import ClassVar

from logster.metrics import Metric, number
from logster.options import Option
from logster.outputs import Output, digits
from logster.outputs._http import Http, json_array, parse_url
from logster.transport import Tcp, Transport, parse_address


_UNSAFE = re.compile(r"[^\w.\-/]", re.ASCII)


class OpentsdbOutput(Output):
    """One line a metric: ``put NAME TIME VALUE TAG=VALUE``."""

    kind = "opentsdb"
    options: ClassVar[tuple[Option, ...]] = (
        Option(
            ("--opentsdb-host",),
            "Host and port of OpenTSDB, e.g. opentsdb.example.com:4242.",
            metavar="HOST:PORT",
        ),
        Option(
            ("--opentsdb-protocol",),
            "Protocol to speak with OpenTSDB.",
            default="telnet",
            choices=("telnet", "http", "https"),
        ),
        Option(("--opentsdb-ca",), "File of the certificates to trust.", metavar="FILE"),
    )
    line_bytes = 1024  # of telnet

    def prepare(self) -> None:
        """Take protocol and tags from the settings; without a tag OpenTSDB takes nothing."""
        self.protocol = getattr(self.settings, "opentsdb_protocol", "telnet")
        given = self.named_tags(self.clean) or [("host", os.uname().nodename)]
        self.pairs = {name: self.clean(value) for name, value in given}

    def reach(self) -> tuple[str, Transport]:
        """Return the receiver's name for messages, and the way to it."""
        address = parse_address(self.required("opentsdb_host"), "--opentsdb-host")
        if self.protocol == "telnet":
            return f"opentsdb at {address}", Telnet(address, confirm=self.confirm)
        self.line_bytes = 60_000
        url = parse_url(f"{self.protocol}://{address}", "--opentsdb-host")
        http = Http(
            f"{url}/api/put",
            json_array,
            headers={"Content-Type": "application/json"},
            authorities=getattr(self.settings, "opentsdb_ca", None),
            lines_at_once=500,
        )
        return f"opentsdb at {url}", http

    def clean(self, name: str) -> str:
        """Return *name* in letters, digits and ``- _ . /``, all that OpenTSDB takes."""
        return _UNSAFE.sub("_", name)

    def encode(self, metric: Metric) -> bytes | None:
        """Return the line of *metric*, or its object for HTTP."""
        name, value, at = self.name_of(metric), number(metric.value), number(metric.timestamp)
        if not name or value is None or at is None or not 0 <= at < 2**32:
            return None
        if self.protocol != "telnet":
            point = {"metric": name, "timestamp": int(at), "value": value, "tags": self.pairs}
            return json.dumps(point).encode()
        tags = " ".join(f"{name}={value}" for name, value in self.pairs.items())
        return f"put {name} {int(at)} {digits(metric.value)} {tags}\n".encode()


class Telnet(Tcp):
    """A stream on which the peer answers only what it refuses, a line each."""

    def send(self, lines: Sequence[bytes], deadline: float) -> int:
        """Hand over *lines*; so few at a time that their refusals fit the peer's buffer."""
        refused = 0
        for start in range(0, len(lines), 500):
            said = self.exchange(b"".join(lines[start : start + 500]), deadline)
            refused += said.count(b"put:")
        return refused
