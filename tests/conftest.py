"""Fixtures that many tests share: the real receivers, each started once a session."""

from collections.abc import Iterator

import pytest
from receivers import Carbon, Gmond, Moto, Nsca, Statsd


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
