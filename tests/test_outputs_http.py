"""The http output against servers that answer as a test wants."""

import contextlib
import json
import re
import socket
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from outputs import batch, output, serving
from receivers import Nginx
from running import Bench

from logster.errors import ConfigurationError
from logster.metrics import Metric
from logster.outputs._http import Http


def test_json() -> None:
    """Metrics arrive as JSON, over one connection, with tags and times."""
    with serving() as (url, server):
        sender = output("http", http_url=url, tags=("env=prod",))
        metrics = (Metric("sent", 3, "mails", kind="c"), Metric("nan", float("nan")))
        receipt = sender.deliver([batch(5, *metrics)] * 6000)

    assert tuple(receipt) == (6000, 6000, None)
    records = [each for body in server.bodies for each in json.loads(body)]
    assert len(records) == 6000
    assert records[0] == {
        "name": "sent",
        "value": 3,
        "units": "mails",
        "kind": "c",
        "timestamp": 5,
        "tags": {"env": "prod"},
    }


def test_other_formats() -> None:
    """The body may be the lines of another output."""
    with serving() as (url, server):
        for name in ("graphite", "influxdb", "prometheus"):
            output("http", http_url=url, http_format=name).deliver([batch(5, Metric("up", 1))])

    assert server.bodies == [
        b"up 1 5\n",
        b"up value=1.0 5000000000\n",
        b"# HELP up From a log, by logster\n# TYPE up gauge\nup 1.0\n",
    ]


def test_headers(tmp_path: Path) -> None:
    """Headers come from a file, and are shown nowhere."""
    (tmp_path / "headers").write_text("Authorization: Bearer s3cret\n")
    with serving() as (url, server):
        sender = output("http", http_url=url, http_headers_file=str(tmp_path / "headers"))
        sender.deliver([batch(5, Metric("up", 1))])

    assert server.headers[0]["Authorization"] == "Bearer s3cret"
    assert "s3cret" not in sender.target
    (tmp_path / "headers").write_text("no colon")
    with pytest.raises(ConfigurationError, match="every line must be `Name: value`"):
        output("http", http_url=url, http_headers_file=str(tmp_path / "headers"))


def test_server_repeats_secrets(tmp_path: Path) -> None:
    """What a server says of the headers or the query it got is told without them."""
    (tmp_path / "headers").write_text("Authorization: Bearer s3cret\nX-Key: k3y99\n")
    said = b"no Bearer s3cret, nor s3cret; k3y99 and qu%20ry or qu ry"
    with serving(lambda _: 403, said) as (url, _):
        sender = output(
            "http",
            http_url=f"{url}?key=qu%20ry",
            http_headers_file=str(tmp_path / "headers"),
        )
        receipt = sender.deliver([batch(5, Metric("up", 1))])

    assert str(receipt.error) == "the server answered 403: no …, nor …; … and … or …"
    assert "qu%20ry" not in sender.target


def test_library_quotes_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The complaint of the HTTP library about a header is told without its value."""
    with serving() as (url, _):
        sender = output("http", http_url=url)
        monkeypatch.setitem(vars(sender.transport)["headers"], "X-Key", "s3cret\nmore")
        receipt = sender.deliver([batch(5, Metric("up", 1))])

    assert str(receipt.error) == "the request cannot be made (ValueError)"


def test_no_http() -> None:
    """An answer that is no HTTP is not repeated: it may be the request."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def echo() -> None:
            stream, _ = listener.accept()
            with stream:
                stream.sendall(stream.recv(4096))

        thread = threading.Thread(target=echo)
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/in?key=s3cret"
        receipt = output("http", http_url=url).deliver([batch(5, Metric("up", 1))])
        thread.join(10)

    assert str(receipt.error) == "the answer cannot be read (BadStatusLine)"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://me:s3cret@h", "takes no password"),
        ("http://me:s3cret@h:port", "not 'http://…'"),
        ("http://h:port/in?key=s3cret", "not 'http://h:port/in'"),
        ("http://h/in#s3cret", "http://h/in takes nothing behind"),
    ],
)
def test_bad_address(url: str, expected: str) -> None:
    """An address that cannot be is shown without its password and query."""
    with pytest.raises(ConfigurationError, match=expected) as caught:
        output("http", http_url=url)
    assert "s3cret" not in str(caught.value)


