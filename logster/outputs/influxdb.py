"""Send the metrics to InfluxDB, as line protocol over HTTP or UDP."""

from typing import ClassVar
from urllib.parse import urlencode

from logster.errors import ConfigurationError
from logster.metrics import Metric, number
from logster.options import Option
from logster.outputs import Output, printable
from logster.outputs._http import Http, basic, parse_url
from logster.transport import DATAGRAM_BYTES, Transport, Udp, parse_address


_RESERVED = {"time", "_measurement", "_field"}
_ESCAPED = {",": "\\,", " ": "\\ ", "=": "\\="}
_IN_KEYS = str.maketrans(_ESCAPED)
_IN_MEASUREMENTS = str.maketrans({each: _ESCAPED[each] for each in ", "})


class InfluxdbOutput(Output):
    """One point a metric: ``NAME,TAG=VALUE value=NUMBER TIME``."""

    kind = "influxdb"
    options: ClassVar[tuple[Option, ...]] = (
        Option(
            ("--influxdb-url",),
            "Address of InfluxDB, e.g. https://influx.example:8086, or udp://HOST:PORT.",
            metavar="URL",
        ),
        Option(("--influxdb-db",), "Database (version 1).", metavar="NAME"),
        Option(("--influxdb-org",), "Organisation (version 2).", metavar="NAME"),
        Option(("--influxdb-bucket",), "Bucket (version 2).", metavar="NAME"),
        Option(("--influxdb-user",), "User (version 1).", metavar="NAME"),
        Option(
            ("--influxdb-password-file",),
            "File of the password (version 1); else LOGSTER_INFLUXDB_PASSWORD.",
            metavar="FILE",
        ),
        Option(
            ("--influxdb-token-file",),
            "File of the token (version 2); else LOGSTER_INFLUXDB_TOKEN.",
            metavar="FILE",
        ),
        Option(("--influxdb-ca",), "File of the certificates to trust.", metavar="FILE"),
        Option(
            ("--influxdb-measurement",),
            "One measurement for all, with a field a metric; else a measurement a metric.",
            metavar="NAME",
        ),
        Option(
            ("--influxdb-protocol",),
            "Protocol, where the address does not say.",
            default="http",
            choices=("http", "udp"),
        ),
    )
    line_bytes = 60_000

    def prepare(self) -> None:
        """Take measurement and tags from the settings."""
        self.measurement = self.clean(getattr(self.settings, "influxdb_measurement", None) or "")
        self.tagged = "".join(
            f",{name.translate(_IN_KEYS)}={self.clean(value).translate(_IN_KEYS)}"
            for name, value in sorted(self.named_tags(self.clean, _RESERVED))
        )

    def reach(self) -> tuple[str, Transport]:
        """Return the receiver's name for messages, and the way to it."""
        given = self.required("influxdb_url")
        if given.startswith("udp://"):
            address = parse_address(given.removeprefix("udp://").rstrip("/"), "--influxdb-url")
            self.line_bytes = DATAGRAM_BYTES
            return f"influxdb at {address} (udp)", Udp(address)
        url = parse_url(given, "--influxdb-url")
        path, query = self._place()
        http = Http(
            f"{url}{path}?{urlencode(query)}",
            headers=self._headers(),
            authorities=getattr(self.settings, "influxdb_ca", None),
        )
        return f"influxdb at {url} ({query.get('db') or query['bucket']})", http

    def clean(self, name: str) -> str:
        """Return *name* in one line; a name that begins like a comment gets a ``_``."""
        name = printable(name).replace("\\", "_").strip()
        return f"_{name[1:]}" if name.startswith("#") else name

    def encode(self, metric: Metric) -> bytes | None:
        """Return the point of *metric*; a whole number is written as a float too."""
        name, value, at = self.name_of(metric), number(metric.value), number(metric.timestamp)
        if not name or value is None or at is None or abs(at) > 1e9 * 9:
            return None
        measurement, field = (self.measurement, name) if self.measurement else (name, "value")
        time = int(at // 1) * 10**9 + round(at % 1 * 1e6) * 1000
        place = measurement.translate(_IN_MEASUREMENTS) + self.tagged
        return f"{place} {field.translate(_IN_KEYS)}={float(value)!r} {time}\n".encode()

    def _place(self) -> tuple[str, dict[str, str]]:
        """Return path and query, of version 2 where there is a bucket."""
        bucket = getattr(self.settings, "influxdb_bucket", None)
        if bucket:
            return "/api/v2/write", {"org": self.required("influxdb_org"), "bucket": bucket}
        if not getattr(self.settings, "influxdb_db", None):
            raise ConfigurationError(
                "You must supply --influxdb-db or --influxdb-bucket "
                "when using 'influxdb' as an output type."
            )
        return "/write", {"db": self.settings.influxdb_db}

    def _headers(self) -> dict[str, str]:
        token, user = self.secret("influxdb_token"), getattr(self.settings, "influxdb_user", None)
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        if token:
            headers["Authorization"] = f"Token {token}"
        elif user:
            password = self.secret("influxdb_password", encoded=True) or ""
            headers["Authorization"] = basic(user, password)
        return headers
