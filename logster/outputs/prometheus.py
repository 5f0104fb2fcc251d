"""Give the metrics to Prometheus: a file for node_exporter, or a Pushgateway."""

import os
import re
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Iterator, Sequence
from typing import ClassVar
from urllib.parse import quote

from logster.errors import ConfigurationError, OutputError
from logster.metrics import Metric, MetricInfo, info_of, number
from logster.options import Option
from logster.outputs import Output, Owing
from logster.outputs._http import Http, parse_url
from logster.outputs._names import by_name
from logster.transport import Transport, reason


_UNSAFE = re.compile(r"[^A-Za-z0-9_:]")
_TIMED = {"ms", "h"}

#: What a Pushgateway puts its own value in place of, without a word, and where that comes from.
_GROUPING = {"job": "--prometheus-job", "instance": "the name of the host"}


class PrometheusOutput(Output):
    """
    A page of all metrics, with help and type, without times.

    Counts are counters: they go on from run to run and end in ``_total``. Of timers
    and histograms the page has the mean of the run, of a set how many it holds. Counts
    that get one name add up; of gauges the first has it, and the others are refused.
    """

    kind = "prometheus"
    options: ClassVar[tuple[Option, ...]] = (
        Option(
            ("--prometheus-path",),
            "File for node_exporter's textfile collector; its name must end in .prom.",
            metavar="FILE",
        ),
        Option(("--prometheus-url",), "Address of a Pushgateway.", metavar="URL"),
        Option(
            ("--prometheus-job",),
            "Value of the label job at the Pushgateway, which keeps one value of a metric for a "
            "job and a host: two logs with the same metrics need two.",
            default="logster",
            metavar="NAME",
        ),
        Option(("--prometheus-ca",), "File of the certificates to trust.", metavar="FILE"),
    )
    separator = "_"
    owing = Owing.TOTAL

    def prepare(self) -> None:
        """Take labels and the parser's catalogue from the settings."""
        tags = self.named_tags(self._label)
        inside = ",".join(f'{name}="{_escaped(value)}"' for name, value in tags)
        self.labels = f"{{{inside}}}" if inside else ""
        catalogue = getattr(self.settings, "catalogue", None)
        self.catalogue: Sequence[MetricInfo] = catalogue() if catalogue else ()

    def reach(self) -> tuple[str, Transport]:
        """Return the receiver's name for messages, and the way to it."""
        path = getattr(self.settings, "prometheus_path", None)
        given = getattr(self.settings, "prometheus_url", None)
        if bool(path) == bool(given):
            raise ConfigurationError(
                "You must supply either --prometheus-path or --prometheus-url "
                "when using 'prometheus' as an output type."
            )
        if path:
            if not path.endswith(".prom"):
                raise ConfigurationError(
                    f"--prometheus-path {path} must end in .prom; node_exporter reads no other."
                )
            return f"prometheus at {path}", Page(path)
        self._refuse_grouping_tags()
        url = parse_url(str(given), "--prometheus-url")
        job = getattr(self.settings, "prometheus_job", None) or "logster"
        instance = os.uname().nodename
        place = f"{url}/metrics/{_in_path('job', job)}/{_in_path('instance', instance)}"
        http = Http(
            place,
            headers={"Content-Type": "text/plain; version=0.0.4"},
            authorities=getattr(self.settings, "prometheus_ca", None),
            lines_at_once=1 << 30,  # the page is one thing
        )
        return f"prometheus at {url} (job {job})", http

    def _refuse_grouping_tags(self) -> None:
        """
        Look for tags that a Pushgateway would drop.

        Raises:
            ConfigurationError: If there is one.
        """
        for label, source in _GROUPING.items():
            if label in self.sent_tags:
                given = self.sent_tags[label]
                raise ConfigurationError(
                    f"--tag {given!r} cannot be: at a Pushgateway the label {label} is {source}. "
                    "Nothing was read or sent."
                )

    def clean(self, name: str) -> str:
        """
        Return *name* in letters, digits, ``_`` and ``:``, no digit in front.

        >>> PrometheusOutput.clean(None, "5xx.rate")
        '_5xx_rate'
        """
        name = _UNSAFE.sub("_", name)
        return f"_{name}" if name[:1].isdigit() else name

    def _label(self, name: str) -> str:
        """
        Return *name* as that of a label.

        Raises:
            ConfigurationError: If it begins with what Prometheus keeps to itself.
        """
        label = self.clean(name).replace(":", "_")
        if label.startswith("__"):
            raise ConfigurationError(
                f"--tag {name!r} cannot be: {self.kind} keeps names that begin with __ to itself. "
                "Nothing was read or sent."
            )
        return label

    def name_of(self, metric: Metric) -> str:
        """Return the name of the family of *metric*; that of a counter ends in ``_total``."""
        name = super().name_of(metric)
        return f"{name}_total" if name and metric.kind == "c" and name[-6:] != "_total" else name

    def encode(self, metric: Metric) -> bytes | None:
        """Return the sample of *metric*, under its help and type."""
        name, value = self.name_of(metric), number(metric.value)
        if not name or value is None:
            return None
        kind = "counter" if metric.kind == "c" else "gauge"
        info = info_of(metric, self.catalogue)
        said = (info.help if info else "") or metric.units or "From a log, by logster"
        head = f"# HELP {name} {_escaped(said, quotes=False)}\n# TYPE {name} {kind}\n"
        return f"{head}{name}{self.labels} {float(value)!r}\n".encode()

    def encoded(self, metrics: Iterable[Metric]) -> tuple[list[bytes], int]:
        """Return the page of *metrics*: each family once, sorted by name."""
        families, refused = by_name(_folded(metrics), self.name_of)
        lines, unfit = super().encoded(families[name] for name in sorted(families))
        return lines, refused + unfit

    def preview(self, metrics: Iterable[Metric]) -> Iterator[str]:
        """Yield the page, line by line."""
        for family in super().preview(metrics):
            yield from family.split("\n")


