"""StatsD: what is sent decodes back, and StatsD has it."""

import re
import socket
import threading
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outputs import any_metric, batch, output
from receivers import Statsd, free_ports, poll

from logster.errors import ConfigurationError
from logster.metrics import Metric, number
from logster.transport import DATAGRAM_BYTES, packed


LOCAL = {"statsd_host": "127.0.0.1:8125"}
LINE = re.compile(r"([A-Za-z0-9_.=\-]+):(-?[\w.+\-/]+)\|(g|c|ms|h|s)(\|@0\.5)?(\|#env:p_d)?")


@given(any_metric, st.sampled_from(["etsy", "datadog"]))
def test_nothing_breaks_out(metric: Metric, dialect: str) -> None:
    """A line holds one name, one value and one kind, whatever the log held."""
    statsd = output("statsd", **LOCAL, statsd_dialect=dialect, tags=("env=p|d",))
    line = statsd.encode(metric)

    if line is None:
        no_number = metric.kind != "s" and number(metric.value) is None
        assert no_number or not statsd.name_of(metric) or not str(metric.value)
        return
    *zero, found = (LINE.fullmatch(each) for each in line.decode().splitlines())
    assert found
    assert found[1] == statsd.name_of(metric)
    assert (found[5] is not None) == (dialect == "datadog")
    if metric.kind != "s":
        assert number(found[2]) == float(number(metric.value) or 0)
    assert bool(zero) == (found[3] == "g" and found[2].startswith("-"))


@given(st.lists(any_metric, max_size=60))
def test_datagrams(metrics: list[Metric]) -> None:
    """Any metrics at all go in datagrams that the network does not cut."""
    statsd = output("statsd", **LOCAL)

    assert all(len(each) <= DATAGRAM_BYTES for each in packed(statsd.encoded(metrics)[0]))


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (Metric("sent", 1000), "sent:1000|g"),
        (Metric("sent", 3, kind="c"), "sent:3|c"),
        (Metric("cold", -5), "cold:0|g\ncold:-5|g"),
        (Metric("less", -5, kind="c"), "less:-5|c"),
        (Metric("delay", 0.25, kind="ms"), "delay:0.25|ms"),
        (Metric("size", 12, kind="h"), "size:12|ms"),
        (Metric("user", "a b|c", kind="s"), "user:a_b_c|s"),
        (Metric("odd", 1, kind="x|y"), "odd:1|g"),
        (Metric("signed", "+7"), "signed:7|g"),
    ],
)
def test_kinds(metric: Metric, expected: str) -> None:
    """Each kind is written as StatsD reads it; a gauge below zero is set from zero."""
    line = output("statsd", **LOCAL).encode(metric)

    assert line == f"{expected}\n".encode()


def test_preview() -> None:
    """A dry run shows the host as it was given, and the line."""
    statsd = output("statsd", statsd_host="statsd:8125", metric_prefix="servers.proxy01b.postfix")

    assert list(statsd.preview([Metric("numSent", 1000), Metric("cold", -1)])) == [
        "statsd:8125 servers.proxy01b.postfix.numSent:1000|g",
        "statsd:8125 servers.proxy01b.postfix.cold:0|g",
        "statsd:8125 servers.proxy01b.postfix.cold:-1|g",
    ]


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
def test_statsd_has_it(statsd: Statsd, protocol: str) -> None:
    """Gauges, counters and timers arrive at a real StatsD; a bad one stops nothing."""
    sender = output(
        "statsd", statsd_host=statsd.address, statsd_protocol=protocol, metric_prefix="web"
    )
    metrics = (
        Metric("temp", -5),
        Metric("nan", float("nan")),
        Metric("temp", -4),
        Metric("GET /a b", 2, kind="c"),
        Metric("GET /a b", 3, kind="c"),
        Metric("delay", 12.5, kind="ms"),
        Metric("size", 7, kind="h"),
    )

    assert tuple(sender.deliver([batch(5, *metrics)])) == (1, 1, None)
    assert statsd.gauges() == {"web.temp": -4}
    assert statsd.counters() == {"web.GET_-a_b": 5}
    assert statsd.timers() == {"web.delay": [12.5], "web.size": [7]}


def test_names_are_those_of_statsd(statsd: Statsd) -> None:
    """A name is cleaned to what StatsD itself makes of it, so that dashboards stay."""
    names = ["a b", "a/b", "50%", "x(y)", "é", "a=b", "p,q"]
    with socket.socket(type=socket.SOCK_DGRAM) as channel:
        for name in names:
            if name.isascii():
                channel.sendto(f"{name}:1|g".encode(), ("127.0.0.1", statsd.port))
    theirs = statsd.gauges()
    sender = output("statsd", statsd_host=statsd.address)
    ours = {sender.name_of(Metric(name, 1)) for name in names if name.isascii()}

    assert theirs.keys() == ours