def test_query_of_others() -> None:
    """Where a path is put behind the address, a query is refused, and not shown."""
    with pytest.raises(ConfigurationError, match="--influxdb-url http://h takes nothing") as caught:
        output("influxdb", influxdb_url="http://h?token=s3cret", influxdb_db="logs")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("prometheus", ["up_total 5.0"]),
        ("statsd", ["up:5|c"]),
        ("graphite", ["up 2 T", "up 3 T"]),
    ],
)
def test_owing_of_the_encoder(tmp_path: Path, name: str, expected: list[str]) -> None:
    """What is owed after an outage is what the borrowed words mean: for a counter the total."""
    bench = Bench(tmp_path)
    bench.module(
        "own",
        "from logster.logster_helper import *\n"
        "class Own(LogsterParser):\n"
        "    lines = 0\n"
        "    def parse_line(self, line): self.lines += 1\n"
        "    def get_state(self, duration):\n"
        "        return [MetricObject('up', self.lines, metric_type='c')]\n",
    )
    statuses = iter([503])
    with serving(lambda _: next(statuses, 200)) as (url, server):
        words = ("--from-start", "-o", f"{url}?format={name}", "own.Own")
        bench.append("one", "two")
        bad = bench.run(*words)
        bench.append("three", "four", "five")
        good = bench.run(*words)

    sent = re.sub(rb"\d{10}", b"T", b"".join(server.bodies)).decode().splitlines()
    assert (1, 0, "") == (bad.code, good.code, good.err)
    assert expected == [line for line in sent if not line.startswith("#")]


@pytest.mark.parametrize("status", [301, 401, 404, 429, 500, 503])
def test_not_now(status: int) -> None:
    """Any answer that is no success leaves the batch owed, with the server's own words."""
    with serving(lambda _: status) as (url, _):
        receipt = output("http", http_url=url).deliver([batch(5, Metric("up", 1))])

    assert receipt.delivered == 0
    assert str(receipt.error) == f"the server answered {status}: because [31mI say so"


def test_never() -> None:
    """Of contents that a server refuses the refused ones are given up, and counted."""
    with serving(lambda body: 400 if b"poison" in body else 200) as (url, server):
        metrics = [Metric(f"m{each}", each) for each in range(100)]
        metrics[42] = Metric("poison", 1)
        receipt = output("http", http_url=url).deliver([batch(5, *metrics)])

    assert tuple(receipt) == (1, 1, None)
    assert sum(len(json.loads(body)) for body in server.bodies) == 99
    assert server.connections <= 2


def test_all_refused() -> None:
    """A server that refuses everything may be the wrong one: the batch stays owed."""
    with serving(lambda _: 400) as (url, _):
        sender = output("http", http_url=url)
        receipts = [sender.deliver([batch(5, *[Metric("up", 1)] * 2)] * count) for count in (1, 3)]

    for receipt in receipts:
        assert receipt.delivered == 0
        assert str(receipt.error) == "the server answered 400: because [31mI say so"


def test_oldest_refused() -> None:
    """What is refused stands in the way of nothing: a server that takes what follows is right."""
    with serving(lambda body: 400 if b"poison" in body else 200) as (url, server):
        batches = [batch(at, Metric("poison" if at < 5 else "up", at)) for at in range(8)]
        receipt = output("http", http_url=url).deliver(batches)

    assert tuple(receipt) == (8, 5, None)
    assert [each["value"] for body in server.bodies for each in json.loads(body)] == [5, 6, 7]


