"""Send the metrics to Amazon CloudWatch; needs the extra logster[cloudwatch]."""

import json
import os
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from importlib.util import find_spec
from typing import Any, ClassVar

from logster.errors import ConfigurationError, OutputError
from logster.metrics import Metric, number
from logster.options import Option
from logster.outputs import Output, digits, shortened
from logster.outputs._http import parse_url, portions
from logster.transport import Transport, left


DATA_AT_ONCE = 1000
BYTES_AT_ONCE = 900_000  # of the megabyte that a request may hold
DIMENSIONS = 30
_LARGEST, _SMALLEST = 2.0**360, 2.0**-360

_UNSAFE = re.compile(r"[^ -~]")
_NAMESPACE = re.compile(r"[\w.\-/#:]{1,255}", re.ASCII)


class CloudwatchOutput(Output):
    """One datum a metric, without unit, in the minute it belongs to, as in 1.x."""

    kind = "cloudwatch"
    stem = "aws"
    options: ClassVar[tuple[Option, ...]] = (
        Option(
            ("--aws-key",),
            "Access key; else AWS_ACCESS_KEY_ID, else what boto3 finds.",
            secret=True,
        ),
        Option(
            ("--aws-secret-key",),
            "Secret key; better give it as AWS_SECRET_ACCESS_KEY in the environment.",
            secret=True,
        ),
        Option(
            ("--aws-region",),
            "Region; else AWS_DEFAULT_REGION, else ap-northeast-1, where 1.x sent.",
            metavar="NAME",
        ),
        Option(("--aws-namespace",), "Namespace of the metrics.", default="logster"),
        Option(
            ("--aws-instance-id",),
            "Value of the dimension InstanceID: auto asks the machine's metadata service, "
            "none leaves it out.",
            default="auto",
            metavar="ID",
        ),
        Option(("--aws-endpoint",), "Another address of the service.", metavar="URL"),
    )
    line_bytes = 100_000

    def prepare(self) -> None:
        """Take namespace and dimensions from the settings."""
        self.namespace = getattr(self.settings, "aws_namespace", None) or "logster"
        if not _NAMESPACE.fullmatch(self.namespace) or self.namespace.startswith("AWS/"):
            raise ConfigurationError(
                f"--aws-namespace {self.namespace} cannot be: letters, digits and . - _ / # : "
                "are allowed, and names that begin with AWS/ are Amazon's own."
            )
        own = () if getattr(self.settings, "aws_instance_id", None) == "none" else ("InstanceID",)
        tags = self.named_tags(lambda name: _text(name, 255), taken=own)
        self.dimensions = [{"Name": name, "Value": _text(value, 1024)} for name, value in tags]
        if len(self.dimensions) > DIMENSIONS - 1:
            raise ConfigurationError(
                f"CloudWatch takes {DIMENSIONS} dimensions a metric, InstanceID among them, "
                f"and there are {len(self.dimensions)} tags."
            )

    def reach(self) -> tuple[str, Transport]:
        """Return the receiver's name for messages, and the way to it."""
        if find_spec("boto3") is None and not getattr(self.settings, "dry_run", False):
            raise ConfigurationError(
                "The output cloudwatch needs boto3, which is not installed; "
                "install logster with its extra: logster[cloudwatch]. Nothing was read or sent."
            )
        region = (
            getattr(self.settings, "aws_region", None)
            or os.environ.get("AWS_DEFAULT_REGION")
            or os.environ.get("AWS_REGION")
            or "ap-northeast-1"
        )
        target = f"cloudwatch in {region} ({self.namespace})"
        return target, _CloudWatch(self.namespace, region, self.settings, self.timeout)

    def clean(self, name: str) -> str:
        """Return *name* in the characters and the length that CloudWatch takes."""
        return shortened(_UNSAFE.sub("_", name).strip().lstrip(":"), 255)

    def encode(self, metric: Metric) -> bytes | None:
        """Return the datum of *metric* as JSON."""
        name, value, at = self.name_of(metric), number(metric.value), number(metric.timestamp)
        if not name or value is None or at is None or not 0 <= at < 2**33:
            return None
        if abs(value) > _LARGEST or 0 < abs(value) < _SMALLEST:
            return None
        minute = int(at) // 60 * 60
        datum: dict[str, Any] = {"MetricName": name, "Timestamp": minute, "Value": float(value)}
        if self.dimensions:
            datum["Dimensions"] = self.dimensions
        return json.dumps(datum).encode()

    def preview(self, metrics: Iterable[Metric]) -> Iterator[str]:
        """Yield ``NAME VALUE TIMESTAMP``, the time as the service writes it."""
        for metric in metrics:
            line = self.encode(metric)
            if line is not None:
                at = time.gmtime(json.loads(line)["Timestamp"])
                shown = time.strftime("%Y%m%dT%H:%M:00Z", at)
                yield f"{self.name_of(metric)} {digits(metric.value)} {shown}"


