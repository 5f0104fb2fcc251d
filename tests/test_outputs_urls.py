"""Outputs as URLs."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from logster.errors import ConfigurationError
from logster.registry import load_output, names


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("graphite://metrics.example:2003", {"graphite_host": "metrics.example:2003"}),
        (
            "graphite+tls://h:1?graphite-ca=/ca&prefix=web&timeout=2.5&confirm=no",
            {
                "graphite_protocol": "tls",
                "graphite_host": "h:1",
                "graphite_ca": "/ca",
                "metric_prefix": "web",
                "timeout": 2.5,
                "confirm": False,
            },
        ),
        ("graphite://a:1,b:2", {"graphite_host": "a:1,b:2"}),
        ("graphite://[::1]:2003", {"graphite_host": "[::1]:2003"}),
        ("graphite-pickle://h:2004", {"graphite_pickle_host": "h:2004"}),
        ("statsd+tcp://h:8125", {"statsd_protocol": "tcp", "statsd_host": "h:8125"}),
        (
            "statsd+unix:///run/statsd.sock",
            {"statsd_protocol": "unix", "statsd_host": "/run/statsd.sock"},
        ),
        (
            "influxdb+https://h:8086?db=logs&tag=a%3Db&tag=c%3Dd",
            {
                "influxdb_url": "https://h:8086",
                "influxdb_db": "logs",
                "tags": ("a=b", "c=d"),
            },
        ),
        (
            "influxdb+udp://h:8089",
            {"influxdb_protocol": "udp", "influxdb_url": "udp://h:8089"},
        ),
        ("opentsdb+http://h:4242", {"opentsdb_protocol": "http", "opentsdb_host": "h:4242"}),
        ("http+https://h/in", {"http_url": "https://h/in"}),
        ("datadog://", {}),
        ("collectd:///run/c.sock", {"collectd_path": "/run/c.sock"}),
        ("prometheus:///var/x.prom", {"prometheus_path": "/var/x.prom"}),
        ("prometheus+http://h:9091", {"prometheus_url": "http://h:9091"}),
        ("graphite-events://h:8080/g", {"event_url": "http://h:8080/g"}),
        (
            "graphite-events+https://h?event=x&when=a%3E1&event-when=b%3E2",
            {"event_url": "https://h", "event": "x", "event_when": ("a>1", "b>2")},
        ),
        ("ganglia://?options=-d+60", {"gmetric_options": "-d 60"}),
        ("cloudwatch://?region=eu-west-1", {"aws_region": "eu-west-1"}),
        ("stdout://?format=json", {"stdout_format": "json"}),
        ("cloudwatch://?aws-region=eu-west-1", {"aws_region": "eu-west-1"}),
    ],
)
def test_settings(url: str, expected: dict[str, Any]) -> None:
    """A URL stands for the options of its output."""
    name = url.partition(":")[0].partition("+")[0]

    assert load_output(name).from_url(url) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("graphite+ftp://h:1", "speaks no protocol ftp"),
        ("graphite://h:1?nonsense=1", "names no option of graphite: nonsense"),
        ("graphite://h:1?spread=wide", "none of replicated, consistent"),
        ("graphite://h:1?timeout=soon", "no value it can take"),
        ("graphite://h:1?confirm=perhaps", "no value it can take"),
        ("http+https://user:secret@h/in", "takes no password"),
        ("ganglia://h", "takes no host or path"),
        ("http://h/in?api_key=secret", "The output http://h/in names no option of http: api_key"),
        ("http://h/in?secret", "The output http://h/in names no option of http: …"),
        ("influxdb://h?db=x&password=sec&secret", "The output influxdb://h names no option"),
        ("influxdb://[me:secret@h", "The output influxdb://… is no URL"),
        ("graphite+ftp://h:1?key=secret", "The output graphite.ftp://h:1 speaks no protocol"),
    ],
)
def test_refused(url: str, expected: str) -> None:
    """What an output does not know is refused, and neither password nor query is repeated."""
    name = url.partition(":")[0].partition("+")[0]

    with pytest.raises(ConfigurationError, match=expected) as caught:
        load_output(name).from_url(url)
    assert "secret" not in str(caught.value)


@given(st.sampled_from(names("logster.outputs")), st.text())
def test_anything(name: str, rest: str) -> None:
    """Any text at all is taken or refused, never more."""
    try:
        found = load_output(name).from_url(f"{name}://{rest}")
    except ConfigurationError:
        return
    assert isinstance(found, dict)


def test_every_output_has_a_kind() -> None:
    """The name of an output's module is its kind, and its options begin with it."""
    kinds = {name: load_output(name).kind for name in names("logster.outputs")}

    assert kinds == {name: name for name in kinds}
