"""
The ways to a receiver: TCP, UDP, a Unix socket, a program.

A transport takes bytes that an encoder made and either hands them over or
raises `OutputError`. `OutputError` means: owed still, send again.
"""

import _thread
import os
import re
import socket
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from logster.errors import ConfigurationError, OutputError


if TYPE_CHECKING:
    import ssl


#: The most a datagram may hold: an Ethernet frame less the headers of IPv6, UDP and a tunnel.
DATAGRAM_BYTES = 1432

# States of a TCP connection, as Linux numbers them.
_ESTABLISHED = 1
_UNACKNOWLEDGED = {4, 8, 9, 11}  # FIN_WAIT1, CLOSE_WAIT, LAST_ACK, CLOSING

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
            f"and not {shown_place(text)!r}. Nothing was read or sent."
        )
    return Address(match["six"] or match["host"], int(match["port"]))


def shown_place(text: str) -> str:
    """
    Return the address *text* as a message may show it: without query, user and password.

    Where there is an ``@`` nobody can say for sure what of a mistyped address is the
    password.

    >>> shown_place("http://h/in?key=s3cret"), shown_place("http://me:s3cret@h"), shown_place("h:1")
    ('http://h/in', 'http://…', 'h:1')
    """
    if "@" in text:
        scheme = re.match(r"[A-Za-z][\w+.\-]*://", text)
        return f"{scheme[0] if scheme else ''}…"
    return re.split(r"[?#]", text, maxsplit=1)[0]


class Transport(Protocol):
    """Takes the lines of an encoder to a receiver."""

    def send(self, lines: Sequence[bytes], deadline: float) -> int:
        """
        Hand over *lines*, all of them, before the monotonic clock shows *deadline*.

        Returns:
            How many of them the receiver refused, for good and not for now.

        Raises:
            OutputError: If the receiver may lack any of them.
        """


class Tcp:
    """
    A TCP stream, confirmed: a reset or a silent peer counts as not delivered.

    After the last byte the sending side is closed and the peer's end of file
    awaited, which carbon and StatsD answer within milliseconds.

    Args:
        address: Where to; a name is looked up once, however many deliveries follow.

        confirm: Whether to wait for the peer's end of file.
    """

    def __init__(self, address: Address, *, confirm: bool = True) -> None:
        self.address, self.confirm = address, confirm
        self._found: list[Any] = []

    def connect(self, deadline: float) -> socket.socket:
        """Return a stream connected to the first of the peer's addresses that answers."""
        self._found = self._found or look_up(self.address, socket.SOCK_STREAM, deadline)
        failure: OSError = ConnectionError("no address found")
        for number, (family, kind, protocol, _, place) in enumerate(self._found):
            stream = socket.socket(family, kind, protocol)
            try:
                stream.settimeout(left(deadline) / (len(self._found) - number))
                stream.connect(place)
                if stream.getsockname() == stream.getpeername():
                    raise ConnectionRefusedError("Connection refused")  # it met itself
            except OSError as error:
                stream.close()
                failure = error
            else:
                return stream
        raise failure

    def send(self, lines: Sequence[bytes], deadline: float) -> int:
        """Hand over *lines* as one stream, on which a receiver of lines says nothing."""
        said = self.exchange(b"".join(lines), deadline)
        if said:
            raise OutputError(f"what answers there is no such receiver: {in_one_line(said)[:200]}")
        return 0

    def exchange(self, data: bytes, deadline: float) -> bytes:
        """
        Hand over *data* and return the head of what the peer said to it.

        Raises:
            OutputError: If the peer may lack any of it.
        """
        try:
            with self.connect(deadline) as stream:
                _send_until(stream, data, deadline)
                return self.await_end(stream, deadline) if self.confirm else b""
        except OSError as error:
            raise OutputError(reason(error)) from error

    def await_end(self, stream: socket.socket, deadline: float) -> bytes:
        """
        Close our side and wait for the peer's end of file; return the head of what it said.

        The end of file proves something only where it answers ours: a peer that
        closed earlier, with bytes still on their way to it, resets them a moment later.
        """
        _raise_if_closed(stream)
        return _end(stream, deadline)


