"""
The figures a parser derives, and how their names and values are written.

No input and no output; of the clock only what `run_time` says, the same for all of a run.
"""

import math
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple


#: Metric kinds, as StatsD writes them: gauge, counter, timer (ms), histogram, set.
KINDS = ("g", "c", "ms", "h", "s")

_UNSAFE = re.compile(r"[^\w.\-]")
_VARYING = re.compile(r"\{[^{}]*\}")
_DECIMAL = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?\Z", re.ASCII)


class Metric(NamedTuple):
    """
    One figure of one run.

    An immutable record that survives the journal unchanged: it holds only what
    JSON can hold.

    Attributes:
        name: Name as the parser gave it, without prefix or suffix.

        value: A number; a 1.x parser may also give text.

        units: Free text, for example ``"Responses per sec"``.

        type: Ganglia's value type, for example ``"float"`` or ``"int32"``.

        timestamp: Seconds since the epoch, or None for the time of the run.

        kind: One of `KINDS`.

        extra: Further attributes that a 1.x parser set on its metric.
    """

    name: str
    value: float | str
    units: str = ""
    type: str = "float"
    timestamp: float | str | None = None
    kind: str = "g"
    extra: dict[str, Any] | None = None


class MetricInfo(NamedTuple):
    """
    What a parser's catalogue says of one metric.

    Attributes:
        name: Name of the metric; a part that varies stands in braces: ``status_{code}``.

        units: Free text, as in `Metric`.

        kind: One of `KINDS`.

        help: One line, for people.
    """

    name: str
    units: str
    kind: str
    help: str

    def describes(self, name: str) -> bool:
        """
        Return whether a metric called *name* is this one.

        >>> MetricInfo("status_{code}", "", "c", "Requests by status.").describes("status_404")
        True
        """
        if "{" not in self.name:
            return name == self.name
        return bool(_template(self.name).fullmatch(name))


def info_of(metric: Metric, catalogue: Iterable[MetricInfo]) -> MetricInfo | None:
    """
    Return what *catalogue* says of *metric*, or None if it does not know it.

    Its own entry wins; then, of those whose name has parts that vary, one of its kind,
    and of these the one with the most fixed text.

    >>> names = ("{group}_{text}", "c"), ("{group}_p{percent}", "g"), ("{group}_p50", "g")
    >>> catalogue = [MetricInfo(name, "", kind, "") for name, kind in names]
    >>> [info_of(Metric(name, 1), catalogue).name for name in ("ms_p50", "ms_p95")]
    ['{group}_p50', '{group}_p{percent}']
    >>> info_of(Metric("method_post", 1, kind="c"), catalogue).name
    '{group}_{text}'
    """
    fitting = []
    for info in catalogue:
        if info.name == metric.name:
            return info
        if info.describes(metric.name):
            fitting.append((info.kind == metric.kind, len(_VARYING.sub("", info.name)), info))
    return max(fitting, key=lambda each: each[:2])[2] if fitting else None


class Batch(NamedTuple):
    """
    The metrics of one run, as they are owed to an output.

    Attributes:
        time: Seconds since the epoch; no two runs of a job share one.

        metrics: The figures, in the order in which the parser gave them.
    """

    time: int
    metrics: tuple[Metric, ...]


class MetricObject:
    """
    A figure as parsers of 1.x build it: open to change, and to more attributes.

    Args:
        name: Name without prefix or suffix.

        value: Any value that a backend understands: number, text or bool.

        units: Free text.

        type: Ganglia's value type.

        timestamp: Seconds since the epoch; the time of the run where left out.

        metric_type: One of `KINDS`.

        **attributes: Kept as attributes (forks of 1.x add ``slope=`` and others).

    >>> metric = MetricObject("http_5xx", 3, "Responses", slope="both")
    >>> metric.value += 1
    >>> metric.value, metric.type, metric.slope
    (4, 'float', 'both')
    """

    def __init__(
        self,
        name: str,
        value: Any,
        units: str = "",
        type: str = "float",  # noqa: A002 - the name 1.x gave it
        timestamp: float | str | None = None,
        metric_type: str = "g",
        **attributes: Any,
    ) -> None:
        self.name = name
        self.value = value
        self.units = units
        self.type = type
        self.timestamp = run_time() if timestamp is None else timestamp
        self.metric_type = metric_type
        self.__dict__.update(attributes)

    def __getattr__(self, name: str) -> Any:
        # Forks of 1.x read attributes such as `tags`, and fork-less parsers
        # skip this class's __init__: answer for what 1.x gave a default.
        try:
            return _DEFAULTS[name]
        except KeyError:
            raise AttributeError(name) from None

    if TYPE_CHECKING:

        def __setattr__(self, name: str, value: Any) -> None: ...

    def __repr__(self) -> str:
        return f"MetricObject({self.name!r}, {self.value!r})"


_DEFAULTS: dict[str, Any] = {
    "units": "",
    "type": "float",
    "timestamp": None,
    "metric_type": "g",
}

_clock: list[int] = []


def run_time() -> int:
    """Return the time that all metrics of this run share, in seconds since the epoch."""
    if not _clock:
        import time  # noqa: PLC0415

        _clock.append(int(time.time()))
    return _clock[0]


def set_run_time(timestamp: int) -> None:
    """Make *timestamp* the default of every `MetricObject` built from now on."""
    _clock[:] = [timestamp]


