"""
Deliveries over HTTP, by urllib3, which is imported when there is something to send.

Any answer but 2xx means owed still. Only where a receiver refuses the contents (400,
413 or 422) and takes other lines of the same delivery, the refused ones are given up.
"""

import socket
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from typing import Any, Self
from urllib.parse import urlsplit

from logster.errors import ConfigurationError, OutputError
from logster.outputs import RefusedError
from logster.outputs._secrets import without
from logster.transport import Address, Tcp, in_one_line, left, reason, shown_place, trusting


#: The most that the lines of a request may hold; half of what nginx lets through.
BYTES_AT_ONCE = 500_000

_TOO_LARGE = 413
_REFUSALS = {400, _TOO_LARGE, 422}

Wrap = Callable[[Sequence[bytes]], bytes]


def json_array(lines: Sequence[bytes]) -> bytes:
    """Return the JSON array of *lines*, each of them JSON."""
    return b"[" + b",".join(lines) + b"]"


def basic(user: str, password: str) -> str:
    """
    Return the header Authorization for *user*.

    >>> basic("me", "s3cret")
    'Basic bWU6czNjcmV0'
    """
    from base64 import b64encode  # noqa: PLC0415

    return f"Basic {b64encode(f'{user}:{password}'.encode()).decode()}"


def portions(lines: Sequence[bytes], most: int, most_bytes: int) -> Iterator[Sequence[bytes]]:
    """
    Yield *lines* in portions of at most so many lines and bytes; a longer line goes alone.

    >>> [len(portion) for portion in portions([b"{}"] * 25, 10, 16)]
    [8, 8, 8, 1]
    """
    start = size = 0
    for end, line in enumerate(lines):
        if end - start == most or (size + len(line) > most_bytes and end > start):
            yield lines[start:end]
            start, size = end, 0
        size += len(line)
    if lines:
        yield lines[start:]


def parse_url(text: str, option: str, *, query: bool = False) -> str:
    """
    Return *text* if it is the address of an HTTP server.

    Args:
        text: The address.

        option: The option it was given to, for the message.

        query: Whether it may have a query; else a path is put behind it, and no slash
            is left at its end.

    Raises:
        ConfigurationError: If it is none, holds a password, or a query that it may not.

    >>> parse_url("https://influx.example:8086/", "--influxdb-url")
    'https://influx.example:8086'
    """
    try:
        parts = urlsplit(text)
        usable = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        usable, parts = False, urlsplit("")
    if "@" in parts.netloc:
        raise ConfigurationError(
            f"{option} takes no password; give it in a file or in the environment. "
            "Nothing was read or sent."
        )
    if not usable or any(c.isspace() or not c.isprintable() for c in text):
        raise ConfigurationError(
            f"{option} takes an address such as https://metrics.example:8086, and not "
            f"{shown_place(text)!r}. Nothing was read or sent."
        )
    if "#" in text or ("?" in text and not query):
        raise ConfigurationError(
            f"{option} {shown_place(text)} takes nothing behind a ? or a #. "
            "Nothing was read or sent."
        )
    return text if query else text.rstrip("/")


