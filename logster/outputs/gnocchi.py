"""Send the metrics to Gnocchi as measures; it creates the metrics it does not know."""

import json
import os
import re
from collections.abc import Sequence
from typing import ClassVar

from logster.metrics import Metric, number
from logster.options import Option
from logster.outputs import Output, RefusedError, shortened
from logster.outputs._http import Http, basic, parse_url
from logster.transport import Transport


_UNSAFE = re.compile(r"[^ -~]|[/\\\"]")


class GnocchiOutput(Output):
    """One measure a metric, for the resource that stands for this host."""

    kind = "gnocchi"
    options: ClassVar[tuple[Option, ...]] = (
        Option(("--gnocchi-url",), "Address of Gnocchi, e.g. https://gnocchi:8041.", metavar="URL"),
        Option(("--gnocchi-resource",), "Resource of the metrics; else this host.", metavar="NAME"),
        Option(
            ("--gnocchi-policy",),
            "Archive policy of metrics that do not exist yet.",
            default="low",
            metavar="NAME",
        ),
        Option(("--gnocchi-user",), "User, for basic authentication.", metavar="NAME"),
        Option(
            ("--gnocchi-password-file",),
            "File of the password; else LOGSTER_GNOCCHI_PASSWORD.",
            metavar="FILE",
        ),
        Option(
            ("--gnocchi-token-file",),
            "File of a Keystone token; else LOGSTER_GNOCCHI_TOKEN.",
            metavar="FILE",
        ),
        Option(("--gnocchi-ca",), "File of the certificates to trust.", metavar="FILE"),
    )

    def reach(self) -> tuple[str, Transport]:
        """Return the receiver's name for messages, and the way to it."""
        url = parse_url(self.required("gnocchi_url"), "--gnocchi-url")
        resource = getattr(self.settings, "gnocchi_resource", None) or os.uname().nodename
        policy = getattr(self.settings, "gnocchi_policy", None) or "low"
        headers = {"Content-Type": "application/json"}
        token, user = self.secret("gnocchi_token"), getattr(self.settings, "gnocchi_user", None)
        if token:
            headers["X-Auth-Token"] = token
        elif user:
            password = self.secret("gnocchi_password", encoded=True) or ""
            headers["Authorization"] = basic(user, password)
        authorities = getattr(self.settings, "gnocchi_ca", None)
        way = Measures(url, headers, authorities, self.clean(resource), policy)
        return f"gnocchi at {url} ({resource})", way

    def clean(self, name: str) -> str:
        """Return *name* without a slash, which Gnocchi does not take, and in ASCII."""
        return shortened(_UNSAFE.sub("_", name), 250)

    def encode(self, metric: Metric) -> bytes | None:
        """Return name, time and value of *metric* as JSON."""
        name, value, at = self.name_of(metric), number(metric.value), number(metric.timestamp)
        if not name or value is None or at is None or not 0 <= at < 2**33:
            return None
        return json.dumps([name, {"timestamp": float(at), "value": float(value)}]).encode()


class Measures:
    """Posts measures; a resource that does not exist yet is created first."""

    def __init__(
        self, url: str, headers: dict[str, str], authorities: str | None, resource: str, policy: str
    ) -> None:
        self.resource, self.policy = resource, policy
        batch = f"{url}/v1/batch/resources/metrics/measures?create_metrics=true"
        self.measures = Http(batch, self.wrap, headers=headers, authorities=authorities)
        place = f"{url}/v1/resource/generic"
        # 409: somebody else created it.
        self.resources = Http(place, headers=headers, authorities=authorities, taken={409})

    def wrap(self, lines: Sequence[bytes]) -> bytes:
        """Return the body for the measures in *lines*, grouped by metric."""
        measures: dict[str, list[object]] = {}
        for name, measure in map(json.loads, lines):
            measures.setdefault(name, []).append(measure)
        metrics = {
            name: {"archive_policy_name": self.policy, "measures": found}
            for name, found in measures.items()
        }
        return json.dumps({self.resource: metrics}).encode()

    def send(self, lines: Sequence[bytes], deadline: float) -> int:
        """Hand over *lines*; what is refused may lack nothing but its resource."""
        try:
            return self.measures.send(lines, deadline, halve=False)
        except RefusedError:
            self.resources.send([json.dumps({"id": self.resource}).encode()], deadline)
            return self.measures.send(lines, deadline)