class Tls(Tcp):
    """
    A TLS stream, confirmed by the peer's own farewell or its end of file.

    Args:
        address: Where to; the peer's certificate must bear this name.

        authorities: File of the certificates to trust; None for those of the system.

        confirm: As for `Tcp`.
    """

    def __init__(
        self, address: Address, *, authorities: str | None = None, confirm: bool = True
    ) -> None:
        super().__init__(address, confirm=confirm)
        self.authorities = authorities

    def connect(self, deadline: float) -> socket.socket:
        """Return a stream on which the peer has shown its certificate."""
        context = trusting(self.authorities)
        plain = super().connect(deadline)
        try:
            plain.settimeout(left(deadline))
            return context.wrap_socket(plain, server_hostname=self.address.host)
        except OSError:
            plain.close()
            raise

    def await_end(self, stream: socket.socket, deadline: float) -> bytes:
        """
        Say farewell and wait for the peer's, or for its end of file.

        A farewell may come from a peer that read nothing, as an end of file may.
        """
        import ssl  # noqa: PLC0415
        from contextlib import suppress  # noqa: PLC0415

        assert isinstance(stream, ssl.SSLSocket)  # noqa: S101 - from connect()
        _raise_if_closed(stream)
        stream.settimeout(left(deadline))
        with suppress(ssl.SSLEOFError, ssl.SSLZeroReturnError):
            stream.unwrap()
        return _end(stream, deadline)


def trusting(authorities: str | None) -> "ssl.SSLContext":
    """
    Return the rules of TLS by which a peer must show a certificate for its name.

    Args:
        authorities: File of the certificates to trust; None for those of the system.

    Raises:
        OutputError: If it cannot be read.
    """
    import ssl  # noqa: PLC0415 - ten milliseconds, for those who ask for it

    try:
        return ssl.create_default_context(cafile=authorities)
    except OSError as error:
        raise OutputError(
            f"the certificates in {authorities} cannot be read: {reason(error)}"
        ) from error


class UnixStream(Tcp):
    """A stream to the Unix socket at *path*, confirmed as `Tcp` is."""

    def __init__(self, path: str, *, confirm: bool = True) -> None:
        self.path, self.confirm = path, confirm

    def connect(self, deadline: float) -> socket.socket:
        """Return a connected stream socket."""
        return _unix_socket(self.path, socket.SOCK_STREAM, deadline)


class Udp:
    """
    Datagrams, packed with whole lines; the kernel's word on a refused port is heard.

    Args:
        address: Where to; a name is looked up once, however many deliveries follow.

        size: Bytes a datagram may hold.
    """

    def __init__(self, address: Address, *, size: int = DATAGRAM_BYTES) -> None:
        self.address, self.size = address, size
        self._found: list[Any] = []

    def connect(self, deadline: float) -> socket.socket:
        """Return a connected datagram socket, of IPv4 where the name has both, as in 1.x."""
        if not self._found:
            found = look_up(self.address, socket.SOCK_DGRAM, deadline)
            self._found = sorted(found, key=lambda each: bool(each[0] != socket.AF_INET))
        family, kind, protocol, _, place = self._found[0]
        channel = socket.socket(family, kind, protocol)
        try:
            channel.connect(place)
        except OSError:
            channel.close()
            raise
        return channel

    def send(self, lines: Sequence[bytes], deadline: float) -> int:
        """Hand over *lines* in as few datagrams as hold them."""
        try:
            with self.connect(deadline) as channel:
                for datagram in packed(lines, self.size):
                    channel.settimeout(left(deadline))
                    channel.send(datagram)
                # A refused port answers the datagram before; ask for the last one's answer.
                _raise_pending(channel)
        except OSError as error:
            raise OutputError(reason(error)) from error
        return 0


class UnixDatagram(Udp):
    """Datagrams to the Unix socket at *path*, packed as `Udp` packs them."""

    def __init__(self, path: str, *, size: int = DATAGRAM_BYTES) -> None:
        self.path, self.size = path, size

    def connect(self, deadline: float) -> socket.socket:
        """Return a connected datagram socket."""
        return _unix_socket(self.path, socket.SOCK_DGRAM, deadline)