class Http:
    """
    POSTs lines, in portions, over one connection.

    Args:
        url: Where to, as `parse_url` takes it, with its query.

        wrap: Makes the body of some lines.

        headers: Sent along; they may hold secrets and are never shown.

        authorities: File of the certificates to trust; None for those of the system.

        lines_at_once: How many lines a request may hold.

        secrets: What no message may repeat, besides the headers.

        taken: Statuses beside 2xx by which the server has them.
    """

    def __init__(
        self,
        url: str,
        wrap: Wrap = b"".join,
        *,
        headers: Mapping[str, str] | None = None,
        authorities: str | None = None,
        lines_at_once: int = 5000,
        secrets: Sequence[str] = (),
        taken: Collection[int] = (),
    ) -> None:
        self.url, self.wrap, self.headers = url, wrap, dict(headers or {})
        self.secrets = [*secrets, *_values_of(self.headers)]
        self.authorities, self.lines_at_once = authorities, lines_at_once
        parts = urlsplit(url)
        self.secure = parts.scheme == "https"
        port = parts.port or (443 if self.secure else 80)
        self.tcp = Tcp(Address(str(parts.hostname), port))
        self.path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self.good = {*range(200, 300), *taken}

    def send(self, lines: Sequence[bytes], deadline: float, *, halve: bool = True) -> int:
        """
        Hand over *lines*, portion by portion.

        Args:
            lines: What to send.

            deadline: On the monotonic clock.

            halve: Whether to look for what is refused in a portion, half by half.

        Returns:
            How many lines were refused alone, while others were taken.

        Raises:
            RefusedError: If none was taken.

            OutputError: If the server may lack any for another reason.
        """
        taken = refused = 0
        said = ""
        waiting = list(portions(lines, self.lines_at_once, BYTES_AT_ONCE))
        with _Session(self, deadline) as session:
            while waiting:
                portion = waiting.pop(0)
                try:
                    status, said = session.request("POST", self.path, self.wrap(portion))
                except OutputError as error:
                    raise OutputError(f"{error}; before, {said}" if said else error) from error
                if status in self.good:
                    taken, said = taken + len(portion), ""
                elif status not in _REFUSALS:
                    raise OutputError(said)
                elif not halve and status != _TOO_LARGE:
                    raise RefusedError(said)
                elif len(portion) == 1:
                    refused += 1
                else:
                    half = len(portion) // 2
                    waiting[:0] = [portion[:half], portion[half:]]
        if refused and not taken:
            raise RefusedError(said)
        return refused


class _Session:
    """One connection to a server, closed at the deadline whatever the server does."""

    def __init__(self, http: Http, deadline: float) -> None:
        import threading  # noqa: PLC0415

        import urllib3  # noqa: PLC0415
        from urllib3.connection import HTTPConnection, HTTPSConnection  # noqa: PLC0415

        self.http, self.deadline, self.error = http, deadline, urllib3.exceptions.HTTPError
        self.live: list[Any] = []

        def connect(connection: Any) -> socket.socket:
            self.live.append(connection)
            stream = http.tcp.connect(deadline)
            # Head and body go in two writes; the second must not wait for an answer.
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return stream

        host, port = http.tcp.address
        if http.secure:
            kind = type("Secure", (HTTPSConnection,), {"_new_conn": connect})
            rules = trusting(http.authorities)
            self.pool: Any = urllib3.HTTPSConnectionPool(host, port, ssl_context=rules)
        else:
            kind = type("Plain", (HTTPConnection,), {"_new_conn": connect})
            self.pool = urllib3.HTTPConnectionPool(host, port)
        self.pool.ConnectionCls = kind
        try:
            self.watch = threading.Timer(left(deadline), self.cut)
        except TimeoutError as error:
            raise OutputError(reason(error)) from error
        self.watch.daemon = True
        self.watch.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.watch.cancel()
        self.pool.close()

    def cut(self) -> None:
        """End whatever is going on: a server may send a byte a second for ever."""
        for connection in self.live:
            try:
                connection.sock.shutdown(socket.SHUT_RDWR)
            except (OSError, AttributeError):
                continue

    def request(
        self, method: str, path: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> tuple[int, str]:
        """
        Return the status of the answer, and a sentence that quotes its beginning.

        Raises:
            OutputError: If there is no answer in time.
        """
        try:
            answer = self.pool.urlopen(
                method,
                path,
                body=body,
                headers={**self.http.headers, **(headers or {})},
                retries=False,
                redirect=False,
                timeout=left(self.deadline),
                preload_content=False,
            )
            head = answer.read(2000)
            answer.drain_conn()
        except (self.error, OSError, ValueError) as error:
            raise OutputError(self._why(error)) from error
        said = without(in_one_line(head) or str(answer.reason), self.http.secrets)[:200]
        return answer.status, f"the server answered {answer.status}: {said}"

    def _why(self, error: BaseException) -> str:
        import time  # noqa: PLC0415

        if time.monotonic() >= self.deadline:
            return "timed out"
        cause = error.__cause__ or error.__context__ or error
        if isinstance(cause, OSError):
            return reason(cause)
        # Of any other the text may quote a header or the query: its kind must do.
        what = (
            "answer cannot be read" if isinstance(error, self.error) else "request cannot be made"
        )
        return f"the {what} ({type(cause).__name__})"


def _values_of(headers: Mapping[str, str]) -> list[str]:
    """Return the values of *headers*, with and without the scheme in front."""
    values = [value for name, value in headers.items() if name.lower() != "content-type"]
    return [*values, *(value.partition(" ")[2] for value in values)]
