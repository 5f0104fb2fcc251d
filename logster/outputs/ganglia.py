"""Hand the metrics to Ganglia's gmetric, one call each, never through a shell."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar

from logster.errors import ConfigurationError, OutputError
from logster.metrics import Metric, text
from logster.options import Option
from logster.outputs import Output, Owing, digits, shortened
from logster.transport import Transport, left, reason, run_program


GMETRIC = "/usr/bin/gmetric"

_NAME = re.compile(r"[^\w.\-]", re.ASCII)
_TEXT = re.compile(r"""[^ -~]|["'<>&\\$`]""")
_WHOLE = {
    f"{sign}int{bits}": ((-(1 << bits - 1), 1 << bits - 1) if not sign else (0, 1 << bits))
    for sign in ("", "u")
    for bits in (8, 16, 32)
}


class Gmetric:
    """Runs a command for each line: its arguments, joined by NUL."""

    def send(self, lines: Sequence[bytes], deadline: float) -> int:
        """Run the command of each of *lines*."""
        try:
            for line in lines:
                run_program(line.decode().split("\0"), b"", left(deadline))
        except TimeoutError as error:
            raise OutputError(reason(error)) from error
        return 0


class GangliaOutput(Output):
    """One call of gmetric a metric; Ganglia gives it the time at which it comes."""

    kind = "ganglia"
    stem = "gmetric"
    options: ClassVar[tuple[Option, ...]] = (
        Option(
            ("--gmetric-options",),
            "Options to pass to gmetric.",
            default="-d 180 -c /etc/ganglia/gmond.conf",
        ),
    )
    separator = "_"
    owing = Owing.SUM

    def prepare(self) -> None:
        """Split the options for gmetric as a shell would."""
        import shlex  # noqa: PLC0415

        self.given = self.settings.gmetric_options
        try:
            self.arguments = shlex.split(self.given)
        except ValueError as error:
            raise ConfigurationError(
                f"--gmetric-options {self.given!r} cannot be split into words: {error}."
            ) from error

    def reach(self) -> tuple[str, Transport]:
        """Return the way to Ganglia."""
        return f"ganglia ({' '.join([GMETRIC, *self.arguments])})", Gmetric()

    def clean(self, name: str) -> str:
        """
        Return *name* as Ganglia can make a file name of it.

        >>> GangliaOutput.clean(None, "web 1_$(id)/5xx")
        'web_1___id__5xx'
        """
        return shortened(_NAME.sub("_", name), 200)

    def encode(self, metric: Metric) -> bytes | None:
        """Return the command of *metric*: arguments joined by NUL."""
        fields = self._fields(metric)
        if fields is None:
            return None
        pairs = zip(("--name", "--value", "--type", "--units"), fields, strict=True)
        words = (word for pair in pairs for word in pair)
        return "\0".join([GMETRIC, *self.arguments, *words]).encode()

    def preview(self, metrics: Iterable[Metric]) -> Iterator[str]:
        """Yield each command as a shell would take it, in the form that 1.x printed."""
        from shlex import quote  # noqa: PLC0415

        for fields in map(self._fields, metrics):
            if fields is not None:
                name, value, kind, units = fields
                yield (
                    f"{GMETRIC} {self.given} --name {name} --value {quote(value)} "
                    f'--type {kind} --units "{units}"'
                )

    def _fields(self, metric: Metric) -> tuple[str, str, str, str] | None:
        """Return name, value, type and units of *metric*, or None if it cannot be sent."""
        name, kind, value = self.name_of(metric), metric.type, digits(metric.value)
        if kind == "string":
            value = _TEXT.sub("_", text(metric.value))[:1000]
        elif kind in _WHOLE and value is not None:
            low, high = _WHOLE[kind]
            if not value.lstrip("-").isdecimal() or not low <= int(value) < high:
                kind = "double"  # gmetric would refuse it
        elif kind != "double":
            kind = "float"
        if not name or not value:
            return None
        return name, value, kind, _TEXT.sub("_", metric.units)[:200]
