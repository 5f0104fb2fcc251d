"""Print the metrics, one a line: TIMESTAMP NAME VALUE."""

import os
from collections.abc import Sequence
from typing import ClassVar

from logster.errors import OutputError
from logster.metrics import Metric, number, text
from logster.options import Option
from logster.outputs import Output
from logster.transport import Transport, reason


class Descriptor:
    """Writes to an open file descriptor, past any buffer that could hold a lie."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def send(self, lines: Sequence[bytes], deadline: float) -> int:
        """Write *lines*, all of them; a reader that has gone has had enough."""
        view = memoryview(b"".join(lines))
        try:
            while view:
                view = view[os.write(self.descriptor, view) :]
        except BrokenPipeError:
            pass
        except OSError as error:
            raise OutputError(reason(error)) from error
        return 0


class StdoutOutput(Output):
    """Print one line a metric, as 1.x does."""

    kind = "stdout"
    options: ClassVar[tuple[Option, ...]] = (
        Option(
            ("--stdout-separator",),
            "Joins prefix, name and suffix.",
            default="_",
            metavar="CHAR",
        ),
    )

    def prepare(self) -> None:
        """Take the separator from the settings."""
        self.separator = self.settings.stdout_separator

    def reach(self) -> tuple[str, Transport]:
        """Return standard output."""
        return "stdout", Descriptor(1)

    def clean(self, name: str) -> str:
        """Return *name* as one word: no blank, no control character."""
        return "".join("_" if c.isspace() or not c.isprintable() else c for c in name)

    def encode(self, metric: Metric) -> bytes | None:
        """Return the line of *metric*; a value may be text, as in 1.x."""
        name = self.name_of(metric)
        if not name or (number(metric.value) is None and not isinstance(metric.value, str)):
            return None
        value, timestamp = self.clean(text(metric.value)), self.clean(str(metric.timestamp))
        return f"{timestamp} {name} {value}\n".encode()
