"""Receivers that fail in every way, between us and a real carbon and a real StatsD."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from counting import Place
from outputs import output, outputs
from receivers import Carbon, Statsd, free_ports

from logster.journal import Journal
from logster.metrics import Batch, Metric


class Proxy:
    """
    Stands before a receiver, and fails as it is told.

    Args:
        target: Where the receiver listens.

    Attributes:
        mode: ``pass``, ``slow`` (half a megabyte a second), ``reset`` (in mid-stream),
            ``never`` (read), ``half`` (read, then closed), ``late`` (all is passed on, and
            the end never told) or ``down``.
    """

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self.target = (host, int(port))
        (self.port,) = free_ports(1)
        self.address = f"127.0.0.1:{self.port}"
        self.mode = "pass"
        self._kept: list[socket.socket] = []
        self._listener: socket.socket | None = None
        self.up()

    def up(self) -> None:
        """Listen."""
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(20)
        self._listener = listener
        threading.Thread(target=self._serve, args=(listener,), daemon=True).start()

    def down(self) -> None:
        """Listen no more, and let go of every connection."""
        if self._listener:
            with contextlib.suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        for each in self._kept:
            each.close()
        self._kept.clear()

    def fail(self, mode: str) -> None:
        """Fail in this way from now on; ``pass`` heals."""
        self.mode = mode
        if mode == "down":
            self.down()
        elif self._listener is None:
            self.up()

    def _serve(self, listener: socket.socket) -> None:
        while True:
            try:
                stream, _ = listener.accept()
            except OSError:
                return
            with contextlib.suppress(OSError):
                self._answer(stream)

    def _answer(self, stream: socket.socket) -> None:
        if self.mode in {"never", "late"}:
            self._kept.append(stream)
            if self.mode == "late":
                self._hand_on(stream)
            return
        with stream:
            if self.mode in {"pass", "slow"}:
                self._hand_on(stream)
                return
            stream.recv(20)
            if self.mode == "reset":
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    def _hand_on(self, stream: socket.socket) -> None:
        with socket.create_connection(self.target) as real:
            while data := stream.recv(4096 if self.mode == "slow" else 65536):
                real.sendall(data)
                time.sleep(0.008 if self.mode == "slow" else 0)
            real.shutdown(socket.SHUT_WR)
            while real.recv(65536):
                pass


@pytest.fixture(name="proxy")
def _proxy(carbon: Carbon) -> Iterator[Proxy]:
    """Yield what stands before carbon."""
    proxy = Proxy(carbon.address)
    yield proxy
    proxy.down()


@pytest.fixture(name="place")
def _place(tmp_path: Path, proxy: Proxy, statsd: Statsd, request: pytest.FixtureRequest) -> Place:
    """Return a job that sends to carbon, through the proxy, and to StatsD."""
    place = Place(tmp_path)
    prefix = "outage." + "".join(each for each in request.node.name if each.isalnum())
    place.prefix = prefix
    place.outputs[:] = [
        output("graphite", graphite_host=proxy.address, metric_prefix=prefix, timeout=0.7),
        output("statsd", statsd_host=statsd.address, metric_prefix=prefix),
    ]
    place.now = time.time() - 3000
    place.begin()
    return place


def at_carbon(carbon: Carbon, place: Place, count: int) -> tuple[float, float]:
    """Return the sums over all points, of which there are *count* of each metric."""
    prefix = place.prefix
    sums = []
    for name in ("count", "sum"):
        points = carbon.points(f"{prefix}.{name}", count)
        assert count == len(points)
        sums.append(sum(value for _, value in points))
    return sums[0], sums[1]


@pytest.mark.parametrize("mode", ["down", "reset", "never", "half", "late"])
def test_carbon_fails(
    place: Place, proxy: Proxy, carbon: Carbon, statsd: Statsd, mode: str
) -> None:
    """What carbon lacked comes with its own times; StatsD got everything at once, and once."""
    place.write(5)
    place.run()
    proxy.fail(mode)
    prefix = place.prefix
    for number in range(1, 4):
        place.write(5)
        report = place.run()
        (error,) = report.errors
        assert f"{number * 2} metrics could not be sent to graphite at {proxy.address}: " in error
        assert place.written == statsd.counters()[f"{prefix}.count"]
    proxy.fail("pass")
    place.write(5)

    assert [] == place.run().errors
    assert place.expected == at_carbon(carbon, place, 5)
    assert place.written == statsd.counters()[f"{prefix}.count"]
    assert {} == place.load().owed


def test_oldest_first(place: Place, proxy: Proxy, carbon: Carbon) -> None:
    """A backlog is sent oldest first, so that what is cut off is the newest."""
    proxy.fail("down")
    for _ in range(40):
        place.write(1)
        place.run()
    seen: list[bytes] = []
    proxy._hand_on = lambda stream: seen.extend(iter(lambda: stream.recv(65536), b""))  # type: ignore[method-assign]
    proxy.fail("pass")
    place.run()
    times = [int(line.split()[2]) for line in b"".join(seen).splitlines()]

    assert (82, sorted(times)) == (len(times), times)


def test_a_dead_one_delays_no_live_one(place: Place, proxy: Proxy, statsd: Statsd) -> None:
    """StatsD has its figures long before the time for a silent carbon is over."""
    place.outputs[0] = output("graphite", graphite_host=proxy.address, timeout=5.0)
    proxy.fail("never")
    place.write(5)
    prefix = place.prefix
    thread = threading.Thread(target=place.run)
    started = time.monotonic()
    thread.start()
    while statsd.counters().get(f"{prefix}.count") != 5:
        assert time.monotonic() - started < 4
    while "statsd" in "".join(place.load().owed):
        assert time.monotonic() - started < 4
    proxy.down()
    thread.join()

    assert place.load().owed.keys() == {f"graphite at {proxy.address}"}


@pytest.mark.parametrize("mode", ["down", "never"])
@pytest.mark.parametrize("first", [True, False])
def test_one_of_two_fails(
    place: Place, proxy: Proxy, carbon: Carbon, second_carbon: Carbon, mode: str, *, first: bool
) -> None:
    """Of two carbons the one that is well gets all at once, and once; the other gets it later."""
    prefix = place.prefix
    hosts = [proxy.address, second_carbon.address]
    place.outputs[:] = outputs(
        "graphite",
        graphite_host=",".join(hosts if first else hosts[::-1]),
        metric_prefix=prefix,
        timeout=0.7,
    )
    proxy.fail(mode)
    for number in range(1, 4):
        place.write(5)
        (error,) = place.run().errors
        assert f"{number * 2} metrics could not be sent to graphite at {proxy.address}: " in error
        assert place.expected == at_carbon(second_carbon, place, number)
        assert [f"graphite at {proxy.address}"] == list(place.load().owed)
    proxy.fail("pass")

    assert [] == place.run().errors
    assert place.expected == at_carbon(carbon, place, 4) == at_carbon(second_carbon, place, 4)


def test_one_of_a_ring_fails(
    place: Place, proxy: Proxy, carbon: Carbon, second_carbon: Carbon
) -> None:
    """Where each metric has one carbon of two, what belongs to the one that is well waits not."""
    prefix = place.prefix
    place.outputs[:] = outputs(
        "graphite",
        graphite_host=f"{proxy.address},localhost:{second_carbon.line}",
        graphite_spread="consistent",
        metric_prefix=prefix,
        timeout=0.7,
    )
    proxy.fail("never")
    for number in range(1, 4):
        place.write(5)
        (error,) = place.run().errors
        assert f"could not be sent to graphite at {proxy.address} (consistent in " in error
        assert number == len(second_carbon.points(f"{prefix}.count", number))
    proxy.fail("pass")

    assert [] == place.run().errors
    assert 4 == len(carbon.points(f"{prefix}.sum", 4))
    assert [] == second_carbon.points(f"{prefix}.sum", 0) == carbon.points(f"{prefix}.count", 0)


@pytest.mark.parametrize("spread", ["replicated", "consistent"])
def test_once_owed_as_one(place: Place, carbon: Carbon, second_carbon: Carbon, spread: str) -> None:
    """What an earlier version owed to two carbons as one goes to each as if owed to each."""
    hosts = f"{carbon.address},localhost:{second_carbon.line}"
    prefix = place.prefix
    given = {"graphite_host": hosts, "graphite_spread": spread, "metric_prefix": prefix}
    place.outputs[:] = outputs("graphite", **given)
    state, at = place.load(), int(place.now)
    names = [f"m{number}" for number in range(20)]
    old = f"graphite at {hosts}" + (" (consistent)" if spread == "consistent" else "")
    state.owe_each(old, Batch(at, tuple(Metric(name, 7, timestamp=at) for name in names)))
    Journal(str(place.state)).commit(state)
    report = place.run()
    found = [
        name
        for server in (carbon, second_carbon)
        for name in names
        if server.points(f"{prefix}.{name}", 0)
    ]

    assert ([], [], {}) == (report.errors, report.notices, place.load().owed)
    assert sorted(names * (2 if spread == "replicated" else 1)) == sorted(found)


def test_statsd_is_down(place: Place, carbon: Carbon) -> None:
    """A refused port is heard of; counters add up, and the newest gauge is sent."""
    (port,) = free_ports(1)
    prefix = place.prefix
    place.outputs[1] = output("statsd", statsd_host=f"127.0.0.1:{port}", metric_prefix=prefix)
    for _ in range(3):
        place.write(5)
        (error,) = place.run().errors
        assert "2 metrics could not be sent to statsd at " in error
        assert error.endswith(" and the next run sends them.")
    with socket.socket(type=socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", port))
        place.write(5)
        assert [] == place.run().errors
        received = receiver.recv(2000).decode()

    assert f"{prefix}.count:20|c\n{prefix}.sum:190|c" == received
    assert place.expected == at_carbon(carbon, place, 4)


def test_slow(place: Place, proxy: Proxy, carbon: Carbon) -> None:
    """A receiver that takes a part of a backlog in its time is paid that part in each run."""
    del place.outputs[1]
    sender = output("graphite", graphite_host=proxy.address, metric_prefix="slow", timeout=0.7)
    place.outputs[0] = sender
    state = place.load()
    start = int(time.time()) - 2000
    for number in range(400):
        at = start + number
        metrics = [Metric(f"some.name{each}", number, timestamp=at) for each in range(60)]
        state.owe_each(sender.target, Batch(at, tuple(metrics)))
    Journal(str(place.state)).commit(state)
    proxy.fail("slow")
    owed = [400]
    while place.load().owed:
        report = place.run()
        owed.append(place.load().backlog())
        assert owed[-1] < owed[-2]
        assert bool(report.errors) == bool(owed[-1])
    numbers = [value for _, value in carbon.points("slow.some.name59", 400)]

    assert 2 < len(owed) < 20
    assert list(range(400)) == numbers


def test_ten_thousand_batches(place: Place, proxy: Proxy, carbon: Carbon) -> None:
    """A backlog of a week is sent in seconds, to a real carbon."""
    del place.outputs[1]
    place.outputs[0] = output("graphite", graphite_host=carbon.address, metric_prefix="week")
    state = place.load()
    start = int(time.time()) - 600_000
    for number in range(10_000):
        at = start + number * 60
        metrics = [Metric(f"m{each}", number, timestamp=at) for each in range(10)]
        state.owe_each(place.outputs[0].target, Batch(at, tuple(metrics)))
    Journal(str(place.state)).commit(state)
    started = time.monotonic()
    report = place.run()

    assert [] == report.errors
    assert time.monotonic() - started < 8
    assert {} == place.load().owed
