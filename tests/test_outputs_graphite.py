"""Graphite: what is sent decodes back, and carbon has it."""

import socket
import threading
import time

import pytest
from hypothesis import given
from outputs import any_metric, batch, output
from receivers import Carbon, free_ports

from logster.errors import ConfigurationError
from logster.metrics import Metric, number


LOCAL = {"graphite_host": "127.0.0.1:2003"}


@given(any_metric)
def test_nothing_breaks_out(metric: Metric) -> None:
    """A line holds one name, one number and one time, whatever the log held."""
    graphite = output("graphite", **LOCAL)
    line = graphite.encode(metric)

    if line is None:
        bad_time = number(metric.timestamp) is None or str(metric.timestamp).startswith("-")
        assert bad_time or number(metric.value) is None or not graphite.name_of(metric)
    else:
        name, value, at = line.decode().removesuffix("\n").split(" ")
        assert name.split() == [name] == [graphite.name_of(metric)]
        assert not set(name) & set(" \t\r\n;/*?[]{}(),'\"\\\0")
        assert number(value) == float(number(metric.value) or 0)
        assert number(at) == float(number(metric.timestamp) or 0)
        assert all(len(part.encode()) <= 250 for part in name.split("."))


@pytest.mark.parametrize(
    ("given_name", "expected"),
    [
        ("numSent", "web.numSent"),
        ("a b\nc", "web.a_b_c"),
        ("GET /x?y=(1)", "web.GET__x_y=_1_"),
        ("90th_percentile.", "web.90th_percentile"),
        ("a;env=b", "web.a_env=b"),
        ("größe", "web.größe"),
    ],
)
def test_names(given_name: str, expected: str) -> None:
    """A name keeps what Graphite can store and be asked for."""
    graphite = output("graphite", **LOCAL, metric_prefix="web")

    assert expected == graphite.name_of(Metric(given_name, 1))


def test_long_part() -> None:
    """Two names too long for a file stay two names that fit one."""
    graphite = output("graphite", **LOCAL)
    first, second = (graphite.name_of(Metric("x" * 400 + end + ".rate", 1)) for end in "ab")

    assert first != second
    assert [len(part) for part in first.split(".")] == [250, 4]


def test_preview() -> None:
    """A dry run shows host, name, value and time; a trailing dot of the prefix stays."""
    graphite = output("graphite", graphite_host="[::1]:2003", metric_prefix="a.")
    lines = list(graphite.preview([Metric("up", 1, timestamp=5), Metric("bad", "n/a")]))

    assert lines == ["[::1]:2003 a..up 1 5"]


def test_prefix_placeholders() -> None:
    """A prefix names host, parser, log and tags; other braces stay to be cleaned."""
    graphite = output(
        "graphite", **LOCAL, metric_prefix="{env}.{parser}.{log}.{x}", tags=("env=p",)
    )

    assert graphite.name_of(Metric("up", 1)) == "p.postfix.mail_log._x_.up"


@pytest.mark.parametrize("given", [{}, {"graphite_host": None}])
def test_host_missing(given: dict[str, None]) -> None:
    """Without a host it says which option is missing, in the words of 1.x."""
    with pytest.raises(ConfigurationError, match="You must supply --graphite-host when using 'gr"):
        output("graphite", **given)


@pytest.mark.parametrize("protocol", ["tcp", "udp"])
def test_carbon_has_it(carbon: Carbon, protocol: str) -> None:
    """Names, values and times arrive at a real carbon; a bad one stops nothing."""
    now = int(time.time())
    prefix = f"graphite_{protocol}"
    graphite = output(
        "graphite",
        graphite_host=carbon.address,
        graphite_protocol=protocol,
        metric_prefix=prefix,
    )
    metrics = [
        Metric("sent", 1000),
        Metric("bad", "nan"),
        Metric("worse", 10**400),
        Metric("a b", "12.50"),
        Metric("x" * 300, -0.5),
    ]
    batches = [batch(now - 1, *metrics), batch(now, *metrics)]

    assert tuple(graphite.deliver(batches)) == (2, 4, None)
    assert carbon.points(f"{prefix}.sent", 2) == [(now - 1, 1000), (now, 1000)]
    assert carbon.points(f"{prefix}.a_b", 2) == [(now - 1, 12.5), (now, 12.5)]
    long = graphite.name_of(metrics[-1])
    assert carbon.points(long, 2) == [(now - 1, -0.5), (now, -0.5)]


def test_backlog(carbon: Carbon) -> None:
    """Of a backlog of ten thousand metrics all arrive."""
    now = int(time.time())
    graphite = output("graphite", graphite_host=carbon.address, metric_prefix="backlog")
    batches = [
        batch(now - 999 + number, *[Metric(f"m{each}", number) for each in range(10)])
        for number in range(1000)
    ]

    assert tuple(graphite.deliver(batches)) == (1000, 0, None)
    expected = [(now - 999 + number, number) for number in range(1000)]
    assert carbon.points("backlog.m0", 1000) == expected
    assert carbon.points("backlog.m9", 1000) == expected


def test_receiver_away() -> None:
    """A receiver that is away leaves every batch owed, and says why."""
    (port,) = free_ports(1)
    graphite = output("graphite", graphite_host=f"127.0.0.1:{port}")
    receipt = graphite.deliver([batch(5, Metric("up", 1))])

    assert receipt.delivered == 0
    assert str(receipt.error) == "Connection refused"
    assert graphite.target == f"graphite at 127.0.0.1:{port}"


@pytest.mark.parametrize("name", ["graphite", "graphite-pickle", "statsd"])
def test_no_such_receiver(name: str) -> None:
    """Who answers a protocol that knows no answers is another, and is quoted."""
    said = b"HTTP/1.1 400 Bad\x1b[31m Request\r\n" + b"x" * 999
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            stream, _ = listener.accept()
            with stream:
                while stream.recv(4096):
                    pass
                stream.sendall(said)

        thread = threading.Thread(target=answer)
        thread.start()
        place = f"127.0.0.1:{listener.getsockname()[1]}"
        option = f"{name.replace('-', '_')}_host"
        sender = output(name, **{option: place}, statsd_protocol="tcp")
        receipt = sender.deliver([batch(5, Metric("up", 1))])
        thread.join(10)

    why = "what answers there is no such receiver: HTTP/1.1 400 Bad [31m Request xxx"
    assert receipt.delivered == 0
    assert str(receipt.error).startswith(why)
    assert len(str(receipt.error)) < 300


def test_nothing_to_send() -> None:
    """With nothing that can be sent no connection is made."""
    graphite = output("graphite", graphite_host="127.0.0.1:1")

    assert tuple(graphite.deliver([batch(5, Metric("up", "n/a"))])) == (1, 1, None)
    assert tuple(graphite.deliver([])) == (0, 0, None)