class _CloudWatch:
    """Puts data with boto3, which is imported when there is something to send."""

    def __init__(self, namespace: str, region: str, settings: Any, timeout: float) -> None:
        self.namespace, self.region, self.timeout = namespace, region, timeout
        known = os.environ.get
        key = getattr(settings, "aws_key", None) or known("AWS_ACCESS_KEY_ID")
        secret = getattr(settings, "aws_secret_key", None) or known("AWS_SECRET_ACCESS_KEY")
        secret = secret or known("AWS_SECRET_ACCESS_KEY_ID")  # the name that 1.x read
        # With one of them missing boto3 looks where it always does.
        self.keys = (key, secret) if key and secret else (None, None)
        endpoint = getattr(settings, "aws_endpoint", None)
        self.endpoint = parse_url(endpoint, "--aws-endpoint") if endpoint else None
        self.instance = getattr(settings, "aws_instance_id", None) or "auto"

    def send(self, lines: Sequence[bytes], deadline: float) -> int:
        """Put the data that *lines* hold, in as few calls as the service allows."""
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

        own = self._own_dimension(deadline)
        try:
            client = self._client(deadline)
            for part in portions(lines, DATA_AT_ONCE, BYTES_AT_ONCE):
                left(deadline)
                data = [json.loads(line) for line in part]
                for datum in data:
                    datum["Dimensions"] = [*datum.get("Dimensions", ()), *own]
                client.put_metric_data(Namespace=self.namespace, MetricData=data)
        except (BotoCoreError, ClientError, TimeoutError) as error:
            # Behind its first line Amazon repeats the whole request, session token included.
            raise OutputError(str(error).partition("\n")[0]) from error
        return 0

    def _client(self, deadline: float) -> Any:
        import boto3  # noqa: PLC0415
        from botocore.config import Config  # noqa: PLC0415

        seconds = left(deadline)
        return boto3.client(
            "cloudwatch",
            region_name=self.region,
            endpoint_url=self.endpoint,
            aws_access_key_id=self.keys[0],
            aws_secret_access_key=self.keys[1],
            config=Config(
                connect_timeout=seconds, read_timeout=seconds, retries={"total_max_attempts": 1}
            ),
        )

    def _own_dimension(self, deadline: float) -> list[dict[str, str]]:
        """Return the dimension InstanceID, which dashboards of 1.x select by."""
        if self.instance == "none":
            return []
        if self.instance == "auto":
            self.instance = _instance_id(min(2.0, left(deadline)))
        return [{"Name": "InstanceID", "Value": self.instance}]


def _text(text: str, limit: int) -> str:
    return _UNSAFE.sub("_", text).lstrip(":")[:limit] or "_"


def _instance_id(timeout: float) -> str:
    """
    Return the name of this machine at Amazon, from its metadata service.

    Raises:
        OutputError: If there is no such service.
    """
    import urllib3  # noqa: PLC0415 - comes with boto3

    base = os.environ.get("AWS_EC2_METADATA_SERVICE_ENDPOINT") or "http://169.254.169.254"
    http = urllib3.PoolManager(timeout=timeout, retries=False)
    seconds = {"X-aws-ec2-metadata-token-ttl-seconds": "60"}
    try:
        token = http.request("PUT", f"{base.rstrip('/')}/latest/api/token", headers=seconds)
        pass_on = {"X-aws-ec2-metadata-token": token.data.decode()} if token.status == 200 else {}
        place = f"{base.rstrip('/')}/latest/meta-data/instance-id"
        answer = http.request("GET", place, headers=pass_on)
    except urllib3.exceptions.HTTPError as error:
        answer = None
        cause: Exception | None = error
    else:
        cause = None
    if answer is None or answer.status != 200:
        raise OutputError(
            "this machine's instance id is not to be had; outside Amazon's cloud "
            "give --aws-instance-id none"
        ) from cause
    return str(answer.data.decode().strip())
