"""Send the metrics to Datadog, or to what speaks its API, over HTTPS."""

import json
import os
import re
from collections.abc import Sequence
from typing import ClassVar

from logster.errors import ConfigurationError
from logster.metrics import Metric, number
from logster.options import Option
from logster.outputs import Output, shortened
from logster.outputs._http import Http, json_array, parse_url
from logster.transport import Transport


_UNSAFE = re.compile(r"[^\w.]", re.ASCII)
_LETTER_FIRST = re.compile(r"\A[^A-Za-z]+")


class DatadogOutput(Output):
    """One series a metric, with host and tags."""

    kind = "datadog"
    options: ClassVar[tuple[Option, ...]] = (
        Option(
            ("--datadog-url",),
            "Address of the API.",
            default="https://api.datadoghq.com",
            metavar="URL",
        ),
        Option(
            ("--datadog-api-key-file",),
            "File of the API key; else LOGSTER_DATADOG_API_KEY.",
            metavar="FILE",
        ),
        Option(("--datadog-ca",), "File of the certificates to trust.", metavar="FILE"),
    )

    def prepare(self) -> None:
        """Take the tags from the settings."""
        tags = dict(self.tags)
        self.host = tags.pop("host", "") or os.uname().nodename
        self.labels = [f"{name}:{value}" for name, value in tags.items()]

    def reach(self) -> tuple[str, Transport]:
        """Return the receiver's name for messages, and the way to it."""
        url = parse_url(self.required("datadog_url"), "--datadog-url")
        key = self.secret("datadog_api_key")
        if not key and not getattr(self.settings, "dry_run", False):
            raise ConfigurationError(
                "The output datadog needs an API key, in --datadog-api-key-file or in the "
                "environment as LOGSTER_DATADOG_API_KEY. Nothing was read or sent."
            )
        http = Http(
            f"{url}/api/v1/series",
            series,
            headers={"Content-Type": "application/json", "DD-API-KEY": key or ""},
            authorities=getattr(self.settings, "datadog_ca", None),
        )
        return f"datadog at {url}", http

    def clean(self, name: str) -> str:
        """
        Return *name* as Datadog takes it: a letter, then letters, digits, ``_`` and ``.``.

        >>> DatadogOutput.clean(None, "5xx rate/s")
        'xx_rate_s'
        """
        return shortened(_LETTER_FIRST.sub("", _UNSAFE.sub("_", name)), 200)

    def encode(self, metric: Metric) -> bytes | None:
        """Return the series of *metric* as JSON."""
        name, value, at = self.name_of(metric), number(metric.value), number(metric.timestamp)
        if not name or value is None or at is None or not 0 <= at < 2**40:
            return None
        return json.dumps(
            {
                "metric": name,
                "points": [[int(at), float(value)]],
                "type": "count" if metric.kind == "c" else "gauge",
                "host": self.host,
                "tags": self.labels,
            }
        ).encode()


def series(lines: Sequence[bytes]) -> bytes:
    """Return the body that the API takes for the series in *lines*."""
    return b'{"series":' + json_array(lines) + b"}"
