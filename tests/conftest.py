"""Fixtures that many tests share: the real receivers, each started once a session."""

from collections.abc import Iterator

import pytest
from receivers import (
    Carbon,
    CollectdDaemon,
    Gmond,
    Gnocchi,
    GraphiteWeb,
    Influxdb,
    Moto,
    NodeExporter,
    Nsca,
    Pushgateway,
    Statsd,
    VictoriaMetrics,
)


@pytest.fixture(scope="session", name="carbon")
def _carbon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Carbon]:
    """Yield a real carbon; tests tell their metrics apart by prefix."""
    with Carbon(tmp_path_factory.mktemp("carbon")) as server:
        yield server


@pytest.fixture(scope="session", name="statsd_server")
def _statsd_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Statsd]:
    """Yield a real StatsD."""
    with Statsd(tmp_path_factory.mktemp("statsd")) as server:
        yield server


@pytest.fixture(name="statsd")
def _statsd(statsd_server: Statsd) -> Statsd:
    """Return a real StatsD that holds nothing yet."""
    statsd_server.clear()
    return statsd_server


@pytest.fixture(scope="session", name="gmond")
def _gmond(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gmond]:
    """Yield a real gmond."""
    with Gmond(tmp_path_factory.mktemp("gmond")) as server:
        yield server


@pytest.fixture(scope="session", name="nsca")
def _nsca(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nsca]:
    """Yield a real NSCA daemon."""
    with Nsca(tmp_path_factory.mktemp("nsca")) as server:
        yield server


@pytest.fixture(scope="session", name="moto")
def _moto(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Moto]:
    """Yield a server that plays Amazon's."""
    with Moto(tmp_path_factory.mktemp("moto")) as server:
        yield server


@pytest.fixture(scope="session", name="victoria")
def _victoria(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VictoriaMetrics]:
    """Yield a real VictoriaMetrics."""
    with VictoriaMetrics(tmp_path_factory.mktemp("victoria")) as server:
        yield server


@pytest.fixture(scope="session", name="influx")
def _influx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influxdb]:
    """Yield a real InfluxDB, version 1."""
    with Influxdb(tmp_path_factory.mktemp("influx")) as server:
        yield server


@pytest.fixture(scope="session", name="pushgateway")
def _pushgateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pushgateway]:
    """Yield a real Pushgateway."""
    with Pushgateway(tmp_path_factory.mktemp("pushgateway")) as server:
        yield server


@pytest.fixture(scope="session", name="node_exporter")
def _node_exporter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeExporter]:
    """Yield a real node_exporter."""
    with NodeExporter(tmp_path_factory.mktemp("node_exporter")) as server:
        yield server


@pytest.fixture(scope="session", name="collectd")
def _collectd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CollectdDaemon]:
    """Yield a real collectd."""
    with CollectdDaemon(tmp_path_factory.mktemp("collectd")) as server:
        yield server


@pytest.fixture(scope="session", name="second_carbon")
def _second_carbon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Carbon]:
    """Yield another real carbon."""
    with Carbon(tmp_path_factory.mktemp("second_carbon")) as server:
        yield server


@pytest.fixture(scope="session", name="graphite_web")
def _graphite_web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GraphiteWeb]:
    """Yield a real graphite-web with a carbon of its own."""
    with GraphiteWeb(tmp_path_factory.mktemp("graphite_web")) as server:
        yield server


@pytest.fixture(scope="session", name="gnocchi")
def _gnocchi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gnocchi]:
    """Yield a real Gnocchi."""
    with Gnocchi(tmp_path_factory.mktemp("gnocchi")) as server:
        yield server
