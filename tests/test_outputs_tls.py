"""TLS: the peer shows who it is, and what it never got stays owed."""

import contextlib
import re
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from outputs import batch, output
from receivers import Carbon, Pushgateway, Stunnel, need, poll, whisper_points
from running import Bench, logster

from logster.errors import OutputError
from logster.metrics import Metric
from logster.outputs import Output
from logster.transport import Address, Tls


NOW = int(time.time())
UNVERIFIED = "TLS: certificate verify failed"


@pytest.fixture(scope="module", name="certificate")
def _certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file of a key and a certificate for localhost that it signs itself."""
    return certificate_for("localhost", tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module", name="other_certificate")
def _other_certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the same for another host."""
    return certificate_for("metrics.example", tmp_path_factory.mktemp("tls"))


def certificate_for(host: str, folder: Path) -> Path:
    """Return a file of a key and a certificate for *host* that it signs itself."""
    path = folder / f"{host}.pem"
    call = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2"
    names = ["-subj", f"/CN={host}", "-addext", f"subjectAltName=DNS:{host}"]
    files = ["-keyout", str(path), "-out", f"{path}.crt"]
    subprocess.run(
        [need("openssl"), *call.split(), *names, *files], check=True, capture_output=True
    )
    path.write_text(path.read_text() + Path(f"{path}.crt").read_text())
    return path


@pytest.fixture(scope="module", name="terminator")
def _terminator(
    tmp_path_factory: pytest.TempPathFactory, certificate: Path, carbon: Carbon
) -> Iterator[Stunnel]:
    """Yield what speaks TLS before a real carbon, as localhost."""
    with Stunnel(tmp_path_factory.mktemp("stunnel"), certificate, carbon.address) as server:
        yield server


def tls_output(
    port: int, authorities: Path | None, *, host: str = "localhost", **given: object
) -> Output:
    """Return a `graphite` that speaks TLS with *port* and trusts *authorities*."""
    return output(
        "graphite",
        graphite_host=f"{host}:{port}",
        graphite_protocol="tls",
        graphite_ca=authorities and str(authorities),
        **given,
    )


