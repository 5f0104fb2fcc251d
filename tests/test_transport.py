"""Transports against peers that refuse, reset, stall, or close too early."""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from receivers import free_ports

from logster.errors import ConfigurationError, OutputError
from logster.transport import (
    DATAGRAM_BYTES,
    Address,
    Tcp,
    Udp,
    UnixDatagram,
    UnixStream,
    packed,
    parse_address,
    run_program,
)


Peer = Callable[[socket.socket], object]


def within(seconds: float) -> float:
    """Return the deadline *seconds* from now."""
    return time.monotonic() + seconds


@contextlib.contextmanager
def peer(serve: Peer, listener: socket.socket | None = None) -> Iterator[Address]:
    """Run a server that treats each connection as *serve* does; yield its address."""
    listener = listener or socket.create_server(("127.0.0.1", 0))
    listener.settimeout(10)

    def run() -> None:
        with contextlib.suppress(OSError):
            while True:
                stream, _ = listener.accept()
                with stream:
                    serve(stream)

    thread = threading.Thread(target=run)
    thread.start()
    name = listener.getsockname()
    try:
        yield Address(*name[:2]) if isinstance(name, tuple) else Address(name, 0)
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(10)


def read_all(stream: socket.socket) -> bytes:
    """Return all that comes on *stream*."""
    return b"".join(iter(lambda: stream.recv(65536), b""))


def reset(stream: socket.socket) -> None:
    """Close *stream* by a reset."""
    stream.recv(1)
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def close_after_half(stream: socket.socket) -> None:
    """Read a little and close while more is on its way."""
    stream.recv(1000)


def close_at_once(stream: socket.socket) -> None:
    """Close before anything can have been read."""


def close_politely_but_early(stream: socket.socket) -> None:
    """Send an end of file first, and close when the bytes have come."""
    stream.shutdown(socket.SHUT_WR)
    read_all(stream)


LINES = [b"name 1 2\n"] * 300_000


