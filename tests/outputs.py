"""What the tests of all outputs share: settings, metrics, strategies, a server."""

import contextlib
import http.server
import threading
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

from hypothesis import strategies as st

from logster.metrics import Batch, Metric
from logster.outputs import Output
from logster.registry import load_output


#: Any text at all: blanks, quotes, control characters, lone surrogates.
any_text = st.one_of(
    st.text(st.characters(), max_size=40),
    st.text(st.sampled_from("a.b_ |:;,#@=\"'`$(){}/\\\t\r\n\0\x17\x85\u2028é\udc80"), max_size=40),
    st.text("ab.", min_size=200, max_size=3000),
)

#: Any value that a parser may give.
any_value = st.one_of(
    st.integers(),
    st.floats(),
    any_text,
    st.sampled_from([10**400, "+5", "1e400", "nan", "-0", "1|c", True, -5.5, "12.50"]),
)

#: Any metric that a parser may give.
any_metric = st.builds(
    Metric,
    name=any_text,
    value=any_value,
    units=any_text,
    type=st.one_of(st.sampled_from(["float", "int32", "uint8", "string"]), any_text),
    timestamp=st.one_of(st.just(1_800_000_000), any_value),
    kind=st.one_of(st.sampled_from(["g", "c", "ms", "h", "s"]), any_text),
    extra=st.none(),
)


def settings(name: str, **given: Any) -> SimpleNamespace:
    """Return settings for the output *name*: its defaults, and what is *given*."""
    shared: dict[str, Any] = {
        "metric_prefix": "",
        "metric_suffix": None,
        "timeout": 5.0,
        "confirm": True,
        "dry_run": False,
        "parser": "postfix",
        "log": "/var/log/mail.log",
        "tags": (),
    }
    own = {
        option.name: () if option.multiple and option.default is None else option.default
        for option in load_output(name).options
    }
    return SimpleNamespace(**(shared | own | given))


def output(name: str, **given: Any) -> Output:
    """Return the output *name* with the settings *given*."""
    made: Output = load_output(name)(settings(name, **given))
    return made


def outputs(name: str, **given: Any) -> list[Output]:
    """Return the output *name* once for each receiver that *given* settings name."""
    output_class = load_output(name)
    return [output_class(each) for each in output_class.receivers(settings(name, **given))]


def batch(time: int, *metrics: Metric) -> Batch:
    """Return a batch of *metrics* that all bear its *time*."""
    return Batch(time, tuple(metric._replace(timestamp=time) for metric in metrics))


class Recorder(http.server.ThreadingHTTPServer):
    """A server that keeps what it gets and answers what *answer* says of it."""

    def __init__(self, answer: Callable[[bytes], int], said: bytes) -> None:
        self.answer, self.said = answer, said
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
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
        self.server.paths.append(self.path)
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
