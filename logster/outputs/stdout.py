"""Print the metrics, one a line: TIMESTAMP NAME VALUE."""

import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from logster.errors import OutputError
from logster.metrics import Metric, number, text
from logster.options import Option
from logster.outputs import Output, printable
from logster.outputs._borrowed import TEXTS, borrowed


if TYPE_CHECKING:  # who only prints needs no sockets
    from logster.transport import Transport


class Descriptor:
    """
    Writes to an open file descriptor, past any buffer that could hold a lie.

    Args:
        descriptor: Its number; a negative one stands for standard output that is closed.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    def send(self, lines: Sequence[bytes], deadline: float) -> int:
        """Write *lines*, all of them; a reader that has gone has had enough."""
        if self.descriptor < 0:
            raise OutputError("standard output is closed")
        view = memoryview(b"".join(lines))
        try:
            while view:
                view = view[os.write(self.descriptor, view) :]
        except BrokenPipeError:
            pass
        except OSError as error:
            raise OutputError(os.strerror(error.errno or 0)) from error
        return 0


#: Timestamp, name, value, units and kind of a metric.
Row = tuple[str, str, str, str, str]

#: What `--stdout-format` can be, besides 1.x's own lines.
_FORMATS = ("table", "json", "csv")


class StdoutOutput(Output):
    """Print one line a metric, as 1.x does, or in another format."""

    kind = "stdout"
    options: ClassVar[tuple[Option, ...]] = (
        Option(
            ("--stdout-separator",),
            "Joins prefix, name and suffix.",
            default="_",
            metavar="CHAR",
        ),
        Option(
            ("--stdout-format", "--format"),
            "What to print: 1.x's lines, a table, JSON lines, CSV, or another output's lines.",
            default="lines",
            choices=("lines", *_FORMATS, *TEXTS),
        ),
    )

    def prepare(self) -> None:
        """Take separator and format from the settings."""
        self.separator = self.settings.stdout_separator
        self.format = getattr(self.settings, "stdout_format", "lines")
        self.borrowed: Output | None = None
        if self.format in TEXTS:
            self.borrowed = borrowed(self.format, self.settings)
            self.sent_tags, self.owing = self.borrowed.sent_tags, self.borrowed.owing

    def reach(self) -> tuple[str, "Transport"]:
        """Return standard output."""
        # Closed when the process began (>&-), its number may by now be that of another file.
        return "stdout", Descriptor(-1 if sys.stdout is None else 1)

    def clean(self, name: str) -> str:
        """Return *name* as one word: no blank, no control character."""
        return printable(name).replace(" ", "_")

    def encode(self, metric: Metric) -> bytes | None:
        """Return the line of *metric*; a value may be text, as in 1.x."""
        fields = self._fields(metric)
        return None if fields is None else f"{fields[0]} {fields[1]} {fields[2]}\n".encode()

    def encoded(self, metrics: Iterable[Metric]) -> tuple[list[bytes], int]:
        """Return what is printed for *metrics*, in the format asked for."""
        if self.borrowed:
            return self.borrowed.encoded(metrics)
        if self.format == "lines":
            return super().encoded(metrics)
        found = list(map(self._fields, metrics))
        rows = [row for row in found if row is not None]
        return [_FORMATTERS[self.format](rows)] if rows else [], len(found) - len(rows)

    def preview(self, metrics: Iterable[Metric]) -> Iterator[str]:
        """Yield what a run would print, line by line."""
        for line in super().preview(metrics):
            yield from line.split("\n")

    def _fields(self, metric: Metric) -> Row | None:
        """Return time, name, value, units and kind of *metric*, each in one line."""
        name = self.name_of(metric)
        if not name or (number(metric.value) is None and not isinstance(metric.value, str)):
            return None
        value, timestamp = self.clean(text(metric.value)), self.clean(str(metric.timestamp))
        units = " ".join(map(self.clean, metric.units.split()))
        return timestamp, name, value, units, self.clean(metric.kind)


def _table(rows: Sequence[Row]) -> bytes:
    from logster.table import table  # noqa: PLC0415

    cells = [(name, value, units) for _, name, value, units, _ in rows]
    return f"{table(('metric', 'value', 'unit'), cells, right=[1])}\n".encode()


def _json(rows: Sequence[Row]) -> bytes:
    from json import dumps  # noqa: PLC0415

    heads = ("timestamp", "name", "value", "units", "kind")
    lines = []
    for row in rows:
        record: dict[str, object] = dict(zip(heads, row, strict=True))
        for key in ("timestamp", "value"):
            found = number(record[key])
            whole = found is not None and float(found).is_integer() and abs(found) < 1 << 53
            record[key] = record[key] if found is None else int(found) if whole else found
        lines.append(dumps(record) + "\n")
    return "".join(lines).encode()


def _csv(rows: Sequence[Row]) -> bytes:
    import csv  # noqa: PLC0415
    import io  # noqa: PLC0415

    page = io.StringIO()
    writer = csv.writer(page, lineterminator="\n")
    writer.writerow(("timestamp", "name", "value", "units", "kind"))
    writer.writerows(rows)
    return page.getvalue().encode()


_FORMATTERS = {"table": _table, "json": _json, "csv": _csv}
