"""Print the metrics as a Munin plugin does: values, or the configuration of the graph."""

import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, ClassVar

from logster.metrics import Metric
from logster.options import Option
from logster.outputs import Output, Owing, digits, shortened
from logster.outputs._names import by_name
from logster.outputs.stdout import Descriptor


if TYPE_CHECKING:  # who only prints needs no sockets
    from logster.transport import Transport


_UNSAFE = re.compile(r"\W", re.ASCII)
_LABEL = re.compile(r"[^ -~]|[#\\]")


class MuninOutput(Output):
    """
    One line a metric, ``FIELD.value NUMBER``; several of them describe the graph.

    Counts that get one field add up; of gauges the first has it, and the others are refused.
    """

    kind = "munin"
    options: ClassVar[tuple[Option, ...]] = (
        Option(
            ("--munin-config",),
            "Print the configuration of the graph; with --dry-run, as `config` of a plugin.",
            default=False,
            type=bool,
        ),
        Option(("--munin-title",), "Title of the graph.", metavar="TEXT"),
        Option(("--munin-category",), "Category of the graph.", default="logs", metavar="NAME"),
    )
    separator = "_"
    owing = Owing.SUM

    def prepare(self) -> None:
        """Take the graph's title from the settings."""
        title = getattr(self.settings, "munin_title", None)
        self.title = title or getattr(self.settings, "parser", None) or "logster"
        self.config = bool(getattr(self.settings, "munin_config", False))

    def reach(self) -> tuple[str, "Transport"]:
        """Return standard output."""
        return "munin (stdout)", Descriptor(1)

    def clean(self, name: str) -> str:
        """
        Return *name* as a field: letters, digits and ``_``, no digit in front.

        >>> MuninOutput.clean(None, "5xx.rate")
        '_5xx_rate'
        """
        name = _UNSAFE.sub("_", name)
        return shortened(f"_{name}" if name[:1].isdigit() else name, 60)

    def encode(self, metric: Metric) -> bytes | None:
        """Return the line of *metric*, or the lines that describe its field."""
        name, value = self.name_of(metric), digits(metric.value)
        if not name or value is None:
            return None
        if not self.config:
            return f"{name}.value {value}\n".encode()
        kind = "ABSOLUTE" if metric.kind == "c" else "GAUGE"
        said = f"{name}.label {_label(metric.name)}\n{name}.type {kind}\n"
        return f"{said}{name}.info {_label(metric.units or metric.name)}\n".encode()

    def encoded(self, metrics: Iterable[Metric]) -> tuple[list[bytes], int]:
        """Return the lines of *metrics*, behind those that describe the graph."""
        fields, refused = by_name(metrics, self.name_of)
        lines, unfit = super().encoded(fields.values())
        if self.config:
            category = getattr(self.settings, "munin_category", None) or "logs"
            head = f"graph_title {_label(self.title)}\ngraph_category {_label(category)}\n"
            lines.insert(0, head.encode())
        return lines, refused + unfit

    def preview(self, metrics: Iterable[Metric]) -> Iterator[str]:
        """Yield what a run would print."""
        for line in super().preview(metrics):
            yield from line.split("\n")


def _label(text: str) -> str:
    return _LABEL.sub("_", text)[:200] or "_"