def to_metric(given: Any, timestamp: float) -> Metric:
    """
    Return what a parser handed over as a `Metric`.

    Args:
        given: A `Metric`, a `MetricObject`, or any object with a name and a value.

        timestamp: Stands in where the metric has none.

    >>> to_metric(MetricObject("up", True, timestamp=5), 9)
    Metric(name='up', value=1, units='', type='float', timestamp=5, kind='g', extra=None)
    """
    if isinstance(given, Metric):
        return given if given.timestamp is not None else given._replace(timestamp=timestamp)
    attributes = dict(getattr(given, "__dict__", {}))
    name, value = str(given.name), _plain(given.value)
    own_time = getattr(given, "timestamp", None)
    for known in ("name", "value", "units", "type", "timestamp", "metric_type"):
        attributes.pop(known, None)
    return Metric(
        name=name,
        value=value,
        units=str(getattr(given, "units", "")),
        type=str(getattr(given, "type", "float")),
        timestamp=timestamp if own_time is None else _plain(own_time),
        kind=str(getattr(given, "metric_type", "g")),
        extra={key: item for key, item in attributes.items() if _is_plain(item)} or None,
    )


def to_object(metric: Metric) -> MetricObject:
    """Return *metric* as the mutable object that outputs of 1.x expect."""
    return MetricObject(
        metric.name,
        metric.value,
        metric.units,
        metric.type,
        metric.timestamp,
        metric.kind,
        **(metric.extra or {}),
    )


def number(value: object) -> float | None:
    """
    Return *value* as a finite number, or None if it is not one.

    >>> number("12.50"), number(3), number("n/a"), number(float("nan")), number("1 2")
    (12.5, 3, None, None, None)
    >>> number(10**400)
    """
    if isinstance(value, str):
        value = float(value) if _DECIMAL.match(value) else None
    if isinstance(value, bool):
        return int(value)
    try:
        return value if isinstance(value, int | float) and math.isfinite(value) else None
    except OverflowError:  # an integer beyond every float
        return None


def text(value: float | str) -> str:
    """
    Return *value* as 1.x prints it.

    >>> text(1000), text(0.5), text("12")
    ('1000', '0.5', '12')
    """
    return str(value)


def joined(prefix: str, name: str, suffix: str | None, separator: str) -> str:
    """
    Return *name* between *prefix* and *suffix*.

    A separator that the prefix already ends with is kept, as in 1.x.

    >>> joined("web", "http_5xx", None, "."), joined("a.", "n", "z", ".")
    ('web.http_5xx', 'a..n.z')
    """
    if prefix:
        name = f"{prefix}{separator}{name}"
    return name if suffix is None else f"{name}{separator}{suffix}"


def plain_name(text: str) -> str:
    """
    Return a text of the log as it may stand in a name that no backend mistakes.

    Only letters, digits, ``_``, ``-`` and ``.`` stay; what else there is becomes
    ``_`` character by character, and so does an empty text.

    >>> plain_name("a|b:1"), plain_name("größe.10"), plain_name("")
    ('a_b_1', 'größe.10', '_')
    """
    return _UNSAFE.sub("_", text) or "_"


def printable_name(text: str) -> str:
    r"""
    Return *text* with ``_`` for what would tear a line apart, and all else as in 1.x.

    >>> printable_name("a b|c"), printable_name("a\nb\x00"), printable_name("")
    ('a b|c', 'a_b_', '_')
    """
    if text.isprintable():
        return text or "_"
    return "".join(letter if letter.isprintable() else "_" for letter in text)


def merged(batches: Iterable[Batch]) -> Batch:
    """
    Return one batch that stands for all *batches*, for a backend without timestamps.

    A newer gauge replaces an older one, counters add up, timers, histograms and
    sets all go.

    Args:
        batches: At least one, oldest first.

    >>> hit = Metric("hit", 1, kind="c")
    >>> merged([Batch(1, (hit, Metric("up", 0))), Batch(2, (hit, Metric("up", 1)))])
    ... # doctest: +ELLIPSIS
    Batch(time=2, metrics=(Metric(name='hit', value=2, ...), Metric(name='up', value=1, ...)))
    """
    latest: dict[tuple[object, ...], Metric] = {}
    time = 0
    for time, metrics in batches:  # noqa: B007 - the last one counts
        for metric in metrics:
            key: tuple[object, ...] = (metric.name, metric.kind)
            if metric.kind in {"ms", "h", "s"}:
                key = (*key, len(latest))
            elif metric.kind == "c" and key in latest:
                metric = _sum(latest[key], metric)  # noqa: PLW2901
            latest[key] = metric
    return Batch(time, tuple(latest.values()))


def _sum(older: Metric, newer: Metric) -> Metric:
    """Return *newer* with the value of *older* added, where both are numbers."""
    first, second = number(older.value), number(newer.value)
    if first is None or second is None:
        return newer if first is None else older
    return newer._replace(value=first + second)


@lru_cache(maxsize=256)
def _template(name: str) -> re.Pattern[str]:
    """Return the pattern of names that fit *name*, whose varying parts stand in braces."""
    fixed = _VARYING.split(name)
    return re.compile(".+".join(map(re.escape, fixed)), re.DOTALL)


def _plain(value: Any) -> Any:
    """Return *value* as one of the types that JSON holds exactly."""
    if isinstance(value, bool):
        return int(value)
    if type(value) in {int, float, str}:
        return value
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    try:
        return float(value)  # Decimal, Fraction, numpy
    except (TypeError, ValueError, OverflowError):
        return str(value)


def _is_plain(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_plain(item) for key, item in value.items())
    if isinstance(value, list | tuple):
        return all(map(_is_plain, value))
    return value is None or isinstance(value, int | float | str)