@pytest.mark.parametrize("count", [1, 99])
def test_refused_too_slowly(count: int) -> None:
    """Where the time is over before the refused lines are found, the server's word is told."""

    def refuse(_: bytes) -> int:
        time.sleep(0.12)
        return 422

    with serving(refuse) as (url, _):
        sender = output("http", http_url=url, timeout=0.3)
        receipt = sender.deliver([batch(5, *[Metric("up", 1)] * count)] * 9)

    assert receipt.delivered == 0
    assert str(receipt.error).endswith("the server answered 422: because [31mI say so")


def test_too_large() -> None:
    """What is too large for a server goes in smaller parts; a line too large alone is given up."""
    with serving(lambda body: 413 if len(body) > 2000 else 200) as (url, server):
        names = [*(f"m{each}" for each in range(100)), "x" * 2000]
        receipt = output("http", http_url=url).deliver([batch(5, *(Metric(n, 1) for n in names))])

    assert tuple(receipt) == (1, 1, None)
    assert names[:-1] == [each["name"] for body in server.bodies for each in json.loads(body)]


def test_three_hours_through_nginx(tmp_path: Path) -> None:
    """A backlog passes an nginx as it is installed, which lets no more than a megabyte through."""
    long = "servers.mail-out-17.postfix.some_metric.name"
    metrics = [Metric(f"{long}{each}", 12.345, "mails per second") for each in range(40)]
    tags = ("env=production", "dc=eu-central-1", "team=platform-engineering")
    with (
        serving() as (url, server),
        Nginx(tmp_path, url.removesuffix("/in")) as nginx,
    ):
        sender = output("http", http_url=nginx.url, tags=tags)
        receipt = sender.deliver([batch(at, *metrics) for at in range(180)])

    assert tuple(receipt) == (180, 0, None)
    assert 7200 == sum(len(json.loads(body)) for body in server.bodies)


@pytest.mark.parametrize(
    ("tail", "path"),
    [
        ("/api/metrics/", "/api/metrics/"),
        ("/in?token=abc/", "/in?token=abc/"),
        ("?key=abc", "/?key=abc"),
        ("", "/"),
        ("/in", "/in"),
    ],
)
def test_path(tail: str, path: str) -> None:
    """The path asked for is the one given, slash and query included."""
    with serving() as (url, server):
        sender = output("http", http_url=url.removesuffix("/in") + tail)
        receipt = sender.deliver([batch(5, Metric("up", 1))])

    assert tuple(receipt) == (1, 0, None)
    assert [path] == server.paths


@pytest.mark.parametrize("host", ["http", "s", "t", "p:80"])
def test_path_of_short_hosts(host: str) -> None:
    """A host called like a part of the scheme has its path all the same."""
    assert "/in" == Http(f"http://{host}/in").path


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n"])
def test_endless_answer(said: bytes) -> None:
    """A server that never finishes its answer costs the time allowed, no more."""

    def drip(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            stream, _ = listener.accept()
            with stream:
                stream.sendall(said)
                for _ in range(100):
                    stream.sendall(b"x")
                    time.sleep(0.05)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip, args=(listener,))
        thread.start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        began = time.monotonic()
        sender = output("http", http_url=url, timeout=0.3)
        receipt = sender.deliver([batch(5, Metric("up", 1))])
        took = time.monotonic() - began
        thread.join(10)

    assert receipt.delivered == 0
    assert str(receipt.error) == "timed out"
    assert took < 4


def test_refusing_port() -> None:
    """A closed port is said in the words that other outputs use."""
    receipt = output("http", http_url="http://127.0.0.1:1").deliver([batch(5, Metric("up", 1))])

    assert str(receipt.error) == "Connection refused"


def test_one_look_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name is looked up once, however many requests follow."""
    asked: list[object] = []
    real = socket.getaddrinfo

    def count(host: bytes, *args: Any, **kwargs: Any) -> Any:
        asked.append(host)
        return real("127.0.0.1", *args, **kwargs)

    with serving() as (url, _):
        monkeypatch.setattr(socket, "getaddrinfo", count)
        sender = output("http", http_url=url.replace("127.0.0.1", "h.example"))
        for _ in range(2):
            assert sender.deliver([batch(5, *[Metric("up", 1)] * 6000)]).error is None

    assert asked == [b"h.example"]