def test_tags(statsd: Statsd) -> None:
    """In the dialect of Datadog tags go along, and StatsD takes them."""
    sender = output(
        "statsd",
        statsd_host=statsd.address,
        statsd_dialect="datadog",
        tags=("env=prod", "host=a b"),
    )
    sender.deliver([batch(5, Metric("hits", 2, kind="c"))])

    assert statsd.lines() == ["hits:2|c|#env:prod,host:a_b"]
    assert statsd.counters() == {"hits;env=prod;host=a_b": 2}


def test_sample() -> None:
    """Of timers a share goes, and says which; nothing else is thinned."""
    sender = output("statsd", **LOCAL, statsd_sample=0.5)
    metrics = [Metric("t", each, kind="ms") for each in range(10)] + [Metric("n", 1, kind="c")]
    lines = list(sender.preview(metrics))

    place = LOCAL["statsd_host"]
    assert lines == [*(f"{place} t:{each}|ms|@0.5" for each in range(0, 10, 2)), f"{place} n:1|c"]
    with pytest.raises(ConfigurationError, match="--statsd-sample"):
        output("statsd", **LOCAL, statsd_sample=0.0)


def test_receiver_away() -> None:
    """A refused port leaves the batch owed."""
    (port,) = free_ports(1)
    receipt = output("statsd", statsd_host=f"127.0.0.1:{port}").deliver([batch(5, Metric("u", 1))])

    assert receipt.delivered == 0
    assert str(receipt.error) == "Connection refused"


@pytest.mark.parametrize("place", ["statsd", "host:notaport"])
def test_bad_host(place: str) -> None:
    """A host without a usable port is refused before anything is read."""
    with pytest.raises(ConfigurationError, match="--statsd-host takes HOST:PORT"):
        output("statsd", statsd_host=place)


@pytest.mark.parametrize(
    ("protocol", "kind"), [("unix", socket.SOCK_STREAM), ("unixgram", socket.SOCK_DGRAM)]
)
def test_unix(tmp_path: Path, protocol: str, kind: socket.SocketKind) -> None:
    """A Unix socket gets the same lines, as a stream or as datagrams."""
    place = str(tmp_path / "statsd.sock")
    got: list[bytes] = []
    with socket.socket(socket.AF_UNIX, kind) as listener:
        listener.bind(place)

        def receive() -> None:
            if kind == socket.SOCK_DGRAM:
                got.append(listener.recv(2000))
                return
            listener.listen()
            with listener.accept()[0] as stream:
                got.append(b"".join(iter(lambda: stream.recv(2000), b"")).rstrip())

        thread = threading.Thread(target=receive)
        thread.start()
        sender = output("statsd", statsd_host=place, statsd_protocol=protocol)
        receipt = poll(
            lambda: None if (found := sender.deliver([BATCH])).error else found, "the socket"
        )
        thread.join(5)

    assert tuple(receipt) == (1, 0, None)
    assert got == [b"up:1|g\nhits:2|c"]
    assert sender.target == f"statsd at {place} ({protocol})"


BATCH = batch(5, Metric("up", 1), Metric("hits", 2, kind="c"))


def test_slow_socket(tmp_path: Path) -> None:
    """A daemon that takes a datagram now and then costs the time allowed, no more."""
    path = tmp_path / "statsd.sock"
    done = threading.Event()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(str(path))

        def take() -> None:
            while not done.wait(0.2):
                daemon.recv(65536)

        thread = threading.Thread(target=take)
        thread.start()
        sender = output("statsd", statsd_host=str(path), statsd_protocol="unixgram", timeout=0.5)
        began = time.monotonic()
        receipt = sender.deliver([batch(5, *(Metric(f"some.name{n}", n) for n in range(2000)))])
        took = time.monotonic() - began
        done.set()
        thread.join(10)

    assert (0, "timed out") == (receipt.delivered, str(receipt.error))
    assert took < 2


@pytest.mark.parametrize("host", ["10.0.0.300", "1.2.3", "[fe80::1%nope]", "[::g]"])
def test_no_address(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    """What only looks like an address is asked for like a name, and cannot hold a run."""
    release = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: release.wait(5) and [])
    began = time.monotonic()
    receipt = output("statsd", statsd_host=f"{host}:1", timeout=0.1).deliver([BATCH])
    took = time.monotonic() - began
    release.set()

    assert "timed out" in str(receipt.error)
    assert took < 2


def test_repeated(statsd: Statsd, tmp_path: Path) -> None:
    """What one StatsD repeats to another arrives there the same."""
    with Statsd(tmp_path, repeat_to=statsd) as first:
        sender = output("statsd", statsd_host=first.address)
        metrics = [Metric(f"m{each}", each) for each in range(200)]
        assert sender.deliver([batch(5, *metrics, Metric("cold", -5))]).error is None
        first.gauges()
        expected = {metric.name: metric.value for metric in metrics} | {"cold": -5}

        assert poll(lambda: (found := statsd.gauges()) == expected and found, "all of it")