class TestTcp:
    """A stream is delivered when the peer has closed after our end of file."""

    def test_delivered(self) -> None:
        """A peer that reads to the end gets every byte, in one connection."""
        got: list[bytes] = []
        with peer(lambda stream: got.append(read_all(stream))) as address:
            refused = Tcp(address).send([b"a 1 2\n", b"b 3 4\n"], within(5))

        assert refused == 0
        assert got == [b"a 1 2\nb 3 4\n"]

    @pytest.mark.parametrize("serve", [reset, close_after_half, close_at_once])
    @pytest.mark.parametrize("lines", [LINES, [b"one 1 1\n"] * 400], ids=["much", "little"])
    def test_not_delivered(self, serve: Peer, lines: list[bytes]) -> None:
        """A peer that closes with bytes unread has not got them."""
        with peer(serve) as address:
            time.sleep(0.01)
            with pytest.raises(OutputError):
                Tcp(address).send(lines, within(5))

    def test_early_farewell(self) -> None:
        """An end of file that came before ours confirms nothing."""

        class Slow(Tcp):
            def connect(self, deadline: float) -> socket.socket:
                stream = super().connect(deadline)
                assert stream.recv(1, socket.MSG_PEEK) == b""  # the peer's end of file is here
                return stream

        with (
            peer(close_politely_but_early) as address,
            pytest.raises(OutputError, match="before it had everything"),
        ):
            Slow(address).send([b"a 1 2\n"], within(5))

    def test_never_reading(self) -> None:
        """A peer that accepts and never reads costs the time allowed, no more."""
        with socket.create_server(("127.0.0.1", 0), backlog=1) as listener:
            began = time.monotonic()
            with pytest.raises(OutputError, match="timed out"):
                Tcp(Address(*listener.getsockname())).send(LINES, within(0.3))

        assert time.monotonic() - began < 4

    def test_never_closing(self) -> None:
        """A peer that reads and never closes is trusted only on request."""
        release = threading.Event()

        def hold(stream: socket.socket) -> None:
            read_all(stream)
            release.wait(5)

        with peer(hold) as address:
            with pytest.raises(OutputError, match="timed out"):
                Tcp(address).send([b"a 1 2\n"], within(0.2))
            release.set()
        with peer(hold) as address:
            assert Tcp(address, confirm=False).send([b"a 1 2\n"], within(5)) == 0

    def test_refusing(self) -> None:
        """A closed port is said in words."""
        (port,) = free_ports(1)

        with pytest.raises(OutputError, match=r"^Connection refused$"):
            Tcp(Address("127.0.0.1", port)).send([b"a 1 2\n"], within(5))

    def test_second_address(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where the first address of a name does not answer the next one is tried."""
        (closed,) = free_ports(1)
        with peer(read_all) as address:
            places = [("127.0.0.1", closed), tuple(address)]
            found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", place) for place in places]
            monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)

            assert Tcp(Address("two.example", 1)).send([b"a 1 2\n"], within(5)) == 0

    def test_unknown_name(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A name that nobody knows is said in words; one that cannot be a name too."""

        def unknown(*_: object, **__: object) -> None:
            raise socket.gaierror(-2, "Name or service not known")

        with pytest.raises(OutputError, match="no host name"):
            Tcp(Address("ä" * 64, 1)).send([b"x"], within(5))
        monkeypatch.setattr(socket, "getaddrinfo", unknown)
        with pytest.raises(OutputError, match="Name or service not known"):
            Tcp(Address("nowhere.example", 1)).send([b"x"], within(5))

    def test_silent_name_server(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A name server that does not answer cannot hold a run."""
        release = threading.Event()
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: release.wait(5) and [])

        with pytest.raises(OutputError, match=r"look-up of slow\.example timed out"):
            Tcp(Address("slow.example", 1)).send([b"x"], within(0.1))
        release.set()

    def test_one_look_up(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A name is looked up once, however many deliveries follow."""
        asked: list[object] = []
        real = socket.getaddrinfo

        def count(host: bytes, *args: int, **kwargs: int) -> object:
            asked.append(host)
            return real("127.0.0.1", *args, **kwargs)

        monkeypatch.setattr(socket, "getaddrinfo", count)
        with peer(read_all) as (_, port):
            transport = Tcp(Address("carbon.example", port))
            for _ in range(3):
                transport.send([b"a 1 2\n"], within(5))

        assert asked == [b"carbon.example"]

    def test_meeting_itself(self) -> None:
        """A connection that met itself, as loopback allows, is no receiver."""
        (port,) = free_ports(1)

        class Bound(socket.socket):
            def connect(self, place: object) -> None:
                self.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                self.bind(("127.0.0.1", port))
                super().connect(place)  # type: ignore[arg-type] # an address

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(socket, "socket", Bound)
            with pytest.raises(OutputError, match="refused"):
                Tcp(Address("127.0.0.1", port)).send([b"a 1 2\n"], within(1))


class TestUnix:
    """Unix sockets: streams are confirmed, datagrams packed."""

    def test_stream(self, tmp_path: Path) -> None:
        """A stream is delivered when the peer has closed; without a peer it is not."""
        path, got = str(tmp_path / "s"), list[bytes]()
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen()
        with peer(lambda stream: got.append(read_all(stream)), listener):
            UnixStream(path).send([b"a:1|c\n"], within(5))

        assert got == [b"a:1|c\n"]
        with pytest.raises(OutputError, match="No such file"):
            UnixStream(f"{path}x").send([b"a:1|c\n"], within(5))

    def test_stream_unread(self, tmp_path: Path) -> None:
        """A peer that closes with bytes unread has not got them."""
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(tmp_path / "s"))
        listener.listen()
        with peer(close_after_half, listener), pytest.raises(OutputError):
            UnixStream(str(tmp_path / "s")).send([b"a:1|c\n"] * 1000, within(5))

    def test_datagram(self, tmp_path: Path) -> None:
        """Datagrams arrive whole."""
        path = str(tmp_path / "d")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as receiver:
            receiver.bind(path)
            UnixDatagram(path).send([b"a:1|c\n", b"b:2|c\n"], within(5))

            assert receiver.recv(2000) == b"a:1|c\nb:2|c"


class TestUdp:
    """Datagrams are packed; a refused port is heard."""

    def test_refused(self) -> None:
        """The kernel's word that nobody listens means not delivered."""
        (port,) = free_ports(1)

        with pytest.raises(OutputError, match=r"^Connection refused$"):
            Udp(Address("127.0.0.1", port)).send([b"a:1|c\n"], within(5))

    def test_ipv4_first(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A name with both addresses means IPv4 for datagrams, as in 1.x."""
        with socket.socket(type=socket.SOCK_DGRAM) as receiver:
            receiver.bind(("127.0.0.1", 0))
            port = receiver.getsockname()[1]
            found = [
                (socket.AF_INET6, socket.SOCK_DGRAM, 17, "", ("::1", port, 0, 0)),
                (socket.AF_INET, socket.SOCK_DGRAM, 17, "", ("127.0.0.1", port)),
            ]
            monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
            Udp(Address("localhost", port)).send([b"a:1|c\n"], within(5))

            assert receiver.recv(100) == b"a:1|c"

    @given(st.lists(st.binary(min_size=1, max_size=1400).map(lambda each: each + b"\n")))
    def test_packed(self, lines: list[bytes]) -> None:
        """Every line comes once, whole and in order, in datagrams that fit a frame."""
        datagrams = list(packed(lines))

        assert b"".join(datagram + b"\n" for datagram in datagrams) == b"".join(lines)
        assert all(len(datagram) <= DATAGRAM_BYTES for datagram in datagrams)

    def test_packed_tightly(self) -> None:
        """Ten thousand short lines need no more datagrams than their bytes do."""
        lines = [b"servers.proxy.numSent:%d|g\n" % number for number in range(10_000)]

        assert len(list(packed(lines))) <= sum(map(len, lines)) // 1400 + 1


class TestAddress:
    """Hosts and ports as people write them."""

    @pytest.mark.parametrize(
        "text", ["host", "host:", "host:notaport", "host:0", "host:65536", "::1:2003", "a b:1", ""]
    )
    def test_refused(self, text: str) -> None:
        """What is no host:port is refused with an example."""
        with pytest.raises(ConfigurationError, match=r"--x takes HOST:PORT.*\[::1\]:2003"):
            parse_address(text, "--x")

    @given(st.text())
    def test_anything(self, text: str) -> None:
        """Any text is an address or is refused, and an address prints as it was written."""
        with contextlib.suppress(ConfigurationError):
            address = parse_address(text, "--x")
            assert parse_address(str(address), "--x") == address


class TestProgram:
    """Programs get an argument list and an input, never a shell."""

    def test_arguments(self, tmp_path: Path) -> None:
        """Arguments reach the program as they are, whatever a shell would read in them."""
        place = tmp_path / "out"
        run_program(["cp", "/dev/stdin", str(place)], b"; $(id) `id`\x17", 5)

        assert place.read_bytes() == b"; $(id) `id`\x17"

    def test_failing(self) -> None:
        """A program that is missing, fails or hangs is said in words."""
        with pytest.raises(OutputError, match="cannot be run: No such file"):
            run_program(["/nonexistent"], b"", 5)
        with pytest.raises(OutputError, match="ended with 3: no luck"):
            run_program(["sh", "-c", "echo no luck >&2; exit 3"], b"", 5)
        with pytest.raises(OutputError, match="did not end within"):
            run_program(["sleep", "5"], b"", 0.1)
