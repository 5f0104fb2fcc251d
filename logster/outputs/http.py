"""POST the metrics to an HTTP server, as JSON or as the text of another output."""

import json
import re
from collections.abc import Iterable
from typing import ClassVar
from urllib.parse import parse_qsl, urlsplit

from logster.errors import ConfigurationError
from logster.metrics import Metric, number
from logster.options import Option
from logster.outputs import Output
from logster.outputs._borrowed import TEXTS, borrowed
from logster.outputs._http import Http, json_array, parse_url
from logster.outputs._secrets import secret_text
from logster.transport import Transport


_HEADER = re.compile(r"(?P<name>[\w!#$%&'*+.^`|~\-]+)[ \t]*:[ \t]*(?P<value>[ -~]*)", re.ASCII)


class HttpOutput(Output):
    """One object a metric, in an array; any answer but 2xx means not delivered."""

    kind = "http"
    options: ClassVar[tuple[Option, ...]] = (
        Option(("--http-url",), "Where to POST, e.g. https://example.com/metrics.", metavar="URL"),
        Option(
            ("--http-format",),
            "What to POST: JSON, or the lines of another output.",
            default="json",
            choices=("json", *TEXTS),
        ),
        Option(
            ("--http-headers-file",),
            "File of headers to send along, `Name: value`, one a line.",
            metavar="FILE",
        ),
        Option(("--http-ca",), "File of the certificates to trust.", metavar="FILE"),
    )

    def prepare(self) -> None:
        """Take the format from the settings."""
        name = getattr(self.settings, "http_format", "json")
        self.encoder = None if name == "json" else borrowed(name, self.settings)
        if self.encoder:
            self.sent_tags, self.owing = self.encoder.sent_tags, self.encoder.owing

    def reach(self) -> tuple[str, Transport]:
        """Return the receiver's name for messages, and the way to it."""
        url = parse_url(self.required("http_url"), "--http-url", query=True)
        kind = "application/json" if self.encoder is None else "text/plain; charset=utf-8"
        http = Http(
            url,
            json_array if self.encoder is None else b"".join,
            headers={"Content-Type": kind, **self._headers()},
            authorities=getattr(self.settings, "http_ca", None),
            secrets=_values_of(urlsplit(url).query),
        )
        return f"http at {url.partition('?')[0].rstrip('/')}", http

    def clean(self, name: str) -> str:
        """Return *name* as it is: JSON can hold any."""
        return name

    def encode(self, metric: Metric) -> bytes | None:
        """Return the object of *metric*."""
        name, value, at = self.name_of(metric), number(metric.value), number(metric.timestamp)
        if not name or value is None or at is None:
            return None
        return json.dumps(
            {
                "name": name,
                "value": value,
                "units": metric.units,
                "kind": metric.kind,
                "timestamp": at,
                "tags": dict(self.tags),
            }
        ).encode()

    def encoded(self, metrics: Iterable[Metric]) -> tuple[list[bytes], int]:
        """Return the objects of *metrics*, or their lines in another output's words."""
        return super().encoded(metrics) if self.encoder is None else self.encoder.encoded(metrics)

    def _headers(self) -> dict[str, str]:
        path = getattr(self.settings, "http_headers_file", None)
        if not path:
            return {}
        holder = f"--http-headers-file {path}"
        headers = {}
        for line in secret_text(holder, path).strip().splitlines():
            match = _HEADER.fullmatch(line.strip())
            if not match:
                raise ConfigurationError(
                    f"{holder}: every line must be `Name: value`, in printable ASCII. "
                    "Nothing was read or sent."
                )
            headers[match["name"]] = match["value"]
        return headers


def _values_of(query: str) -> list[str]:
    """Return the values that *query* holds, as written and as meant."""
    written = [pair.partition("=")[2] or pair for pair in query.split("&")]
    return [*written, *(value for _, value in parse_qsl(query))]
