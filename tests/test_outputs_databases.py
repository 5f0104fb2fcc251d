"""InfluxDB, OpenTSDB and Datadog: what is sent decodes back, and real servers have it."""

import json
import re
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outputs import any_metric, any_text, batch, output, serving
from receivers import Gnocchi, Influxdb, VictoriaMetrics, ask

from logster.errors import ConfigurationError
from logster.metrics import Metric, number


NOW = int(time.time())
HOSTILE = (
    Metric("plain", 42),
    Metric('a b,c=d"e\\\n#', -0.5),
    Metric("nan", float("nan")),
    Metric("text", "n/a"),
)


class TestInfluxdb:
    """Line protocol, over HTTP and UDP."""

    @given(any_metric, any_text.filter(str.strip), st.sampled_from(["", "all of it"]))
    def test_nothing_breaks_out(self, metric: Metric, tag: str, measurement: str) -> None:
        """A line holds one series, one field and one time, whatever the log held."""
        influxdb = output(
            "influxdb",
            influxdb_url="udp://h:1",
            tags=(f"env={tag}",),
            influxdb_measurement=measurement,
        )
        line = influxdb.encode(metric)

        if line is None:
            return
        text = line.decode().removesuffix("\n")
        assert len(text.splitlines()) == 1
        series, field, at = re.split(r"(?<!\\) ", text)
        place, tagged = re.split(r"(?<!\\),", series)
        name, value = re.split(r"(?<!\\)=", field)
        assert len(re.split(r"(?<!\\)=", tagged)) == 2
        found = name if measurement else place
        assert re.sub(r"\\([,= ])", r"\1", found) == influxdb.name_of(metric)
        assert float(value) == float(number(metric.value) or 0)
        assert int(at) / 1e9 == pytest.approx(number(metric.timestamp), abs=1e-6)

    def test_influx_has_it(self, influx: Influxdb) -> None:
        """Points arrive at a real InfluxDB, with their tags and times; bad ones stop nothing."""
        sender = output(
            "influxdb", influxdb_url=influx.url, influxdb_db="logs", tags=("env=p d,x=y",)
        )
        receipt = sender.deliver([batch(NOW - 60, *HOSTILE), batch(NOW, *HOSTILE)])

        assert tuple(receipt) == (2, 4, None)
        expected = [{"time": at * 10**9, "env": "p d,x=y", "value": 42} for at in (NOW - 60, NOW)]
        assert influx.points("plain", 2) == expected
        odd = sender.name_of(HOSTILE[1]).replace('"', '\\"')
        assert [each["value"] for each in influx.points(odd, 2)] == [-0.5, -0.5]

    def test_measurement(self, influx: Influxdb) -> None:
        """With one measurement for all, metrics are its fields."""
        sender = output(
            "influxdb", influxdb_url=influx.url, influxdb_db="logs", influxdb_measurement="mail"
        )
        sender.deliver([batch(NOW, Metric("sent", 3), Metric("lost", 0))])

        assert influx.points("mail") == [{"time": NOW * 10**9, "lost": 0, "sent": 3}]

    def test_refused_points(self, influx: Influxdb) -> None:
        """A point of a type that the database refuses is given up; the others arrive."""
        sender = output("influxdb", influxdb_url=influx.url, influxdb_db="logs")
        ask(f"{influx.url}/write?db=logs", f'fixed value="text" {NOW - 1}000000000'.encode())
        metrics = [Metric("fixed", 1), *(Metric(f"kept{each}", each) for each in range(9))]

        assert tuple(sender.deliver([batch(NOW, *metrics)])) == (1, 1, None)
        assert [each["value"] for each in influx.points("kept8")] == [8]

    def test_wrong_database(self, influx: Influxdb) -> None:
        """Where nothing at all is taken the batch stays owed, and the server's word is shown."""
        sender = output("influxdb", influxdb_url=influx.url, influxdb_db="nowhere")
        receipt = sender.deliver([batch(NOW, Metric("up", 1))])

        assert receipt.delivered == 0
        assert "404" in str(receipt.error)
        assert "database not found" in str(receipt.error)

    def test_udp(self, influx: Influxdb) -> None:
        """Datagrams arrive too."""
        sender = output("influxdb", influxdb_url=influx.udp)
        sender.deliver([batch(NOW, Metric("by udp", 7))])

        assert influx.points("by udp", db="udp") == [{"time": NOW * 10**9, "value": 7}]

    def test_victoria_has_it(self, victoria: VictoriaMetrics) -> None:
        """VictoriaMetrics takes it as well, at the address of version 2 too."""
        for place in ({"influxdb_db": "l"}, {"influxdb_bucket": "b", "influxdb_org": "o"}):
            sender = output(
                "influxdb", influxdb_url=victoria.url, tags=(f"by={min(place)}",), **place
            )
            assert tuple(sender.deliver([batch(NOW, Metric("i", 5))])) == (1, 0, None)

        found = {labels["by"]: points for labels, points in victoria.series("i_value")}
        assert found == {"influxdb_db": [(NOW, 5)], "influxdb_bucket": [(NOW, 5)]}

    def test_secrets(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A token comes from a file or the environment, and is shown nowhere."""
        (tmp_path / "token").write_text("s3cret\n")
        common = {"influxdb_url": "https://h:8086", "influxdb_bucket": "b", "influxdb_org": "o"}
        from_file = output("influxdb", **common, influxdb_token_file=str(tmp_path / "token"))
        monkeypatch.setenv("LOGSTER_INFLUXDB_TOKEN", "s3cret")
        from_environment = output("influxdb", **common)

        for made in (from_file, from_environment):
            assert vars(made.transport)["headers"]["Authorization"] == "Token s3cret"
            assert "s3cret" not in f"{made.target}{list(made.preview(HOSTILE))}"
        with pytest.raises(ConfigurationError, match="--influxdb-token-file /nonexistent cannot"):
            output("influxdb", **common, influxdb_token_file="/nonexistent")

    @pytest.mark.parametrize(
        ("url", "expected"),
        [
            ("influx:8086", "takes an address"),
            ("http://user:pw@h", "takes no password"),
            ("http://h/a b", "takes an address"),
            ("http://[::1", "takes an address"),
        ],
    )
    def test_bad_url(self, url: str, expected: str) -> None:
        """What is no address of a server is refused; so is a password on the command line."""
        with pytest.raises(ConfigurationError, match=expected):
            output("influxdb", influxdb_url=url, influxdb_db="l")


class TestOpentsdb:
    """Telnet's put, and HTTP."""

    @given(any_metric, st.sampled_from(["telnet", "http"]))
    def test_nothing_breaks_out(self, metric: Metric, protocol: str) -> None:
        """A line holds one name, time, value and tag, whatever the log held."""
        opentsdb = output(
            "opentsdb", opentsdb_host="h:1", opentsdb_protocol=protocol, tags=("a b=c d",)
        )
        line = opentsdb.encode(metric)

        if line is None:
            return
        if protocol == "http":
            point = json.loads(line)
            name, value, tags = point["metric"], point["value"], point["tags"]
        else:
            put, name, _, value, tag = line.decode().removesuffix("\n").split(" ")
            assert put == "put"
            tags = dict([tag.split("=")])
        assert name == opentsdb.name_of(metric)
        assert number(value) == float(number(metric.value) or 0)
        assert tags == {"a_b": "c_d"}

    @pytest.mark.parametrize("protocol", ["telnet", "http"])
    def test_victoria_has_it(self, victoria: VictoriaMetrics, protocol: str) -> None:
        """Points arrive at a real server, with their tags and times."""
        place = victoria.opentsdb if protocol == "telnet" else victoria.opentsdb_http
        sender = output(
            "opentsdb",
            opentsdb_host=place,
            opentsdb_protocol=protocol,
            metric_prefix=protocol,
            tags=("env=prod",),
        )
        receipt = sender.deliver([batch(NOW - 60, *HOSTILE), batch(NOW, *HOSTILE)])

        assert tuple(receipt) == (2, 4, None)
        expected = [({"env": "prod"}, [(NOW - 60, 42), (NOW, 42)])]
        assert victoria.series(f"{protocol}.plain") == expected


class TestDatadog:
    """The series API."""

    @given(any_metric)
    def test_nothing_breaks_out(self, metric: Metric) -> None:
        """A series holds one name that Datadog takes, and one point."""
        datadog = output("datadog", dry_run=True)
        line = datadog.encode(metric)

        if line is None:
            at = number(metric.timestamp)
            bad_time = at is None or not 0 <= at < 2**40
            assert bad_time or number(metric.value) is None or not datadog.name_of(metric)
        else:
            series = json.loads(line)
            ((_, value),) = series["points"]
            assert series["metric"] == datadog.name_of(metric)
            assert re.fullmatch(r"[A-Za-z][\w.]{0,199}", series["metric"], re.ASCII)
            assert value == float(number(metric.value) or 0)

    def test_victoria_has_it(
        self, victoria: VictoriaMetrics, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Points arrive at a real server, with host and tags."""
        monkeypatch.setenv("LOGSTER_DATADOG_API_KEY", "key")
        sender = output(
            "datadog", datadog_url=f"{victoria.url}/datadog", tags=("env=prod", "host=web1")
        )
        receipt = sender.deliver([batch(NOW, Metric("dd.plain", 42), *HOSTILE[1:])])

        assert tuple(receipt) == (1, 2, None)
        expected = [({"env": "prod", "host": "web1"}, [(NOW, 42)])]
        assert victoria.series("dd.plain") == expected

    def test_key_missing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without a key it says where one may stand."""
        monkeypatch.delenv("LOGSTER_DATADOG_API_KEY", raising=False)
        with pytest.raises(ConfigurationError, match="--datadog-api-key-file"):
            output("datadog")


def test_targets() -> None:
    """A target names the receiver without its query."""
    sender = output("http", http_url="https://h/x?key=1")

    assert sender.target == "http at https://h/x"
    assert urlsplit(vars(sender.transport)["url"]).query == "key=1"


class TestGnocchi:
    """Measures over REST."""

    @given(any_metric)
    def test_nothing_breaks_out(self, metric: Metric) -> None:
        """A measure holds one name without a slash, one time and one value."""
        sender = output("gnocchi", gnocchi_url="http://h")
        line = sender.encode(metric)

        if line is None:
            at = number(metric.timestamp)
            bad_time = at is None or not 0 <= at < 2**33
            assert bad_time or number(metric.value) is None or not sender.name_of(metric)
        else:
            name, measure = json.loads(line)
            assert name == sender.name_of(metric)
            assert "/" not in name
            assert measure["value"] == float(number(metric.value) or 0)

    def test_gnocchi_has_it(self, gnocchi: Gnocchi) -> None:
        """Resource and metrics are created as needed; a second delivery finds them."""
        sender = output(
            "gnocchi",
            gnocchi_url=gnocchi.url,
            gnocchi_user="admin",
            gnocchi_resource="web1",
            gnocchi_policy="high",
            timeout=20,
        )
        metrics = (Metric("sent", 42), Metric("a/b 'c'", 7), Metric("nan", "nan"))

        assert tuple(sender.deliver([batch(NOW - 60, *metrics)])) == (1, 1, None)
        assert tuple(sender.deliver([batch(NOW, *metrics)])) == (1, 1, None)
        assert {value for _, value in gnocchi.measures("web1", "sent")} == {42}
        assert {value for _, value in gnocchi.measures("web1", "a_b 'c'")} == {7}

    def test_new_resource(self) -> None:
        """A resource that is not there costs two requests, however many metrics there are."""
        made: set[str] = set()

        def answer(body: bytes) -> int:
            asked = json.loads(body)
            if "id" in asked:
                made.add(asked["id"])
                return 201
            return 202 if set(asked) <= made else 400

        with serving(answer) as (url, server):
            sender = output("gnocchi", gnocchi_url=url, gnocchi_resource="mx1")
            receipt = sender.deliver([batch(NOW, *(Metric(f"m{n}", n) for n in range(113)))])

        assert tuple(receipt) == (1, 0, None)
        assert [path.partition("/v1/")[2] for path in server.paths] == [
            "batch/resources/metrics/measures?create_metrics=true",
            "resource/generic",
            "batch/resources/metrics/measures?create_metrics=true",
        ]

    def test_refused_measure(self) -> None:
        """Where the resource is there already what is refused is found and given up."""

        def answer(body: bytes) -> int:
            return 409 if b'"id"' in body else 400 if b"poison" in body else 202

        with serving(answer) as (url, _):
            sender = output("gnocchi", gnocchi_url=url, gnocchi_resource="mx1")
            receipt = sender.deliver([batch(NOW, Metric("up", 1), Metric("poison", 400))])

        assert tuple(receipt) == (1, 1, None)
