"""Graphite beyond plaintext to one host: TLS, tags, pickles, several hosts."""

import contextlib
import os
import pickle
import socket
import ssl
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from outputs import any_metric, any_text, batch, output
from receivers import SERVERS, Carbon, GraphiteWeb, free_ports, need, need_file

from logster.errors import OutputError
from logster.metrics import Metric, number
from logster.outputs._spread import ring
from logster.outputs.graphite_pickle import framed
from logster.transport import Address, Tls


NOW = int(time.time())


class TestTags:
    """Tags behind a name."""

    @given(
        any_metric,
        any_text.filter(lambda text: text.strip() and "=" not in text),
        any_text.filter(str.strip),
    )
    def test_nothing_breaks_out(self, metric: Metric, name: str, value: str) -> None:
        """A name has one tag behind it, whatever the tag's name and value held."""
        graphite = output("graphite", graphite_host="h:1", tags=(f"{name}={value}",))
        line = graphite.encode(metric)

        if line is not None:
            path, _, _ = line.decode().removesuffix("\n").split(" ")
            plain, tag = path.split(";")
            assert plain == graphite.name_of(metric)
            assert all(tag.split("=", 1))
            assert not tag.split("=", 1)[1].startswith("~")

    def test_carbon_has_it(self, carbon: Carbon) -> None:
        """A real carbon files the metric under its tags."""
        graphite = output("graphite", graphite_host=carbon.address, tags=("host=web1", "dc=a b"))
        graphite.deliver([batch(NOW, Metric("tagged.sent", 7))])

        assert carbon.points("tagged.sent;dc=a_b;host=web1") == [(NOW, 7)]


class TestPickle:
    """Pickled lists."""

    @given(st.lists(any_metric, max_size=5))
    def test_decodes_back(self, metrics: list[Metric]) -> None:
        """Python reads the same names, times and values from a pickle written here."""
        sender = output("graphite-pickle", graphite_pickle_host="h:1")
        items, refused = sender.encoded(metrics)
        frame = framed(items)
        taken = [metric for metric in metrics if sender.encode(metric) is not None]

        assert struct.unpack("!L", frame[:4]) == (len(frame) - 4,)
        assert pickle.loads(frame[4:]) == [
            (
                sender.name_of(metric),
                (float(number(metric.timestamp) or 0), float(number(metric.value) or 0)),
            )
            for metric in taken
        ]
        assert len(taken) + refused == len(metrics)

    def test_carbon_has_it(self, carbon: Carbon) -> None:
        """A real carbon takes some thousands in one stream."""
        sender = output(
            "graphite-pickle", graphite_pickle_host=carbon.pickle, metric_prefix="pickled"
        )
        metrics = [Metric(f"m{each}", each) for each in range(2000)]
        receipt = sender.deliver([batch(NOW, *metrics, Metric("bad", "n/a"))])

        assert tuple(receipt) == (1, 1, None)
        assert carbon.points("pickled.m0") == [(NOW, 0)]
        assert carbon.points("pickled.m1999") == [(NOW, 1999)]

    def test_preview(self) -> None:
        """A dry run shows what plaintext would say."""
        sender = output("graphite-pickle", graphite_pickle_host="h:2004")

        assert list(sender.preview([Metric("up", 1, timestamp=5)])) == ["h:2004 up 1 5"]


class TestSeveralHosts:
    """Every metric to each host, or each to one."""

    def test_replicated(self, carbon: Carbon, second_carbon: Carbon) -> None:
        """Each of two real carbons has it."""
        sender = output("graphite", graphite_host=f"{carbon.address},{second_carbon.address}")

        assert sender.deliver([batch(NOW, Metric("replicated", 1))]).error is None
        assert carbon.points("replicated") == second_carbon.points("replicated") == [(NOW, 1)]

    def test_one_away(self, carbon: Carbon) -> None:
        """With one of two away the other has it, and the batch stays owed."""
        (port,) = free_ports(1)
        sender = output("graphite", graphite_host=f"127.0.0.1:{port},{carbon.address}")
        receipt = sender.deliver([batch(NOW, Metric("halfway", 1))])

        assert receipt.delivered == 0
        assert str(receipt.error) == "1 of 2 receivers: Connection refused"
        assert carbon.points("halfway") == [(NOW, 1)]

    def test_consistent(self, carbon: Carbon, second_carbon: Carbon) -> None:
        """Each metric is at one of two real carbons, and both have some."""
        sender = output(
            "graphite",
            graphite_host=f"{carbon.address},localhost:{second_carbon.line}",
            graphite_spread="consistent",
            metric_prefix="spread",
        )
        names = [f"m{each}" for each in range(20)]
        sender.deliver([batch(NOW, *[Metric(name, 1) for name in names])])
        for server in (carbon, second_carbon):
            server.points("spread.last", 0)  # all before are read
        counts = [
            sum(len(server.points(f"spread.{name}", 0)) for name in names)
            for server in (carbon, second_carbon)
        ]

        assert sum(counts) == 20
        assert min(counts) > 0

    def test_ring_of_carbon(self) -> None:
        """The ring is the one that carbon's own code makes."""
        python = need_file(SERVERS / "graphite/bin/python")
        hosts = ["10.0.0.1", "graphite-b.example", "c"]
        code = (
            "from carbon.hashing import ConsistentHashRing\n"
            f"ring = ConsistentHashRing([(host, None) for host in {hosts}])\n"
            f"print([(at, {hosts}.index(node[0])) for at, node in ring.ring])"
        )
        done = subprocess.run([python, "-c", code], capture_output=True, text=True, check=True)

        assert str(ring(hosts)) == done.stdout.strip()


