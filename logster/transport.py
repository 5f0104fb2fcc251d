"""
The ways to a receiver: TCP, UDP, a Unix socket, a program.

A transport takes bytes that an encoder made and either hands them over or
raises `OutputError`. `OutputError` means: owed still, send again.
"""

import os
import re
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple, Protocol

from logster.errors import ConfigurationError, OutputError


#: The most a datagram may hold: an Ethernet frame less the headers of IPv6, UDP and a tunnel.
DATAGRAM_BYTES = 1432

_ADDRESS = re.compile(r"(?:\[(?P<six>[0-9A-Fa-f:.%\w]+)\]|(?P<host>[\w.-]+)):(?P<port>\d{1,5})")


class Address(NamedTuple):
    """A host and a port; its text is what the user wrote."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse_address(text: str, option: str) -> Address:
    """
    Return the host and port that *text* names.

    Args:
        text: ``host:port``, ``192.0.2.1:port`` or ``[::1]:port``.

        option: The option it was given to, for the message.

    Raises:
        ConfigurationError: If *text* is anything else.

    >>> parse_address("[::1]:2003", "--graphite-host")
    Address(host='::1', port=2003)
    """
    match = _ADDRESS.fullmatch(text)
    if not match or not 0 < int(match["port"]) < 65536:
        raise ConfigurationError(
            f"{option} takes HOST:PORT, for example metrics.example:2003 or [::1]:2003, "
            f"and not {text!r}. Nothing was read or sent."
        )
    return Address(match["six"] or match["host"], int(match["port"]))


class Transport(Protocol):
    """Takes the lines of an encoder to a receiver."""

    def send(self, lines: Sequence[bytes]) -> None:
        """
        Hand over *lines*, all of them.

        Raises:
            OutputError: If the receiver may lack any of them.
        """


class Tcp:
    """
    A TCP stream, confirmed: a reset or a silent peer counts as not delivered.

    After the last byte the sending side is closed and the peer's end of file
    awaited, which carbon and StatsD answer within milliseconds.

    Args:
        address: Where to.

        timeout: Seconds for the whole delivery.

        confirm: Whether to wait for the peer's end of file.
    """

    def __init__(self, address: Address, timeout: float, *, confirm: bool = True) -> None:
        self.address, self.timeout, self.confirm = address, timeout, confirm

    def connect(self, timeout: float) -> socket.socket:
        """Return a connected stream socket."""
        return socket.create_connection(self.address, timeout)

    def send(self, lines: Sequence[bytes]) -> None:
        """Hand over *lines* as one stream."""
        deadline = time.monotonic() + self.timeout
        try:
            with self.connect(self.timeout) as stream:
                _send_until(stream, b"".join(lines), deadline)
                if self.confirm:
                    stream.shutdown(socket.SHUT_WR)
                    _await_end(stream, deadline)
        except OSError as error:
            raise OutputError(reason(error)) from error


class UnixStream(Tcp):
    """A stream to a Unix socket, confirmed as `Tcp` is."""

    def __init__(self, path: str, timeout: float, *, confirm: bool = True) -> None:
        self.path, self.timeout, self.confirm = path, timeout, confirm

    def connect(self, timeout: float) -> socket.socket:
        """Return a connected stream socket."""
        stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        stream.settimeout(timeout)
        try:
            stream.connect(self.path)
        except OSError:
            stream.close()
            raise
        return stream


class Udp:
    """
    Datagrams, packed with whole lines; the kernel's word on a refused port is heard.

    Args:
        address: Where to; the name is looked up once a delivery.

        timeout: Seconds a single send may block.

        size: Bytes a datagram may hold.
    """

    def __init__(self, address: Address, timeout: float, *, size: int = DATAGRAM_BYTES) -> None:
        self.address, self.timeout, self.size = address, timeout, size

    def connect(self) -> socket.socket:
        """Return a connected datagram socket."""
        family, kind, protocol, _, place = socket.getaddrinfo(
            *self.address, type=socket.SOCK_DGRAM
        )[0]
        channel = socket.socket(family, kind, protocol)
        try:
            channel.settimeout(self.timeout)
            channel.connect(place)
        except OSError:
            channel.close()
            raise
        return channel

    def send(self, lines: Sequence[bytes]) -> None:
        """Hand over *lines* in as few datagrams as hold them."""
        try:
            with self.connect() as channel:
                for datagram in packed(lines, self.size):
                    channel.send(datagram)
                # A refused port answers the datagram before; ask for the last one's answer.
                _raise_pending(channel)
        except OSError as error:
            raise OutputError(reason(error)) from error


class UnixDatagram(Udp):
    """Datagrams to a Unix socket, packed as `Udp` packs them."""

    def __init__(self, path: str, timeout: float, *, size: int = DATAGRAM_BYTES) -> None:
        self.path, self.timeout, self.size = path, timeout, size

    def connect(self) -> socket.socket:
        """Return a connected datagram socket."""
        channel = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            channel.settimeout(self.timeout)
            channel.connect(self.path)
        except OSError:
            channel.close()
            raise
        return channel


def packed(lines: Iterable[bytes], size: int = DATAGRAM_BYTES) -> Iterator[bytes]:
    r"""
    Yield *lines* joined into datagrams of at most *size* bytes, no line split.

    A line longer than *size* travels alone.

    >>> list(packed([b"a:1|c\n", b"b:2|g\n", b"c:3|g\n"], size=13))
    [b'a:1|c\nb:2|g', b'c:3|g']
    """
    pending: list[bytes] = []
    room = size + 1  # the last newline stays behind
    for line in lines:
        if pending and len(line) > room:
            yield b"".join(pending).removesuffix(b"\n")
            pending, room = [], size + 1
        pending.append(line)
        room -= len(line)
    if pending:
        yield b"".join(pending).removesuffix(b"\n")


def run_program(argv: Sequence[str], stdin: bytes, timeout: float) -> None:
    """
    Run *argv*, never through a shell, with *stdin* as its input.

    Raises:
        OutputError: If it cannot be started, takes too long or ends with an error.
    """
    import subprocess  # noqa: PLC0415 - only for outputs that hand over to a program

    try:
        done = subprocess.run(  # noqa: S603 - an argument list, no shell
            argv, input=stdin, capture_output=True, timeout=timeout, check=False
        )
    except (OSError, ValueError) as error:
        raise OutputError(f"{argv[0]} cannot be run: {reason(error)}") from error
    except subprocess.TimeoutExpired as error:
        raise OutputError(f"{argv[0]} did not end within {timeout:g} s") from error
    if done.returncode:
        said = (done.stderr or done.stdout).decode("utf-8", "replace").strip()
        raise OutputError(f"{argv[0]} ended with {done.returncode}: {said or 'no message'}")


def reason(error: BaseException) -> str:
    """
    Return why *error* happened, as words without an errno.

    >>> reason(ConnectionRefusedError(111, "Connection refused"))
    'Connection refused'
    """
    if isinstance(error, TimeoutError) and not error.errno:
        return "timed out"
    return str(getattr(error, "strerror", None) or error) or type(error).__name__


def _raise_pending(channel: socket.socket) -> None:
    error = channel.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if error:
        raise OSError(error, os.strerror(error))


def _send_until(stream: socket.socket, data: bytes, deadline: float) -> None:
    view = memoryview(data)
    while view:
        stream.settimeout(_left(deadline))
        view = view[stream.send(view[: 1 << 20]) :]


def _await_end(stream: socket.socket, deadline: float) -> None:
    """Read until the peer has closed its side too, which confirms that it read ours."""
    while True:
        stream.settimeout(_left(deadline))
        if not stream.recv(4096):
            return


def _left(deadline: float) -> float:
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left
