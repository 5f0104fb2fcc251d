"""Send the metrics to Graphite's carbon, as pickles."""

from collections.abc import Iterable, Iterator, Sequence
from struct import pack
from types import SimpleNamespace
from typing import ClassVar

from logster.metrics import Metric, number
from logster.options import Option
from logster.outputs.graphite import GraphiteOutput
from logster.transport import Tcp, Transport, parse_address


class GraphitePickleOutput(GraphiteOutput):
    """
    One tuple a metric, in lists of some hundred.

    A tuple is written here opcode by opcode: nothing is ever unpickled, and the
    metrics of a list need not be held twice.
    """

    kind = "graphite-pickle"
    options: ClassVar[tuple[Option, ...]] = (
        Option(
            ("--graphite-pickle-host",),
            "Host and port on which carbon takes pickles, e.g. graphite.example.com:2004.",
            metavar="HOST:PORT",
        ),
    )

    @classmethod
    def receivers(cls, settings: SimpleNamespace) -> list[SimpleNamespace]:
        """Return *settings*: their ``graphite_host`` is another output's."""
        return [settings]

    def reach(self) -> tuple[str, Transport]:
        """Return the receiver's name for messages, and the way to it."""
        self.place = self.required("graphite_pickle_host")
        address = parse_address(self.place, "--graphite-pickle-host")
        return f"graphite-pickle at {address}", Pickles(address, confirm=self.confirm)

    def encode(self, metric: Metric) -> bytes | None:
        """Return the opcodes of ``(NAME, (TIME, VALUE))``."""
        line = super().encode(metric)
        value, at = number(metric.value), number(metric.timestamp)
        if line is None or value is None or at is None:
            return None
        name = line.partition(b" ")[0]
        return b"X%bG%bG%b\x86\x86" % (
            pack("<I", len(name)) + name,
            pack(">d", at),
            pack(">d", value),
        )

    def preview(self, metrics: Iterable[Metric]) -> Iterator[str]:
        """Yield ``HOST:PORT NAME VALUE TIMESTAMP``, as Graphite's plaintext has it."""
        for metric in metrics:
            line = super().encode(metric)
            if line is not None:
                yield f"{self.place} {line.decode().rstrip()}"


class Pickles(Tcp):
    """A stream of pickled lists, each behind its length."""

    def send(self, lines: Sequence[bytes], deadline: float) -> int:
        """Hand over *lines*; carbon takes a list of a megabyte at most."""
        return super().send(list(map(framed, portions(lines))), deadline)


def portions(lines: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    """Yield *lines* in portions of two hundred."""
    return (lines[start : start + 200] for start in range(0, len(lines), 200))


def framed(items: Sequence[bytes]) -> bytes:
    r"""
    Return the pickled list of *items*, behind its length.

    >>> framed([])
    b'\x00\x00\x00\x06\x80\x02](e.'
    """
    body = b"\x80\x02](" + b"".join(items) + b"e."
    return pack("!L", len(body)) + body