class Page:
    """A file that readers see either as it was or as it will be."""

    def __init__(self, path: str) -> None:
        self.path = path

    def send(self, lines: Sequence[bytes], deadline: float) -> int:
        """Put *lines* in place of what the file held."""
        folder, name = os.path.split(self.path)
        beside = os.path.join(folder, f".{name}.{os.getpid()}")
        # What a killed run left: in a container all runs may have the same number.
        _remove(beside)
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
            with os.fdopen(os.open(beside, flags, 0o644), "wb") as file:
                os.fchmod(file.fileno(), 0o644)  # node_exporter reads it, whatever our umask is
                file.write(b"".join(lines))
            os.replace(beside, self.path)
        except OSError as error:
            if not isinstance(error, FileExistsError):
                _remove(beside)
            raise OutputError(reason(error)) from error
        return 0


def _in_path(label: str, value: str) -> str:
    """Return *label* and *value* as the Pushgateway's path has them; a slash needs base64."""
    if "/" not in value:
        return f"{label}/{quote(value, safe='')}"
    return f"{label}@base64/{urlsafe_b64encode(value.encode()).decode()}"


def _remove(path: str) -> None:
    try:
        os.unlink(path)
    except OSError:
        return


def _folded(metrics: Iterable[Metric]) -> Iterator[Metric]:
    """Yield *metrics* with the values of a timer as their mean, those of a set as their number."""
    many: dict[tuple[str, str], list[Metric]] = {}
    for metric in metrics:
        if metric.kind in _TIMED or metric.kind == "s":
            many.setdefault((metric.name, metric.kind), []).append(metric)
        else:
            yield metric
    for (_, kind), group in many.items():
        if kind == "s":
            yield group[-1]._replace(value=len({str(each.value) for each in group}))
            continue
        values = [value for each in group if (value := number(each.value)) is not None]
        yield group[-1]._replace(value=sum(values) / len(values) if values else "none")


def _escaped(text: str, *, quotes: bool = True) -> str:
    text = text.replace("\\", "\\\\").replace("\n", "\\n")
    text = text.replace('"', '\\"') if quotes else text
    return "".join(c if c.isprintable() else " " for c in text)
