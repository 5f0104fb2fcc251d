"""CloudWatch: the limits of the service are kept on our side, and moto has the data."""

import contextlib
import http.server
import json
import sys
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from outputs import any_metric, batch, output
from receivers import Moto

from logster.errors import ConfigurationError
from logster.metrics import Metric, number
from logster.outputs._http import portions
from logster.outputs.cloudwatch import BYTES_AT_ONCE, DATA_AT_ONCE


KEYS = {"aws_key": "AK", "aws_secret_key": "SK", "aws_region": "us-east-1"}
AT = 1_800_000_050


@given(any_metric)
def test_nothing_breaks_out(metric: Metric) -> None:
    """A datum holds one name that the service takes, one number and one time."""
    cloudwatch = output("cloudwatch", tags=("env=prod",))
    line = cloudwatch.encode(metric)

    if line is None:
        return
    datum = json.loads(line)
    assert datum["MetricName"] == cloudwatch.name_of(metric)
    assert 1 <= len(datum["MetricName"]) <= 255
    assert datum["MetricName"].isascii()
    assert datum["MetricName"].isprintable()
    assert datum["Value"] == float(number(metric.value) or 0)
    assert datum["Value"] == 0 or 2.0**-360 <= abs(datum["Value"]) <= 2.0**360
    assert datum["Dimensions"] == [{"Name": "env", "Value": "prod"}]


def test_parts() -> None:
    """A call holds a thousand data at most, and less than a megabyte."""
    small, large = [b"{}"] * 2001, [b"x" * 90_000] * 25

    calls, large_calls = (
        list(portions(each, DATA_AT_ONCE, BYTES_AT_ONCE)) for each in (small, large)
    )

    assert [len(call) for call in calls] == [DATA_AT_ONCE, DATA_AT_ONCE, 1]
    assert [len(call) for call in large_calls] == [10, 10, 5]
    assert all(sum(map(len, call)) <= BYTES_AT_ONCE for call in large_calls)
    assert list(portions([], DATA_AT_ONCE, BYTES_AT_ONCE)) == []


def test_preview() -> None:
    """A dry run shows name, value and the minute; it needs neither keys nor boto3."""
    cloudwatch = output("cloudwatch", dry_run=True, metric_prefix="web")
    metrics = [
        Metric("up", 1, timestamp=AT),
        Metric("nan", float("nan"), timestamp=AT),
        *(Metric("never", 1, timestamp=at) for at in (-1, 2**56, 2**63, 1e300)),
    ]

    assert list(cloudwatch.preview(metrics)) == ["web.up 1 20270115T08:00:00Z"]


@pytest.mark.parametrize(
    ("given_settings", "expected"),
    [
        ({"aws_namespace": "AWS/EC2"}, "Amazon's own"),
        ({"aws_namespace": "a b"}, "--aws-namespace a b cannot be"),
        ({"tags": tuple(f"t{each}=v" for each in range(30))}, "30 dimensions a metric"),
    ],
)
def test_refused_settings(given_settings: dict[str, Any], expected: str) -> None:
    """What the service would refuse is refused before anything is read."""
    with pytest.raises(ConfigurationError, match=expected):
        output("cloudwatch", **given_settings)


def test_without_boto3(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without boto3 it says what to install."""
    monkeypatch.setitem(sys.modules, "boto3", None)
    monkeypatch.setattr("logster.outputs.cloudwatch.find_spec", lambda _: None)

    with pytest.raises(ConfigurationError, match=r"install logster with its extra: logster\[cl"):
        output("cloudwatch", **KEYS)


def data_at(moto: Moto, name: str) -> tuple[dict[str, str], float]:
    """Return what moto keeps of the metric *name*: its dimensions and the sum of its values."""
    import boto3

    client = boto3.client(
        "cloudwatch",
        endpoint_url=moto.url,
        region_name="us-east-1",
        aws_access_key_id="AK",
        aws_secret_access_key="SK",
    )
    (metric,) = client.list_metrics(Namespace="logster", MetricName=name)["Metrics"]
    points = client.get_metric_statistics(
        Namespace="logster",
        MetricName=name,
        Dimensions=metric["Dimensions"],
        StartTime=AT - 600,
        EndTime=AT + 600,
        Period=60,
        Statistics=["Sum"],
    )["Datapoints"]
    dimensions = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
    return dimensions, sum(point["Sum"] for point in points)


def test_moto_has_it(moto: Moto, monkeypatch: pytest.MonkeyPatch) -> None:
    """More data than one call may hold arrive, with their dimensions; a bad one stops nothing."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AK")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY_ID", "SK")
    cloudwatch = output(
        "cloudwatch",
        aws_region="us-east-1",
        aws_endpoint=moto.url,
        aws_instance_id="i-1",
        tags=("env=prod",),
    )
    metrics = [Metric(f"m{each}", each) for each in range(1100)]
    receipt = cloudwatch.deliver([batch(AT, *metrics, Metric("nan", float("nan")))])

    assert tuple(receipt) == (1, 1, None)
    assert data_at(moto, "m1099") == ({"env": "prod", "InstanceID": "i-1"}, 1099)


@contextlib.contextmanager
def metadata(instance: str) -> Iterator[str]:
    """Yield the address of a server that tells the instance id to those with a token."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def answer(self, text: str, status: int = 200) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def do_PUT(self) -> None:
            self.answer("token")

        def do_GET(self) -> None:
            known = self.headers["X-aws-ec2-metadata-token"] == "token"
            self.answer(instance, 200 if known else 401)

        def log_message(self, *_: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join(5)


def test_instance_id(moto: Moto, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in 1.x the machine's instance id is a dimension; without one nothing is sent."""
    cloudwatch = output("cloudwatch", **KEYS, aws_endpoint=moto.url)
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1")
    receipt = cloudwatch.deliver([batch(AT, Metric("whoami", 1))])

    assert receipt.delivered == 0
    assert "--aws-instance-id none" in str(receipt.error)

    with metadata("i-0abc") as url:
        monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", url)
        assert tuple(cloudwatch.deliver([batch(AT, Metric("whoami", 1))])) == (1, 0, None)

    assert data_at(moto, "whoami") == ({"InstanceID": "i-0abc"}, 1)


def test_service_away() -> None:
    """A service that is away leaves the batch owed, and no secret in the message."""
    cloudwatch = output(
        "cloudwatch", **KEYS, aws_endpoint="http://127.0.0.1:1", aws_instance_id="none"
    )
    receipt = cloudwatch.deliver([batch(AT, Metric("up", 1))])

    assert receipt.delivered == 0
    assert "Could not connect" in str(receipt.error)
    assert "SK" not in f"{receipt.error}{cloudwatch.target}"
