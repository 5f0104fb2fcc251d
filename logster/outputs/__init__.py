"""
What an output is: an encoder, and a transport that takes its bytes away.

A new destination is a module here whose class derives from `Output`: its
options, how a metric becomes a line (`encode`), and where lines go
(`transport`). The command line finds it by the name of the module:
``-o graphite-pickle`` is `logster.outputs.graphite_pickle.GraphitePickleOutput`.
"""

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from types import SimpleNamespace
from typing import Any, ClassVar, NamedTuple

from logster.errors import OutputError
from logster.metrics import Batch, Metric, joined
from logster.options import Option
from logster.transport import Transport


class Owing(Enum):
    """
    What a receiver that was away is owed when it comes back.

    Attributes:
        EACH: Every batch with its own time, oldest first (Graphite).

        SUM: One batch: the newest gauges, counters added up (StatsD).

        TOTAL: The newest gauges, and counters since the job began (Prometheus).
    """

    EACH = "each"
    SUM = "sum"
    TOTAL = "total"


class Receipt(NamedTuple):
    """
    What became of the batches handed to an output.

    Attributes:
        delivered: How many of them, from the first, the receiver has.

        refused: Metrics that this backend cannot take (not a number, no name left).

        error: Why the rest was not delivered, or None.
    """

    delivered: int
    refused: int = 0
    error: OutputError | None = None


class Output:
    """
    Base class of the built-in outputs.

    Args:
        settings: Values of all options, the outputs' own and the shared ones:
            ``metric_prefix``, ``metric_suffix``, ``timeout``, ``confirm``.

    Attributes:
        options: The options of this output.

        separator: Joins prefix, name and suffix.

        owing: What the receiver is owed after an outage.

        target: Names the receiver, in messages and in the journal; holds no secret.
    """

    options: ClassVar[tuple[Option, ...]] = ()
    separator: ClassVar[str] = "."
    owing: ClassVar[Owing] = Owing.EACH
    batches_at_once: ClassVar[int] = 1000

    target: str
    transport: Transport

    def __init__(self, settings: SimpleNamespace) -> None:
        self.settings = settings

    def clean(self, name: str) -> str:
        """Return *name* with everything replaced that this backend gives a meaning of its own."""
        raise NotImplementedError

    def name_of(self, metric: Metric) -> str:
        """Return the full name of *metric*, prefix and suffix included, clean."""
        full = joined(
            self.settings.metric_prefix, metric.name, self.settings.metric_suffix, self.separator
        )
        return self.clean(full)

    def encode(self, metric: Metric) -> bytes | None:
        """Return *metric* as the backend reads it, or None if it cannot be sent. Pure."""
        raise NotImplementedError

    def preview(self, metrics: Iterable[Metric]) -> Iterator[str]:
        """Yield the lines that ``--dry-run`` prints for *metrics*."""
        for metric in metrics:
            line = self.encode(metric)
            if line is not None:
                yield line.decode("utf-8", "replace").rstrip("\n")

    def deliver(self, batches: Sequence[Batch]) -> Receipt:
        """
        Hand *batches* to the receiver, oldest first.

        Never raises for what a receiver does; the receipt says how far it got.
        """
        refused = delivered = 0
        while delivered < len(batches):
            chunk = batches[delivered : delivered + self.batches_at_once]
            metrics = [metric for batch in chunk for metric in batch.metrics]
            lines = [line for line in map(self.encode, metrics) if line is not None]
            try:
                if lines:
                    self.transport.send(lines)
            except OutputError as error:
                return Receipt(delivered, refused, error)
            refused += len(metrics) - len(lines)
            delivered += len(chunk)
        return Receipt(delivered, refused)


def describe(output: Any) -> str:
    """Return the name under which messages speak of *output*."""
    return str(getattr(output, "target", None) or type(output).__name__)