class TestTerminator:
    """A real carbon behind a real TLS terminator."""

    def test_carbon_has_it(
        self, terminator: Stunnel, certificate: Path, carbon: Carbon, tmp_path: Path
    ) -> None:
        """What the command sends by TLS can be read back from carbon's own file."""
        bench = Bench(tmp_path)
        bench.append('{"sent": 7}')
        url = f"graphite+tls://localhost:{terminator.port}?prefix=tls&ca={certificate}"

        outcome = bench.run("--from-start", "-o", url, "json-lines")

        assert (0, "", "") == outcome
        assert [7] == [value for _, value in carbon.points("tls.sent")]
        file = carbon.whisper / "tls/sent.wsp"
        poll(file.exists, "a file of carbon's")
        on_disk = poll(lambda: whisper_points(file), "a point in it")
        assert [7] == list(on_disk.values())

    def test_all_of_many(self, terminator: Stunnel, certificate: Path, carbon: Carbon) -> None:
        """Of some megabytes the last line arrives as well."""
        sender = tls_output(terminator.port, certificate, metric_prefix="many", timeout=30)
        metrics = [Metric(f"tls{each}", each) for each in range(2000)]

        receipt = sender.deliver([batch(NOW - 50 + at, *metrics) for at in range(50)])

        assert (50, 0, None) == tuple(receipt)
        expected = [(NOW - 50 + at, 1999.0) for at in range(50)]
        assert expected == carbon.points("many.tls1999", 50)

    def test_impostor(
        self, certificate: Path, other_certificate: Path, carbon: Carbon, tmp_path: Path
    ) -> None:
        """A server that is another is told in one sentence; the right one gets what is owed."""
        bench = Bench(tmp_path)
        bench.append('{"late": 7}')
        both = tmp_path / "both.pem"
        both.write_text(certificate.read_text() + other_certificate.read_text())
        folder = tmp_path / "impostor"
        folder.mkdir()
        with Stunnel(folder, other_certificate, carbon.address) as impostor:
            place = f"localhost:{impostor.port}"
            words = ("-o", f"graphite+tls://{place}", "--graphite-ca", both, "json-lines")
            bad = bench.run("--from-start", *words)
            status = logster("status", "-s", bench.states)
        assert [] == carbon.points("late", 0)
        with Stunnel(folder, certificate, carbon.address, port=impostor.port):
            good = bench.run(*words)

        why = (
            f"could not be sent to graphite at {place} (tls): {UNVERIFIED}: "
            "Hostname mismatch, certificate is not valid for 'localhost'."
        )
        kept = f"They are kept in {bench.state} and the next run sends them, with their own times."
        assert (1, "") == (bad.code, bad.out)
        assert re.fullmatch(rf"Error: \d+ metrics {re.escape(f'{why} {kept}')}\n", bad.err)
        assert (2, True) == (status.code, why in status.out)
        assert (0, "", "") == good
        assert [7] == [value for _, value in carbon.points("late")]

    def test_refused(
        self, terminator: Stunnel, certificate: Path, other_certificate: Path, carbon: Carbon
    ) -> None:
        """Whatever is wrong with a certificate is said in words, and nothing is delivered."""
        port, stranger, none = terminator.port, other_certificate, certificate / "none"
        tries = [
            (tls_output(port, stranger), f"{UNVERIFIED}: self-signed certificate"),
            (tls_output(port, None), f"{UNVERIFIED}: self-signed certificate"),
            (
                tls_output(port, certificate, host="127.0.0.1"),
                f"{UNVERIFIED}: IP address mismatch, certificate is not valid for '127.0.0.1'",
            ),
            (tls_output(port, none), f"the certificates in {none} cannot be read: Not a directory"),
            (tls_output(carbon.line, certificate), "TLS: EOF occurred in violation of protocol"),
        ]

        for sender, why in tries:
            receipt = sender.deliver([batch(NOW, Metric("refused.tls", 1))])
            assert (0, why) == (receipt.delivered, str(receipt.error))
        assert [] == carbon.points("refused.tls", 0)

    def test_carbon_away(self, certificate: Path, tmp_path: Path) -> None:
        """What a terminator takes for a carbon that is down is not delivered."""
        with Stunnel(tmp_path, certificate, "127.0.0.1:1") as lonely:
            for count in (1, 1, 1, 1, 1, 100_000):
                sender = tls_output(lonely.port, certificate)
                metrics = [Metric(f"m{each}", each) for each in range(count)]
                receipt = sender.deliver([batch(NOW, *metrics)])
                assert 0 == receipt.delivered
                assert receipt.error

    def test_https(
        self,
        pushgateway: Pushgateway,
        certificate: Path,
        other_certificate: Path,
        tmp_path: Path,
    ) -> None:
        """Over HTTPS the same rules hold, with the same words."""
        with Stunnel(tmp_path, certificate, pushgateway.url.removeprefix("http://")) as server:
            url, none = f"https://localhost:{server.port}", tmp_path / "none"
            tries = [
                (url, other_certificate, f"{UNVERIFIED}: self-signed certificate"),
                (
                    url.replace("localhost", "127.0.0.1"),
                    certificate,
                    f"{UNVERIFIED}: IP address mismatch, certificate is not valid for '127.0.0.1'",
                ),
                (
                    url,
                    none,
                    f"the certificates in {none} cannot be read: No such file or directory",
                ),
                (url, certificate, "None"),
            ]
            for place, authorities, why in tries:
                assert "by_tls" not in pushgateway.page()
                sender = output("prometheus", prometheus_url=place, prometheus_ca=str(authorities))
                assert why == str(sender.deliver([batch(5, Metric("by_tls", 42))]).error)

        assert re.search(r"(?m)^by_tls\{.* 42$", pushgateway.page())


@contextlib.contextmanager
def tls_peer(
    certificate: Path,
    serve: Callable[[ssl.SSLSocket], object],
    version: ssl.TLSVersion = ssl.TLSVersion.MAXIMUM_SUPPORTED,
) -> Iterator[Address]:
    """Run a TLS server that treats its one connection as *serve* does."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = version
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
            sender = tls_output(port, certificate, host=host)
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

    @pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
    @pytest.mark.parametrize("polite", [True, False])
    def test_early_farewell(
        self, certificate: Path, version: ssl.TLSVersion, *, polite: bool
    ) -> None:
        """A peer that says farewell without having read confirms nothing."""

        def serve(stream: ssl.SSLSocket) -> None:
            if not polite:  # it does not wait for the answer
                stream.setblocking(False)
            stream.unwrap()

        for _ in range(10):
            with tls_peer(certificate, serve, version) as address:
                way = Tls(address, authorities=str(certificate))
                with pytest.raises(OutputError):
                    way.send([b"name 1 2\n"] * 20, time.monotonic() + 5)

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
