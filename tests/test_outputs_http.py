"""The http output against servers that answer as a test wants."""

import contextlib
import http.server
import json
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from outputs import batch, output
from running import Bench

from logster.errors import ConfigurationError
from logster.metrics import Metric


class Recorder(http.server.ThreadingHTTPServer):
    """A server that keeps what it gets and answers what *answer* says of it."""

    def __init__(self, answer: Callable[[bytes], int], said: bytes) -> None:
        self.answer, self.said = answer, said
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.connections = 0
        super().__init__(("127.0.0.1", 0), _Handler)

    def process_request(self, *args: Any) -> None:
        """Count the connection."""
        self.connections += 1
        super().process_request(*args)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Recorder

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        status = self.server.answer(body)
        if status < 300:
            self.server.bodies.append(body)
        self.server.headers.append(dict(self.headers.items()))
        said = self.server.said
        self.send_response(status)
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def serving(
    answer: Callable[[bytes], int] = lambda _: 200, said: bytes = b"because \x1b[31mI say so\n"
) -> Iterator[tuple[str, Recorder]]:
    """Yield the address of a `Recorder` that always says *said*, and the server."""
    with Recorder(answer, said) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/in", server
        server.shutdown()
        thread.join(5)


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
    statuses = [503, 200]
    with serving(lambda _: statuses.pop(0)) as (url, server):
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
        receipt = output("http", http_url=url).deliver([batch(5, *[Metric("up", 1)] * 4)])

    assert receipt.delivered == 0
    assert "400" in str(receipt.error)


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
