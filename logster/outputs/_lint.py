"""What would go wrong with some metrics at some output, said before anything is sent."""

import re
from collections.abc import Iterable, Iterator

from logster.metrics import Metric, joined, number
from logster.outputs import Output


#: What most installations of Graphite keep: one point a minute.
STEP_SECONDS = 60

#: What `shortened` puts at the end of a name, or of a part of a path.
_CUT = re.compile(r"_([0-9a-f]{12})(?![^.])")

#: What stands between words; a backend may have but one of them.
_ORDINARY = re.compile(r"[._\-]+")

_DATED = {"graphite", "graphite-pickle"}
#: Those that know a point by its name and its very time.
_KEYED = {"influxdb", "opentsdb", "datadog", "collectd"}


def lint(output: Output, metrics: Iterable[Metric], step: int = STEP_SECONDS) -> list[str]:
    """
    Return a sentence for each thing about *metrics* that *output* would surprise with.

    Args:
        output: Where they would go; an encoder is enough.

        metrics: As a parser gave them, with their timestamps.

        step: Seconds between two points that Graphite keeps.
    """
    metrics = list(metrics)
    checks = (
        *(_unsendable, _renamed, _cleaned, _retagged, _colliding),
        *(_crowded, _overwritten, _signed, _stale),
    )
    return [warning for check in checks for warning in check(output, metrics, step)]


def _unsendable(output: Output, metrics: list[Metric], _: int) -> Iterator[str]:
    """Find what is no number, has no name left, or makes too long a line."""
    for metric in metrics:
        line = output.encode(metric)
        if line is not None and len(line) > output.line_bytes:
            yield (
                f"{_shown(metric.name)} is not sent: its line has {len(line)} bytes, "
                f"and {output.kind} takes {output.line_bytes}."
            )
        elif line is None and not output.name_of(metric):
            yield f"{_shown(metric.name)} is not sent: nothing of its name is left."
        elif line is None:
            yield f"{_shown(metric.name)} is not sent: {_shown(metric.value)} is not its value."


def _renamed(output: Output, metrics: list[Metric], _: int) -> Iterator[str]:
    """Find names that are cut."""
    for name in dict.fromkeys(metric.name for metric in metrics):
        whole, sent = _whole(output, name), output.name_of(Metric(name, 0))
        if _is_cut(whole, sent):
            yield f"{_shown(name)} is too long for {output.kind} and becomes {_shown(sent)}."


def _cleaned(output: Output, metrics: list[Metric], _: int) -> Iterator[str]:
    """Say once that names are changed; that some backends know no dot or dash surprises nobody."""
    changed = {}
    for metric in metrics:
        whole, sent = _whole(output, metric.name), output.name_of(metric)
        if _folded(whole) in _folded(sent) or _is_cut(whole, sent):
            continue
        if output.encode(metric) is not None:
            changed[whole] = sent
    if changed:
        whole, sent = next(iter(changed.items()))
        count = f" Names that change: {len(changed)}." if len(changed) > 1 else ""
        yield f"{_shown(whole)} is sent as {_shown(sent)}.{count}"


def _is_cut(whole: str, sent: str) -> bool:
    return any(digest not in whole for digest in _CUT.findall(sent))


def _whole(output: Output, name: str) -> str:
    """Return *name* as it was meant to be, between prefix and suffix."""
    return joined(output.prefix, name, output.suffix, output.separator)


def _folded(name: str) -> str:
    return _ORDINARY.sub("_", name)


def _retagged(output: Output, _: list[Metric], __: int) -> Iterator[str]:
    """Find tags that are sent under another name."""
    for sent, given in output.sent_tags.items():
        if sent != given:
            yield f"The tag {_shown(given)} becomes {_shown(sent)}."


def _colliding(output: Output, metrics: list[Metric], _: int) -> Iterator[str]:
    """Find names that become one."""
    found: dict[str, dict[str, None]] = {}
    for metric in metrics:
        found.setdefault(output.name_of(metric), {})[metric.name] = None
    for sent, names in found.items():
        if len(names) > 1 and sent:
            yield f"{' and '.join(map(_shown, names))} become one: {_shown(sent)}."


def _crowded(output: Output, metrics: list[Metric], step: int) -> Iterator[str]:
    """Find points of which Graphite would keep only the last."""
    if output.kind in _DATED:
        for name in _repeated(output, metrics, step):
            yield (
                f"{_shown(name)} has several points within {step} s: "
                "Graphite may keep only the last."
            )


def _overwritten(output: Output, metrics: list[Metric], _: int) -> Iterator[str]:
    """Find points that are one to a receiver, since they share name and time."""
    if output.kind in _KEYED:
        for name in _repeated(output, metrics, 0):
            yield f"{_shown(name)} has several points at one time: {output.kind} keeps one of them."


def _repeated(output: Output, metrics: list[Metric], step: int) -> Iterable[str]:
    """Return the names with several points in one step of so many seconds, or at one time."""
    found: dict[tuple[str, float], int] = {}
    for metric in metrics:
        at = number(metric.timestamp)
        if at is not None and output.encode(metric) is not None:
            key = (output.name_of(metric), at // step if step else at)
            found[key] = found.get(key, 0) + 1
    return dict.fromkeys(name for (name, _), count in found.items() if count > 1)


def _signed(output: Output, metrics: list[Metric], _: int) -> Iterator[str]:
    """Find gauges below zero."""
    if output.kind != "statsd":
        return
    for metric in metrics:
        value = number(metric.value)
        if metric.kind == "g" and value is not None and value < 0:
            yield f"{_shown(metric.name)} is below zero: StatsD is told 0 first, then {value:g}."


def _stale(output: Output, metrics: list[Metric], _: int) -> Iterator[str]:
    """Say once what becomes of gauges that no later run sends."""
    if output.kind == "statsd" and any(metric.kind == "g" for metric in metrics):
        yield "StatsD repeats a gauge at every flush until it gets another (see its deleteGauges)."


def _shown(text: object) -> str:
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in str(text))
    return text if len(text) <= 60 else f"{text[:57]}..."