@pytest.fixture(scope="module", name="certificate")
def _certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file of a key and a certificate for localhost that it signs itself."""
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    call = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    files = ["-keyout", str(path), "-out", f"{path}.crt"]
    subprocess.run(
        [need("openssl"), *call.split(), *names, *files], check=True, capture_output=True
    )
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


@contextlib.contextmanager
def tls_peer(certificate: Path, serve: Callable[[ssl.SSLSocket], object]) -> Iterator[Address]:
    """Run a TLS server that treats its one connection as *serve* does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)

        def run() -> None:
            with contextlib.suppress(OSError):
                stream, _ = listener.accept()
                stream.settimeout(5)
                with context.wrap_socket(stream, server_side=True) as secure:
                    serve(secure)

        thread = threading.Thread(target=run)
        thread.start()
        yield Address("localhost", listener.getsockname()[1])
        thread.join(10)


def read_all(stream: ssl.SSLSocket) -> bytes:
    """Return all that comes on *stream*."""
    return b"".join(iter(lambda: stream.recv(65536), b""))


class TestTls:
    """A stream that the peer's certificate vouches for."""

    @pytest.mark.parametrize("polite", [True, False])
    def test_delivered(self, certificate: Path, polite: bool) -> None:
        """A peer that read to the end has it, whether it says farewell or just closes."""
        got: list[bytes] = []

        def serve(stream: ssl.SSLSocket) -> None:
            got.append(read_all(stream))
            if polite:
                stream.unwrap().close()

        with tls_peer(certificate, serve) as (host, port):
            sender = output(
                "graphite",
                graphite_host=f"{host}:{port}",
                graphite_protocol="tls",
                graphite_ca=str(certificate),
            )
            receipt = sender.deliver([batch(5, Metric("up", 1))])

        assert tuple(receipt) == (1, 0, None)
        assert got == [b"up 1 5\n"]
        assert sender.target == f"graphite at localhost:{port} (tls)"

    def test_not_delivered(self, certificate: Path) -> None:
        """A peer that closes with bytes unread has not got them."""
        with tls_peer(certificate, lambda stream: stream.recv(10)) as address:
            way = Tls(address, authorities=str(certificate))
            with pytest.raises(OutputError):
                way.send([b"name 1 2\n"] * 300_000, time.monotonic() + 5)

    def test_never_reading(self, certificate: Path) -> None:
        """A peer that stops reading costs the time allowed, no more."""
        release = threading.Event()
        with tls_peer(certificate, lambda _: release.wait(5)) as address:
            way = Tls(address, authorities=str(certificate))
            with pytest.raises(OutputError, match="timed out"):
                way.send([b"name 1 2\n"], time.monotonic() + 0.3)
            release.set()

    @pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
    def test_stranger(self, certificate: Path, host: str) -> None:
        """A certificate that nobody vouches for, or for another name, ends it."""
        authorities = None if host == "localhost" else str(certificate)
        with tls_peer(certificate, read_all) as (_, port):
            way = Tls(Address(host, port), authorities=authorities)
            with pytest.raises(OutputError, match=r"(?i)certificate verify failed"):
                way.send([b"name 1 2\n"], time.monotonic() + 5)


class TestGraphiteWeb:
    """What people see of it."""

    def test_rendered(self, graphite_web: GraphiteWeb) -> None:
        """graphite-web draws what was sent, by name and by tags."""
        address = graphite_web.carbon.address
        plain = output("graphite", graphite_host=address, metric_prefix="web")
        tagged = output("graphite", graphite_host=address, tags=("host=web1",))
        batches = [batch(NOW - 60 + each, Metric("seen", each * each)) for each in range(50)]

        assert plain.deliver(batches).error is None
        assert tagged.deliver(batches).error is None
        expected = [(NOW - 60 + each, each * each) for each in range(50)]
        assert graphite_web.render("web.seen") == expected
        assert graphite_web.render("seriesByTag('name=seen', 'host=web1')") == expected

        picture = graphite_web.png("web.seen")
        Path(os.environ.get("LOGSTER_PICTURE") or os.devnull).write_bytes(picture)
        assert picture.startswith(b"\x89PNG")