def look_up(address: Address, kind: int, deadline: float) -> list[Any]:
    """
    Return what `socket.getaddrinfo` finds for *address*, before *deadline*.

    The C library waits for a silent name server as long as it likes; it does so in
    a thread of its own, which the run leaves behind.

    Raises:
        OSError: If there is no such name, or no answer in time.
    """
    name: str | bytes = address.host
    if address.host.isascii():
        name = address.host.encode()  # of a text Python makes an IDNA name, which takes a module
    answers: list[Any] = []
    done = _thread.allocate_lock()
    done.acquire()

    def ask() -> None:
        try:
            answers.append(socket.getaddrinfo(name, address.port, type=kind))
        except (OSError, UnicodeError) as error:
            answers.append(error)
        done.release()

    try:
        socket.inet_pton(socket.AF_INET6 if ":" in address.host else socket.AF_INET, address.host)
    except OSError:
        _thread.start_new_thread(ask, ())
    else:
        ask()
    if not done.acquire(timeout=left(deadline)):
        raise TimeoutError(f"the look-up of {address.host} timed out")
    if isinstance(answers[0], UnicodeError):
        raise OSError(f"{address.host} is no host name") from answers[0]
    if isinstance(answers[0], OSError):
        raise answers[0]
    return list(answers[0])


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
        said = (done.stderr or done.stdout).decode("utf-8", "replace")
        raise OutputError(f"{argv[0]} ended with {done.returncode}: {_joined(said)}")


def _joined(said: str) -> str:
    r"""
    Return what a program complained of, in several lines perhaps, as part of one sentence.

    >>> _joined("connect: refused.\n\nError: Could not connect.\n")
    'connect: refused; Could not connect'
    """
    lines = (line.strip().removeprefix("Error: ").rstrip(".") for line in said.splitlines())
    return "; ".join(filter(None, lines))[:300] or "no message"


def reason(error: BaseException) -> str:
    """
    Return why *error* happened, as words without an errno.

    >>> reason(ConnectionRefusedError(111, "Connection refused"))
    'Connection refused'
    >>> reason(OSError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number (_ssl.c:1006)"))
    'TLS: wrong version number'
    """
    if isinstance(error, TimeoutError) and not error.errno:
        return str(error) or "timed out"
    said = str(getattr(error, "strerror", None) or error) or type(error).__name__
    said = re.sub(r"\.? \(_ssl\.c:\d+\)$", "", said.replace("[SSL: ", "TLS: ["))
    return re.sub(r"\[(X509: )?[A-Z_\d]+\] ", "", said)


def in_one_line(said: bytes) -> str:
    r"""
    Return what a peer said as part of a sentence: in one line, and harmless to a terminal.

    >>> in_one_line(b"no \x1b[31m such\r\npage\n")
    'no [31m such page'
    """
    text = said.decode("utf-8", "replace")
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def left(deadline: float) -> float:
    """
    Return the seconds left until the monotonic clock shows *deadline*.

    Raises:
        TimeoutError: If there are none.
    """
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("timed out")
    return seconds


def _unix_socket(path: str, kind: int, deadline: float) -> socket.socket:
    channel = socket.socket(socket.AF_UNIX, kind)
    try:
        channel.settimeout(left(deadline))
        channel.connect(path)
    except OSError:
        channel.close()
        raise
    return channel


def _state(stream: socket.socket) -> int | None:
    """Return the state of a TCP connection as the kernel numbers it, where it tells."""
    if stream.family == socket.AF_UNIX or not hasattr(socket, "TCP_INFO"):
        return None
    return stream.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]


def _raise_if_closed(stream: socket.socket) -> None:
    if _state(stream) not in {None, _ESTABLISHED}:
        _raise_pending(stream)
        raise ConnectionResetError("the peer closed the connection before it had everything")


def _end(stream: socket.socket, deadline: float) -> bytes:
    """Close our side, wait until the peer has all, and return the head of what it said."""
    stream.shutdown(socket.SHUT_WR)
    said = _read_all(stream, deadline)
    while _state(stream) in _UNACKNOWLEDGED:
        left(deadline)
        time.sleep(0.002)
    _raise_pending(stream)
    return said


def _raise_pending(channel: socket.socket) -> None:
    error = channel.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    if error:
        raise OSError(error, os.strerror(error))


def _send_until(stream: socket.socket, data: bytes, deadline: float) -> None:
    view = memoryview(data)
    while view:
        stream.settimeout(left(deadline))
        view = view[stream.send(view[: 1 << 20]) :]


def _read_all(stream: socket.socket, deadline: float) -> bytes:
    """Read until the peer has closed its side too; return no more than the head of what came."""
    head = b""
    while True:
        stream.settimeout(left(deadline))
        received = stream.recv(4096)
        if not received:
            return head
        if len(head) < 65536:
            head += received
