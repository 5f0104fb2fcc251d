"""Print the metrics, one a line: TIMESTAMP NAME VALUE."""

import os
from collections.abc import Sequence
from types import SimpleNamespace
from typing import ClassVar

from logster.errors import OutputError
from logster.metrics import Metric, text
from logster.options import Option
from logster.outputs import Output
from logster.transport import reason


class Descriptor:
    """Writes to an open file descriptor, past any buffer that could hold a lie."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def send(self, lines: Sequence[bytes]) -> None:
        """Write *lines*, all of them."""
        view = memoryview(b"".join(lines))
        try:
            while view:
                view = view[os.write(self.descriptor, view) :]
        except OSError as error:
            raise OutputError(reason(error)) from error


class StdoutOutput(Output):
    """Print one line a metric, as 1.x does."""

    options: ClassVar[tuple[Option, ...]] = (
        Option(
            ("--stdout-separator",),
            "Joins prefix, name and suffix.",
            default="_",
            metavar="CHAR",
        ),
    )

    def __init__(self, settings: SimpleNamespace) -> None:
        super().__init__(settings)
        self.separator = settings.stdout_separator  # type: ignore[misc] # here it is an option
        self.target = "stdout"
        self.transport = Descriptor(1)

    def clean(self, name: str) -> str:
        """Return *name* as one word: no blank, no control character."""
        return "".join("_" if c.isspace() or not c.isprintable() else c for c in name)

    def encode(self, metric: Metric) -> bytes | None:
        """Return the line of *metric*."""
        value = self.clean(text(metric.value))
        line = f"{metric.timestamp} {self.name_of(metric)} {value}\n"
        return line.encode("utf-8", "replace")
